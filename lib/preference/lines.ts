import { Buffer } from "node:buffer";
import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { UserError } from "../base/error.ts";

/** One record of a file with its place: the value read, or the reason why there is none. */
export type Row<T> =
  | { readonly line: number; readonly value: T }
  | { readonly line: number; readonly reason: string; readonly detail?: string };

/** Longest line held in memory; a longer one means that the file is not made of lines. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * The lines of a file, one after the other, numbered from 1; gzip (recognised by its first bytes,
 * several members included) is unpacked on the way.
 *
 * At most one chunk and one line are in memory. `\r\n` ends a line like `\n`, a byte order mark is
 * dropped, and a line that is not UTF-8 becomes a row with a reason.
 *
 * @throws {UserError} The file is missing, a folder, unreadable, empty, or its gzip data is damaged
 * or cut off; or a line is longer than 16 MiB.
 */
export async function* readLines(path: string): AsyncGenerator<Row<string>> {
  let line = 0;
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const finish = (): Row<string> => {
    const bytes = Buffer.concat(pending);
    pending = [];
    pendingBytes = 0;
    line++;
    try {
      const text = decoder.decode(bytes);
      return { line, value: text.endsWith("\r") ? text.slice(0, -1) : text };
    } catch {
      return { line, reason: "the line is not UTF-8 text" };
    }
  };
  for await (const chunk of readBytes(path)) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      pending.push(chunk.subarray(start, end));
      yield finish();
      start = end + 1;
    }
    if (start === chunk.length) continue;
    pending.push(chunk.subarray(start));
    pendingBytes += chunk.length - start;
    if (pendingBytes > MAX_LINE_BYTES) {
      throw new UserError(
        `${path} line ${line + 1} is longer than ${MAX_LINE_BYTES / 1024 / 1024} MiB`,
        "give one record per line, or say with `format` what kind of file this is",
      );
    }
  }
  if (pending.length > 0) yield finish();
}

/**
 * The bytes of a file in chunks, unpacked when the file is gzip.
 *
 * @throws {UserError} As {@linkcode readLines}.
 */
export async function* readBytes(path: string): AsyncGenerator<Uint8Array> {
  const packed = await isGzip(path);
  const file = createReadStream(path);
  // The callback of `pipeline` has nothing to do: iterating the last stream throws the same error.
  const stream: AsyncIterable<Uint8Array> = packed
    ? pipeline(file, createGunzip(), () => {})
    : file;
  let total = 0;
  try {
    for await (const chunk of stream) {
      total += chunk.length;
      yield chunk;
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && String(error.code).startsWith("Z_"))) {
      throw error;
    }
    throw new UserError(
      `${path}: the gzip data is damaged or cut off after ${total} unpacked bytes (${error.message})`,
      "fetch or copy the file again",
      { cause: error },
    );
  }
  if (total === 0) throw new UserError(`${path} is empty`, "give a file with preference pairs");
}

/** The first `chars` characters of a file (unpacked), to tell its format by. */
export async function readHead(path: string, chars = 65_536): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of readBytes(path)) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length >= chars) break;
  }
  return text.slice(0, chars);
}

/** A file's name without folder and endings: `a/pairs.jsonl.gz` is `pairs`. */
export function stem(path: string): string {
  return basename(path).replace(/\.gz$/i, "").replace(/\.(jsonl|ndjson|json|csv|tsv)$/i, "");
}

async function isGzip(path: string): Promise<boolean> {
  try {
    using file = await Deno.open(path);
    if ((await file.stat()).isDirectory) {
      throw new UserError(`"${path}" is a folder`, "name a file in it");
    }
    const magic = new Uint8Array(2);
    return await file.read(magic) === 2 && magic[0] === 0x1f && magic[1] === 0x8b;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new UserError(`there is no file "${path}"`, "check the path", { cause: error });
    }
    if (error instanceof Deno.errors.IsADirectory) {
      throw new UserError(`"${path}" is a folder`, "name a file in it", { cause: error });
    }
    if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
      throw new UserError(`"${path}" cannot be read: ${error.message}`, "allow reading it", {
        cause: error,
      });
    }
    throw error;
  }
}

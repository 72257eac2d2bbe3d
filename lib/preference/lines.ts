import { Buffer } from "node:buffer";
import { basename } from "node:path";
import { UserError } from "../base/error.ts";
import { readBytes } from "./bytes.ts";

/** One record of a file with its place: the value read, or the reason why there is none. */
export type Row<T> =
  | { readonly line: number; readonly value: T }
  | { readonly line: number; readonly reason: string; readonly detail?: string };

/** Longest line held in memory; a longer one means that the file is not made of lines. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
/** The reason of a line that cannot be decoded. */
export const NOT_UTF8 = "the line is not UTF-8 text";
const LF = 0x0a;
const CR = 0x0d;

/**
 * The lines of a file, one after the other, numbered from 1; gzip and zstd (recognised by their first bytes,
 * several members or frames included) are unpacked on the way.
 *
 * At most one chunk and one line are in memory. `\r\n` ends a line like `\n`, and so does `\r` alone in a file whose
 * first line ends so (Excel's CSV for Macintosh); a byte order mark is dropped, and a line that is not UTF-8 becomes
 * a row with a reason.
 *
 * @throws {UserError} The file is missing, a folder, unreadable, empty, or its packed data is damaged
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
      return { line, reason: NOT_UTF8 };
    }
  };
  let newline: number | undefined;
  for await (const chunk of readBytes(path)) {
    newline ??= lineEnd(chunk);
    const mark = newline ?? LF;
    let start = 0;
    for (let end = chunk.indexOf(mark); end >= 0; end = chunk.indexOf(mark, start)) {
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

/** The byte that ends lines, where a chunk tells; a carriage return as its last byte may be half of a line end. */
function lineEnd(chunk: Uint8Array): number | undefined {
  if (chunk.includes(LF)) return LF;
  const at = chunk.indexOf(CR);
  return at >= 0 && at < chunk.length - 1 ? CR : undefined;
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

/** A file's name without folder and endings: `a/pairs.jsonl.zst` is `pairs`. */
export function stem(path: string): string {
  return basename(path).replace(/\.(gz|zst)$/i, "").replace(
    /\.(jsonl|ndjson|json|csv|tsv|parquet)$/i,
    "",
  );
}

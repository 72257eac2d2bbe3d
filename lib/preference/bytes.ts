import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { UserError } from "../base/error.ts";
import { sizeOf } from "../base/files.ts";
import { POINTER_BYTES, refuseLfsPointer } from "../base/lfs.ts";
import { unpackZstd } from "./zstd.ts";

/**
 * The bytes of a text file in chunks, unpacked when the file is gzip or zstd, and as UTF-8 when it is UTF-16.
 *
 * @throws {UserError} As {@linkcode firstBytes}; the file is empty, something else than text, or damaged.
 */
export async function* readBytes(path: string): AsyncGenerator<Uint8Array> {
  const start = await firstBytes(path);
  refuseOther(path, start);
  const packing = PACKINGS.find(({ magic }) => begins(start, magic));
  const stream: AsyncIterable<Uint8Array> = packing?.unpack(path) ?? createReadStream(path);
  let total = 0;
  let convert = (chunk: Uint8Array): Uint8Array => chunk;
  try {
    for await (const chunk of stream) {
      if (total === 0) {
        if (packing) refuseOther(path, chunk);
        convert = fromUtf16(chunk) ?? convert;
      }
      total += chunk.length;
      yield convert(chunk);
    }
  } catch (error) {
    if (!isOfPacking(error)) throw error;
    throw new UserError(
      `${path}: the ${packing?.name} data is damaged or cut off after ${total} unpacked bytes (${error.message})`,
      "fetch or copy the file again",
      { cause: error },
    );
  }
  if (total === 0) throw new UserError(`${path} is empty`, "give a file that holds records");
}

/**
 * Makes chunks of UTF-16 text UTF-8: text with its byte order mark (PowerShell, Excel's Unicode text), or with a zero
 * in its first character, which no other text has.
 */
function fromUtf16([first, second]: Uint8Array): ((chunk: Uint8Array) => Uint8Array) | undefined {
  const name = first === 0xff && second === 0xfe || first !== 0 && second === 0
    ? "utf-16le"
    : first === 0xfe && second === 0xff || first === 0 && second !== 0
    ? "utf-16be"
    : undefined;
  if (name === undefined) return undefined;
  const decoder = new TextDecoder(name);
  return (chunk) => new TextEncoder().encode(decoder.decode(chunk, { stream: true }));
}

const begins = (bytes: Uint8Array, magic: readonly number[]): boolean =>
  magic.every((byte, i) => bytes[i] === byte);

/** How a text may be packed, by its first bytes. */
const PACKINGS: readonly {
  readonly name: string;
  readonly magic: readonly number[];
  readonly unpack: (path: string) => AsyncIterable<Uint8Array>;
}[] = [
  {
    name: "gzip",
    magic: [0x1f, 0x8b],
    // The callback of `pipeline` has nothing to do: iterating the last stream throws the same error.
    unpack: (path) => pipeline(createReadStream(path), createGunzip(), () => {}),
  },
  { name: "zstd", magic: [0x28, 0xb5, 0x2f, 0xfd], unpack: unpackZstd },
];

/** Whether an error tells of packed data: by zlib's code, or for zstd, which has none, by its message. */
const isOfPacking = (error: unknown): error is Error =>
  error instanceof Error &&
  ("code" in error && /^Z_/.test(String(error.code)) || error.message.startsWith("Zstd "));

/** Files that are no text, by their first bytes, and what to do about them. */
const OTHER: readonly (readonly [magic: readonly number[], kind: string, remedy: string])[] = [
  [[0x50, 0x4b, 3, 4], "a zip archive or a workbook", "unpack it, or save the workbook as CSV"],
  [[0x42, 0x5a, 0x68], "packed with bzip2", "unpack it with bunzip2"],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], "packed with xz", "unpack it with unxz"],
  [[0x41, 0x52, 0x52, 0x4f, 0x57, 0x31], "an Arrow file", "save it as parquet or JSONL"],
  [[0xff, 0xff, 0xff, 0xff], "an Arrow stream", "save it with Dataset.to_parquet or to_json"],
];

/** Refuses what stands in place of a data file. @throws {UserError} */
export function refuseOther(path: string, start: Uint8Array): void {
  refuseLfsPointer(path, start);
  const found = OTHER.find(([magic]) => begins(start, magic));
  if (found !== undefined) throw new UserError(`${path} is ${found[1]}, not text`, found[2]);
  const text = new TextDecoder().decode(start.subarray(0, 256)).trimStart();
  if (/^<(!doctype|html|\?xml)\b/i.test(text)) {
    throw new UserError(
      `${path} is a web page, not data`,
      "download the file itself: on the Hub, with /resolve/ in its address, where the page has /blob/",
    );
  }
}

/** The first bytes of a file, as they are. @throws {UserError} It is missing, a folder, or unreadable. */
export async function firstBytes(path: string, count = POINTER_BYTES): Promise<Uint8Array> {
  try {
    using file = await Deno.open(path);
    if ((await file.stat()).isDirectory) throw await folderError(path);
    const bytes = new Uint8Array(count);
    return bytes.subarray(0, await file.read(bytes) ?? 0);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new UserError(`there is no file "${path}"`, "check the path", { cause: error });
    }
    if (error instanceof Deno.errors.IsADirectory) {
      throw await folderError(path);
    }
    if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
      throw new UserError(`"${path}" cannot be read: ${error.message}`, "allow reading it", {
        cause: error,
      });
    }
    throw error;
  }
}

/** What to do about a folder in place of a file. */
async function folderError(path: string): Promise<UserError> {
  for (const name of SAVED_TO_DISK) {
    if (await sizeOf(`${path}/${name}`) === undefined) continue;
    return new UserError(
      `"${path}" is a folder of datasets' save_to_disk`,
      'write a file from it in Python: load_from_disk(FOLDER).to_parquet("train.parquet"), of several splits ["train"]',
    );
  }
  return new UserError(`"${path}" is a folder`, "name a file in it");
}

/** What `datasets` writes beside its Arrow files. */
export const SAVED_TO_DISK = ["state.json", "dataset_info.json", "dataset_dict.json"];

import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { compressors as codecs } from "hyparquet-compressors";
import { UserError } from "../base/error.ts";
import { firstBytes, refuseOther } from "./bytes.ts";
import type { FoundRow, RatingOptions } from "./found.ts";
import { recordsIn } from "./records.ts";

/** The codecs, and that nothing unpacks to nothing: an LZ4 block of no bytes is refused by theirs. */
const compressors: typeof codecs = Object.fromEntries(
  Object.entries(codecs).map(([name, unpack]) => [
    name,
    (input: Uint8Array, length: number) => length === 0 ? new Uint8Array() : unpack(input, length),
  ]),
);

/**
 * Records of a parquet file, of the forms that `recordsIn` knows; `line` is the row, from 1. One row group is in
 * memory at a time.
 *
 * @throws {UserError} The file is damaged, or written in a way that hyparquet does not read.
 *
 * Source: https://parquet.apache.org/docs/file-format/
 */
export async function* readParquet(path: string, ratings: RatingOptions): AsyncGenerator<FoundRow> {
  refuseOther(path, await firstBytes(path));
  const file = await asyncBufferFromFile(path);
  const metadata = await readable(path, () => parquetMetadataAsync(file));
  let line = 0;
  for (const { num_rows } of metadata.row_groups) {
    const end = line + Number(num_rows);
    const rows = await readable(
      path,
      () => parquetReadObjects({ file, metadata, compressors, rowStart: line, rowEnd: end }),
    );
    for (const row of rows) {
      line++;
      yield { line, ...recordsIn(plain(row), { ...ratings, path, line }) };
    }
  }
}

async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new UserError(
      `${path} cannot be read as parquet: ${cause instanceof Error ? cause.message : cause}`,
      "fetch or copy the file again, or write it again with pyarrow's defaults",
      { cause },
    );
  }
}

/** Values as JSON has them: whole numbers of 64 bits as numbers, dates as text. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

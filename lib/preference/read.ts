import { UserError } from "../base/error.ts";
import { readAlpaca } from "./alpaca.ts";
import { readHh } from "./hh.ts";
import { firstBytes } from "./bytes.ts";
import type { FoundRow, RatingOptions } from "./found.ts";
import { readHead } from "./lines.ts";
import type { Pair } from "./pair.ts";
import { readParquet } from "./parquet.ts";
import {
  type BadLine,
  type PairStream,
  pairStream,
  type ReadCounts,
  type ReadOptions,
  type RowStream,
  rowStream,
} from "./stream.ts";
import { readArray, readCsv, readJsonl } from "./table.ts";

/** Fields that records of an array have, unless they are AlpacaEval's comparisons. */
const RECORD_FIELDS =
  /"(prompt|chosen|rejected|chosen_response|preferred_output|conversations|messages|completions?|response|output)"\s*:/;

interface Reader {
  readonly rows: (path: string, ratings: RatingOptions) => AsyncIterable<FoundRow>;
  readonly unit: BadLine["unit"];
}

const READERS = {
  hh: { rows: readHh, unit: "line" },
  alpaca: { rows: readAlpaca, unit: "item" },
  csv: { rows: readCsv, unit: "line" },
  jsonl: { rows: readJsonl, unit: "line" },
  json: { rows: readArray, unit: "item" },
  parquet: { rows: readParquet, unit: "row" },
} as const satisfies Record<string, Reader>;

/** The formats that {@linkcode readPairs} knows. */
export type PairFormat = keyof typeof READERS;

/** What a format's records are counted in. */
export function unitOf(format: PairFormat): BadLine["unit"] {
  return READERS[format].unit;
}

/** The names of the formats, for help texts and checks of settings. */
export const PAIR_FORMATS = Object.keys(READERS) as readonly PairFormat[];

/**
 * Reads a file of preference pairs, one pair at a time; gzip is unpacked on the way.
 *
 * Every pair that arrives passes `validatePair`. The stream's `counts` say what became of the other
 * records; none is dropped without being reported.
 *
 * @param path The file.
 * @param options The format (recognised from the content, then the name, when left out) and what to do
 * about a bad record.
 * @throws {UserError} When iterated: the file is missing, a folder, empty, damaged or of an unknown
 * format; at a bad record unless `onBadLine` is `skip`; when no record at all gives a pair.
 *
 * @example
 * ```ts
 * import { readPairs } from "./read.ts";
 * const path = await Deno.makeTempFile({ suffix: ".csv" });
 * await Deno.writeTextFile(path, "prompt,chosen,rejected\nHi,Hello!,What?\nHi,,What?\n");
 * const pairs = readPairs(path, { onBadLine: "skip" });
 * for await (const pair of pairs) console.log(pair.chosen);
 * console.log(pairs.counts); // { pairs: 1, bad: 1, ties: 0, reasons: { "the chosen response is empty": 1 } }
 * ```
 */
export function readPairs(
  path: string,
  options: ReadOptions & RatingOptions & { readonly format?: PairFormat } = {},
): PairStream {
  return pairStream(...opened(path, options));
}

/**
 * Reads a file for training, one row at a time: pairs, demonstrations, and of UltraFeedback's rated answers both.
 * Options, counts and errors as {@linkcode readPairs}.
 *
 * @example
 * ```ts
 * import { readRows } from "./read.ts";
 * const path = await Deno.makeTempFile({ suffix: ".jsonl" });
 * await Deno.writeTextFile(path, JSON.stringify({ prompt: "Hi", completion: "Hello!" }) + "\n");
 * for await (const { line, records } of readRows(path)) console.log(line, records); // 1, one demonstration
 * ```
 */
export function readRows(path: string, options: Parameters<typeof readPairs>[1] = {}): RowStream {
  return rowStream(...opened(path, options));
}

function opened(
  path: string,
  { format, ratings, ratingTies, seed, unlabelled, ...options }: NonNullable<
    Parameters<typeof readPairs>[1]
  >,
): Parameters<typeof rowStream> {
  if (format !== undefined && !PAIR_FORMATS.includes(format)) {
    throw new UserError(
      `there is no pair format "${format}"`,
      `give one of ${PAIR_FORMATS.join(", ")}, or none to have it recognised from the file`,
    );
  }
  let unit: BadLine["unit"] = "line";
  async function* rows() {
    const told = format ?? await guessFormat(path);
    // An annotation's choice is not looked at: it is an array of records with two answers.
    const reader: Reader = READERS[unlabelled && told === "alpaca" ? "json" : told];
    unit = reader.unit;
    yield* reader.rows(path, { ratings, ratingTies, seed, unlabelled });
  }
  return [rows(), { ...options, file: path, unit: () => unit }];
}

/** All pairs of a file in memory, with the counts. Options and errors as {@linkcode readPairs}. */
export async function collectPairs(
  path: string,
  options: Parameters<typeof readPairs>[1] = {},
): Promise<{ readonly pairs: Pair[]; readonly counts: ReadCounts }> {
  const stream = readPairs(path, options);
  const pairs = await Array.fromAsync(stream);
  return { pairs, counts: stream.counts };
}

/**
 * Recognises a file's format: parquet by its first bytes; a JSON array is `json` when its first record has fields of
 * a preference pair, else `alpaca`; objects are `hh` when `chosen` begins with a
 * speaker's marker and `jsonl` otherwise; then the ending counts, then a header naming `chosen`.
 *
 * @throws {UserError} When none of this fits.
 */
export async function guessFormat(path: string): Promise<PairFormat> {
  const start = await firstBytes(path, 4);
  if (new TextDecoder().decode(start) === "PAR1") return "parquet";
  const head = (await readHead(path)).replace(/^\ufeff/, "").trimStart();
  if (head.startsWith("[")) {
    const isPair = /"(prompt|chosen)"\s*:/.test(head);
    const isCompared = /"(output_1|output_2|preference)"\s*:/.test(head);
    return isCompared && !isPair || !RECORD_FIELDS.test(head) ? "alpaca" : "json";
  }
  const isHh = /"(chosen|rejected)"\s*:\s*"\\n\\n(Human|Assistant):/.test(head) &&
    !/"prompt"\s*:/.test(head);
  if (isHh) return "hh";
  const name = path.toLowerCase().replace(/\.(gz|zst)$/, "");
  if (head.startsWith("{") || /\.(jsonl|ndjson)$/.test(name)) return "jsonl";
  if (/\.(csv|tsv)$/.test(name) || head.split("\n", 1)[0].includes("chosen")) return "csv";
  throw new UserError(
    `${path}: the format cannot be told from its name or its first characters ` +
      JSON.stringify(head.slice(0, 40)),
    `say which it is with format: ${PAIR_FORMATS.join(", ")}`,
  );
}

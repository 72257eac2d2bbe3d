import { UserError } from "../base/error.ts";
import type { FoundRow } from "./found.ts";
import { NOT_UTF8 } from "./lines.ts";
import type { Pair } from "./pair.ts";
import { isPair, type TrainingRecord, validateRecord } from "./training_record.ts";

/** A record that gave no pair. */
export interface BadLine {
  /** The path that was read. */
  readonly file: string;
  /** Counts from 1. In a CSV file the line where the record starts; in a JSON array the item, in parquet the row. */
  readonly line: number;
  /** What `line` counts. */
  readonly unit: "line" | "item" | "row";
  /** What is wrong, the same words for the same fault. */
  readonly reason: string;
  /** What was found, where it helps. */
  readonly detail?: string;
}

/** What became of the records of a file. */
export interface ReadCounts {
  /** Pairs yielded. */
  readonly pairs: number;
  /** Records that gave none because something is wrong with them. */
  readonly bad: number;
  /** Records in order that prefer neither answer, so that they give no pair. */
  readonly ties: number;
  /** The bad records by reason. */
  readonly reasons: Readonly<Record<string, number>>;
}

/** What became of the records of a file that is read for training. */
export interface RecordCounts extends ReadCounts {
  /** Answers to imitate alone, yielded. */
  readonly demonstrations: number;
}

/** How to read a file of preferences. */
export interface ReadOptions {
  /** `fail` (default) throws at the first bad record; `skip` reports it, counts it and continues. */
  readonly onBadLine?: "fail" | "skip";
  /** Hears of every skipped record; by default the first five are written to standard error. */
  readonly report?: (bad: BadLine) => void;
  /** Stop after so many pairs, or rows of a file that is read for training. */
  readonly limit?: number;
}

/**
 * Pairs one at a time; `counts` is true of what has been read so far, and is the return value; `place` is where
 * the pair last yielded is from, counted as a {@linkcode BadLine} is.
 */
export type PairStream = AsyncGenerator<Pair, ReadCounts, void> & {
  readonly counts: ReadCounts;
  readonly place: { readonly line: number };
};

/** What one row of a file gives to train on: one pair, or an answer to imitate with pairs to judge. */
export interface TrainingRow {
  readonly file: string;
  readonly line: number;
  readonly unit: BadLine["unit"];
  readonly records: readonly TrainingRecord[];
}

/** Rows one at a time; `counts` is true of what has been read so far, and is the return value. */
export type RowStream = AsyncGenerator<TrainingRow, RecordCounts, void> & {
  readonly counts: RecordCounts;
};

/** Settings of {@linkcode rowStream} and {@linkcode pairStream}. */
interface StreamOptions extends ReadOptions {
  readonly file: string;
  /** Asked when a record is bad, since a reader may first have to recognise the format. */
  readonly unit: () => BadLine["unit"];
}

/**
 * Rows to train on, of the rows of any reader.
 *
 * @throws {UserError} At a bad record under `fail`; when there is no record; under `skip` when
 * none was usable.
 */
export function rowStream(rows: AsyncIterable<FoundRow>, options: StreamOptions): RowStream {
  const limit = checkedLimit(options);
  const counts = { pairs: 0, demonstrations: 0, bad: 0, ties: 0, reasons: {} };
  async function* stream(): AsyncGenerator<TrainingRow, RecordCounts, void> {
    let given = 0;
    for await (const { line, records } of soundRows(rows, { ...options, counts })) {
      for (const record of records) counts[isPair(record) ? "pairs" : "demonstrations"]++;
      yield { file: options.file, line, unit: options.unit(), records };
      if (++given >= limit) break;
    }
    return counts;
  }
  return Object.assign(stream(), { counts });
}

/** The pairs among the records of a reader, one at a time. @throws {UserError} as {@linkcode rowStream} */
export function pairStream(rows: AsyncIterable<FoundRow>, options: StreamOptions): PairStream {
  const limit = checkedLimit(options);
  const counts = { pairs: 0, bad: 0, ties: 0, reasons: {} };
  const place = { line: 0 };
  async function* stream(): AsyncGenerator<Pair, ReadCounts, void> {
    for await (
      const { line, records } of soundRows(rows, { ...options, counts, pairsOnly: true })
    ) {
      for (const pair of records.filter(isPair)) {
        counts.pairs++;
        place.line = line;
        yield pair;
        if (counts.pairs >= limit) return counts;
      }
    }
    return counts;
  }
  return Object.assign(stream(), { counts, place });
}

function checkedLimit({ limit = Infinity }: ReadOptions): number {
  if (limit > 0) return limit;
  throw new UserError(`limit is ${limit}`, "give a limit of 1 or more, or leave it out");
}

/** What all formats share: checks of the records, the choice between failing and skipping, counts of what is left out. */
async function* soundRows(
  rows: AsyncIterable<FoundRow>,
  { file, unit, onBadLine = "fail", report = warner(), counts, pairsOnly = false }:
    & StreamOptions
    & {
      counts: { bad: number; ties: number; reasons: Record<string, number> };
      pairsOnly?: boolean;
    },
): AsyncGenerator<{ line: number; records: readonly TrainingRecord[] }> {
  let given = 0;
  for await (const row of rows) {
    if ("tie" in row) counts.ties++;
    const records = "records" in row ? row.records.filter((r) => !pairsOnly || isPair(r)) : [];
    if ("tie" in row && records.length === 0) continue;
    const { reason, detail } = "reason" in row ? row : {
      reason: records.length === 0
        ? "it has one answer to imitate, and none to compare it with"
        : [...new Set(records.flatMap(validateRecord))].join("; "),
      detail: undefined,
    };
    if (reason === "") {
      given++;
      yield { line: row.line, records };
      continue;
    }
    const bad = { file, line: row.line, unit: unit(), reason, detail };
    if (onBadLine === "fail") throw badLineError(bad);
    counts.bad++;
    counts.reasons[reason] = (counts.reasons[reason] ?? 0) + 1;
    report(bad);
  }
  if (given + counts.bad + counts.ties === 0) {
    throw new UserError(`${file} holds no records`, "give a file with preference pairs");
  }
  if (given === 0 && counts.bad > 0) {
    const [reason, count] = Object.entries(counts.reasons).sort((a, b) => b[1] - a[1])[0];
    throw new UserError(
      `${file} has no usable pair in ${counts.bad + counts.ties} ${unit()}s; ` +
        `most often (${count} times): ${reason}`,
      REMEDIES[reason] ?? "check that the file has the format it was read as",
    );
  }
}

/** What mends the file, for reasons that are not one record's. */
const REMEDIES: Readonly<Record<string, string>> = {
  [NOT_UTF8]:
    "save the file as UTF-8, as by: iconv -f ITS-ENCODING -t utf-8 (GB18030, WINDOWS-1252, ...)",
};

/**
 * The error that names a bad record, with what can be done about it.
 *
 * @param remedy What mends the record itself. @default "correct the line"
 */
export function badLineError(
  bad: BadLine,
  { remedy = REMEDIES[bad.reason] ?? `correct the ${bad.unit}`, cause }: {
    remedy?: string;
    cause?: unknown;
  } = {},
): UserError {
  return new UserError(
    describeBadLine(bad),
    `${remedy}, or have such ${bad.unit}s skipped and counted: onBadLine: "skip", ` +
      "--on-bad-line skip (judge, annotate), --set data.onBadLine=skip (align)",
    { cause },
  );
}

/** A bad record in one line of text: `pairs.jsonl line 3: the line is not JSON (...)`. */
export function describeBadLine({ file, line, unit, reason, detail }: BadLine): string {
  return `${file} ${unit} ${line}: ${reason}${detail === undefined ? "" : ` (${detail})`}`;
}

/** Writes the first five bad records to standard error. */
function warner(): (bad: BadLine) => void {
  const shown = 5;
  let count = 0;
  return (bad) => {
    count++;
    if (count <= shown) console.error(`skipped: ${describeBadLine(bad)}`);
    if (count === shown) console.error("skipped: any more are counted, not shown");
  };
}

import { UserError } from "../base/error.ts";
import type { Row } from "./lines.ts";
import { type Pair, validatePair } from "./pair.ts";

/** A record that gave no pair. */
export interface BadLine {
  /** The path that was read. */
  readonly file: string;
  /** Counts from 1. In a CSV file the line where the record starts; in a JSON array the item. */
  readonly line: number;
  /** What `line` counts. */
  readonly unit: "line" | "item";
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

/** How to read a file of preferences. */
export interface ReadOptions {
  /** `fail` (default) throws at the first bad record; `skip` reports it, counts it and continues. */
  readonly onBadLine?: "fail" | "skip";
  /** Hears of every skipped record; by default the first five are written to standard error. */
  readonly report?: (bad: BadLine) => void;
  /** Stop after so many pairs. */
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

/** What a reader of one format yields: a pair not yet checked, a tie, or a reason. */
export type PairRow = Row<Pair> | { readonly line: number; readonly tie: true };

/**
 * Applies to a reader's rows what all formats share: checks of the pair, the choice between failing
 * and skipping, counts and the limit.
 *
 * @throws {UserError} At a bad record under `fail`; when there is no record; under `skip` when
 * none was usable.
 */
export function pairStream(
  rows: AsyncIterable<PairRow>,
  { file, unit, onBadLine = "fail", report = warner(), limit = Infinity }: ReadOptions & {
    readonly file: string;
    /** Asked when a record is bad, since a reader may first have to recognise the format. */
    readonly unit: () => BadLine["unit"];
  },
): PairStream {
  if (!(limit > 0)) {
    throw new UserError(`limit is ${limit}`, "give a limit of 1 or more, or leave it out");
  }
  const reasons: Record<string, number> = {};
  const counts = { pairs: 0, bad: 0, ties: 0, reasons };
  const place = { line: 0 };
  async function* stream(): AsyncGenerator<Pair, ReadCounts, void> {
    for await (const row of rows) {
      if ("tie" in row) {
        counts.ties++;
        continue;
      }
      const faults = "reason" in row ? [row.reason] : validatePair(row.value);
      if ("value" in row && faults.length === 0) {
        counts.pairs++;
        place.line = row.line;
        yield row.value;
        if (counts.pairs >= limit) return counts;
        continue;
      }
      const detail = "reason" in row ? row.detail : undefined;
      const bad = { file, line: row.line, unit: unit(), reason: faults.join("; "), detail };
      if (onBadLine === "fail") {
        throw new UserError(
          describeBadLine(bad),
          `correct the ${bad.unit}, or skip and count such ${bad.unit}s with onBadLine: "skip" (--on-bad-line skip)`,
        );
      }
      counts.bad++;
      reasons[bad.reason] = (reasons[bad.reason] ?? 0) + 1;
      report(bad);
    }
    if (counts.pairs + counts.bad + counts.ties === 0) {
      throw new UserError(`${file} holds no records`, "give a file with preference pairs");
    }
    if (counts.pairs === 0 && counts.bad > 0) {
      const [reason, count] = Object.entries(reasons).sort((a, b) => b[1] - a[1])[0];
      throw new UserError(
        `${file} has no usable pair in ${counts.bad + counts.ties} ${unit()}s; ` +
          `most often (${count} times): ${reason}`,
        "check that the file has the format it was read as",
      );
    }
    return counts;
  }
  return Object.assign(stream(), { counts, place });
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

import { UserError } from "../base/error.ts";
import type { RatingOptions } from "./found.ts";
import { stem } from "./lines.ts";
import type { RecordUse } from "./pair.ts";
import { type PairFormat, readRows } from "./read.ts";
import type { ReadOptions, RecordCounts, TrainingRow } from "./stream.ts";
import { isPair, type TrainingRecord, useOf } from "./training_record.ts";

/** One of the sources that a model is trained on. */
export interface DataSource {
  /** What messages and ids call it. @default the name of its first file, without ending */
  readonly name?: string;
  /** Its files, read one after the other. */
  readonly files: readonly string[];
  /** How they are written; null: told from each file. @default null */
  readonly format?: PairFormat | null;
  /** What it teaches: to answer, to judge, or both. @default "both" */
  readonly use?: RecordUse;
}

/** A row and the source it is from. */
export interface SourceRow extends TrainingRow {
  /** Index of the source. */
  readonly source: number;
}

/** What became of the records of a source. */
export interface SourceCounts extends RecordCounts {
  /** Rows that hold nothing of its use, such as answers alone where judgments are learned. */
  readonly unused: number;
}

/** Rows one at a time; `counts` tells source by source what became of the files read to their end. */
export type SourceStream = AsyncGenerator<SourceRow, void, void> & {
  readonly counts: readonly SourceCounts[];
};

/**
 * Reads several sources, one after the other, each for its use. In SELF-JUDGE's recipe for HH-RLHF helpful-base
 * teaches both and helpful-online answers only.
 *
 * Ids are unique among all: one that comes again is prefixed with the name of its source, and then numbered.
 *
 * @throws {UserError} When iterated: as `readPairs`; a source has nothing of its use.
 *
 * Source: https://arxiv.org/abs/2402.11253, section 4; train_jsft.py in https://github.com/oddqueue/self-judge
 *
 * @example
 * ```ts ignore
 * import { readSources } from "./sources.ts";
 * const rows = readSources([
 *   { files: ["helpful-base.jsonl.gz"] },
 *   { files: ["helpful-online.jsonl.gz"], use: "answers" },
 * ], { onBadLine: "skip" });
 * for await (const { records } of rows) console.log(records.length);
 * console.log(rows.counts.map(({ pairs }) => pairs));
 * ```
 */
export function readSources(
  sources: readonly DataSource[],
  options: Omit<ReadOptions, "limit"> & RatingOptions = {},
): SourceStream {
  const counts = sources.map(() => ({
    ...{ pairs: 0, demonstrations: 0, bad: 0, ties: 0, unused: 0 },
    reasons: {} as Record<string, number>,
  }));
  const unique = uniqueIds();
  async function* rows(): AsyncGenerator<SourceRow, void, void> {
    for (const [source, { files, format, use = "both", ...named }] of sources.entries()) {
      const name = named.name ?? stem(files[0]);
      const count = counts[source];
      for (const file of files) {
        const stream = readRows(file, { ...options, ...(format && { format }) });
        for await (const row of stream) {
          const records = row.records.flatMap((record) => usedFor(use, record))
            .map((record) => unique(record, name));
          for (const record of records) count[isPair(record) ? "pairs" : "demonstrations"]++;
          if (records.length === 0) count.unused++;
          else yield { ...row, source, records };
        }
        const { bad, ties, reasons } = stream.counts;
        count.bad += bad;
        count.ties += ties;
        for (const [reason, n] of Object.entries(reasons)) {
          count.reasons[reason] = (count.reasons[reason] ?? 0) + n;
        }
      }
      if (count.pairs + count.demonstrations === 0 && count.unused > 0) {
        throw new UserError(
          `${name} has nothing to use for ${use} in ${count.unused} rows`,
          use === "judgments"
            ? 'give pairs, or use it for "answers": it has answers to imitate alone'
            : 'use it for "judgments": its pairs are labelled by one principle and never imitated',
        );
      }
    }
  }
  return Object.assign(rows(), { counts });
}

/** A record as a source's use leaves it; nothing where the use and the record's own have nothing in common. */
function usedFor(use: RecordUse, record: TrainingRecord): TrainingRecord[] {
  const own = useOf(record);
  if (use === "both" || use === own) return [record];
  return own === "both" ? [{ ...record, use }] : [];
}

/** Gives records ids that none before has. */
function uniqueIds(): <T extends TrainingRecord>(record: T, source: string) => T {
  const taken = new Set<string>();
  return (record, source) => {
    let { id } = record;
    for (let n = 1; taken.has(id); n++) {
      id = `${source}/${record.id}${n === 1 ? "" : `#${n}`}`;
    }
    taken.add(id);
    return id === record.id ? record : { ...record, id };
  };
}

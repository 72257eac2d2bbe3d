import { UserError } from "../base/error.ts";
import { type FileWarning, FileWarnings } from "../preference/file_warnings.ts";
import {
  type Annotation,
  NO_PREFERENCE,
  OneAnnotator,
  readAnnotations,
} from "../preference/mod.ts";
import { isSwitched } from "./alpaca_positions.ts";
import {
  combineScores,
  type Comparison,
  type Judge,
  type Judgment,
  type LabelProbabilities,
} from "../method/judgment.ts";

/** Settings of {@linkcode recordedJudge}. */
export interface RecordedOptions {
  /** What tables call it; the annotators' name is not in every file. */
  readonly name?: string;
  /**
   * Which answer was in the first position: `"alpaca-eval"` draws it again as AlpacaEval's annotators drew it, which
   * is right for files that they wrote with their default seed.
   *
   * @default "unknown"
   */
  readonly positions?: "alpaca-eval" | "unknown";
  /** What to do with a record that is not sound. @default "fail" */
  readonly onBadLine?: "fail" | "skip";
}

/** What became of the records. */
export interface RecordedCounts {
  /** Verdicts kept. */
  verdicts: number;
  /** Comparisons annotated again, in another file or later in the same; the first verdict is kept. */
  repeated: number;
  /** Those of them in which the annotator named another winner. */
  reversed: number;
  /** Records skipped. */
  bad: number;
  /** Sound records without a preference. */
  silent: number;
}

/**
 * Recorded preferences as a judge: for each comparison of AlpacaEval annotation files, in either position of
 * its answers, the annotator's verdict, P(second) = preference - 1.
 *
 * A recorded verdict was given in one position, so its judgment says `recorded`, and a report leaves out
 * what needs both positions. It judges nothing else: ask `covers` first.
 *
 * @throws {UserError} When a file cannot be read, or at an unsound record unless those are skipped; and,
 * when called, for a comparison that is not in the files.
 *
 * @example
 * ```ts ignore
 * import { recordedJudge } from "./recorded.ts";
 * const { judge } = await recordedJudge(["claude-2.json.gz"], { positions: "alpaca-eval" });
 * ```
 */
export async function recordedJudge(
  files: readonly string[],
  options: RecordedOptions = {},
): Promise<{ judge: Judge; counts: RecordedCounts; warnings: FileWarning[] }> {
  const { name = "recorded", positions = "unknown", onBadLine = "fail" } = options;
  const verdicts = new Map<string, Annotation>();
  const counts: RecordedCounts = { verdicts: 0, repeated: 0, reversed: 0, bad: 0, silent: 0 };
  const warnings: FileWarning[] = [];
  const annotators = new OneAnnotator();
  for (const file of files) {
    const found = new FileWarnings(file);
    for await (const row of readAnnotations(file)) {
      if ("reason" in row) {
        const { line, reason, detail } = row;
        if (reason === NO_PREFERENCE) counts.silent++;
        else if (onBadLine === "skip") counts.bad++;
        else {
          throw new UserError(
            `${file} item ${line}: ${reason}${detail === undefined ? "" : ` (${detail})`}`,
            "mend or remove the record, or have bad records skipped",
          );
        }
        found.add(`left out: ${reason}`, line);
        continue;
      }
      const { instruction, output_1, output_2, preference, annotator } = row.value;
      const mixed = annotators.otherThanBefore(annotator, `${file} item ${row.line}`);
      if (mixed !== null) found.add(mixed, row.line);
      const key = keyOf(instruction, output_1, output_2);
      const before = verdicts.get(key);
      if (before === undefined) verdicts.set(key, row.value);
      else {
        const reversed = Math.sign(before.preference - 1.5) !== Math.sign(preference - 1.5);
        counts.repeated++;
        if (reversed) counts.reversed++;
        found.add(
          `the verdict is given again, ${
            reversed ? "another" : "the same"
          } winner: the first counts`,
          row.line,
        );
      }
    }
    warnings.push(...found.list());
  }
  counts.verdicts = verdicts.size;

  const find = ({ prompt, first, second }: Comparison): Judgment | null => {
    if (prompt.length !== 1) return null;
    const [{ content }] = prompt;
    const straight = verdicts.get(keyOf(content, first, second));
    if (straight) return judgmentOf(straight, { mirrored: false, positions });
    const mirrored = verdicts.get(keyOf(content, second, first));
    return mirrored ? judgmentOf(mirrored, { mirrored: true, positions }) : null;
  };
  const judge: Judge = {
    name,
    compare: (comparisons) =>
      new Promise((done) =>
        done(comparisons.map((comparison, i) => {
          const found = find(comparison);
          if (found) return found;
          throw new UserError(
            `the recorded judge "${name}" has no verdict on comparison ${i}, "${
              comparison.prompt.at(-1)?.content.slice(0, 60) ?? ""
            }"`,
            "give the annotation file that holds it, or leave the comparison out",
          );
        }))
      ),
    covers: (comparison) => find(comparison) !== null,
    sources: files,
  };
  return { judge, counts, warnings };
}

function keyOf(instruction: string, first: string, second: string): string {
  return JSON.stringify([instruction, first, second]);
}

function judgmentOf(
  { instruction, preference }: Annotation,
  { mirrored, positions }: { mirrored: boolean; positions: "alpaca-eval" | "unknown" },
): Judgment {
  const [one, two] = [2 - preference, preference - 1]; // of output_1, of output_2
  const [p, q] = mirrored ? [two, one] : [one, two];
  const forward: LabelProbabilities = { a: p, b: q };
  const backward: LabelProbabilities = { a: q, b: p };
  // Asked with output_2 first: backward, unless output_2 is the comparison's first answer.
  const order = isSwitched(instruction) !== mirrored ? "backward" : "forward";
  return {
    ...combineScores([{ principle: "recorded", forward, backward }]),
    recorded: positions === "unknown" ? "unknown" : order,
  };
}

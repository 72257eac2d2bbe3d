import type { Rng } from "../base/random.ts";
import { UserError } from "../base/error.ts";
import { type Estimate, summary } from "./statistics.ts";
import type { ComparedItem, ComparisonFile } from "./annotations.ts";
import { resampled } from "./rate.ts";

/** Two models on the instructions that both answered. */
export interface ModelComparison {
  readonly first: string;
  readonly second: string;
  /** First's win rate less second's, in points of percent, with its paired bootstrap interval if they vary. */
  readonly difference: Estimate<number, number | null>;
  /** Standard error of the mean paired difference, in points; null for a single instruction. */
  readonly standardError: number | null;
  /** Instructions on which first does better, as well, and worse. */
  readonly better: number;
  readonly equal: number;
  readonly worse: number;
  /** Instructions left out, by reason. */
  readonly leftOut: Readonly<Record<string, number>>;
}

/**
 * The difference of two models' win rates against the same baseline, paired by instruction: what makes
 * one instruction easier for both cancels, so the interval is narrower than that of two separate rates.
 *
 * Left out, and counted, are instructions that only one of them has, that come twice in a file, that lack
 * a preference, or whose baseline answers differ.
 *
 * @throws {UserError} When the baselines or the annotators differ, or no instruction is left.
 */
export function compareModels(
  first: ComparisonFile,
  second: ComparisonFile,
  { rng, samples = 1000 }: { readonly rng: Rng; readonly samples?: number },
): ModelComparison {
  if (first.baseline !== null && second.baseline !== null && first.baseline !== second.baseline) {
    throw new UserError(
      `${first.file} compares with "${first.baseline}", ${second.file} with "${second.baseline}"`,
      "compare two models that were judged against the same baseline",
    );
  }
  if (
    first.annotator !== null && second.annotator !== null && first.annotator !== second.annotator
  ) {
    throw new UserError(
      `${first.file} was annotated by "${first.annotator}", ${second.file} by "${second.annotator}"`,
      "compare two files of one annotator: rates by different annotators are not comparable",
    );
  }
  const leftOut: Record<string, number> = {};
  const leave = (reason: string) => void (leftOut[reason] = (leftOut[reason] ?? 0) + 1);
  const firsts = byInstruction(first.items);
  const seconds = byInstruction(second.items);
  const differences: number[] = [];
  for (const instruction of new Set([...firsts.keys(), ...seconds.keys()])) {
    const a = firsts.get(instruction);
    const b = seconds.get(instruction);
    if (a === undefined) leave(`not in ${first.model}`);
    else if (b === undefined) leave(`not in ${second.model}`);
    else if (a.length > 1 || b.length > 1) leave("comes twice");
    else if (a[0].preference === null || b[0].preference === null) leave("without a preference");
    else if (a[0].baselineAnswer !== b[0].baselineAnswer) leave("with different baseline answers");
    else differences.push(100 * (a[0].preference - b[0].preference));
  }
  if (differences.length === 0) {
    throw new UserError(
      `${first.file} and ${second.file} have no instruction in common that can be compared (${
        Object.entries(leftOut).map(([reason, count]) => `${count} ${reason}`).join(", ")
      })`,
      "compare two models that answered the same instructions",
    );
  }
  return {
    first: first.model,
    second: second.model,
    difference: resampled(differences, { rng, samples }),
    standardError: differences.length === 1 ? null : summary(differences).error,
    better: differences.filter((d) => d > 0).length,
    equal: differences.filter((d) => d === 0).length,
    worse: differences.filter((d) => d < 0).length,
    leftOut,
  };
}

/** What keeps the rates of several files from being set side by side, one sentence each. */
export function notComparable(files: readonly ComparisonFile[]): string[] {
  const notes: string[] = [];
  for (const [what, field] of [["baselines", "baseline"], ["annotators", "annotator"]] as const) {
    const names = new Set(files.flatMap((file) => file[field] ?? []));
    if (names.size < 2) continue;
    notes.push(
      `the files have different ${what}, so their rates are not comparable: ${
        files.map((one) => `${one.file} ${one[field] ?? "(not known)"}`).join(", ")
      }`,
    );
  }
  notes.push(...files.flatMap((file) => ofAnotherFolder(file) ?? []));
  const union = new Map<string, { file: string; item: number }>();
  for (const { file, items } of files) {
    for (const { instruction, item } of items) {
      if (!union.has(instruction)) union.set(instruction, { file, item });
    }
  }
  for (const { file, items } of files) {
    const own = new Set(items.map(({ instruction }) => instruction));
    const missing = [...union].filter(([instruction]) => !own.has(instruction));
    if (missing.length === 0) continue;
    const [, place] = missing[0];
    notes.push(
      `${file} lacks ${missing.length} of the ${union.size} instructions of all files ` +
        `(first: ${place.file} item ${place.item}), so its rate rests on others; ` +
        "--against compares on the common ones",
    );
  }
  return notes;
}

/**
 * Says that a file's annotator is not the one after whom its folder is called, as `results/MODEL/ANNOTATOR/annotations.json`
 * of AlpacaEval is: a published rate of the folder's annotator is then another's.
 */
function ofAnotherFolder({ file, annotator }: ComparisonFile): string | null {
  const [, folder] = /([^/\\]+)[/\\]annotations\.json(?:\.gz)?$/.exec(file) ?? [];
  if (folder === undefined || annotator === null || !/eval|gpt|claude|_fn\b/.test(folder)) {
    return null;
  }
  if (folder === annotator.replace(/[^\w.+-]+/g, "_")) return null;
  return `${file} lies in the folder of "${folder}" and was annotated by "${annotator}": ` +
    `a published rate by "${folder}" is another`;
}

function byInstruction(items: readonly ComparedItem[]): Map<string, ComparedItem[]> {
  return Map.groupBy(items, ({ instruction }) => instruction);
}

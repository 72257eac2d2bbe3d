import { basename } from "node:path";
import { UserError } from "../base/error.ts";
import { type FileWarning, FileWarnings } from "../preference/file_warnings.ts";
import {
  type BadLine,
  guessFormat,
  NO_PREFERENCE,
  OneAnnotator,
  type Pair,
  quote,
  readAnnotations,
  readPairs,
  splitByPrompt,
  splitKey,
  unitOf,
} from "../preference/mod.ts";
import { Rng } from "../base/random.ts";
import { type Comparison, pairComparison, type Winner } from "../method/judgment.ts";
import type { Contest } from "../method/tournament.ts";

/** A comparison with what its file says of it. */
export interface Evidence {
  readonly id: string;
  readonly file: string;
  /** In the file's own order where it has one; else the preferred answer is the first. */
  readonly comparison: Comparison;
  readonly label: Winner;
  /** Probability by the file that the first answer is better, where it says. */
  readonly labelProbability: number | null;
  /** Which answer is by the author named as the judge's own. */
  readonly own: "first" | "second" | null;
  /** The prompt, as a text that is the same for the same prompt. */
  readonly cluster: string;
}

/** Settings of {@linkcode loadEvidence}. */
export interface EvidenceOptions {
  readonly seed: number;
  /** Most comparisons kept, drawn at random. @default all of them */
  readonly limit?: number;
  /** Keep only held-out prompts: a share of the pairs as the files have them (below 1) or a number of them. */
  readonly heldOut?: number;
  /** Prompts (as `splitKey` gives them) that a judge was trained on: what is left out of the held-out ones. */
  readonly trainedOn?: ReadonlySet<string>;
  /** Name of the generator whose answers are the judge's own. */
  readonly own?: string;
  readonly onBadLine?: "fail" | "skip";
}

/** Comparisons and what was left out of them. */
export interface LoadedEvidence {
  readonly evidence: Evidence[];
  /** What was left out on the way, by reason. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** What is odd about the files' records, left out or not, with their places. */
  readonly warnings: readonly FileWarning[];
}

/** Two answers to a prompt as a text that is the same in either order; by another principle they are another comparison. */
export function comparisonKey({ prompt, first, second, principle = "" }: Comparison): string {
  return JSON.stringify([splitKey(prompt), principle, ...[first, second].sort()]);
}

/** Notes what is odd about a record, or that it is left out; ties of pairs have no place. */
interface Notes {
  readonly note: (reason: string, item: number) => void;
  readonly leave: (reason: string, item: number) => void;
  readonly ties: (number: number) => void;
}

/**
 * Reads pairs to measure a judge on. AlpacaEval annotations keep their order (`output_1` first) and
 * their ties; other formats (see `readPairs`) name the better answer, which then comes first.
 *
 * Held-out prompts are those that a run of `deno task align` with the same seed holds out of the same file, or
 * some of them where it holds out more: a prompt's place does not depend on which others are there. What such
 * a run left out of the file, for its length, does not matter; a smaller file or a larger `heldOut` does, so
 * name what a judge was trained on where it is known.
 *
 * @throws {UserError} When a file cannot be read, at an unsound record unless those are skipped, or when
 * nothing is left.
 *
 * @example
 * ```ts ignore
 * import { loadEvidence } from "./evidence.ts";
 * const { evidence } = await loadEvidence(["claude-2.json.gz"], { seed: 7, limit: 100 });
 * ```
 */
export async function loadEvidence(
  files: readonly string[],
  options: EvidenceOptions,
): Promise<LoadedEvidence> {
  const { seed, limit, heldOut, trainedOn } = options;
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1)) {
    throw new UserError(`the limit is ${limit}`, "give a whole number of pairs from 1 up");
  }
  const leftOut: Record<string, number> = {};
  const count = (reason: string, number = 1) => leftOut[reason] = (leftOut[reason] ?? 0) + number;
  const warnings: FileWarning[] = [];
  const read: Evidence[] = [];
  let kept: Evidence[] = [];
  const seen = new Set<string>();
  const annotators = new OneAnnotator();
  for (const file of files) {
    const format = await guessFormat(file);
    const alpaca = format === "alpaca";
    const found = new FileWarnings(file, unitOf(format));
    const leave = (reason: string, item: number) => {
      count(reason);
      found.add(`left out: ${reason}`, item);
    };
    const notes: Notes = {
      note: (reason, item) => found.add(reason, item),
      leave,
      ties: (number) => number > 0 && count("neither answer is preferred", number),
    };
    const rows = alpaca
      ? fromAnnotations(file, options, { ...notes, annotators })
      : fromPairs(file, options, notes);
    for await (const { item, evidence } of rows) {
      read.push(evidence);
      const key = comparisonKey(evidence.comparison);
      if (seen.has(key)) leave("the same comparison comes again", item);
      else {
        seen.add(key);
        kept.push(evidence);
      }
    }
    warnings.push(...found.list());
  }
  if (heldOut !== undefined) {
    // Counted with those that come again, as a run counts them, so that the places held out are the run's.
    const prompts = heldOutPrompts(read, { heldOut, seed });
    kept = kept.filter(({ cluster }) => {
      if (!prompts.has(cluster)) return false;
      if (trainedOn?.has(cluster)) count("a judge was trained on the prompt");
      return !trainedOn?.has(cluster);
    });
  }
  if (limit !== undefined && kept.length > limit) {
    kept = Rng.named(seed, "judge/pairs").shuffle(kept).slice(0, limit);
  }
  if (kept.length === 0) {
    const why = Object.entries(leftOut).map(([reason, n]) => `${n}: ${reason}`).join("; ");
    throw new UserError(
      `${files.join(", ")}: no comparison to judge${why === "" ? "" : ` (${why})`}`,
      // Every file has a held-out prompt, so that only what judges were trained on can have left none.
      heldOut === undefined
        ? "give a file with two different answers to at least one prompt"
        : "raise --held-out, use the run's own seed, or give pairs that no judge was trained on",
    );
  }
  return { evidence: kept, leftOut, warnings };
}

/**
 * Prompts with at least three different answers, three answers each, to look for intransitive triples.
 *
 * @param limit Most contests, drawn at random with their answers.
 */
export function triplesToJudge(
  evidence: readonly Evidence[],
  { seed, limit, covers }: {
    seed: number;
    limit: number;
    covers?: (comparison: Comparison) => boolean;
  },
): { cluster: string; contest: Contest }[] {
  const byPrompt = new Map<string, { prompt: Comparison["prompt"]; answers: Set<string> }>();
  for (const { cluster, comparison: { prompt, first, second } } of evidence) {
    const entry = byPrompt.get(cluster) ?? { prompt, answers: new Set() };
    byPrompt.set(cluster, entry);
    entry.answers.add(first).add(second);
  }
  const rng = Rng.named(seed, "judge/triples");
  const contests = rng.shuffle([...byPrompt].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0))
    .filter(([, { answers }]) => answers.size >= 3)
    .map(([cluster, { prompt, answers }]) => ({
      cluster,
      contest: { prompt, candidates: rng.shuffle([...answers].sort()).slice(0, 3) },
    }));
  const known = covers
    ? contests.filter(({ contest: { prompt, candidates: [a, b, c] } }) =>
      [[a, b], [b, c], [a, c]].every(([first, second]) => covers({ prompt, first, second }))
    )
    : contests;
  return known.slice(0, limit);
}

async function* fromAnnotations(
  file: string,
  { own, onBadLine = "fail" }: EvidenceOptions,
  { note, leave, annotators }: Notes & { readonly annotators: OneAnnotator },
): AsyncGenerator<{ item: number; evidence: Evidence }> {
  let baseline: { name: string; item: number } | null = null;
  for await (const row of readAnnotations(file)) {
    const { line: item } = row;
    if ("reason" in row) {
      const { reason, detail } = row;
      // An annotator that gave no preference is no fault of the file: its rates too leave the item out.
      if (onBadLine === "fail" && reason !== NO_PREFERENCE) {
        throw new UserError(
          `${file} item ${item}: ${reason}${detail === undefined ? "" : ` (${detail})`}`,
          "correct or remove the record, or have bad records skipped",
        );
      }
      leave(reason, item);
      continue;
    }
    const { instruction, output_1, output_2, preference, generator_1, generator_2 } = row.value;
    const mixed = annotators.otherThanBefore(row.value.annotator, `${file} item ${item}`);
    if (mixed !== null) note(mixed, item);
    if (generator_1 !== undefined) {
      baseline ??= { name: generator_1, item };
      if (generator_1 !== baseline.name) {
        note(
          `the baseline (generator_1) is ${quote(generator_1)}, in item ${baseline.item} it is ` +
            `${quote(baseline.name)}: judged all the same, but a win rate of both means nothing`,
          item,
        );
      }
    }
    if (output_1 === output_2) {
      leave("the two answers are the same", item);
      continue;
    }
    if (output_1.trim() === "" || output_2.trim() === "") {
      leave("an answer is empty", item);
      continue;
    }
    const prompt = [{ role: "user", content: instruction } as const];
    const mine = [generator_1, generator_2].map((name) => own !== undefined && name === own);
    const evidence: Evidence = {
      id: `${basename(file)}:${item}`,
      file,
      comparison: { prompt, first: output_1, second: output_2 },
      label: preference < 1.5 ? "first" : preference > 1.5 ? "second" : "tie",
      labelProbability: 2 - preference,
      own: mine[0] === mine[1] ? null : mine[0] ? "first" : "second",
      cluster: splitKey(prompt),
    };
    yield { item, evidence };
  }
}

async function* fromPairs(
  file: string,
  { onBadLine }: EvidenceOptions,
  { leave, ties }: Notes,
): AsyncGenerator<{ item: number; evidence: Evidence }> {
  const report = ({ reason, line }: BadLine) => leave(reason, line);
  const pairs = readPairs(file, { onBadLine, report });
  for await (const pair of pairs) {
    const evidence: Evidence = {
      id: pair.id,
      file,
      comparison: pairComparison(pair),
      label: "first",
      labelProbability: null,
      own: null,
      cluster: splitKey(pair.prompt),
    };
    yield { item: pairs.place.line, evidence };
  }
  ties(pairs.counts.ties);
}

/** The prompts of a run's held-out side. */
function heldOutPrompts(
  read: readonly Evidence[],
  { heldOut, seed }: { heldOut: number; seed: number },
): Set<string> {
  const pairs = read.map(({ id, comparison: { prompt, first, second } }): Pair => ({
    id,
    prompt,
    chosen: first,
    rejected: second,
    source: "evidence",
  }));
  return new Set(
    splitByPrompt(pairs, { heldOut, seed }).heldOut.map(({ prompt }) => splitKey(prompt)),
  );
}

import { basename } from "node:path";
import { UserError } from "../error.ts";
import {
  type BadLine,
  guessFormat,
  type Pair,
  promptKey,
  readAnnotations,
  readPairs,
  splitByPrompt,
} from "../preference/mod.ts";
import { Rng } from "../random.ts";
import type { Comparison, Winner } from "./judgment.ts";
import type { Contest } from "./tournament.ts";

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
  /** Most comparisons kept, drawn at random; all unless said. */
  readonly limit?: number;
  /** Keep only held-out prompts: a share of the pairs (below 1) or a number of them. */
  readonly heldOut?: number;
  /** Name of the generator whose answers are the judge's own. */
  readonly own?: string;
  readonly onBadLine?: "fail" | "skip";
  readonly report?: (bad: BadLine) => void;
}

/** Comparisons and what was left out of them. */
export interface LoadedEvidence {
  readonly evidence: Evidence[];
  /** What was left out on the way, by reason. */
  readonly leftOut: Readonly<Record<string, number>>;
}

/**
 * Reads pairs to measure a judge on. AlpacaEval annotations keep their order (`output_1` first) and
 * their ties; other formats (see `readPairs`) name the better answer, which then comes first.
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
  const { seed, limit, heldOut } = options;
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1)) {
    throw new UserError(`the limit is ${limit}`, "give a whole number of pairs from 1 up");
  }
  const leftOut: Record<string, number> = {};
  const leave = (reason: string) => leftOut[reason] = (leftOut[reason] ?? 0) + 1;
  const all: Evidence[] = [];
  const seen = new Set<string>();
  for (const file of files) {
    const found = await guessFormat(file) === "alpaca"
      ? fromAnnotations(file, options, leave)
      : fromPairs(file, options, leave);
    for await (const item of found) {
      const { prompt: _, first, second } = item.comparison;
      const key = JSON.stringify([item.cluster, ...[first, second].sort()]);
      if (seen.has(key)) leave("the same comparison comes again");
      else {
        seen.add(key);
        all.push(item);
      }
    }
  }
  let kept = heldOut === undefined ? all : heldOutOf(all, { heldOut, seed });
  if (limit !== undefined && kept.length > limit) {
    kept = Rng.named(seed, "judge/pairs").shuffle(kept).slice(0, limit);
  }
  if (kept.length === 0) {
    const why = Object.entries(leftOut).map(([reason, n]) => `${n}: ${reason}`).join("; ");
    throw new UserError(
      `${files.join(", ")}: no comparison to judge${why === "" ? "" : ` (${why})`}`,
      "give a file with two different answers to at least one prompt",
    );
  }
  return { evidence: kept, leftOut };
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
  { own, onBadLine = "fail", report }: EvidenceOptions,
  leave: (reason: string) => void,
): AsyncGenerator<Evidence> {
  for await (const row of readAnnotations(file)) {
    if ("reason" in row) {
      const { line, reason, detail } = row;
      if (onBadLine === "fail") {
        throw new UserError(
          `${file} item ${line}: ${reason}${detail === undefined ? "" : ` (${detail})`}`,
          "mend or remove the record, or have bad records skipped",
        );
      }
      report?.({ file, line, unit: "item", reason, ...(detail !== undefined && { detail }) });
      leave(reason);
      continue;
    }
    const { instruction, output_1, output_2, preference, generator_1, generator_2 } = row.value;
    if (output_1 === output_2) {
      leave("the two answers are the same");
      continue;
    }
    if (output_1.trim() === "" || output_2.trim() === "") {
      leave("an answer is empty");
      continue;
    }
    const prompt = [{ role: "user", content: instruction } as const];
    const mine = [generator_1, generator_2].map((name) => own !== undefined && name === own);
    yield {
      id: `${basename(file)}:${row.line}`,
      file,
      comparison: { prompt, first: output_1, second: output_2 },
      label: preference < 1.5 ? "first" : preference > 1.5 ? "second" : "tie",
      labelProbability: 2 - preference,
      own: mine[0] === mine[1] ? null : mine[0] ? "first" : "second",
      cluster: promptKey(prompt),
    };
  }
}

async function* fromPairs(
  file: string,
  { onBadLine, report }: EvidenceOptions,
  leave: (reason: string) => void,
): AsyncGenerator<Evidence> {
  const pairs = readPairs(file, { onBadLine, report });
  for await (const { id, prompt, chosen, rejected } of pairs) {
    yield {
      id,
      file,
      comparison: { prompt, first: chosen, second: rejected },
      label: "first",
      labelProbability: null,
      own: null,
      cluster: promptKey(prompt),
    };
  }
  for (const [reason, n] of Object.entries(pairs.counts.reasons)) {
    for (let i = 0; i < n; i++) leave(reason);
  }
}

function heldOutOf(
  all: readonly Evidence[],
  { heldOut, seed }: { heldOut: number; seed: number },
): Evidence[] {
  const pairs = all.map(({ comparison: { prompt, first, second } }, i): Pair => ({
    id: `${i}`,
    prompt,
    chosen: first,
    rejected: second,
    source: "evidence",
  }));
  return splitByPrompt(pairs, { heldOut, seed }).heldOut.map(({ id }) => all[Number(id)]);
}

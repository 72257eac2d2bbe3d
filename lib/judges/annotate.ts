/** A judge as annotator: it chooses between two answers, and the choice is kept with all that it rests on. */
import { createHash } from "node:crypto";
import { UserError } from "../base/error.ts";
import { Rng } from "../base/random.ts";
import type { Judgment } from "../method/mod.ts";
import { comparisonKey } from "../measure/mod.ts";
import { type BadLine, type Pair, readPairs } from "../preference/mod.ts";
import type { Turn } from "../text/mod.ts";
import type { OpenedJudge } from "./opened_judge.ts";

/** Two answers to one prompt, nobody's choice between them told. */
export interface UnlabelledPair extends Pick<Pair, "id" | "prompt" | "source" | "principle"> {
  readonly first: string;
  readonly second: string;
}

/** A pair and why it got no label. */
export interface LeftOut {
  readonly reason: string;
  readonly id: string;
}

/** What a judge said of one position of the answers: the probabilities of the labels that stand for each. */
interface PositionRow {
  readonly chosen: number;
  readonly rejected: number;
}

/** A pair that a judge labelled, as a line of TRL's conversational preference format with further columns. */
export interface AnnotatedPair {
  readonly id: string;
  readonly source: string;
  readonly prompt: readonly Turn[];
  readonly chosen: readonly Turn[];
  readonly rejected: readonly Turn[];
  /** J(chosen, rejected), the mean over both positions. */
  readonly J: number;
  /** 2 J - 1, at least 0: how clear the preference is. */
  readonly strength: number;
  /** Whether both positions name the same answer; null for a verdict recorded in one position. */
  readonly consistent: boolean | null;
  /** Label probabilities with the chosen answer in the first position. */
  readonly chosen_first: PositionRow;
  /** The same with the rejected answer in the first position. */
  readonly rejected_first: PositionRow;
  /** Each principle asked by, with its own J of the chosen answer. */
  readonly votes: readonly { readonly principle: string; readonly J: number }[];
  /** That of the record, where it names one. */
  readonly principle?: string;
  readonly judge: string;
  readonly judge_fingerprint: string;
}

/** What labels have to be to be kept. */
export interface AnnotationFilter {
  /** Least J of the chosen answer. @default no limit */
  readonly minConfidence?: number;
  /** Both positions have to name the same answer. @default false */
  readonly consistent?: boolean;
}

/**
 * Reads pairs for a judge to label, whatever choice their files name. Which of the two answers is the first follows from
 * their texts alone, so that the order of a labelled file tells nothing. What comes again is left out.
 *
 * @throws {UserError} as `readPairs`
 */
export async function readUnlabelled(
  files: readonly string[],
  { seed, limit, onBadLine }: {
    readonly seed: number;
    /** Most pairs, drawn at random. @default all */
    readonly limit?: number;
    readonly onBadLine?: "fail" | "skip";
  },
): Promise<{ pairs: UnlabelledPair[]; leftOut: LeftOut[] }> {
  const pairs = new Map<string, UnlabelledPair>();
  const leftOut: LeftOut[] = [];
  const ids = new Set<string>();
  for (const file of files) {
    const report = (bad: BadLine) =>
      leftOut.push({ reason: bad.reason, id: `${file}:${bad.line}` });
    const read = readPairs(file, { onBadLine, report, unlabelled: true });
    for await (const pair of read) {
      const { prompt, chosen, rejected, source, principle } = pair;
      const id = ids.has(pair.id) ? `${file}:${read.place.line}/${pair.id}` : pair.id;
      ids.add(id);
      const [first, second] = [chosen, rejected].map((answer) => ({
        answer,
        place: createHash("sha256").update(JSON.stringify([prompt, answer])).digest("hex"),
      })).sort((a, b) => a.place < b.place ? -1 : 1).map(({ answer }) => answer);
      const compared = { prompt, first, second, ...(principle && { principle }) };
      const key = comparisonKey(compared);
      if (pairs.has(key)) leftOut.push({ reason: "the same comparison comes again", id });
      else pairs.set(key, { id, source, ...compared });
    }
  }
  const all = [...pairs.values()];
  return {
    pairs: limit === undefined || all.length <= limit
      ? all
      : Rng.named(seed, "judge/pairs").shuffle(all).slice(0, limit),
    leftOut,
  };
}

/** A pair with what the judge said of it: a label, or why there is none. */
export interface Judged {
  readonly pair: UnlabelledPair;
  /** Null where the judge knows nothing of the pair. */
  readonly judgment: Judgment | null;
  /** Null where nothing was decided. */
  readonly label: AnnotatedPair | null;
  /** Why it is not to be learned from; null where it is. */
  readonly reason: string | null;
}

/**
 * Has a judge label pairs and sifts the labels.
 *
 * @throws {UserError} as the judge, and where consistency is asked of verdicts that were given in one position
 * @example
 * ```ts ignore
 * import { annotate, openJudge, readUnlabelled } from "./mod.ts";
 * const { pairs } = await readUnlabelled(["pairs.jsonl"], { seed: 7 });
 * const judged = await annotate(await openJudge("model:PATH", setting), pairs, { minConfidence: 0.7 });
 * const kept = judged.filter(({ reason }) => reason === null).map(({ label }) => label);
 * ```
 */
export async function annotate(
  opened: Pick<OpenedJudge, "judge" | "fingerprint">,
  pairs: readonly UnlabelledPair[],
  filter: AnnotationFilter = {},
): Promise<Judged[]> {
  const { judge, fingerprint } = opened;
  const known = pairs.map((pair) => judge.covers?.(pair) ?? true);
  const judgments = await judge.compare(
    pairs.filter((_, i) => known[i])
      .map(({ prompt, first, second, principle }) => ({
        ...{ prompt, first, second },
        ...(principle && { principle }),
      })),
  );
  let next = 0;
  return pairs.map((pair, i): Judged => {
    if (!known[i]) {
      return { pair, judgment: null, label: null, reason: "the judge knows nothing of it" };
    }
    const judgment = judgments[next++];
    if (!judgment.answered || judgment.winner === "tie") {
      const reason = judgment.answered ? "the judge is undecided" : "the judge did not answer";
      return { pair, judgment, label: null, reason };
    }
    const label = labelOf(pair, judgment, { judge: judge.name, judge_fingerprint: fingerprint });
    return { pair, judgment, label, reason: refusal(label, filter) };
  });
}

function labelOf(
  { id, source, prompt, first, second, principle }: UnlabelledPair,
  { winner, pFirst, forward, backward, consistent, votes, recorded }: Judgment,
  by: Pick<AnnotatedPair, "judge" | "judge_fingerprint">,
): AnnotatedPair {
  const isFirst = winner === "first";
  const say = (content: string): Turn[] => [{ role: "assistant", content }];
  const J = isFirst ? pFirst : 1 - pFirst;
  // A is always what stands first: `forward` shows the first answer there, `backward` the second.
  const [shown, swapped] = isFirst ? [forward, backward] : [backward, forward];
  return {
    ...{ id, source, prompt },
    chosen: say(isFirst ? first : second),
    rejected: say(isFirst ? second : first),
    J,
    strength: Math.max(0, 2 * J - 1),
    consistent: recorded === undefined ? consistent : null,
    chosen_first: { chosen: shown.a, rejected: shown.b },
    rejected_first: { chosen: swapped.b, rejected: swapped.a },
    votes: votes.map(({ principle, scoreFirst, scoreSecond }) => {
      const all = scoreFirst + scoreSecond;
      const p = all > 0 ? scoreFirst / all : 0.5;
      return { principle, J: isFirst ? p : 1 - p };
    }),
    ...(principle && { principle }),
    ...by,
  };
}

function refusal(
  { J, consistent }: AnnotatedPair,
  { minConfidence, consistent: asked }: AnnotationFilter,
): string | null {
  if (asked && consistent === null) {
    throw new UserError(
      "the judge's verdicts were recorded in one position, so that their consistency is not known",
      "leave out --consistent, or name a judge that is asked in both positions",
    );
  }
  if (asked && !consistent) return "the positions name different answers";
  if (minConfidence !== undefined && J < minConfidence) return `J is below ${minConfidence}`;
  return null;
}

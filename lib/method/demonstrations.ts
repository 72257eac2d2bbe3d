import type { Rng } from "../base/random.ts";
import { type Pair, splitKey } from "../preference/mod.ts";
import type { JudgeQuestion } from "./template.ts";

/** A judged pair that a judge is shown before the one that it is asked about. */
export type Demonstration = Pick<Pair, "prompt" | "chosen" | "rejected">;

/** Demonstrations drawn from labelled pairs, one a prompt. */
export function drawDemonstrations(
  pairs: readonly Demonstration[],
  { count, rng }: { count: number; rng: Rng },
): Demonstration[] {
  const shuffled = rng.shuffle(pairs);
  const prompts = new Set<string>();
  const distinct = shuffled.filter(({ prompt }) => {
    const key = splitKey(prompt);
    return !prompts.has(key) && prompts.add(key);
  });
  return distinct.slice(0, count);
}

/**
 * A judge's question with judged pairs before it, each a whole conversation: few-shot judging. A demonstration on the
 * prompt that is judged is left out, and the next one takes its place. The chosen answers of those that are shown stand in
 * the two positions in turn, so that they teach no position. What is learned of the question (`judged`) is as before:
 * demonstrations are for a judge that was not trained.
 *
 * @param options.demonstrations One more than `count`, so that one may be left out.
 * @param options.end Tokens that end the judge's reply.
 */
export function withDemonstrations(
  question: JudgeQuestion,
  { demonstrations, count, end }: {
    demonstrations: readonly Demonstration[];
    count: number;
    end: readonly number[];
  },
): JudgeQuestion {
  const shown = demonstrations.map(({ prompt, chosen, rejected }) => {
    const made: number[][] = []; // each form once, and only where it is shown
    const at = (label: 0 | 1) => {
      const answers = label === 0 ? [chosen, rejected] as const : [rejected, chosen] as const;
      return made[label] ??= [...question.judged(prompt, answers, { label }).ids, ...end];
    };
    return { key: splitKey(prompt), at };
  });
  return {
    principle: question.principle,
    labels: question.labels,
    labelIds: question.labelIds,
    counts: question.counts,
    judged: (...args) => question.judged(...args),
    prompt: (dialogue, first, second) => {
      const key = splitKey(dialogue);
      const before = shown.filter((one) => one.key !== key).slice(0, count);
      return [
        ...before.flatMap((one, i) => one.at(i % 2 === 0 ? 0 : 1)),
        ...question.prompt(dialogue, first, second),
      ];
    },
  };
}

import { UserError } from "../base/error.ts";
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
 * The whole is at most `maxTokens` long: before a long question the last demonstrations are left out, and counted.
 *
 * @param options.demonstrations One more than `count`, so that one may be left out.
 * @param options.end Tokens that end the judge's reply.
 * @param options.maxTokens Most tokens of a prompt, demonstrations included. @default no limit
 * @throws {UserError} When they leave no room for a question as short as the shortest of their own.
 */
export function withDemonstrations(
  question: JudgeQuestion,
  { demonstrations, count, end, maxTokens = Infinity }: {
    demonstrations: readonly Demonstration[];
    count: number;
    end: readonly number[];
    maxTokens?: number;
  },
): JudgeQuestion {
  const shown = demonstrations.map(({ prompt, chosen, rejected }) => {
    const made: number[][] = []; // each form once
    const at = (place: number) => {
      const label = place % 2 === 0 ? 0 : 1;
      const answers = label === 0 ? [chosen, rejected] as const : [rejected, chosen] as const;
      return made[label] ??= uncounted(question, () => {
        const { ids, over = 0 } = question.judged(prompt, answers, { label });
        return [...ids.slice(over), ...end];
      });
    };
    return { key: splitKey(prompt), at };
  });
  const lengths = shown.map(({ at }, i) => at(i).length);
  const shortest = Math.min(...lengths) - end.length - 1;
  const least = lengths.slice(0, count).reduce((sum, length) => sum + length, shortest);
  if (least > maxTokens) {
    throw new UserError(
      `${count} demonstrations and a question as short as theirs have ${least} tokens, over the ${maxTokens} of ` +
        "a judge's prompt",
      `lower judge.demonstrations, name shorter pairs in judge.demonstrationsFile, or raise judge.maxTokens to ${least} or more`,
    );
  }
  return {
    principle: question.principle,
    labels: question.labels,
    labelIds: question.labelIds,
    counts: question.counts,
    judged: (...args) => question.judged(...args),
    prompt: (dialogue, first, second) => {
      const key = splitKey(dialogue);
      const asked = question.prompt(dialogue, first, second);
      const before = shown.filter((one) => one.key !== key).slice(0, count).map(({ at }, i) =>
        at(i)
      );
      let room = maxTokens - asked.length;
      const over = before.findIndex(({ length }) => (room -= length) < 0);
      const kept = over < 0 ? before : before.slice(0, over);
      question.counts.droppedDemonstrations += before.length - kept.length;
      return [...kept.flat(), ...asked];
    },
  };
}

/** Makes something with a question without its counting it: a demonstration is no prompt. */
function uncounted<T>({ counts }: JudgeQuestion, make: () => T): T {
  const before = { ...counts };
  try {
    return make();
  } finally {
    Object.assign(counts, before);
  }
}

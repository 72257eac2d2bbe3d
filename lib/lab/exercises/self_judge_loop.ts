/** Exercises of notebook 04. */
import { answerExample, type Judgment } from "../../method/mod.ts";
import { sequenceLogProbs } from "../../model/mod.ts";
import type { Pair } from "../../preference/mod.ts";
import { type Exercise, numbers } from "../../show/mod.ts";
import { mean } from "../study/measure.ts";
import { BATCH_TOKENS, type DeskSession } from "../study/session.ts";

/**
 * How much likelier than under JSFT a policy finds the chosen and the rejected answers of some pairs.
 *
 * @param policy Name of its stage, trained already.
 */
export function likelierAnswers(
  session: DeskSession,
  { policy, pairs }: { policy: string; pairs: readonly Pair[] },
): Exercise<{ chosen: number; rejected: number }> {
  return numbers({
    name: "04.1",
    form: "{ chosen: mean nats, rejected: mean nats }",
    hints: [
      "answerExample({ prompt, answer, pair: id }, encoder)!.example, of lib/method/mod.ts, is an answer as ids, and from: where it begins.",
      "sequenceLogProbs(model, examples) gives log p of each; subtract JSFT's, then take two means.",
    ],
    async expected() {
      const encoder = await session.encoder();
      const sequences = pairs.flatMap(({ prompt, chosen, rejected, id }) =>
        [chosen, rejected].map((answer) =>
          answerExample({ prompt, answer, pair: id }, encoder)!.example
        )
      );
      const [now, before] = await Promise.all([policy, "jsft"].map(async (stage) => {
        const model = await session.copy(stage);
        const sums = await sequenceLogProbs(model, sequences, { batchTokens: BATCH_TOKENS });
        model.dispose();
        return sums;
      }));
      const side = (odd: number) =>
        mean(now.flatMap((x, i) => i % 2 === odd ? [x - before[i]] : []));
      return { chosen: side(0), rejected: side(1) };
    },
    within: 0.01,
    meaning:
      "The loss looks at the difference alone: both may fall, as long as the rejected ones fall more.",
  });
}

/** What the hinge and the IPO loss of a pair are at the start. */
export function firstLosses(beta: number): Exercise<{ hinge: number; ipo: number }> {
  return numbers({
    name: "04.2",
    form: "{ hinge: loss, ipo: loss }",
    hints: [
      "At the start the policy is the reference, so h is 0 whatever the answers are.",
      "Put h = 0 into the two formulas of lib/method/losses.ts.",
    ],
    expected: () => ({ hinge: 1, ipo: 1 / (2 * beta) ** 2 }),
    within: { share: 1e-3 },
    meaning:
      "A first loss that is another one means that policy and reference differ: in their mask, by dropout, or because the " +
      "reference is not the start. A mask that is wrong in both alike does not show here.",
  });
}

/**
 * How often a judge that errs at random, on every pair alike, must be right to be worth as much as ours.
 *
 * @param options.gaps Reward of the first answer less that of the second.
 */
export function equalJudge(
  { verdicts, gaps }: { verdicts: readonly Judgment[]; gaps: readonly number[] },
): Exercise<{ probability: number }> {
  return numbers({
    name: "04.3",
    form: "{ probability: from 0.5 to 1 }",
    hints: [
      "A judge right with probability p gains the distance d with p and loses it with 1 - p: (2p - 1) d on average.",
      "What ours gains: the gap where it names the first, minus the gap where it names the second.",
      "Set the two means equal and solve for p.",
    ],
    expected: () => {
      const won = verdicts.map(({ winner }, i) =>
        winner === "first" ? gaps[i] : winner === "second" ? -gaps[i] : 0
      );
      return { probability: (1 + mean(won) / mean(gaps.map(Math.abs))) / 2 };
    },
    within: 0.005,
    meaning: "It is more than its accuracy if it errs where little is at stake.",
  });
}

/** Exercises of notebook 01. */
import { type Exercise, numbers } from "../../show/mod.ts";
import { type Example, type Weighting } from "../../method/mod.ts";
import { tokenWeights } from "../../method/mod.ts";
import { mean } from "../study/measure.ts";

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** How often a judge that always says A is right. */
export function lazyJudge(): Exercise<{ bothPositions: number; chosenFirst: number }> {
  return numbers({
    name: "01.1",
    form: "{ bothPositions: share, chosenFirst: share }",
    hints: [
      "ids.at(-1) of a judgment is its letter; overall.labelIds[0] is that of A.",
      "With both positions every pair has one judgment that says A and one that says B.",
    ],
    expected: () => ({ bothPositions: 0.5, chosenFirst: 1 }),
    within: 1e-9,
    meaning: "From pairs with the chosen answer first a model learns to say A without reading: " +
      "a loss of 0 and a worthless judge.",
  });
}

/** Temperatures of exercise 2. */
export const TEMPERATURES = [0, 0.25, 0.5, 1, 2, 4] as const;

/**
 * Shares of labels that name the better answer, by the labellers' temperature.
 *
 * @param gaps How far apart the two rewards of a pair are, of pairs that differ.
 */
export function noisierLabellers(
  gaps: readonly number[],
): Exercise<Readonly<Record<`${number}`, number>>> {
  const law = (gap: number, t: number) => t === 0 ? 1 : 1 / (1 + Math.exp(-Math.abs(gap) / t));
  return numbers({
    name: "01.2",
    form: "{ 0: share, 0.25: share, 0.5: share, 1: share, 2: share, 4: share }",
    hints: [
      "prefersFirst({ request, first, second }, rng, { temperature }) is one label.",
      "A label is right if it prefers the first answer just when the first has the larger reward; leave equal rewards out.",
    ],
    expected: () =>
      Object.fromEntries(TEMPERATURES.map((t) => [`${t}`, mean(gaps.map((gap) => law(gap, t)))])),
    // Four standard deviations of a share of so many labels.
    within: 2 / Math.sqrt(gaps.length),
    meaning: "At temperature 0 no label is wrong; the hotter, the nearer they come to a coin.",
  });
}

/**
 * Shares of the loss.
 *
 * @param batch Examples of the batch without rationale, and of the same pairs with it.
 */
export function tokensOrExamples(
  batch: { plain: readonly Example[]; reasoned: readonly Example[] },
): Exercise<{ plain: number; reasoned: number; verdicts: number; decided: number }> {
  const half: Weighting = { mode: "example", judgeWeight: 0.5 };
  const judging = (examples: readonly Example[], weighting: Weighting) =>
    tokenWeights(examples, weighting).filter((_, i) => examples[i].kind === "judgment");
  const verdicts = (weighting: Weighting) =>
    sum(judging(batch.reasoned, weighting).map(([verdict]) => verdict));
  return numbers({
    name: "01.3",
    form: "{ plain, reasoned: share of judge examples by tokens, without rationale and with it; " +
      "verdicts, decided: share of verdicts by examples, with rationale, without and with decisionWeight 0.5 }",
    hints: [
      'tokenWeights(examples, { mode: "token" }) has an array of weights for each example.',
      'Sum the weights of the examples whose kind is "judgment".',
      "A verdict is the first weight of a judgment; those that come after it are its rationale's.",
    ],
    expected: () => ({
      plain: sum(judging(batch.plain, { mode: "token" }).flat()),
      reasoned: sum(judging(batch.reasoned, { mode: "token" }).flat()),
      verdicts: verdicts(half),
      decided: verdicts({ ...half, decisionWeight: 0.5 }),
    }),
    within: 0.002,
    meaning:
      "Counted by tokens a rationale turns the balance over; decisionWeight gives the verdict its share back.",
  });
}

/** Exercises of notebook 06. */
import { Rng } from "../../base/random.ts";
import { compareModels, type ComparisonFile } from "../../measure/mod.ts";
import { sampleStandardDeviation } from "simple-statistics";
import { type Exercise, numbers } from "../../show/mod.ts";

/** Width of the interval of a difference of win rates, taken instruction by instruction, in points. */
export function pairedInterval(
  [first, second]: readonly [ComparisonFile, ComparisonFile],
  seed: number,
): Exercise<{ width: number }> {
  return numbers({
    name: "06.1",
    form: "{ width: points }",
    hints: [
      "compareModels(first, second, { rng }).difference has low and high.",
      "As if independent it would be 2 x 1.96 x the root of the sum of both squared standard errors.",
    ],
    expected: () => {
      const { difference } = compareModels(first, second, { rng: Rng.named(seed, "check") });
      return { width: difference.high! - difference.low! };
    },
    within: { share: 0.15 },
    meaning: "What makes an instruction easy for both cancels in pairs.",
  });
}

/**
 * How many instructions a win rate needs for a standard deviation of two points.
 *
 * @param preferences The judge's, from 0 to 1, one an instruction.
 */
export function howManyInstructions(
  preferences: readonly number[],
): Exercise<{ instructions: number }> {
  return numbers({
    name: "06.2",
    form: "{ instructions: number }",
    hints: [
      "The standard deviation of a mean of n is that of one verdict divided by the root of n.",
      "Verdicts are in points here: 100 times the preference.",
    ],
    expected: () => ({
      instructions: Math.ceil((100 * sampleStandardDeviation([...preferences]) / 2) ** 2),
    }),
    within: { share: 0.05 },
    meaning: "Half the deviation costs four times the instructions.",
  });
}

/** Win rates in percent of an answerer that is as good as the baseline and ever longer. */
export interface CheatersRates {
  /** From the shortest to the longest. */
  readonly raw: readonly number[];
  readonly controlled: readonly number[];
}

/** Which rate a cheater moves by length alone. */
export function cheater(): Exercise<CheatersRates> {
  return {
    name: "06.3",
    form: "{ raw: [%, %, ...], controlled: [%, %, ...] }, from the shortest to the longest",
    hints: [
      "Make verdicts p = 1 / (1 + exp(2 tanh(delta))) with delta = -longer + noise, noise from -1 to 1.",
      "The raw rate is 100 times the mean of p.",
      "controlledByHand(made, 1, 10), a few cells up, gives the controlled one.",
    ],
    fault({ raw, controlled }) {
      if (raw.length < 3 || raw.length !== controlled.length) {
        return "three lengths or more, and as many rates of either kind.";
      }
      if (raw.some((rate, i) => i > 0 && !(rate > raw[i - 1]))) {
        return "the raw rate rises with every length; this one does not.";
      }
      return controlled.every((rate) => Math.abs(rate - 50) < 5)
        ? null
        : "the controlled rate stays within 5 points of even; this one does not.";
    },
    meaning:
      "The raw rate rises with length alone; the controlled one does not, where its formula is true.",
  };
}

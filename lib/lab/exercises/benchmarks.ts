/** Exercises of notebook 06. */
import { Rng } from "../../base/random.ts";
import { compareModels, type ComparisonFile } from "../../measure/mod.ts";
import { summary } from "../../measure/statistics.ts";
import { mean, sampleStandardDeviation } from "simple-statistics";
import { type Exercise, numbers } from "../../show/mod.ts";

/** Widths of the 95 % interval of a difference of win rates, in points. */
interface Widths {
  /** Taken instruction by instruction. */
  readonly paired: number;
  /** As if the two rates were independent. */
  readonly independent: number;
}

/** How much narrower the interval of a difference is where both models answered the same instructions. */
export function pairedInterval(
  both: readonly [ComparisonFile, ComparisonFile],
  seed: number,
): Exercise<Widths> {
  const width = (error: number) => 2 * 1.96 * error;
  const errorOf = ({ items }: ComparisonFile) =>
    summary(items.flatMap(({ preference: p }) => p === null ? [] : [100 * p])).error;
  return numbers({
    name: "06.1",
    form: "{ paired: points, independent: points }",
    hints: [
      "A 95 % interval is 2 x 1.96 standard errors wide.",
      "compareModels(first, second, { rng }).standardError is that of the difference, instruction by instruction.",
      "winRate(file, { rng }).standardError is that of one rate; of the difference of two independent rates it is the root of the sum of both squares.",
    ],
    expected: () => {
      const rng = Rng.named(seed, "check"); // of the interval by bootstrap, which is not asked for
      return {
        paired: width(compareModels(...both, { rng, samples: 2 }).standardError!),
        independent: width(Math.hypot(...both.map(errorOf))),
      };
    },
    within: { share: 0.02 },
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

/** Win rates in percent of an answerer that is as good as the baseline and ever longer, one for each of {@linkcode LONGER}. */
export interface CheatersRates {
  readonly raw: readonly number[];
  readonly controlled: readonly number[];
}

/** How much longer the answers of exercise 3 are on average, in deviations of the difference of lengths. */
export const LONGER = [0, 0.5, 1, 2] as const;

/** The raw rate in percent of answers longer by that much, give or take one deviation, every difference as likely. */
function cheatersRate(longer: number): number {
  const points = Array.from({ length: 1000 }, (_, i) => (2 * i + 1) / 1000 - 1); // from -1 to 1
  return 100 * mean(points.map((noise) => 1 / (1 + Math.exp(2 * Math.tanh(noise - longer)))));
}

/** Which rate a cheater moves by length alone. */
export function cheater(): Exercise<CheatersRates> {
  const right: CheatersRates = {
    raw: LONGER.map(cheatersRate),
    controlled: LONGER.map(() => 50),
  };
  return {
    name: "06.3",
    form: "{ raw: [%, %, %, %], controlled: [%, %, %, %] }, from the shortest to the longest",
    hints: [
      "Make verdicts p = 1 / (1 + exp(2 tanh(delta))) with delta = -longer + noise, noise from -1 to 1: 2000 for each length.",
      "The raw rate is 100 times the mean of p.",
      "controlledByHand(made, 1, 10), a few cells up, gives the controlled one.",
    ],
    fault(rates) {
      for (const kind of ["raw", "controlled"] as const) {
        if (rates[kind]?.length !== LONGER.length) {
          return `${kind} has a rate for each of ${LONGER.length} lengths.`;
        }
        const off = LONGER.findIndex((_, i) => !(Math.abs(rates[kind][i] - right[kind][i]) < 2));
        if (off >= 0) {
          const is = rates[kind][off] < right[kind][off] ? "small" : "large";
          return `the ${kind} rate of answers longer by ${LONGER[off]} is too ${is}.`;
        }
      }
      return null;
    },
    meaning:
      "The raw rate rises with length alone; the controlled one does not, where its formula is true.",
  };
}

/** Exercises of notebook 03. */
import type { Comparison, Judge, Judgment } from "../../method/mod.ts";
import { type Exercise, numbers } from "../../show/mod.ts";
import { rewardGap } from "../study/desk_evidence.ts";
import { mean, rightOn } from "../study/measure.ts";

/** A judge's verdicts on pairs, with the reward of each first answer less that of its second. */
interface Judged {
  readonly verdicts: readonly Judgment[];
  readonly gaps: readonly number[];
}

/** Share of pairs whose rewards differ that the judge has right, asked once and asked in both positions. */
export function askingTwice({ verdicts, gaps }: Judged): Exercise<{ once: number; both: number }> {
  return numbers({
    name: "03.1",
    form: "{ once: share, both: share }",
    hints: [
      "forward is the verdict with the first answer in position A: it names the first where forward.a > forward.b.",
      "rightOn(verdicts.jsft, { gaps, least: 0 }) has the credit of both positions, pair by pair.",
    ],
    expected: () => ({
      once: mean(
        verdicts.flatMap(({ forward }, i) =>
          gaps[i] === 0 ? [] : [Number(forward.a > forward.b === gaps[i] > 0)]
        ),
      ),
      both: mean(rightOn(verdicts, { gaps, least: 0 })),
    }),
    within: 1e-3,
    meaning:
      "Where the positions agree, asking twice changes nothing; where they do not, the surer one decides.",
  });
}

/** Mean surprise of the even-numbered pairs at a temperature. */
function surprise({ verdicts, gaps }: Judged, T: number): number {
  const known = verdicts.flatMap(({ pFirst }, i) =>
    gaps[i] === 0 ? [] : [Math.log(pFirst / (1 - pFirst)) * Math.sign(gaps[i])]
  ).filter((_, i) => i % 2 === 0);
  return mean(known.map((odds) => Math.log1p(Math.exp(-odds / T))));
}

/** The temperature at which the judge's odds surprise least. */
export function temperature(judged: Judged): Exercise<number> {
  return {
    name: "03.2",
    form: "a temperature, such as 1",
    hints: [
      "Leave out pairs of equal rewards, then take every other pair, beginning with the first.",
      "The probability of the truth is sigmoid(odds / T) where the first answer is better, sigmoid(-odds / T) where the second is.",
      "Try a grid from 0.1 to 3 and keep the T with the smallest mean of -log p.",
    ],
    fault(T) {
      if (!(T > 0)) return "a temperature is above 0.";
      const grid = Array.from({ length: 59 }, (_, i) => 0.1 * 1.06 ** i);
      const least = Math.min(...grid.map((one) => surprise(judged, one)));
      return surprise(judged, T) <= least + 0.002 ? null : "at another T the truth surprises less.";
    },
    meaning: "No probability crosses one half, so every verdict, and the accuracy, stays.",
  };
}

/** Verdicts on the same answers under other guests' requests. */
export interface Strange {
  readonly comparisons: readonly Comparison[];
  readonly judgments: readonly Judgment[];
  /** Share right by the true reward of the true request, with the true request less with the strange one. */
  readonly difference: number;
}

/** How much accuracy a judge loses where the request is another's. */
export function readsTheRequest(
  { judge, comparisons, verdicts }: {
    judge: Pick<Judge, "compare">;
    comparisons: readonly Comparison[];
    verdicts: readonly Judgment[];
  },
): Exercise<Strange> {
  return {
    name: "03.3",
    form: "{ comparisons, judgments, difference }",
    hints: [
      "{ ...one, prompt: some[(i + 1) % some.length].prompt } has the next guest's request.",
      "The gaps stay those of the true request.",
      "Subtract pair by pair, then take the mean: credit(judgment, better) is 1, 0 or a half.",
    ],
    async fault(answer) {
      const same = comparisons.every(({ first, second, prompt }, i) => {
        const other = answer.comparisons[i];
        return other?.first === first && other.second === second &&
          other.prompt.at(-1)!.content !== prompt.at(-1)!.content;
      });
      if (!same) return "every pair keeps its answers and gets a request that is not its own.";
      const again = await judge.compare(answer.comparisons);
      if (again.some(({ pFirst }, i) => Math.abs(pFirst - answer.judgments[i]?.pFirst) > 1e-3)) {
        return "the judgments are not this judge's on these pairs.";
      }
      const gaps = comparisons.map((one) => rewardGap(one));
      const right = (some: readonly Judgment[]) => mean(rightOn(some, { gaps, least: 0 }));
      const should = right(verdicts) - right(again);
      return Math.abs(should - answer.difference) < 1e-3
        ? null
        : `the difference is too ${answer.difference < should ? "small" : "large"}.`;
    },
    meaning:
      "So much the judge loses when the request is another's; a wrong request may also mislead it.",
  };
}

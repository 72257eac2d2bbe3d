/** Exercises of notebook 07. */
import { type Exercise, formatNumber, numbers } from "../../show/mod.ts";

/** How many pairs show, four times in five, that a judge is better than a coin. */
export function pairsNeeded(): Exercise<{ at55: number; at52: number }> {
  const needed = (p: number) => (1.96 * 0.5 + 0.84 * Math.sqrt(p * (1 - p))) ** 2 / (p - 0.5) ** 2;
  return numbers({
    name: "07.1",
    form: "{ at55: pairs, at52: pairs }",
    hints: [
      "The mean of n verdicts has the standard deviation of one, sqrt(p (1 - p)), divided by the root of n.",
      "The interval excludes one half where the mean is 1.96 standard errors above it.",
      "Four times in five is 0.84 standard deviations more: (1.96 x 0.5 + 0.84 x sd)^2 / (p - 0.5)^2.",
    ],
    expected: () => ({ at55: needed(0.55), at52: needed(0.52) }),
    within: { share: 0.03 },
    meaning:
      "A judge that is right a little more often than a coin takes thousands of pairs to show.",
  });
}

/** Losses at a margin of 0, as functions of beta. */
export interface StartingLosses {
  readonly dpo: (beta: number) => number;
  readonly hinge: (beta: number) => number;
  readonly ipo: (beta: number) => number;
}

/** What each loss begins with. */
export function startingLosses(): Exercise<StartingLosses> {
  const right: StartingLosses = {
    dpo: () => Math.LN2,
    hinge: () => 1,
    ipo: (beta) => 1 / (2 * beta) ** 2,
  };
  return {
    name: "07.2",
    form: "{ dpo: (beta) => loss, hinge: (beta) => loss, ipo: (beta) => loss }",
    hints: [
      "preferenceLoss with four equal log-probabilities has margin 0.",
      "Give it three values of beta and see which loss moves.",
    ],
    fault(answer) {
      for (const name of ["dpo", "hinge", "ipo"] as const) {
        for (const beta of [0.05, 0.1, 0.5]) {
          const [is, should] = [answer[name](beta), right[name](beta)];
          if (!(Math.abs(is - should) <= 1e-3 * should)) {
            return `${name} does not begin with ${formatNumber(is)} at beta ${beta}.`;
          }
        }
      }
      return null;
    },
    meaning: "Of the three, IPO's start alone depends on beta.",
  };
}

/**
 * What a judge that always names the shorter answer would score.
 *
 * @param longerWins Share of labels that the longer answer has, a tie in length one half.
 */
export function shorterAnswers(longerWins: number): Exercise<{ shorter: number }> {
  return numbers({
    name: "07.3",
    form: "{ shorter: share }",
    hints: [
      'measureOf(judgeAfter, "longerWinsAccuracy") is what naming the longer one scores.',
      "In each pair either the longer or the shorter one has the label; a tie counts a half for both.",
    ],
    expected: () => ({ shorter: 1 - longerWins }),
    within: 1e-3,
    meaning:
      "Where it lies in the judge's interval, reading nothing but length would score as much; but who reads nothing else never " +
      "flips, ties in length apart, so that flips tell what the score does not.",
  });
}

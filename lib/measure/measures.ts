import { characters } from "../base/characters.ts";
import { agreementCell, cohenKappa } from "./kappa.ts";
import {
  type Comparison,
  credit,
  type Judgment,
  type LabelProbabilities,
  larger,
  type Winner,
} from "../method/judgment.ts";
import type { SumStatistic } from "./resample.ts";

/** A judged pair with everything that is known about it. */
export interface JudgedPair {
  readonly judgment: Judgment;
  readonly comparison: Comparison;
  /** Which answer is better; null where nobody says. */
  readonly label: Winner | null;
  /** Probability of the first answer being better by the labels; null where they do not say. */
  readonly labelProbability: number | null;
  /** Which answer the judge wrote; null where neither or both. */
  readonly own: "first" | "second" | null;
  /** Pairs of one cluster are not independent of each other. */
  readonly cluster: string;
}

/** What each measure of a full report means, by name and in the order of a table. */
export const MEASURES = {
  accuracy: "share of pairs whose labelled answer wins; a tie or no answer is a half",
  kappa: "Cohen's kappa with the labels, the answers in the order in which they are given",
  labelCorrelation: "correlation of P(first) with the labels' own probability",
  longerWinsAccuracy: "accuracy of always naming the longer answer",
  flipRate: "share of pairs whose two positions do not name the same winner; no answer names none",
  firstPositionRate: "share of single verdicts that name the first position; 0.5 is fair",
  firstPositionProbability:
    "mean share of the verdict's probability on the first position; 0.5 is fair",
  longerRate: "share of pairs of unequal length in which the longer answer wins",
  preferredLonger: "share of labelled pairs in which the labelled answer is longer",
  lengthBias: "how much more often the better answer wins where it is the longer one; 0 is fair",
  lengthCorrelation: "correlation of P(first) with the difference of lengths in characters",
  lengthCorrelationVerdict: "the same of the verdict: 1 first, 0 tie, -1 second",
  ownRate: "share of pairs with one answer of the judge's own in which that one wins",
  selfPreference:
    "how much more often the better answer wins where it is the judge's own; 0 is fair",
  calibrationError:
    "expected calibration error of P(first), 10 bins; its interval leaves out what noise adds",
  calibrationFloor: "what that error would be if the probabilities were exactly right",
  overconfidence: "mean confidence minus accuracy of the answer leaned to",
  brier: "mean squared distance of P(first) from the label; 0.25 is guessing",
  tieRate: "share of pairs without a winner",
  labelProbability: "probability on the two labels together",
  unansweredRate: "share of pairs in which P(A) + P(B) is below the judge's threshold",
  intransitiveTriples: "share of triples of answers in which each beats the next; 0.25 by chance",
} as const satisfies Record<string, string>;

/** Name of a measure. */
export type MeasureName = keyof typeof MEASURES;

const NO_LABELS = "no pair has a label that may be used and is not a tie";
const ONE_POSITION = "each pair was judged in one position only";

/**
 * The statistics of all measures that are functions of the pairs one by one.
 *
 * A pair that the judge did not answer counts a half where right and wrong are counted (`credit`), has P(first) 0.5,
 * is not consistent, and is no tie. `unansweredRate` says what share of the pairs that is.
 */
export function pairStatistics(pairs: readonly JudgedPair[]) {
  const noLabelProbability = {
    undefinedWhen: "the probabilities of the labels were not taken down",
  };
  return {
    ...labelStatistics(pairs),
    ...positionStatistics(pairs),
    ...lengthStatistics(pairs),
    ...ownStatistics(pairs),
    tieRate: average(
      pairs,
      ({ judgment: { answered, winner } }) => Number(answered && winner === "tie"),
    ),
    labelProbability: average(
      pairs,
      ({ judgment: { labelProbability, recorded } }) => recorded ? null : labelProbability,
      { ...noLabelProbability, share: false },
    ),
    unansweredRate: average(
      pairs,
      ({ judgment: { answered, recorded } }) => recorded ? null : Number(!answered),
      noLabelProbability,
    ),
  } satisfies Partial<Record<MeasureName, SumStatistic>>;
}

/** The probability of the first answer, which is even where the judge did not answer. */
export function pFirstOf({ pFirst, answered }: Judgment): number {
  return answered ? pFirst : 0.5;
}

function labelStatistics(pairs: readonly JudgedPair[]) {
  const when = { undefinedWhen: NO_LABELS };
  const cells = pairs.map(({ judgment, label }) => label && verdictCell(judgment, label));
  const sides = new Set(pairs.flatMap(({ label }) => sided(label) ? [label] : []));
  return {
    accuracy: average(pairs, ({ judgment, label }) => right(judgment, label), when),
    kappa: {
      rows: cells,
      of: (sums) => bothNamed(sums) ? cohenKappa(sums) : null,
      undefinedWhen: sides.size === 0
        ? NO_LABELS
        : `every label names the same side (${[...sides].join()}), as the file is written`,
    },
    labelCorrelation: correlation(
      pairs.map((pair) =>
        pair.labelProbability === null
          ? null
          : [pFirstOf(pair.judgment) - 0.5, pair.labelProbability - 0.5]
      ),
      "the labels come without probabilities, or one side is always even",
    ),
    longerWinsAccuracy: average(
      pairs,
      (pair) => right({ winner: longer(pair), answered: true }, pair.label),
      when,
    ),
    preferredLonger: average(
      pairs,
      (pair) => sided(pair.label) ? Number(longer(pair) === pair.label) : null,
      when,
    ),
    brier: average(
      pairs,
      ({ judgment, label }) =>
        sided(label) ? (pFirstOf(judgment) - Number(label === "first")) ** 2 : null,
      { ...when, share: false },
    ),
  } satisfies Partial<Record<MeasureName, SumStatistic>>;
}

function positionStatistics(pairs: readonly JudgedPair[]) {
  const positions = (answeredAs: (positions: LabelProbabilities) => number): SumStatistic => ({
    // Counts and sums of the verdicts with `first` in the first position, then of the others: each half of
    // the rate, so that which of two unequal answers sat first more often does not count as a bias.
    rows: pairs.map(({ judgment: { forward, backward, recorded, answered } }) => {
      const of = (order: LabelProbabilities) => answered ? answeredAs(order) : 0.5;
      if (recorded === "unknown") return null;
      if (recorded === "forward") return [1, of(forward), 0, 0];
      if (recorded === "backward") return [0, 0, 1, of(backward)];
      return [1, of(forward), 1, of(backward)];
    }),
    of: ([n, first, m, other]) => n > 0 && m > 0 ? (first / n + other / m) / 2 : null,
    undefinedWhen: "it is not known which answer sat in the first position",
    share: true,
  });
  return {
    flipRate: average(
      pairs,
      ({ judgment: { answered, consistent, recorded } }) =>
        recorded ? null : Number(!(answered && consistent)),
      { undefinedWhen: ONE_POSITION },
    ),
    firstPositionRate: positions(({ a, b }) => credit({ winner: larger(a, b), answered: true })),
    firstPositionProbability: positions(({ a, b }) => a + b > 0 ? a / (a + b) : 0.5),
  } satisfies Partial<Record<MeasureName, SumStatistic>>;
}

function lengthStatistics(pairs: readonly JudgedPair[]) {
  const unequal = "the two answers of every pair are of one length";
  const difference = ({ comparison: { first, second } }: JudgedPair) =>
    characters(first) - characters(second);
  const named = (pair: JudgedPair) => {
    const side = longer(pair);
    return side === "tie" ? null : credit(pair.judgment, side);
  };
  return {
    longerRate: average(pairs, named, { undefinedWhen: unequal }),
    // Of the labelled answer, or of the first where nothing is labelled: its chances when it is longer
    // less its chances when it is shorter. How often labels prefer the longer one cancels out.
    lengthBias: contrast(pairs, (pair) => {
      const side = pair.label ?? "first";
      const long = longer(pair);
      return !sided(side) || long === "tie"
        ? null
        : { group: long === side, value: credit(pair.judgment, side) };
    }, "the better answer is not sometimes longer and sometimes shorter"),
    lengthCorrelation: correlation(
      pairs.map((pair) => [pFirstOf(pair.judgment) - 0.5, difference(pair)]),
      `P(first) is always 0.5, or ${unequal}`,
    ),
    lengthCorrelationVerdict: correlation(
      pairs.map((pair) => [credit(pair.judgment) - 0.5, difference(pair)]),
      `every verdict is a tie, or ${unequal}`,
    ),
  } satisfies Partial<Record<MeasureName, SumStatistic>>;
}

function ownStatistics(pairs: readonly JudgedPair[]) {
  const none = "no pair has exactly one answer that is known to be the judge's own";
  const own = ({ judgment, own }: JudgedPair) => own && credit(judgment, own);
  return {
    ownRate: average(pairs, own, { undefinedWhen: none }),
    selfPreference: contrast(
      pairs,
      ({ judgment, label, own }) =>
        own === null || !sided(label)
          ? null
          : { group: label === own, value: credit(judgment, label) },
      "there are not both: pairs with a label for the judge's own answer and for another's",
    ),
  } satisfies Partial<Record<MeasureName, SumStatistic>>;
}

/** Mean over the pairs for which `value` is not null. */
function average(
  pairs: readonly JudgedPair[],
  value: (pair: JudgedPair) => number | null,
  { undefinedWhen = "there are no pairs", share = true }: {
    undefinedWhen?: string;
    share?: boolean;
  } = {},
): SumStatistic {
  const rows = pairs.map((pair) => {
    const found = value(pair);
    return found === null ? null : [1, found];
  });
  return { rows, of: ([n, sum]) => n > 0 ? sum / n : null, undefinedWhen, share };
}

/** Mean of `value` in the group less its mean outside. */
function contrast(
  pairs: readonly JudgedPair[],
  of: (pair: JudgedPair) => { group: boolean; value: number } | null,
  undefinedWhen: string,
): SumStatistic {
  return {
    rows: pairs.map((pair) => {
      const found = of(pair);
      if (found === null) return null;
      return found.group ? [1, found.value, 0, 0] : [0, 0, 1, found.value];
    }),
    of: ([n, sum, m, other]) => n > 0 && m > 0 ? sum / n - other / m : null,
    undefinedWhen,
  };
}

/**
 * Pearson's correlation of two numbers that both change sign when the answers are swapped. Each pair
 * stands for its two positions, so both means are 0 and the correlation is that about the origin.
 */
function correlation(
  values: readonly (readonly [number, number] | null)[],
  undefinedWhen: string,
): SumStatistic {
  return {
    rows: values.map((value) => value && [value[0] * value[1], value[0] ** 2, value[1] ** 2]),
    of: ([xy, xx, yy]) => xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : null,
    undefinedWhen,
  };
}

/**
 * Whether labels of an agreement table name either answer. A file that writes the better answer first has a rate of
 * such labels that its form fixed, and kappa's chance agreement needs one that the labeller has.
 */
function bothNamed(table: ArrayLike<number>): boolean {
  return [0, 1].every((column) => table[column] + table[3 + column] + table[6 + column] > 0);
}

function longer({ comparison: { first, second } }: JudgedPair): Winner {
  return larger(characters(first), characters(second));
}

function sided(label: Winner | null): label is "first" | "second" {
  return label === "first" || label === "second";
}

/** The credit of a verdict against the labelled answer; null where neither is labelled. */
function right(verdict: Pick<Judgment, "winner" | "answered">, label: Winner | null) {
  return sided(label) ? credit(verdict, label) : null;
}

/** Cell of the agreement table; a pair without an answer is half a verdict for each of the two. */
function verdictCell({ winner, answered }: Judgment, label: Winner): number[] {
  if (answered) return agreementCell(winner, label);
  const second = agreementCell("second", label);
  return agreementCell("first", label).map((count, i) => (count + second[i]) / 2);
}

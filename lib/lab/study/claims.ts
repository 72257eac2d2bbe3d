import { Rng } from "../../base/random.ts";
import { bootstrap, hierarchical, holm, oneSidedP } from "../../measure/statistics.ts";
import type { Items } from "./items.ts";
import { mean } from "./measure.ts";

/** One thing measured against another, paired by run (a base and a seed) and prompt. */
export interface Contrast {
  /** In words. */
  readonly text: string;
  /** Names of items, for example "reward/self-judge". */
  readonly a: string;
  readonly b: string;
  /** What the family says of a - b: above 0, or above -margin. */
  readonly says: "greater" | "no worse";
  readonly margin?: number;
  /** What the paper says, and how we know. */
  readonly paper: string;
}

/** Contrasts that belong together and are corrected together. */
export interface Family {
  readonly number: number;
  readonly text: string;
  readonly contrasts: readonly Contrast[];
}

/** Differences smaller than these count as none, see the protocol: of rewards, and of shares of pairs. */
const REWARD_MARGIN = 0.05;
const SHARE_MARGIN = 0.02;

const NOT_THERE = "not in the paper";
const BASELINE = "a baseline of the paper";
const RISES = "win rate rises with N = 1..16 (second-hand)";

const greater = (text: string, a: string, b: string, paper: string): Contrast => ({
  ...{ text, a, b, paper },
  says: "greater",
});
const noWorse = (text: string, a: string, b: string, paper: string): Contrast => ({
  ...{ text, a, b, paper },
  says: "no worse",
  margin: a.startsWith("right/") ? SHARE_MARGIN : REWARD_MARGIN,
});
const reward = (row: string) => `reward/${row}`;
const chosen = (policy: string, n: number) => `rejection/${policy}/own judge/${n}`;

const over = (other: string, name: string, paper: string) =>
  greater(`SELF-JUDGE > ${name}`, reward("self-judge"), reward(other), paper);

/** The families of the protocol (data/results/claims/protocol.md), in its order. */
export const FAMILIES: readonly Family[] = [
  {
    number: 1,
    text: "One model learns both jobs",
    contrasts: [
      noWorse(
        "JSFT answers no worse than SFT",
        reward("jsft"),
        reward("sft"),
        "HH win rates (second-hand)",
      ),
      noWorse(
        "JSFT judges no worse than judge-only training",
        "right/jsft",
        "right/judge-only",
        "JSFT judges better than judge-only training (second-hand)",
      ),
      noWorse(
        "JSFT judges no worse than a reward model of the same base",
        "right/jsft",
        "right/reward-model",
        "judge accuracy 80.5 on UltraFeedback (second-hand)",
      ),
    ],
  },
  {
    number: 2,
    text: "Where the answers come from",
    contrasts: [
      greater(
        "on-policy > off-policy, one judge",
        reward("self-judge"),
        reward("off-policy-dpo"),
        "AlpacaEval 44.88 > 32.03 (second-hand)",
      ),
      greater(
        "off-policy > the data set's pairs relabelled",
        reward("off-policy-dpo"),
        reward("relabelled-dpo"),
        "AlpacaEval 32.03 > 28.57 (second-hand)",
      ),
    ],
  },
  {
    number: 3,
    text: "What SELF-JUDGE beats",
    contrasts: [
      over("sft", "SFT", "VicunaEval 76.25 against SFT (second-hand)"),
      over("jsft", "JSFT", BASELINE),
      over("offline-dpo", "offline DPO", BASELINE),
      over("raft-2", "RAFT with as many samples", BASELINE),
      noWorse(
        "SELF-JUDGE no worse than DPO on a reward model's verdicts",
        reward("self-judge"),
        reward("reward-model-dpo"),
        "no second network is needed",
      ),
      over("dpo-coin", "DPO by a coin", NOT_THERE),
      over("dpo-shorter", "DPO by the shorter answer", NOT_THERE),
      over("dpo-politer", "DPO by the politer answer", NOT_THERE),
      ...["coin", "shorter", "politer"].map((rule) =>
        greater(
          `RAFT with two samples > RAFT by ${rule === "coin" ? "a coin" : `the ${rule} answer`}`,
          reward("raft-2"),
          reward(`raft-${rule}`),
          NOT_THERE,
        )
      ),
    ],
  },
  {
    number: 4,
    text: "Self-rejection",
    contrasts: [
      greater("JSFT: N = 4 > 1", chosen("jsft", 4), chosen("jsft", 1), RISES),
      greater("JSFT: N = 16 > 4", chosen("jsft", 16), chosen("jsft", 4), RISES),
      greater("SELF-JUDGE: N = 4 > 1", chosen("self-judge", 4), chosen("self-judge", 1), RISES),
      greater("SELF-JUDGE: N = 16 > 4", chosen("self-judge", 16), chosen("self-judge", 4), RISES),
    ],
  },
  {
    number: 5,
    text: "Principles and rationales",
    contrasts: [
      ["principles, overall question", "principles in place of half the judgments"],
      ["principles besides, overall question", "principles besides"],
      ["rationale", "a rationale after the decision"],
    ].map(([judge, name]) =>
      greater(
        `${name}: judges better than plain JSFT`,
        `right/${judge}`,
        "right/jsft",
        "80.5 to 84.0 with both (second-hand)",
      )
    ),
  },
  {
    number: 6,
    text: "Which judge lasts",
    contrasts: [
      ["self-judge-moving", "one that moves with the policy"],
      ["self-judge-refreshed", "one renewed on the way"],
      ["separate-judge-dpo", "a separate one"],
    ].map(([other, name]) =>
      noWorse(
        `the frozen judge no worse than ${name}`,
        reward("self-judge"),
        reward(other),
        "the paper freezes it",
      )
    ),
  },
  {
    number: 7,
    text: "Relatives",
    contrasts: [
      greater(
        "gold labels for a separate discriminator > for the one model",
        reward("d2po"),
        reward("d2po-self"),
        "D2PO claims it",
      ),
      greater(
        "soft labels > hard ones, one judge",
        reward("self-judge-soft"),
        reward("self-judge"),
        "OSP's argument",
      ),
      greater(
        "the model's own view of quality (Sr-DPO) > SELF-JUDGE",
        reward("sr-dpo"),
        reward("self-judge"),
        "arXiv 2405.21040",
      ),
      noWorse(
        "replay every some steps (LoL) no worse than on-policy",
        reward("lol"),
        reward("self-judge"),
        "arXiv 2410.10370",
      ),
    ],
  },
];

/** What came of a contrast; of a single run there is no verdict. */
export type Verdict = "held" | "not held" | "open" | "one run";

/** A contrast measured. */
export interface Measured extends Contrast {
  readonly family: number;
  readonly valueA: number;
  readonly valueB: number;
  /** Mean difference and its 95 % interval, hierarchical over bases and seeds; of one run a bootstrap over prompts. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  readonly runs: number;
  readonly bases: number;
  /** Mean difference on each base, by its name. */
  readonly perBase: Readonly<Record<string, number>>;
  /** Holm-adjusted within the family, one-sided: that a - b + margin is not above 0; that it is not below 0. */
  readonly p: number | null;
  readonly pAgainst: number | null;
  readonly verdict: Verdict;
}

/** A run's items. */
export interface RunItems {
  readonly base: string;
  readonly seed: number;
  readonly items: Items;
}

/** The level of each side of a verdict. */
const LEVEL = 0.025;

/** Measures a family's contrasts over the runs that have both sides; contrasts that no run has are left out. */
export function measureFamily(family: Family, runs: readonly RunItems[]): Measured[] {
  const measured = family.contrasts.flatMap((contrast) => {
    const { a, b, margin = 0 } = contrast;
    const both = runs.filter(({ items }) => items[a] && items[b]);
    if (both.length === 0) return [];
    const differences = both.map(({ base, items }) => ({
      base,
      value: mean(items[a]) - mean(items[b]),
    }));
    const groups = Map.groupBy(differences, ({ base }) => base);
    const values = [...groups.values()].map((some) => some.map(({ value }) => value));
    const rng = Rng.named(0, `claim/${a}/${b}`);
    const estimate = both.length > 1
      ? hierarchical(values, { rng })
      : bootstrap(paired(both[0].items, a, b), { rng });
    const shifted = differences.map(({ value }) => value + margin);
    // As the difference is: the mean of bases' means, however many seeds each has.
    const average = (name: string) =>
      mean(
        [...Map.groupBy(both, ({ base }) => base).values()].map((some) =>
          mean(some.map(({ items }) => mean(items[name])))
        ),
      );
    return [{
      ...{ ...contrast, family: family.number },
      ...{ valueA: average(a), valueB: average(b), difference: estimate.value },
      ...{ low: estimate.low, high: estimate.high, runs: both.length, bases: groups.size },
      perBase: Object.fromEntries(
        [...groups].map(([base, some]) => [base, mean(some.map(({ value }) => value))]),
      ),
      p: both.length > 1 ? oneSidedP(shifted) : null,
      pAgainst: both.length > 1 ? oneSidedP(shifted.map((value) => -value)) : null,
    }];
  });
  const adjusted = holm(measured.map(({ p }) => p ?? 1));
  const against = holm(measured.map(({ pAgainst }) => pAgainst ?? 1));
  return measured.map((one, i): Measured => {
    const { margin = 0, perBase } = one;
    if (one.p === null) return { ...one, verdict: "one run" };
    const shifted = Object.values(perBase).map((value) => value + margin);
    const verdict: Verdict = adjusted[i] < LEVEL && shifted.every((value) => value > 0)
      ? "held"
      : against[i] < LEVEL && shifted.every((value) => value < 0)
      ? "not held"
      : "open";
    return { ...one, p: adjusted[i], pAgainst: against[i], verdict };
  });
}

/** The differences of two things on the same items; of different items each side's mean alone is comparable. */
function paired(items: Items, a: string, b: string): number[] {
  if (items[a].length !== items[b].length) return [mean(items[a]) - mean(items[b])];
  return items[a].map((value, i) => value - items[b][i]);
}

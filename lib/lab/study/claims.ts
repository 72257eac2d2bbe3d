import { Rng } from "../../base/random.ts";
import { bootstrap, type Estimate, overSeeds } from "../../measure/statistics.ts";
import type { Items } from "./items.ts";
import { mean } from "./measure.ts";

/** One thing measured against another, paired by item and by seed. */
export interface Contrast {
  /** Names of items, for example "reward/self-judge". */
  readonly a: string;
  readonly b: string;
  /** What the claim says of a - b: above 0, or above -margin. "report" claims nothing. */
  readonly says: "greater" | "no worse" | "report";
  readonly margin?: number;
}

/** A claim of the paper, as contrasts that must all hold. */
export interface Claim {
  readonly number: number;
  readonly text: string;
  readonly contrasts: readonly Contrast[];
}

/** What came of a comparison: "open" where its interval does not decide, "reported" where nothing was claimed of it. */
export type PartVerdict = "held" | "not held" | "open" | "reported";

/** What came of a claim, see {@linkcode verdictOf}. */
export type Verdict = PartVerdict | "mixed";

/** A contrast measured. */
export interface Measured extends Contrast {
  readonly valueA: number;
  readonly valueB: number;
  /** Mean difference and its 95 % interval; none where one run gave one number. */
  readonly difference: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly seeds: number;
  readonly verdict: PartVerdict;
}

/** Differences smaller than these count as none: of rewards, and of shares of pairs. */
const REWARD_MARGIN = 0.05;
const SHARE_MARGIN = 0.02;

const greater = (a: string, b: string): Contrast => ({ a, b, says: "greater" });
const report = (a: string, b: string): Contrast => ({ a, b, says: "report" });
const noWorse = (a: string, b: string): Contrast => ({
  a,
  b,
  says: "no worse",
  margin: a.startsWith("right/") ? SHARE_MARGIN : REWARD_MARGIN,
});

const chosen = (policy: string, n: number, selector = "own judge") =>
  `rejection/${policy}/${selector}/${n}`;

/** The claims, in the paper's order of thought. */
export const CLAIMS: readonly Claim[] = [
  {
    number: 1,
    text: "One model can learn both jobs: JSFT answers no worse than SFT, judges no worse than " +
      "judge-only training and a reward model",
    contrasts: [
      noWorse("reward/jsft", "reward/sft"),
      noWorse("right/jsft", "right/judge-only"),
      noWorse("right/jsft", "right/reward-model"),
    ],
  },
  {
    number: 2,
    text: "With one judge, on-policy answers beat off-policy ones, and these the data set's",
    contrasts: [
      greater("reward/self-judge", "reward/off-policy-dpo"),
      greater("reward/off-policy-dpo", "reward/relabelled-dpo"),
      ...["top-p", "best"].flatMap((how) => [
        report(`${how}/self-judge`, `${how}/off-policy-dpo`),
        report(`${how}/off-policy-dpo`, `${how}/relabelled-dpo`),
      ]),
    ],
  },
  {
    number: 3,
    text: "SELF-JUDGE beats SFT, JSFT, offline DPO, off-policy DPO and RAFT",
    contrasts: [
      // RAFT draws four samples per prompt as a rule, and two as SELF-JUDGE does: the claim has to hold of both.
      ...["sft", "jsft", "offline-dpo", "off-policy-dpo", "raft", "raft-2"].map((other) =>
        greater("reward/self-judge", `reward/${other}`)
      ),
      report("reward/self-judge", "reward/reward-model-dpo"),
      report("reward/self-judge", "reward/oracle-dpo"),
      ...["reward", "top-p"].map((how) => report(`${how}/self-judge`, `${how}/raft-coin`)),
      ...["offline-dpo", "raft"].map((other) => report("best/self-judge", `best/${other}`)),
      report("best/raft", "best/raft-coin"),
      // RAFT imitates answers sampled at top-p, which by itself cuts the least probable tokens.
      ...["jsft", "raft", "raft-2"].map((other) => report("top-p/self-judge", `top-p/${other}`)),
      report("reward/raft", "reward/raft-2"),
      ...["raft", "raft-2"].map((one) => report(`reward/${one}`, "reward/raft-coin")),
      report("reward/raft-coin", "reward/jsft"),
      report("top-p/raft-coin", "top-p/jsft"),
      // On the pairs that self-training ranks, the judge beside a reward model of the same labels.
      report("on-policy/jsft/jsft", "on-policy/jsft/reward-model"),
      report("on-policy/self-judge/jsft", "on-policy/self-judge/reward-model"),
    ],
  },
  {
    number: 4,
    text: "Self-rejection: the true reward rises with N",
    contrasts: ["jsft", "self-judge"].flatMap((policy) => [
      greater(chosen(policy, 4), chosen(policy, 1)),
      greater(chosen(policy, 16), chosen(policy, 4)),
      report(chosen(policy, 16), chosen(policy, 16, "reward model")),
      report(chosen(policy, 16), chosen(policy, 16, "truth")),
    ]),
  },
  {
    number: 5,
    text: "Principles and the rationale variant make the judge better",
    contrasts: [
      greater("right/principles, overall question", "right/jsft"),
      greater("right/principles, overall and five views", "right/jsft"),
      report("right/principles, five views by majority", "right/jsft"),
      report("right/principles besides, overall question", "right/jsft"),
      greater("right/rationale", "right/jsft"),
      report("right/rationale, half on the decision", "right/jsft"),
    ],
  },
  {
    number: 6,
    text:
      "Over a long run a frozen judge does no worse than one that moves, is renewed, or is separate",
    contrasts: ["self-judge-moving", "self-judge-refreshed", "separate-judge-dpo"].map((other) =>
      noWorse("final/long-self-judge", `final/long-${other}`)
    ),
  },
  {
    number: 7,
    text: "A better judge gives a better policy: fewer wrong labels, more pairs",
    contrasts: [
      greater("final/self-judge-t0-n4000", "final/self-judge-t2-n4000"),
      greater("final/self-judge", "final/self-judge-t0.5-n500"),
      report("final/self-judge-t0-n4000", "final/self-judge"),
    ],
  },
];

/**
 * Measures a contrast over seeds. Several seeds: Student's interval of the seeds' mean differences. One seed: a
 * bootstrap over its items, which knows nothing of what another training run would give.
 *
 * @param seeds Single values by name, one record a seed.
 * @returns null if no seed has both
 */
export function measure(contrast: Contrast, seeds: readonly Items[]): Measured | null {
  const { a, b, says, margin = 0 } = contrast;
  const both = seeds.filter((items) => items[a] && items[b]);
  if (both.length === 0) return null;
  const differences = both.map((items) => items[a].map((value, i) => value - items[b][i]));
  const { value: difference, low, high }: Estimate<number, number | null> = both.length > 1
    ? overSeeds(differences.map(mean))
    : differences[0].length > 1
    ? bootstrap(differences[0], { rng: Rng.named(0, `claim/${a}/${b}`) })
    : { value: differences[0][0], low: null, high: null, n: 1 };
  const verdict: PartVerdict = says === "report"
    ? "reported"
    : low !== null && low > -margin
    ? "held"
    : high !== null && high < -margin
    ? "not held"
    : "open";
  const average = (name: string) => mean(both.map((items) => mean(items[name])));
  return {
    ...contrast,
    valueA: average(a),
    valueB: average(b),
    difference,
    low,
    high,
    seeds: both.length,
    verdict,
  };
}

/**
 * A claim is held if all its parts are, mixed if some are and some are not (yet); where none is, it is not held as
 * soon as one part is not, and open while no interval decides.
 */
export function verdictOf(parts: readonly Measured[]): Verdict {
  const verdicts = parts.map(({ verdict }) => verdict).filter((one) => one !== "reported");
  if (verdicts.length === 0) return "reported";
  if (verdicts.includes("held")) {
    return verdicts.every((one) => one === "held") ? "held" : "mixed";
  }
  return verdicts.includes("not held") ? "not held" : "open";
}

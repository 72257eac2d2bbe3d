/** What the protocol compares: contrasts in families that are corrected together. @module */
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
  /** Why it has no verdict and no part in the family's correction, where the two sides are not alike. */
  readonly reported?: string;
}

/** Contrasts that belong together and are corrected together. */
export interface Family {
  readonly number: number;
  readonly text: string;
  readonly contrasts: readonly Contrast[];
  /** Runs that a verdict takes at least. @default none beyond one on every base */
  readonly runs?: number;
}

/** Differences smaller than these count as none, see the protocol: of rewards, and of shares of pairs. */
export const REWARD_MARGIN = 0.05;
const SHARE_MARGIN = 0.02;

const NOT_THERE = "not in the paper";
/** The paper has the comparison; its number we have not read. */
const UNREAD = "the paper compares the two; number not read";
const RISES = "win rate rises with N = 1..16 (second-hand)";

/** A contrast in words, the names of its sides, and what the paper says. */
type Sides = readonly [text: string, a: string, b: string, paper?: string];

/** A claim that one side is above the other. */
export const greater = (...[text, a, b, paper = NOT_THERE]: Sides): Contrast => ({
  ...{ text, a, b, paper },
  says: "greater",
});
/** A contrast of sides that are not alike, for the reason given. */
export const report = (contrast: Contrast, reported: string): Contrast => ({
  ...contrast,
  reported,
});
/** A claim that one side is below the other by less than counts. */
export const noWorse = (...[text, a, b, paper = NOT_THERE]: Sides): Contrast => ({
  ...{ text, a, b, paper },
  says: "no worse",
  margin: a.startsWith("right/") ? SHARE_MARGIN : REWARD_MARGIN,
});
const reward = (row: string) => `reward/${row}`;
const chosen = (policy: string, n: number) => `rejection/${policy}/own judge/${n}`;

const over = (other: string, name: string, paper?: string) =>
  greater(`SELF-JUDGE > ${name}`, reward("self-judge"), reward(other), paper);

/** SELF-JUDGE in rounds of 4 and of 16 steps against step by step, see `stalenessItems`. */
const stale = (at: string, words: string, why?: string): Contrast[] =>
  [4, 16].map((k) => {
    const contrast = noWorse(
      `rounds of ${k} steps no worse than step by step, ${words}`,
      `staleness/${at}/${k}`,
      `staleness/${at}/1`,
    );
    return why === undefined ? contrast : report(contrast, why);
  });

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
        "win rates on HH; number not read",
      ),
      noWorse(
        "JSFT judges no worse than judge-only training",
        "right/jsft",
        "right/judge-only",
        "JSFT better (second-hand, without a number)",
      ),
      noWorse(
        "JSFT judges no worse than a reward model of the same base",
        "right/jsft",
        "right/reward-model",
        "JSFT right on 80.5 % of UltraFeedback (second-hand); the reward model's not read",
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
        "AlpacaEval 44.88 against 32.03 (second-hand)",
      ),
      greater(
        "off-policy > the data set's pairs relabelled",
        reward("off-policy-dpo"),
        reward("relabelled-dpo"),
        "AlpacaEval 32.03 against 28.57 (second-hand)",
      ),
    ],
  },
  {
    number: 3,
    text: "What SELF-JUDGE beats",
    contrasts: [
      over("sft", "SFT", "wins 76.25 % on VicunaEval (second-hand)"),
      over("jsft", "JSFT", UNREAD),
      over("offline-dpo", "offline DPO", UNREAD),
      over("raft-2", "RAFT with as many samples", UNREAD),
      noWorse(
        "SELF-JUDGE no worse than DPO on a reward model's verdicts",
        reward("self-judge"),
        reward("reward-model-dpo"),
        "no second network needed; number not read",
      ),
      over("dpo-coin", "DPO by a coin"),
      over("dpo-shorter", "DPO by the shorter answer"),
      over("dpo-politer", "DPO by the politer answer"),
      ...["coin", "shorter", "politer"].map((rule) =>
        greater(
          `RAFT with two samples > RAFT by ${rule === "coin" ? "a coin" : `the ${rule} answer`}`,
          reward("raft-2"),
          reward(`raft-${rule}`),
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
        "freezes it; no comparison read",
      )
    ),
  },
  {
    number: 7,
    text: "Relatives",
    contrasts: [
      report(
        greater(
          "gold labels for a separate discriminator > for the one model",
          reward("d2po"),
          reward("d2po-self"),
          "not in the paper; D2PO (arXiv 2405.01511) says so",
        ),
        "d2po-self ranks by the policy's implicit reward, not by its judgment",
      ),
      greater(
        "soft labels > hard ones, one judge",
        reward("self-judge-soft"),
        reward("self-judge"),
        "not in the paper; OSP's argument",
      ),
      report(
        greater(
          "the model's own view of quality (Sr-DPO) > SELF-JUDGE",
          reward("sr-dpo"),
          reward("self-judge"),
          "not in the paper; arXiv 2405.21040",
        ),
        "Sr-DPO draws no sample, and its quality prompt has words that the order desk's model does not know",
      ),
      report(
        greater(
          "principles apart (SSO) > SELF-JUDGE's own verdicts",
          reward("sso"),
          reward("self-judge"),
          "not in the paper; arXiv 2410.17131",
        ),
        "SSO draws three samples a prompt, and its principles have words that the order desk's model does not know",
      ),
      report(
        noWorse(
          "replay every some steps (LoL) no worse than on-policy",
          reward("lol"),
          reward("self-judge"),
          "not in the paper; arXiv 2410.10370",
        ),
        "LoL draws a tenth of the samples",
      ),
    ],
  },
  {
    number: 8,
    text: "Staleness: pairs made in rounds of some steps",
    contrasts: [
      stale("chosen", "at the chosen step"),
      stale("last", "at the last step", "nobody stops there by choice"),
      stale("equal KL", "at equal KL", "a reading of the two above"),
    ].flat(),
  },
];

/** Names of what every world measures, whatever rows it plays. */
const STARTS: readonly string[] = [reward("sft"), reward("jsft")];

/**
 * The families as far as a world can have them: it plays the rows of both sides, and where it has no extra stages, the
 * families of judges by principles and of staleness are not there.
 */
export function familiesOf(
  { rows, extras }: { rows: readonly string[]; extras: boolean },
): Family[] {
  const played = (name: string) =>
    !name.startsWith("reward/") || STARTS.includes(name) ||
    rows.some((row) => name === reward(row));
  return FAMILIES.flatMap((family) => {
    const contrasts = family.contrasts.filter(({ a, b }) =>
      played(a) && played(b) && (extras || !EXTRA.test(a))
    );
    return contrasts.length === 0 ? [] : [{ ...family, contrasts }];
  });
}

/** Judges by principles and rationales, and rounds. */
const EXTRA = /^right\/(principles|rationale)|^staleness\//;

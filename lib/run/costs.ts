/** A step's line of the log. */
type Counted = Readonly<Record<string, number>>;

/** What a training asks of the model in training, forward and backward. */
const LEARNED = {
  learned: "sequences learned from (forward and backward)",
  tokens: "tokens of those",
} as const;

/**
 * What preference training asks of models, in sequences and tokens. Each is counted where it is asked for, step by step,
 * in the step's line of `metrics.csv`: a resumed run's sums are those of an unbroken one. A forward pass by model: the
 * policy's are `samples` (where it samples), `scoredPolicy` and `learned`, the reference's `scoredStart`, the ranker's
 * `judgePrompts`.
 */
export const COSTS = {
  samples: "answers drawn",
  sampledTokens: "tokens of those",
  comparisons: "comparisons",
  judgePrompts: "sequences put to the ranker's model",
  gold: "gold labels",
  taught: "pairs that the ranker was taught with",
  scoredPolicy: "sequences scored under the policy",
  scoredStart: "sequences scored under the reference",
  scoredTokens: "tokens of those",
  ...LEARNED,
} as const;

/** Names of the costs of a training without samples or a ranker: JSFT, a reward model. */
type TrainingCosts = Record<keyof typeof LEARNED, number>;

/** Sums of the steps' costs. */
export function costsOf(rows: readonly Counted[]): Record<keyof typeof COSTS, number> {
  return summed(rows, Object.keys(COSTS) as (keyof typeof COSTS)[]);
}

/** Sums of the steps' costs of a supervised training. */
export function trainingCostsOf(rows: readonly Counted[]): TrainingCosts {
  return summed(rows, Object.keys(LEARNED) as (keyof typeof LEARNED)[]);
}

function summed<Name extends string>(rows: readonly Counted[], names: readonly Name[]) {
  const sum = (name: Name) => rows.reduce((total, row) => total + (row[name] ?? 0), 0);
  return Object.fromEntries(names.map((name) => [name, sum(name)])) as Record<Name, number>;
}

/** The costs of a stage in a sentence, those that are nothing left out; empty for a run from before they were counted. */
export function costText(who: string, costs: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(COSTS)
    .filter(([name]) => typeof costs[name] === "number" && costs[name] !== 0)
    .map(([name, what]) => `${costs[name]} ${what}`);
  return parts.length === 0 ? "" : `${who} took ${parts.join(", ")}.`;
}

import type { StepLog } from "../method/mod.ts";

/** What preference training asked of models, in sequences: counted step by step, so a resumed run's are an unbroken one's. */
export const COSTS = {
  samples: "answers drawn",
  comparisons: "comparisons by the ranker, each asked in both positions by a judge",
  gold: "gold labels",
  scored: "sequences whose log-probability was computed",
  learned: "sequences learned from, forward and backward",
  tokens: "tokens of those",
} as const;

/** Sums of the steps' costs. */
export function costsOf(rows: readonly StepLog[]): Record<keyof typeof COSTS, number> {
  const sum = (name: string) => rows.reduce((total, row) => total + (row[name] ?? 0), 0);
  const names = Object.keys(COSTS) as (keyof typeof COSTS)[];
  return Object.fromEntries(names.map((name) => [name, sum(name)])) as ReturnType<typeof costsOf>;
}

/** The costs in a sentence. */
export function costText(costs: Partial<Record<string, unknown>>): string {
  const parts = Object.entries(COSTS)
    .filter(([name]) => typeof costs[name] === "number" && (name !== "gold" || costs[name] !== 0))
    .map(([name, what]) => `${costs[name]} ${what.split(",")[0]}`);
  return parts.join(", ");
}

/** The league's table: where each method ends, and how methods rank. @module */
import { Rng } from "../../base/random.ts";
import { hierarchical, quantiles } from "../../measure/statistics.ts";
import { COSTS } from "../../run/costs.ts";
import { mean } from "./measure.ts";
import { type ChosenBy, chosenPoint, type RewardPoint } from "./policy_meter.ts";
import { ROWS } from "./rows.ts";

/** A method's policy in one run, at the step that validation prompts chose. */
export interface LeagueRow extends RewardPoint {
  readonly base: string;
  readonly seed: number;
  readonly method: string;
  readonly chosen_by: ChosenBy;
  /** Seconds of its training, measurements included, on the machine of the run. */
  readonly seconds: number;
}

/** What of a run's folder names is a row of the league. */
export async function runTitles(path: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(path)) {
    if ((ROWS as readonly string[]).includes(name.split("@")[0])) names.push(name);
  }
  return names.sort();
}

/**
 * The rows of a finished training: chosen by the truth, by the judge, or both.
 *
 * @param of.titles What the run trained: where the judge chose a setting of its own, that row is the judge's.
 */
export function leagueRows(
  { base, seed, row, points, titles }: {
    base: string;
    seed: number;
    row: string;
    points: readonly RewardPoint[];
    titles: readonly string[];
  },
  { result, seconds }: { result: Record<string, unknown> | null; seconds: number | null },
): LeagueRow[] {
  const [method, which] = row.split("@");
  const by: readonly ChosenBy[] = which === "judge"
    ? ["judge"]
    : titles.includes(`${method}@judge`)
    ? ["truth"]
    : ["truth", "judge"];
  const costs = (result?.costs ?? {}) as Record<string, number>;
  return by.map((chosen_by): LeagueRow => ({
    ...{ base, seed, method, chosen_by },
    ...chosenPoint(points, chosen_by),
    ...Object.fromEntries(Object.keys(COSTS).map((name) => [name, costs[name] ?? 0])),
    seconds: Math.round(seconds ?? 0),
  }));
}

/** A method over all its runs. */
export interface Standing {
  readonly method: string;
  readonly runs: number;
  /** Mean held-out reward with a hierarchical 95 % interval. */
  readonly reward: number;
  readonly low: number;
  readonly high: number;
  /** Place by mean reward, and the places that 95 % of the bootstrap's draws of runs give it. */
  readonly rank: number;
  readonly rankLow: number;
  readonly rankHigh: number;
  /** Means of its rows. */
  readonly means: Readonly<Record<string, number>>;
}

/** Draws behind the ranks' uncertainty. */
const DRAWS = 2000;

/**
 * Methods in the order of their mean reward. A rank's uncertainty is over runs: each draw takes bases, then seeds within
 * them, the same for every method; a method is ranked by the runs that it has of them.
 */
export function standings(rows: readonly LeagueRow[], by: ChosenBy): Standing[] {
  const chosen = rows.filter(({ chosen_by }) => chosen_by === by);
  const methods = [...Map.groupBy(chosen, ({ method }) => method)];
  const bases = [...new Set(chosen.map(({ base }) => base))];
  const seedsOf = new Map(
    bases.map((
      base,
    ) => [base, [...new Set(chosen.filter((row) => row.base === base).map(({ seed }) => seed))]]),
  );
  const rng = Rng.named(0, `league/ranks/${by}`);
  const ranks = new Map<string, number[]>(methods.map(([method]) => [method, []]));
  const rewardOf = new Map(
    chosen.map(({ method, base, seed, reward }) => [`${method}/${base}/${seed}`, reward]),
  );
  for (let draw = 0; draw < DRAWS; draw++) {
    const runs = bases.flatMap(() => {
      const base = bases[rng.int(bases.length)];
      const seeds = seedsOf.get(base)!;
      return seeds.map(() => `${base}/${seeds[rng.int(seeds.length)]}`);
    });
    const means = methods.flatMap(([method]) => {
      const rewards = runs.flatMap((run) => rewardOf.get(`${method}/${run}`) ?? []);
      return rewards.length === 0 ? [] : [{ method, reward: mean(rewards) }];
    }).sort((a, b) => b.reward - a.reward);
    means.forEach(({ method }, i) => ranks.get(method)!.push(i + 1));
  }
  return methods.map(([method, some]) => {
    const groups = [...Map.groupBy(some, ({ base }) => base).values()]
      .map((group) => group.map(({ reward }) => reward));
    const { value, low, high } = hierarchical(groups, { rng: Rng.named(0, `league/${method}`) });
    const [rankLow, rankHigh] = quantiles(ranks.get(method)!, [0.025, 0.975]);
    const numbers = Object.entries(some[0]).filter(([, one]) => typeof one === "number");
    return {
      ...{ method, runs: some.length, reward: value, low, high, rank: 0 },
      ...{ rankLow: Math.round(rankLow), rankHigh: Math.round(rankHigh) },
      means: Object.fromEntries(numbers.map(([name]) => [
        name,
        mean(some.map((row) => (row as unknown as Record<string, number>)[name])),
      ])),
    };
  }).sort((a, b) => b.reward - a.reward)
    .map((one, i) => ({ ...one, rank: i + 1 }));
}

/** Rewards at equal KL to the JSFT model: between two measurements by a straight line; none beyond the last. */
export function rewardAtKl(points: readonly RewardPoint[], kl: number): number | null {
  const sorted = points.toSorted((a, b) => a.step - b.step);
  for (let i = 1; i < sorted.length; i++) {
    const [from, to] = [sorted[i - 1], sorted[i]];
    if (from.kl <= kl && to.kl >= kl) {
      const share = to.kl === from.kl ? 0 : (kl - from.kl) / (to.kl - from.kl);
      return from.reward + share * (to.reward - from.reward);
    }
  }
  return null;
}

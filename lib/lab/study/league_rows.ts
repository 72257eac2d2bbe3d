/** The league's table: where each method ends, and how methods rank. @module */
import { Rng } from "../../base/random.ts";
import { quantiles } from "../../measure/statistics.ts";
import { COSTS } from "../../run/costs.ts";
import type { RunFolder } from "../../run/run_folder.ts";
import type { Seeded } from "../../run/stage.ts";
import { mean, meanOfBases } from "./measure.ts";
import { overRuns, runOf, runsOf } from "./over_runs.ts";
import { type ChosenBy, chosenPoint, type RewardPoint } from "./policy_meter.ts";
import { CONTROLS } from "./methods.ts";
import { ROWS } from "./rows.ts";

/** A method's policy in one run, at the step that validation prompts chose. */
export interface LeagueRow extends RewardPoint {
  readonly base: string;
  readonly seed: number;
  readonly method: string;
  readonly chosen_by: ChosenBy;
  /** Seconds of its training and measurements on the machine of the run; a process's first row measures the start for all. */
  readonly seconds: number;
}

/** What of a run's folder names is a row of the league. */
export async function runTitles(path: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(path)) {
    const [method] = name.split("@");
    if (method in CONTROLS || (ROWS as readonly string[]).includes(method)) names.push(name);
  }
  return names.sort();
}

/** What a finished row asked of models, and the seconds of its training and measurements. */
export type RowCosts = Readonly<Record<keyof typeof COSTS, number>> & { readonly seconds: number };

/** What a finished row of a run cost. */
export async function rowCosts(
  folder: Pick<RunFolder<Seeded>, "result" | "seconds">,
  row: string,
): Promise<RowCosts> {
  const costs = ((await folder.result(row))?.costs ?? {}) as Record<string, number>;
  const counts = Object.keys(COSTS).map((name) => [name, costs[name] ?? 0]);
  const seconds = Math.round(await folder.seconds(row) ?? 0);
  return { ...Object.fromEntries(counts) as Omit<RowCosts, "seconds">, seconds };
}

/**
 * The rows of a finished training: chosen by the truth, by the judge, or both; none of one whose setting was not chosen.
 *
 * @param of.chosen The rows that settings were chosen for (`chosenRows`): where the judge chose a setting of its own,
 *   that row is the judge's, whether it is trained yet or not.
 */
export function leagueRows(
  { base, seed, row, points, chosen }: {
    base: string;
    seed: number;
    row: string;
    points: readonly RewardPoint[];
    chosen: readonly string[];
  },
  costs: RowCosts,
): LeagueRow[] {
  const [method, which] = row.split("@");
  if (which !== undefined && which !== "judge") return []; // with a setting that nobody chose
  const by: readonly ChosenBy[] = which === "judge"
    ? ["judge"]
    : chosen.includes(`${method}@judge`)
    ? ["truth"]
    : ["truth", "judge"];
  return by.map((chosen_by): LeagueRow => ({
    ...{ base, seed, method, chosen_by },
    ...chosenPoint(points, chosen_by),
    ...costs,
  }));
}

/** A method over all its runs. */
export interface Standing {
  readonly method: string;
  readonly runs: number;
  readonly bases: number;
  /** Mean held-out reward: the mean of bases' means, with a hierarchical 95 % interval where every base has a run. */
  readonly reward: number;
  readonly low: number | null;
  readonly high: number | null;
  /**
   * Place by mean reward among the methods that have every run that any has, and the places that 95 % of the bootstrap's
   * draws of runs give it; null for the others.
   */
  readonly rank: { readonly place: number; readonly low: number; readonly high: number } | null;
  /** Means of its rows' numbers: means of bases' means. */
  readonly means: Readonly<Record<string, number>>;
}

/** Draws behind the ranks' uncertainty. */
const DRAWS = 2000;

/**
 * Methods in the order of their mean reward, those that have every run first. A rank's uncertainty is over runs: each
 * draw takes bases, then seeds within them, the same for every method.
 *
 * @param options.bases How many bases the league has: neither ranks nor intervals while some has no run. @default those
 *   that have one
 */
export function standings(
  rows: readonly LeagueRow[],
  by: ChosenBy,
  { bases: league }: { bases?: number } = {},
): Standing[] {
  const chosen = rows.filter(({ chosen_by }) => chosen_by === by);
  const methods = [...Map.groupBy(chosen, ({ method }) => method)];
  const every = runsOf(chosen);
  const bases = new Set(chosen.map(({ base }) => base));
  const whole = league === undefined || bases.size >= league;
  const complete = whole ? methods.filter(([, some]) => runsOf(some) === every) : [];
  const ranks = drawnRanks(complete, Rng.named(0, `league/ranks/${by}`));
  return methods.map(([method, some]): Omit<Standing, "rank"> => {
    const groups = [...Map.groupBy(some, ({ base }) => base).values()];
    const average = (value: (row: LeagueRow) => number) => meanOfBases(some, value);
    const { value: reward, low, high } = overRuns(
      groups.map((group) => group.map(({ reward }) => reward)),
      { bases: league ?? bases.size, rng: Rng.named(0, `league/${method}`) },
    );
    const numbers = Object.entries(some[0]).filter(([, one]) => typeof one === "number");
    return {
      ...{ method, runs: some.length, bases: groups.length, reward, low, high },
      means: Object.fromEntries(
        numbers.map(([name]) => [
          name,
          average((row) => (row as unknown as Record<string, number>)[name]),
        ]),
      ),
    };
  })
    .sort((a, b) =>
      Number(ranks.has(b.method)) - Number(ranks.has(a.method)) || b.reward - a.reward
    )
    .map((one, i) => {
      const drawn = ranks.get(one.method);
      if (!drawn) return { ...one, rank: null };
      const [low, high] = quantiles(drawn, [0.025, 0.975]).map(Math.round);
      return { ...one, rank: { place: i + 1, low, high } };
    });
}

/** The places of methods that have the same runs, in draws of those. */
function drawnRanks(
  methods: readonly (readonly [string, readonly LeagueRow[]])[],
  rng: Rng,
): Map<string, number[]> {
  const ranks = new Map<string, number[]>(methods.map(([method]) => [method, []]));
  if (methods.length === 0) return ranks;
  const seedsOf = [...Map.groupBy(methods[0][1], ({ base }) => base)];
  const rewards = methods.map(([method, some]) => ({
    method,
    of: new Map(some.map((row) => [runOf(row), row.reward])),
  }));
  for (let draw = 0; draw < DRAWS; draw++) {
    const runs = seedsOf.map(() => {
      const [base, some] = seedsOf[rng.int(seedsOf.length)];
      return some.map(() => runOf({ base, seed: some[rng.int(some.length)].seed }));
    });
    rewards
      .map(({ method, of }) => ({
        method,
        reward: mean(runs.map((seeds) => mean(seeds.map((run) => of.get(run)!)))),
      }))
      .sort((a, b) => b.reward - a.reward)
      .forEach(({ method }, i) => ranks.get(method)!.push(i + 1));
  }
  return ranks;
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

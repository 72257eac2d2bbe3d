/** A league's committed tables as what contrasts compare: one mean for each run. */
import { exists } from "../lib/base/files.ts";
import type { RunItems } from "../lib/lab/study/claims.ts";
import type { RewardPoint } from "../lib/lab/study/policy_meter.ts";
import { stalenessItems } from "../lib/lab/study/staleness.ts";
import { csv, type CsvRow as Row } from "./csv_files.ts";

const heldOut = (step: number, reward: number) => ({ step, rewards: [reward], texts: [] });

/** Every value of the tables by its name in a contrast; a mean over prompts as its one value. */
export async function committedItems(folder: string): Promise<RunItems[]> {
  const table = (name: string) => csv(`${folder}/${name}.csv`);
  // What nobody has played yet has no table.
  const played = async (name: string) =>
    await exists(`${folder}/${name}.csv`) ? await table(name) : [];
  const runs = new Map<string, { base: string; seed: number; items: Record<string, number[]> }>();
  const put = (rows: Row[], named: (row: Row) => Record<string, string | number>) => {
    for (const row of rows) {
      const key = `${row.base}/${row.seed}`;
      const run = runs.get(key) ?? { base: `${row.base}`, seed: Number(row.seed), items: {} };
      runs.set(key, run);
      for (const [name, value] of Object.entries(named(row))) run.items[name] = [Number(value)];
    }
  };
  put(await table("starts"), (row) => ({ [`reward/${row.policy}`]: row.reward }));
  put(
    (await table("league")).filter(({ chosen_by }) => chosen_by === "truth"),
    (row) => ({ [`reward/${row.method}`]: row.reward }),
  );
  put(
    (await table("judge-accuracy")).filter(({ measure }) => measure === "accuracy_clear"),
    (row) => ({ [`right/${row.judge}`]: row.value }),
  );
  put(await played("reward-by-n"), (row) => ({
    [`rejection/${row.policy}/${row.selector}/${row.n}`]: row.reward,
  }));
  const stale = await played("staleness");
  for (const [key, rows] of Map.groupBy(stale, (row) => `${row.base}/${row.seed}`)) {
    const rounds = [...Map.groupBy(rows, (row) => Number(row.k))].map(([k, some]) => {
      const points = some.map((row) => row as unknown as RewardPoint);
      return { k, points, heldOut: points.map(({ step, reward }) => heldOut(step, reward)) };
    });
    Object.assign(runs.get(key)!.items, stalenessItems(rounds));
  }
  return [...runs.values()]
    .sort((a, b) => a.base.localeCompare(b.base) || a.seed - b.seed);
}

/** The committed tables of the claims as the values that claims compare, one record a seed. */
import type { Items } from "../lib/lab/study/items.ts";
import { csv, type CsvRow as Row } from "./csv_files.ts";

/** Every value of the committed tables by its name in a claim; a mean over items as its one value. */
export async function committedItems(folder = "data/results/claims"): Promise<Items[]> {
  const table = (name: string) => csv(`${folder}/${name}.csv`);
  const seeds: Record<string, number[]>[] = [1, 2, 3, 4, 5].map(() => ({}));
  const put = (rows: Row[], named: (row: Row) => Record<string, string | number>) => {
    for (const row of rows) {
      for (const [name, value] of Object.entries(named(row))) {
        seeds[Number(row.seed) - 1][name] = [Number(value)];
      }
    }
  };
  put(await table("reward-by-method"), (row) => ({
    [`reward/${row.method}`]: row.reward,
    [`top-p/${row.method}`]: row.reward_top_p,
  }));
  put(
    (await table("judge-accuracy")).filter(({ measure }) => measure === "accuracy_clear"),
    (row) => ({ [`right/${row.judge}`]: row.value }),
  );
  put(await table("reward-by-n"), (row) => ({
    [`rejection/${row.policy}/${row.selector}/${row.n}`]: row.reward,
  }));
  put(await table("judge-on-policy-pairs"), (row) => ({
    [`on-policy/${row.policy}/${row.judge}`]: row.accuracy_clear,
  }));
  // Rows are in the order of steps: the last one stays.
  put(await table("overoptimisation"), (row) => ({ [`final/long-${row.judge}`]: row.reward }));
  put(await table("label-noise"), (row) => ({
    [
      row.noise === 0.5 && row.pairs === 4000
        ? "final/self-judge"
        : `final/self-judge-t${row.noise}-n${row.pairs}`
    ]: row.reward,
  }));
  const steps = await table("reward-over-steps");
  for (const method of new Set(steps.map((row) => row.method))) {
    const some = steps.filter((row) => row.method === method);
    const total = new Map<number, number>();
    for (const { step, reward } of some) {
      total.set(Number(step), (total.get(Number(step)) ?? 0) + Number(reward));
    }
    const [best] = [...total].sort(([, a], [, b]) => b - a)[0];
    put(some.filter(({ step }) => step === best), ({ reward }) => ({ [`best/${method}`]: reward }));
  }
  return seeds;
}

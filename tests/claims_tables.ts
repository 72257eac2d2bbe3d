/** The committed tables of claims, as the README's and the results' sentences are held against them. */
import assert from "node:assert/strict";
import { overSeeds } from "../lib/measure/statistics.ts";
import { mean } from "./claims_text.ts";
import { csv, type CsvRow } from "./csv_files.ts";

const folder = (world: string) => (name: string) => csv(`data/results/claims/${world}/${name}.csv`);

/** The order desk's tables. */
export const [claims, league, starts, over, steps, judges, curve] = await Promise.all(
  [
    ...["claims", "league", "starts", "judge-over-steps", "reward-over-steps"],
    ...["judge-accuracy", "judge-curve"],
  ].map(folder("order-desk")),
);

/** Those of the fresh bases. */
export const fresh = Object.fromEntries(
  await Promise.all(
    ([
      ...["by-base", "gain-by-judge", "league", "starts", "claims", "reward-over-steps"],
      ...["own-settings", "judge-certainty", "judge-over-steps"],
    ] as const).map(async (name) => [name, await folder("fresh-bases")(name)] as const),
  ),
);

/** Those of the sentences. */
export const [sentences, changes, drivenSamples, sentenceSteps, supervised] = await Promise.all(
  ["claims", "changes", "past-peak-samples", "reward-over-steps", "supervised"]
    .map(folder("sentences")),
);

/** Mean of bases' means of the bases that the league is played on. */
export const meanOf = (rows: readonly CsvRow[], name: string): number => {
  const played = rows.filter(({ base }) => /^\d+$/.test(`${base}`));
  return mean(
    [...Map.groupBy(played, ({ base }) => base).values()]
      .map((some) => mean(some.map((row) => Number(row[name])))),
  );
};

const contrastIn = (table: readonly CsvRow[]) => (contrast: string): CsvRow => {
  const found = table.find((row) => row.contrast === contrast);
  assert.ok(found, contrast);
  return found;
};
/** A contrast of the order desk, of the fresh bases, of the sentences. */
export const [claim, freshClaim, inSentences] = [claims, fresh.claims, sentences].map(contrastIn);

/** A method's ends on the fresh bases, by who chose. */
export const freshEnds = (method: string, by: "truth" | "judge") =>
  fresh.league.filter((row) => row.method === method && row.chosen_by === by);

/** The JSFT model's reward there. */
export const freshJsft = meanOf(fresh.starts.filter(({ policy }) => policy === "jsft"), "reward");

/** Soft labels less hard ones on each fresh base, each with the best of four settings. */
export function ownDifference(by: string) {
  const of = (method: string) =>
    fresh["own-settings"].filter((row) => row.method === method && row.chosen_by === by)
      .toSorted((a, b) => Number(a.base) - Number(b.base));
  const [soft, hard] = ["self-judge-soft", "self-judge"].map(of);
  assert.deepEqual(soft.map(({ base }) => base), [4, 5, 6, 7, 8, 9, 10]);
  assert.deepEqual(hard.map(({ base }) => base), soft.map(({ base }) => base));
  return overSeeds(soft.map(({ reward }, i) => Number(reward) - Number(hard[i].reward)));
}

/** Means over the fresh bases at a step of a row. */
export function freshAt(
  row: string,
  step: number,
): { reward: number; kl: number; values: number[] } {
  const some = fresh["reward-over-steps"].filter((one) => one.method === row && one.step === step);
  assert.equal(some.length, 7, `${row}, step ${step}`);
  const values = some.map(({ reward }) => Number(reward));
  return { reward: mean(values), kl: mean(some.map(({ kl }) => Number(kl))), values };
}

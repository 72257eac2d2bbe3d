import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { atOneSettingTable } from "../lib/lab/study/at_one_setting.ts";
import { ONE_SETTING, oneSetting } from "../lib/lab/study/driven.ts";
import { playedRows } from "../lib/lab/study/league.ts";
import type { StudyRow } from "../lib/lab/study/methods.ts";
import { readTried, sameSetting } from "../lib/lab/study/tuning.ts";
import { FRESH_BASES } from "../lib/lab/world/fresh_bases.ts";

describe("rows at one setting", () => {
  const families = (FRESH_BASES.families ?? []).filter(({ number }) => number >= 12);

  it("are played with the methods they are beside, at their setting", async () => {
    const tried = await readTried("data/results/claims/order-desk/tuning.csv");
    const methods = ["self-judge", "self-judge-soft"] as const;
    const { rows, tuned } = playedRows(FRESH_BASES, { methods, tried: tried!, judges: false });
    const { steps } = FRESH_BASES.config.preference;
    for (const row of Object.values(ONE_SETTING)) {
      assert.ok(rows.includes(row), row);
      assert.ok(sameSetting(tuned[row]!, tuned["self-judge-soft"]!), row);
      assert.equal(tuned[row]!.steps ?? steps, steps, row);
    }
    for (const { contrasts } of families) {
      for (const side of contrasts.flatMap(({ a, b }) => [a, b])) {
        const [, row] = /^reward at 100\/(.*)$/.exec(side) ?? [];
        assert.ok(side === "reward/jsft" || rows.includes(row as StudyRow), side);
      }
    }
  });

  it("have a line each in a table: how right their rankings were, and where they ended", () => {
    const point = (method: string, step: number, reward: number) => ({
      ...{ method, base: "4", seed: 1, step, reward, kl: 2, judge_win_rate: 0.9, length: 9 },
      ...{ validation_reward: 0, validation_win_rate: 0, reward_whole: 0, entropy: 0 },
    });
    const { hard, soft, twice } = ONE_SETTING;
    const text = atOneSettingTable(
      [hard, soft].flatMap((row, i) => [40, 100].map((step) => point(row, step, i + step / 100))),
      [{ method: soft, base: "4", from: 1, to: 20, differs: "several", gap: "", n: 4, right: 3 }],
    );
    assert.ok(text.includes("| self-judge@1 | 1 |  |  | 0.40 | 1.00 | 0.90 | 2.00 |"), text);
    assert.ok(text.includes("| self-judge-soft | 1 | 0.75 |  | 1.40 | 2.00 |"), text);
    assert.ok(!text.includes(twice));
  });

  it("stand together, where they have every run of hard labels", () => {
    const at = (method: string, base: string) => ({ method, base, seed: 1, step: 100 });
    const rows = Object.values(ONE_SETTING);
    const points = [
      ...[...rows.toReversed(), "self-judge"].map((row) => at(row, "4")),
      ...rows.slice(0, 2).map((row) => at(row, "5")),
    ];
    const [hard, second] = rows;
    assert.deepEqual(
      oneSetting(points),
      [hard, second].flatMap((row) => [at(row, "4"), at(row, "5")]),
    );
  });
});

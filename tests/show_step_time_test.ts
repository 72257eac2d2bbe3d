import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { stepTimeFigure, stepTimeRow } from "../lib/show/step_time_figure.ts";
import { csv } from "./csv_files.ts";

describe("the figure of a step's time", () => {
  it("stacks every part of the table to the whole, a panel for each kind of work", async () => {
    const rows = (await csv("data/results/step-time.csv")).map((row) =>
      stepTimeRow.parse(
        Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value)])),
      )
    );
    assert.equal(rows.length, 6);
    const { data, layout } = stepTimeFigure(rows);
    assert.equal(data.length, 3 * 4);
    assert.equal(layout.barmode, "stack");
    for (const [i, work] of [...new Set(rows.map(({ work }) => work))].entries()) {
      const own = rows.filter((row) => row.work === work);
      const bars = data.slice(4 * i, 4 * i + 4) as { x: number[]; y: string[] }[];
      own.forEach(({ total_ms, step }, k) => {
        assert.equal(bars[0].y[k], step);
        const sum = bars.reduce((total, { x }) => total + x[k], 0);
        assert.ok(Math.abs(sum - total_ms) < 0.03, `${work}, ${step}: ${sum} ${total_ms}`);
      });
      const [byOp, compiled] = own;
      assert.ok(compiled.total_ms < byOp.total_ms);
    }
  });
});

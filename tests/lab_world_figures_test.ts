import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { resultTable } from "../lib/show/result_table.ts";
import {
  histogram,
  labelAgreement,
  learnedTokens,
  rewardSpread,
} from "../lib/lab/figures/world_figures.ts";
import type { Figure } from "../lib/show/style.ts";
import { named } from "./figure_parts.ts";
import { file, folder } from "./temporary_files.ts";

const trace = (figure: Figure, name: string) => named(figure, name)[0];

describe("a histogram", () => {
  it("has one bin a width, empty ones included, with shares that sum to 1", () => {
    const bins = histogram([-1, -0.9, 0.6, 0.5], 0.5);
    assert.deepEqual(bins.map(({ x }) => x), [-0.75, -0.25, 0.25, 0.75]);
    assert.deepEqual(bins.map(({ y }) => y), [0.5, 0, 0, 0.5]);
  });

  it("puts a value that rounding left just below its bin's edge into that bin", () => {
    assert.deepEqual(histogram([0.3 - 1e-12], 0.1).map(({ x }) => Math.round(x * 100)), [35]);
  });
});

describe("the figures of the order desk's data", () => {
  it("draw chosen and rejected rewards as shares", () => {
    const figure = rewardSpread([
      { reward_chosen: 1.1, reward_rejected: 0.2 },
      { reward_chosen: 1.2, reward_rejected: 1.3 },
    ]);
    assert.deepEqual(trace(figure, "chosen").y, [1]);
    assert.deepEqual(trace(figure, "rejected").y, [0.5, 0, 0.5]);
  });

  it("draw the law of the labels beside what was counted", () => {
    const points = [{ gap: 0.5, share: 0.7, low: 0.6, high: 0.9 }];
    const figure = labelAgreement(points, { temperature: 0.5, label: "law" });
    const { x, y } = trace(figure, "law") as { x: number[]; y: number[] };
    assert.equal(y[0], 0.5);
    x.forEach((gap, i) => assert.ok(Math.abs(Math.log(y[i] / (1 - y[i])) - gap / 0.5) < 1e-9));
    const bars = trace(figure, "pairs of the data").error_y as Record<string, number[]>;
    assert.ok(Math.abs(bars.array[0] - 0.2) < 1e-9 && Math.abs(bars.arrayminus[0] - 0.1) < 1e-9);
  });

  it("stack learned tokens on those only read", () => {
    const figure = learnedTokens([{ kind: "verdict", read: 30, learned: 1 }]);
    assert.equal(figure.layout.barmode, "stack");
    assert.deepEqual(trace(figure, "read only").x, [30]);
    assert.deepEqual(trace(figure, "learned").x, [1]);
  });
});

describe("a table of results", () => {
  it("is null where it was not made yet, and numbers are numbers where it was", async () => {
    assert.equal(await resultTable(`${folder.path}/claims.csv`), null);
    const path = await file("claims.csv", "claim,verdict\n1,held\n");
    assert.deepEqual(await resultTable(path), [{ claim: 1, verdict: "held" }]);
  });
});

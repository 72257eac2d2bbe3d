import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { biasFigure, comparisonFigure, reliabilityFigure } from "../lib/show/judge_figure.ts";

const row = (judge: string, measure: string, value: number | "" | null, n = 100) => ({
  judge,
  measure,
  value,
  low: value === "" || value === null ? value : value - 0.1,
  high: value === "" || value === null ? value : value + 0.05,
  n,
});
const ROWS = [
  row("model", "accuracy", 0.6),
  row("model", "firstSeatRate", 0.8),
  row("model", "flipRate", null),
  row("model", "calibrationError", 0.2),
  row("model", "calibrationFloor", 0.03),
  row("longer", "accuracy", 0.55),
  row("longer", "firstSeatRate", 0.5),
  row("longer", "flipRate", 0.1),
  row("longer", "ownRate", ""), // as it comes back from a CSV file
];

const near = (actual: unknown, expected: number[]) =>
  (actual as number[]).forEach((value, i) =>
    assert.ok(Math.abs(value - expected[i]) < 1e-9, `${actual} is not ${expected}`)
  );

describe("biasFigure", () => {
  const figure = biasFigure(ROWS);

  it("has a bar a judge for every bias that some judge has, intervals from value to ends", () => {
    const [model, longer] = figure.data;
    assert.deepEqual([model.name, longer.name], ["model", "longer"]);
    assert.deepEqual((model.x as string[]).map((label) => label.split("<br>")[0]), [
      "names the",
      "flips when",
    ]);
    assert.deepEqual(model.y, [0.8, null]);
    assert.deepEqual(longer.y, [0.5, 0.1]);
    const { array, arrayminus } = model.error_y as Record<string, number[]>;
    near(array, [0.05, 0]);
    near(arrayminus, [0.1, 0]);
  });

  it("writes n/a where a bar is missing, and marks where a fair judge would be above 0", () => {
    const { annotations, shapes } = figure.layout as {
      annotations: { text: string; x: number }[];
      shapes: { y0: number }[];
    };
    assert.deepEqual(annotations.map(({ text, x }) => [text, x < 1 && x > 0.5]), [["n/a", true]]);
    assert.deepEqual(shapes.map(({ y0 }) => y0), [0.5]);
  });

  it("never passes on NaN", () => {
    assert.doesNotMatch(JSON.stringify(figure), /NaN|undefined/);
    const [{ y }] = biasFigure([row("model", "flipRate", "")]).data;
    assert.deepEqual(y, []);
  });
});

describe("comparisonFigure", () => {
  it("puts each judge's agreement beside its calibration error and the noise of that", () => {
    const [accuracy, floor, error] = comparisonFigure(ROWS).data;
    assert.deepEqual(accuracy.y, ["model", "longer"]);
    assert.deepEqual(accuracy.x, [0.6, 0.55]);
    assert.deepEqual(error.x, [0.2, null]);
    assert.deepEqual(floor.x, [0.03, null]);
    assert.equal(error.xaxis, "x2");
  });

  it("writes n/a where a judge has no value", () => {
    const { annotations } = comparisonFigure(ROWS).layout as {
      annotations: { text: string; y: unknown; xref: string }[];
    };
    const missing = annotations.filter(({ text }) => text === "n/a");
    assert.deepEqual(missing.map(({ y, xref }) => [y, xref]), [["longer", "x2"]]);
  });
});

describe("reliabilityFigure", () => {
  it("draws accuracy over confidence, and the pairs of each bin below", () => {
    const curve = (judge: string, from: number, n: number, accuracy: number) => ({
      judge,
      from,
      to: from + 0.05,
      n,
      confidence: from + 0.02,
      accuracy,
      low: null,
      high: accuracy + 0.1,
    });
    const { data, layout } = reliabilityFigure([
      curve("model", 0.5, 40, 0.5),
      curve("model", 0.9, 10, 0.6),
      curve("longer", 0.95, 50, 0.7),
    ]);
    assert.deepEqual(data.map(({ name, type }) => `${name} ${type}`), [
      "model scatter",
      "model bar",
      "longer scatter",
      "longer bar",
    ]);
    assert.deepEqual(data[0].x, [0.52, null, 0.92]); // no line over the empty bins between
    near((data[0].error_y as Record<string, number[]>).arrayminus, [0, 0, 0]);
    near(data[1].x, [0.525, 0.925]);
    assert.deepEqual(data[1].y, [40, 10]);
    assert.equal(data[1].yaxis, "y2");
    const [{ x0, y0, x1, y1 }] = layout.shapes as Record<string, number>[];
    assert.deepEqual([x0, y0, x1, y1], [0.5, 0.5, 1, 1]);
  });
});

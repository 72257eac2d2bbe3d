import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { annotations } from "./figure_parts.ts";
import {
  biasFigure,
  comparisonFigure,
  judgeFigureRow,
  reliabilityFigure,
} from "../lib/show/judge_figure.ts";

const row = (judge: string, measure: string, value: number | null, n = 100) => ({
  judge,
  measure,
  value,
  low: value === null ? value : value - 0.1,
  high: value === null ? value : value + 0.05,
  n,
});
const ROWS = [
  row("model", "accuracy", 0.6),
  row("model", "firstPositionRate", 0.8),
  row("model", "flipRate", null),
  row("model", "calibrationError", 0.2),
  row("model", "calibrationFloor", 0.03),
  row("longer", "accuracy", 0.55),
  row("longer", "firstPositionRate", 0.5),
  row("longer", "flipRate", 0.1),
  row("longer", "ownRate", judgeFigureRow.shape.value.parse("")), // as it comes back from a CSV file
];

const near = (actual: unknown, expected: number[]) =>
  (actual as number[]).forEach((value, i) =>
    assert.ok(Math.abs(value - expected[i]) < 1e-9, `${actual} is not ${expected}`)
  );

describe("biasFigure", () => {
  const figure = biasFigure(ROWS);

  it("has a dot a judge for every bias that some judge has, intervals from value to ends", () => {
    const [model, longer] = figure.data;
    assert.deepEqual([model.name, longer.name], ["model", "longer"]);
    assert.deepEqual((figure.layout.yaxis as { ticktext: string[] }).ticktext, [
      "names the first position",
      "flips when positions swap",
    ]);
    assert.deepEqual(model.x, [0.8]);
    assert.deepEqual(longer.x, [0.5, 0.1]);
    const { array, arrayminus } = model.error_x as Record<string, number[]>;
    near(array, [0.05]);
    near(arrayminus, [0.1]);
  });

  it("says n/a where a dot is missing, and marks where a fair judge would be", () => {
    const missing = annotations(figure).filter(({ text }) => text.startsWith("n/a"));
    assert.deepEqual(missing.map(({ text, y }) => [text, y]), [["n/a: model", 1]]);
    const shapes = figure.layout.shapes as { x0: number }[];
    assert.deepEqual(shapes.map(({ x0 }) => x0), [0.5, 0]);
    // How often a fair judge names the longer answer depends on how often that is the better one.
    const lengths = biasFigure([row("jsft", "longerRate", 0.4), row("jsft", "flipRate", 0.1)]);
    assert.deepEqual((lengths.layout.shapes as { x0: number }[]).map(({ x0 }) => x0), [0]);
  });

  it("writes n/a where the row has room for it", () => {
    const place = (value: number) => {
      const { layout } = biasFigure([row("a", "flipRate", value), row("b", "flipRate", null)]);
      return annotations({ layout }).find(({ text }) => text === "n/a: b")!.x;
    };
    near([place(0.9), place(0.2)], [0.4, 0.625]); // its interval is from 0.1 below to 0.05 above
  });

  it("names and colours judges as all figures do, without a legend", () => {
    const { data, layout } = biasFigure([row("jsft", "tieRate", 0.1), row("truth", "tieRate", 0)]);
    assert.deepEqual(data.map(({ name }) => name), ["JSFT", "true reward"]);
    assert.equal(layout.showlegend, false);
    assert.ok(annotations({ layout }).some(({ text }) => /JSFT.*true reward/.test(text)));
  });

  it("never passes on NaN", () => {
    assert.doesNotMatch(JSON.stringify(figure), /NaN|undefined/);
  });
});

describe("comparisonFigure", () => {
  it("puts each judge's agreement beside its calibration error and the noise of that", () => {
    const [accuracy, floor, error] = comparisonFigure(ROWS).data;
    assert.deepEqual(accuracy.y, [0, 1]);
    assert.deepEqual(accuracy.x, [0.6, 0.55]);
    assert.deepEqual(error.x, [0.2]);
    assert.deepEqual(floor.x, [0.03]);
    assert.equal(error.xaxis, "x2");
  });

  it("writes n/a where a judge has no value", () => {
    const missing = annotations(comparisonFigure(ROWS)).filter(({ text }) => text === "n/a");
    assert.deepEqual(missing.map(({ y, xref }) => [y, xref]), [[1, "x2"]]);
  });
});

describe("reliabilityFigure", () => {
  const curve = (judge: string, from: number, n: number, accuracy: number) => ({
    ...{ judge, from, to: from + 0.05, n, confidence: from + 0.02, accuracy },
    ...{ low: accuracy - 0.1, high: accuracy + 0.1 },
  });
  const { data, layout } = reliabilityFigure([
    curve("model", 0.5, 40, 0.5),
    curve("model", 0.55, 20, 0.55),
    curve("model", 0.9, 10, 0.6),
    curve("jsft", 0.95, 50, 0.7),
  ]);

  it("draws accuracy over confidence, and the pairs of each bin below", () => {
    assert.deepEqual(data.map(({ name, type }) => `${name} ${type}`), [
      "as sure as it is right scatter",
      "model, interval scatter",
      "model scatter",
      "model scatter", // no line over the empty bins between
      "JSFT scatter",
      "model, pairs bar",
      "JSFT, pairs bar",
    ]);
    near(data[2].x, [0.52, 0.57]);
    near(data[5].x, [0.525, 0.575, 0.925]);
    assert.deepEqual(data[5].y, [40, 20, 10]);
    assert.equal(data[5].yaxis, "y2");
  });

  it("gives a bin that stands alone its interval as a bar, and every judge its name at the line", () => {
    near((data[3].error_y as Record<string, number[]>).array, [0.1]);
    const texts = annotations({ layout }).map(({ text }) => text);
    assert.ok(texts.includes("JSFT") && texts.includes("model"), texts.join(" | "));
  });

  it("names curves that end early at their ends, apart from each other", () => {
    const { layout } = reliabilityFigure([curve("a", 0.5, 9, 0.5), curve("b", 0.5, 9, 0.52)]);
    const [a, b] = annotations({ layout }).filter(({ text }) => text === "a" || text === "b");
    assert.deepEqual([a.x, b.x], [0.52, 0.52]);
    assert.ok(Math.abs(a.y - b.y) > 0.07);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { annotations } from "./figure_parts.ts";
import { line } from "../lib/show/marks.ts";
import { apart, inside, panels } from "../lib/show/panels.ts";
import { INK, inkFor, looks } from "../lib/show/style.ts";

describe("apart", () => {
  it("leaves values that are far enough apart where they are", () => {
    assert.deepEqual(apart([3, 1, 9], 1), [3, 1, 9]);
  });

  it("spreads touching values about their mean, in their order", () => {
    assert.deepEqual(apart([5, 5, 5], 2), [3, 5, 7]);
    assert.deepEqual(apart([1.5, 1], 1), [1.75, 0.75]);
  });

  it("keeps every neighbour at the gap even where groups push into each other", () => {
    const moved = apart([0, 0.1, 0.9, 1, 1.05, 5], 0.5).toSorted((a, b) => a - b);
    moved.slice(1).forEach((value, i) => assert.ok(value - moved[i] > 0.5 - 1e-9));
  });
});

describe("panels", () => {
  const figure = panels([
    {
      title: "one",
      traces: [{
        x: [0, 10],
        y: [1, 3],
        error_y: { array: [0, 2], arrayminus: [1, 0] },
      }],
      labels: [{ y: 3, text: "far", color: INK.blue }, { y: 3, text: "near", color: INK.sky }],
      references: [{ axis: "x", at: 5, text: "half" }],
    },
    { title: "two", traces: [{ x: ["a", "b"], y: [1, 1] }] },
  ], { columns: 2, width: 800, height: 100 });
  const layout = figure.layout as Record<string, { range?: number[]; domain: number[] }>;

  it("finds ranges that hold values with their intervals", () => {
    const [low, high] = layout.yaxis.range!;
    assert.ok(low < 0 && high > 5 && high < 6);
    assert.equal(layout.xaxis2.range, undefined); // words
    const [below, above] = layout.yaxis2.range!;
    assert.ok(below < 1 && above > 1); // one value still has a range
  });

  it("has the named references across x in sight, wherever the values are", () => {
    const panel = { title: "far", traces: [{ x: [2, 3], y: [0, 1] }] };
    const rangeWith = (text?: string, sameX = false) => {
      const references = [{ axis: "x", at: -1, text }] as const;
      const list = [panel, { ...panel, references }];
      const { layout } = panels(list, { columns: 2, sameX });
      return ["xaxis", "xaxis2"].map((name) =>
        (layout as Record<string, { range: number[] }>)[name].range[0]
      );
    };
    const [first, second] = rangeWith("start");
    assert.ok(first > 1.9 && second < -1);
    assert.ok(rangeWith("start", true).every((low) => low < -1));
    assert.ok(rangeWith().every((low) => low > 1.9), "one without a name is no reason to stretch");
  });

  it("puts each trace on its panel's axes, side by side", () => {
    assert.deepEqual(figure.data.map(({ xaxis, yaxis }) => [xaxis, yaxis]), [["x1", "y1"], [
      "x2",
      "y2",
    ]]);
    assert.ok(layout.xaxis.domain[1] < layout.xaxis2.domain[0]);
    assert.ok(layout.xaxis2.domain[1] <= 1);
  });

  it("names lines at the side without overlap, and references where they stand", () => {
    const notes = annotations(figure);
    const [far, near] = ["far", "near"].map((text) => notes.find((note) => note.text === text)!);
    const pixels = Math.abs(far.y - near.y) / (layout.yaxis.range![1] - layout.yaxis.range![0]) *
      100;
    assert.ok(pixels > 15);
    assert.equal(notes.find(({ text }) => text === "half")!.xref, "x");
  });
});

describe("inside", () => {
  it("turns words away from the nearer edge", () => {
    assert.equal(inside(1, [0, 10]).xanchor, "left");
    assert.equal(inside(5, [0, 10]).xanchor, "center");
    assert.equal(inside(9, [0, 10]).xanchor, "right");
    assert.equal(inside(1, [10, 0]).xanchor, "right"); // a reversed axis
  });
});

describe("line", () => {
  const look = { label: "m", color: INK.blue, dash: "solid" } as const;

  it("draws its interval as a closed band below it, in the order of x", () => {
    const [band, own] = line([
      { x: 2, y: 5, low: 4, high: 6 },
      { x: 1, y: 3, low: 2, high: 4 },
    ], look);
    assert.deepEqual([band.x, band.y], [[1, 2, 2, 1], [4, 6, 4, 2]]);
    assert.deepEqual([own.x, own.y], [[1, 2], [3, 5]]);
  });

  it("ends its band at a point without an interval, and begins another after it", () => {
    const points = [1, 2, 3, 4, 5, 6].map((x) => (
      x === 3 ? { x, y: 0, low: null, high: null } : { x, y: 0, low: -x, high: x }
    ));
    const traces = line([...points, { x: 7, y: 0 }, { x: 8, y: 0, low: -1, high: 1 }], look);
    assert.deepEqual(traces.map(({ x }) => x), [
      [1, 2, 2, 1],
      [4, 5, 6, 6, 5, 4],
      [1, 2, 3, 4, 5, 6, 7, 8],
    ]);
  });

  it("has no band without intervals", () => {
    assert.equal(line([{ x: 1, y: 3 }, { x: 2, y: 3 }], look).length, 1);
  });
});

describe("looks", () => {
  it("keeps a method's colour whatever it is drawn with", () => {
    assert.deepEqual(looks(["jsft"]).get("jsft"), looks(["x", "y", "sft", "jsft"]).get("jsft"));
  });

  it("gives every name its own pair of colour and dash", () => {
    const names = ["self-judge", "constructor", ...Array.from({ length: 18 }, (_, i) => `m${i}`)];
    const pairs = [...looks(names).values()].map(({ color, dash }) => `${color} ${dash}`);
    assert.equal(new Set(pairs).size, names.length);
  });
});

describe("inkFor", () => {
  it("makes words of every colour readable on white (contrast 4.5 or more)", () => {
    for (const color of Object.values(INK)) {
      const [r, g, b] = [1, 3, 5].map((at) => {
        const s = parseInt(inkFor(color).slice(at, at + 2), 16) / 255;
        return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
      });
      assert.ok(1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05) > 4.45, color);
    }
    assert.equal(inkFor(INK.text), INK.text);
  });
});

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "jsr:@std/testing@1/bdd";
import { z } from "zod";
import { drawFigures } from "../lib/show/draw.ts";
import { figureEntry } from "../lib/show/figure_entry.ts";
import { figureList } from "../lib/lab/figures/list.ts";
import { renderImages } from "../lib/show/render.ts";
import type { Figure } from "../lib/show/style.ts";
import { anyRow, cell, parseRows } from "../lib/base/csv.ts";
import { refusesAtOnce } from "./refusals.ts";
import { newFolder } from "./temporary_files.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

const points = (name: string, path = "points.csv") =>
  figureEntry({
    name,
    title: "Points </script>",
    caption: "a < b",
    inputs: { points: { path, row: z.object({ x: cell.number, y: cell.number }) } },
    draw: ({ points }) => ({
      data: [{ type: "scatter", x: points.map(({ x }) => x), y: points.map(({ y }) => y) }],
      layout: { width: 200, height: 100, title: { text: "</script>" } },
    }),
  });

describe("drawFigures", () => {
  let root: string;
  let drawn: number;
  const lines: string[] = [];
  const render = (list: readonly Figure[]) => {
    drawn += list.length;
    return Promise.resolve(list.map(() => bytes("<svg/>\n")));
  };
  const draw = (figures = [points("one"), points("two", "absent.csv")]) => {
    lines.length = drawn = 0;
    return drawFigures({
      figures,
      root,
      out: `${root}/out`,
      log: (line) => lines.push(line),
      render,
    });
  };
  beforeEach(async () => {
    root = await newFolder();
    await Deno.writeTextFile(`${root}/points.csv`, "x,y\n1,2\n");
  });

  it("draws what has its tables and says what is left out", async () => {
    await draw();
    assert.equal(drawn, 1);
    assert.ok(lines.includes("two: left out, there is no absent.csv"));
    assert.deepEqual([...Deno.readDirSync(`${root}/out`)].map(({ name }) => name).sort(), [
      "index.html",
      "one.svg",
    ]);
  });

  it("draws again only where a table or a specification changed", async () => {
    await draw();
    await draw();
    assert.equal(drawn, 0);
    assert.ok(lines.includes(`${root}/out/index.html, unchanged`));
    await Deno.writeTextFile(`${root}/points.csv`, "x,y\n1,3\n");
    await draw([points("one"), points("other")]);
    assert.equal(drawn, 2);
    await draw([points("one"), points("other")]);
    assert.equal(drawn, 0);
  });

  it("draws again what was tampered with or torn", async () => {
    await draw();
    await Deno.truncate(`${root}/out/one.svg`, 10);
    await draw();
    assert.equal(drawn, 1);
  });

  it("gives the same files after the folder was deleted", async () => {
    await draw();
    const before = await Deno.readTextFile(`${root}/out/index.html`);
    await Deno.remove(`${root}/out`, { recursive: true });
    await draw();
    assert.ok(before === await Deno.readTextFile(`${root}/out/index.html`));
  });

  it("names files in the folder that it does not make", async () => {
    await draw();
    await Deno.writeTextFile(`${root}/out/old.png`, "");
    await Deno.writeTextFile(`${root}/out/old.svg`, "<svg></svg><!-- drawn from 1 -->\n");
    await Deno.writeTextFile(`${root}/out/by_hand.svg`, "<svg></svg>\n");
    await draw();
    assert.deepEqual(
      lines.filter((line) => line.includes("not made from")).sort(),
      ["png", "svg"].map((end) =>
        `${root}/out/old.${end} was not made from the tables there are now`
      ),
    );
  });

  it("makes a gallery that needs no other file and lets no text out of its place", async () => {
    await draw();
    const page = await Deno.readTextFile(`${root}/out/index.html`);
    assert.ok(!/(src|href)="(https?:)?\/\//.test(page) && !page.includes("<link"));
    assert.ok(page.includes('href="../points.csv"'));
    assert.ok(page.includes("a &lt; b") && page.includes("Points &lt;/script&gt;"));
    assert.equal(page.match(/<\/script>/g)!.length, 3); // plotly.js, the figures, what draws them
  });
});

describe("parseRows", () => {
  const table = {
    path: "t.csv",
    row: z.object({ name: cell.text, value: cell.number, more: cell.blank }),
    key: ["name"],
  };
  const problem = (text: string) => refusesAtOnce(() => parseRows(text, table)).problem;

  it("reads numbers, and nothing where nothing was measured", () => {
    assert.deepEqual(parseRows("name,value,more,other\na,1e-3,,x\nb,-2,0,y\n", table), [
      { name: "a", value: 0.001, more: null },
      { name: "b", value: -2, more: 0 },
    ]);
    assert.deepEqual(parseRows("a\n1\nx\n", { path: "t.csv", row: anyRow }), [{ a: 1 }, {
      a: "x",
    }]);
  });

  it("names file, row and column of a fault", () => {
    const bad = (cells: string) => problem(`name,value,more\na,1,\n${cells}\n`);
    assert.match(bad("b,oops,"), /^t\.csv data row 2: "value" is "oops", but it must be a number$/);
    assert.match(bad("b,NaN,"), /"value" is "NaN"/);
    assert.match(bad("b,,1"), /"value" is ""/);
    assert.match(bad("b,1,Infinity"), /"more" is "Infinity", but it must be a number or empty/);
    assert.match(bad(",1,"), /"name" is ""/);
    assert.match(bad("a,2,"), /data row 2: name = a as in data row 1/);
    assert.match(bad("b,2"), /data row 2: .*fields/);
    assert.match(problem("name,values,more\na,1,\n"), /no column "value", only name, values, more/);
    assert.match(problem("name,value,more\n"), /there are no rows/);
  });
});

describe("figureList", () => {
  it("has a file name, words and a CSV for every figure", () => {
    const figures = figureList();
    assert.equal(new Set(figures.map(({ name }) => name)).size, figures.length);
    for (const { name, title, caption, inputs } of figures) {
      assert.match(name, /^[a-z-]+$/);
      assert.ok(title && caption.endsWith("."));
      assert.ok(Object.values(inputs).every(({ path }) => path.endsWith(".csv")));
    }
  });

  it("draws nothing that no page speaks of", async () => {
    const pages = ["README.md"];
    for (const folder of ["notebooks", "notebooks/teaching", "data/results"]) {
      for await (const { name } of Deno.readDir(folder)) {
        if (/\.(md|ipynb)$/.test(name)) pages.push(`${folder}/${name}`);
      }
    }
    const said = (await Promise.all(pages.map((page) => Deno.readTextFile(page)))).join("\n");
    const figures = figureList().map(({ name }) => name);
    assert.deepEqual(figures.filter((name) => !said.includes(`figures/${name}.svg`)), []);
  });

  it("reads a run's own claims where it is told to", () => {
    const [first] = figureList("runs/x/results").filter(({ name }) => name === "samples");
    assert.equal(first.inputs.samples.path, "runs/x/results/samples.csv");
  });
});

const browser = await new Deno.Command("sh", {
  args: ["-c", "command -v chromium || command -v chromium-browser || command -v google-chrome"],
  stdout: "null",
}).output();

const withBrowser = browser.success ? describe : describe.skip;

withBrowser("renderImages", () => {
  const figures = ["one & <two>", "</script>"].map((text) => ({
    data: [{ type: "scatter", x: [1, 2], y: [3, 4], text }],
    layout: { width: 220, height: 140, title: { text } },
  }));

  it("draws the same SVG twice, of the size asked for", async () => {
    const [first, second] = [
      await renderImages(figures, "svg"),
      await renderImages(figures, "svg"),
    ];
    assert.deepEqual(first, second);
    const svg = new TextDecoder().decode(first[0]);
    assert.match(svg, /^<svg [^>]*width="220" height="140"/);
    assert.ok(svg.includes("one &amp; ") && svg.trimEnd().endsWith("</svg>"));
  });

  it("draws a PNG twice as fine", async () => {
    const [png] = await renderImages(figures.slice(0, 1), "png");
    const view = new DataView(png.buffer);
    assert.equal(view.getUint32(0), 0x89504e47);
    assert.deepEqual([view.getUint32(16), view.getUint32(20)], [440, 280]);
  });
});

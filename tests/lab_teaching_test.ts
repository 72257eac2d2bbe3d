import assert from "node:assert/strict";
import { beforeEach, describe, it } from "jsr:@std/testing@1/bdd";
import { writeCsv } from "../lib/base/files.ts";
import { type JudgedStep, matchedOverSteps } from "../lib/lab/study/judge_over_steps.ts";
import { resultTable } from "../lib/show/result_table.ts";
import { deck } from "../lib/lab/teaching/deck.ts";
import { filled } from "../lib/lab/teaching/fill.ts";
import { refuses } from "./refusals.ts";
import { newFolder } from "./temporary_files.ts";

let results = "";
beforeEach(async () => {
  results = await newFolder();
  await writeCsv(`${results}/world/claims.csv`, [
    { a: "x", b: "y", difference: 0.4412, low: 0.1, high: 0.0004, runs: 6, verdict: "open" },
    { a: "x", b: "z", difference: -0.2, low: -0.3, high: -0.1, runs: 6, verdict: "held" },
  ]);
  await writeCsv(`${results}/world/judge.csv`, [
    { base: "1", judge: "jsft", value: 0.9, right: 9, n: 10 },
    { base: "2", judge: "jsft", value: 0.8, right: 1, n: 10 },
    { base: "views-0", judge: "jsft", value: 0.1, right: 0, n: 10 },
  ]);
});

const fill = (text: string) => filled(text, { file: "slides.md", results });

describe("a text filled from tables", () => {
  it("has means, shares, intervals, ratios, counts and words of the rows that are named", async () => {
    const text = "{{world/judge judge=jsft : value}} {{world/judge judge=jsft : value %}} " +
      "{{world/claims a=x, b=y : interval}} {{world/judge judge=jsft : right/n}} " +
      "{{world/judge judge=jsft : count}} {{world/claims a=x, b=z : verdict}} " +
      "{{world/claims a=x, b=z : runs}}";
    assert.equal(await fill(text), "0.850 85.0 % 0.441 [0.100, 0.000] 0.50 2 held 6");
  });

  it("has the mean of bases where each base has its own ratio", async () => {
    await writeCsv(`${results}/world/steps.csv`, [
      { base: "1", right: 30, n: 40 },
      { base: "1", right: 60, n: 60 },
      { base: "2", right: 2, n: 10 },
    ]);
    assert.equal(await fill("{{world/steps : right/n by base}}"), "0.55"); // 0.9 and 0.2
    assert.equal(await fill("{{world/steps : right/n}}"), "0.84");
  });

  it("leaves the side study's bases out unless one is named", async () => {
    assert.equal(await fill("{{world/judge base=views-0 : value}}"), "0.100");
  });

  it("names a value with commas in double quotes", async () => {
    await writeCsv(`${results}/world/samples.csv`, [
      { base: "1", prompt: "tea , figs and jam ?", answer: "here come tea , figs and jam ." },
      { base: "1", prompt: "tea ?", answer: "here comes tea ." },
    ]);
    assert.equal(
      await fill('{{world/samples prompt="tea , figs and jam ?", base=1 : answer}}'),
      "here come tea , figs and jam .",
    );
  });

  it("may be broken across lines, and keeps what is around it", async () => {
    assert.equal(
      await fill("a {{world/judge\n  base=1, judge=jsft :\n value %}} b {"),
      "a 90.0 % b {",
    );
  });

  it("is refused with file and line where a table, column, row or number is not there", async () => {
    const cases: [string, RegExp][] = [
      ["{{world/none a=x : value}}", /slides\.md line 2: there is no table world\/none/],
      ["{{world/claims c=x : value}}", /line 2: world\/claims has no column "c"/],
      ["{{world/claims a=q : value}}", /line 2: world\/claims has no row with a=q/],
      ["{{world/claims a=x, b=y : value}}", /has no column "value"/],
      ["{{world/claims a=x : interval}}", /has 2 such rows/],
      ["{{world/claims a=x : runs/low by base}}", /has no column "base"/],
      ["{{world/claims a=x}}", /names no column/],
    ];
    for (const [text, problem] of cases) {
      assert.match((await refuses(fill(`one\n${text}`))).problem, problem);
    }
  });
});

describe("a deck", () => {
  const ROOT = new URL("..", import.meta.url).pathname;

  it("is a page with a sheet a slide, its numbers and its pictures inside", async () => {
    const folder = await newFolder();
    await Deno.writeTextFile(`${folder}/dot.svg`, '<svg xmlns="http://www.w3.org/2000/svg"/>');
    await Deno.writeTextFile(
      `${folder}/deck.md`,
      "---\nmarp: true\n---\n\n# One\n\n![w:10](dot.svg)\n\n---\n\n# Two\n\n{{world/judge base=1 : value}}\n",
    );
    const { html, sheets } = await deck(`${folder}/deck.md`, { results });
    assert.equal(sheets, 2);
    assert.match(html, /src="data:image\/svg\+xml;base64,/);
    assert.match(html, /0\.900/);
    assert.doesNotMatch(html, /\{\{/);
    await Deno.remove(`${folder}/dot.svg`);
    const { problem } = await refuses(deck(`${folder}/deck.md`, { results }));
    assert.match(problem, /there is no dot\.svg/);
  });

  it("of the lecturer's kit finds every number and picture: 20 slides, one page to give out", async () => {
    const of = (name: string) =>
      deck(`${ROOT}notebooks/teaching/${name}.md`, { results: `${ROOT}data/results` });
    const [slides, handout] = [await of("slides"), await of("handout")];
    assert.deepEqual([slides.sheets, handout.sheets], [20, 1]);
    // Nothing is fetched: what is shown is inside.
    assert.doesNotMatch(slides.html + handout.html, / src="(?!data:)|\{\{|url\(["']?http/);
  });

  it("types of the matched pairs what the table has", async () => {
    const rows = await resultTable<JudgedStep>(
      `${ROOT}data/results/claims/order-desk/judge-over-steps.csv`,
    );
    const [first, , third] = matchedOverSteps(
      rows!.filter(({ method, base }) =>
        method === "self-judge" && !`${base}`.startsWith("views-")
      ),
    );
    const said = `(${first.matched!.toFixed(2)} to ${
      third.matched!.toFixed(2)
    } by step ${third.to})`;
    const slides = await Deno.readTextFile(`${ROOT}notebooks/teaching/slides.md`);
    assert.ok(slides.includes(said), said);
  });

  it("names in its key for readers of PyTorch what the files it names export", async () => {
    const key = await Deno.readTextFile(`${ROOT}notebooks/teaching/pytorch_key.md`);
    let found = 0;
    for (const line of key.split("\n")) {
      const [, , here = "", where = ""] = line.split(/(?<!\\)\|/);
      const paths = [...where.matchAll(/`(lib\/[^`]+)`/g)].map(([, path]) => path);
      if (paths.length === 0) continue;
      const texts = await Promise.all(paths.map(async (path) => {
        if (path.endsWith(".ts")) return await Deno.readTextFile(`${ROOT}${path}`);
        const entries = await Array.fromAsync(Deno.readDir(`${ROOT}${path}`));
        return (await Promise.all(
          entries.filter(({ isFile }) => isFile)
            .map(({ name }) => Deno.readTextFile(`${ROOT}${path}/${name}`)),
        )).join("\n");
      }));
      // A function that is called by itself, a class that is made, a type or a constant.
      const names = [...here.matchAll(/(?<![.\w])(?:([a-z]\w+)\(|([A-Z]\w+))/g)]
        .map(([, called, named]) => called ?? named).filter((name) => name !== "TensorFlow");
      for (const name of names) {
        const exported = new RegExp(`export (?:async )?(?:function|class|const|type) ${name}\\b`);
        assert.ok(texts.some((text) => exported.test(text)), `${paths} export no ${name}`);
        found++;
      }
    }
    assert.ok(found > 15, `${found}`);
  });

  it("holds no number of a result that was typed", async () => {
    for (const name of ["slides", "handout"]) {
      const text = await Deno.readTextFile(`${ROOT}notebooks/teaching/${name}.md`);
      const typed = text.replaceAll(/\{\{[^}]*\}\}/g, "").match(/(?<!\d)\d\.\d{3}(?!\d)/g);
      assert.equal(typed, null, name);
    }
  });
});

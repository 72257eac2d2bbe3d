import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "jsr:@std/testing@1/bdd";
import { UserError } from "../lib/base/error.ts";
import { html, markdown, show } from "../lib/show/display.ts";
import { formatNumber, table } from "../lib/show/html_table.ts";
import { standInKernel } from "../lib/show/kernel.ts";
import { notebookConfig, SCALE_VARIABLE, SEED_VARIABLE } from "../lib/show/notebook_config.ts";
import { still } from "../lib/show/still.ts";
import { newFolder } from "./temporary_files.ts";

type Message = { type: string; content: Record<string, unknown> };
let messages: Message[] = [];
let printed: string[] = [];
const log = console.log;

function enterKernel(): void {
  standInKernel({ broadcast: (type, content) => void messages.push({ type, content }) });
}

beforeEach(() => {
  messages = [];
  printed = [];
  console.log = (...parts: unknown[]) => printed.push(parts.join(" "));
});
afterEach(() => {
  console.log = log;
  standInKernel();
});

describe("show in a kernel", () => {
  it("sends a table as HTML and text, with everything in it escaped", async () => {
    enterKernel();
    await show([{ name: "<b>&", value: 1 / 3 }]);
    const data = messages[0].content.data as Record<string, string>;
    assert.equal(messages[0].type, "display_data");
    assert.match(data["text/html"], /&lt;b&gt;&amp;/);
    assert.doesNotMatch(data["text/html"], /<b>/);
    assert.match(data["text/plain"], /^name +value\n-+ +-+\n<b>& +0\.333$/);
  });

  it("returns only after a turn of the event loop, in which the kernel sends what is queued", async () => {
    enterKernel();
    let turned = false;
    setTimeout(() => turned = true, 0);
    await show("text");
    assert.equal(turned, true);
  });

  it("passes markdown and HTML on under their types", async () => {
    enterKernel();
    await show(markdown("**a**"));
    await show(html("<i>b</i>", "b"));
    assert.deepEqual(messages.map(({ content }) => content.data), [
      { "text/markdown": "**a**", "text/plain": "**a**" },
      { "text/html": "<i>b</i>", "text/plain": "b" },
    ]);
  });
});

describe("show in a script", () => {
  it("prints text and sends nothing", async () => {
    await show("words");
    await show([{ a: 1 }], { caption: "One" });
    const layout = { title: { text: "Loss<br>by step" } };
    await show({ data: [{ name: "train" }, { name: "train" }, { y: [] }], layout });
    assert.deepEqual(printed, ["words", "One\na\n-\n1", "[figure: Loss by step] train"]);
    assert.deepEqual(messages, []);
  });

  it("refuses what it cannot show", async () => {
    await assert.rejects(show([1, 2] as unknown as object[]), /array of other things than records/);
    await assert.rejects(show(3 as unknown as string), UserError);
  });
});

describe("table", () => {
  it("refuses a NaN, naming row and field, and leaves an absent value empty", () => {
    assert.throws(() => table([{ a: 1 }, { a: NaN }]), /row 2 of the table: "a" is NaN/);
    assert.throws(() => table([{ a: { b: 1 } }]), /"a" is {"b":1}/);
    assert.equal(table([{ a: null, b: 2 }]).plain, "a  b\n-  -\n   2");
  });

  it("chooses, orders and renames columns, and says how many rows it leaves out", () => {
    const rows = [1, 2, 3, 4].map((a) => ({ a, b: a * 10, c: 0 }));
    const { plain, html } = table(rows, { columns: { b: "ten", a: "one" }, head: 2 });
    assert.equal(plain, "ten  one\n---  ---\n 10    1\n 20    2\n... 2 more rows");
    assert.match(html, /<p>2 more rows<\/p>/);
  });

  it("shows an empty list as its head", () => {
    assert.equal(table([], { columns: ["a"] }).plain, "a\n-");
  });

  it("gives the numbers of a column the same decimals, unless a small one would be shown as 0, or as another number", () => {
    const column = (...values: (number | null)[]) =>
      table(values.map((x) => ({ x }))).plain.split("\n").slice(2).map((line) => line.trim());
    assert.deepEqual(column(2, 2.4, -0.8667, null), ["2.000", "2.400", "-0.867", ""]);
    assert.deepEqual(column(76.94, 5), ["76.9", "5.0"]);
    assert.deepEqual(column(1234.5, 0.7), ["1235", "0.700"]);
    assert.deepEqual(column(100.5, 25.5, 1), ["101", "26", "1"]);
    assert.deepEqual(column(0.9, 0.00012), ["0.900", "0.000120"]);
    assert.deepEqual(column(1, 20), ["1", "20"]);
  });

  it("rounds to significant digits", () => {
    const cases: [number, string][] = [
      [12, "12"],
      [0.45678, "0.457"],
      [-12.345, "-12.3"],
      [12345.6, "12346"],
      [0.00001234, "1.23e-5"],
      [0.5, "0.500"],
    ];
    for (const [value, text] of cases) assert.equal(formatNumber(value), text);
  });
});

describe("a still picture", () => {
  it("is drawn once for the same figure and again for another", async () => {
    const folder = await newFolder();
    let drawn = 0;
    const draw = () => Promise.resolve([new Uint8Array([drawn++])]);
    const figure = { data: [{ y: [1] }], layout: {} };
    assert.deepEqual(await still(figure, { draw, folder }), { png: new Uint8Array([0]) });
    assert.deepEqual(await still(figure, { draw, folder }), { png: new Uint8Array([0]) });
    const other = { data: [{ y: [2] }], layout: {} };
    assert.deepEqual(await still(other, { draw, folder }), { png: new Uint8Array([1]) });
  });

  it("is left out with the reason where there is no Chromium, and tried again the next time", async () => {
    const folder = await newFolder();
    const figure = { data: [], layout: {} };
    const draw = () => Promise.reject(new UserError("there is no Chromium", "install it"));
    const result = await still(figure, { draw, folder });
    assert.match("reason" in result ? result.reason : "", /no Chromium[\s\S]*install it/);
    const later = () => Promise.resolve([new Uint8Array([7])]);
    assert.ok("png" in await still(figure, { draw: later, folder }));
  });
});

describe("the settings of notebooks", () => {
  const config = (values: Record<string, string>) => notebookConfig((name) => values[name], "/r");

  it("are small and seed 7 unless the environment says otherwise", () => {
    const { scale, seed, folders } = config({});
    assert.deepEqual([scale, seed, folders.work], ["small", 7, "/r/runs/notebooks/small-s7"]);
    const smoke = config({ [SCALE_VARIABLE]: "smoke", [SEED_VARIABLE]: "12" });
    assert.deepEqual([smoke.scale, smoke.seed], ["smoke", 12]);
  });

  it("pick sizes by scale, with small for a full that is not given", () => {
    const sizes = { smoke: 1, small: 2 };
    assert.equal(config({ [SCALE_VARIABLE]: "smoke" }).at(sizes), 1);
    assert.equal(config({ [SCALE_VARIABLE]: "full" }).at(sizes), 2);
    assert.equal(config({ [SCALE_VARIABLE]: "full" }).at({ ...sizes, full: 3 }), 3);
  });

  it("refuse what is none, naming the variable", () => {
    assert.throws(
      () => config({ [SCALE_VARIABLE]: "tiny" }),
      /SELF_JUDGE_NOTEBOOK_SCALE is "tiny"/,
    );
    assert.throws(() => config({ [SEED_VARIABLE]: "-1" }), /SELF_JUDGE_NOTEBOOK_SEED is "-1"/);
  });

  it("show paths as they are in every checkout", () => {
    assert.equal(config({}).short("/r/data/x.csv"), "data/x.csv");
    assert.equal(config({}).short("/other/x.csv"), "/other/x.csv");
  });
});

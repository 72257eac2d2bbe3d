import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import settings from "../deno.json" with { type: "json" };
import { command } from "./commands.ts";
import { annotation } from "./measure_annotation_files.ts";
import { file, folder } from "./temporary_files.ts";

/** The task's own command line, with its permissions. */
const winrate = command(settings.tasks.winrate.command.split(" && ").at(-1)!.replace(/^deno /, ""));

const model = (name: string, preferences: (number | null)[]) =>
  preferences.map((p, i) =>
    annotation(`q${i}`, p, { generator_2: name, output_2: "x".repeat(5 + 3 * i) })
  );

async function refused(message: RegExp, line: string) {
  const { out, err } = await winrate.refused(line, message);
  assert.equal(out, "");
  assert.match(err, /^error: /);
}

describe("deno task winrate", () => {
  it("prints a table and writes the named columns", async () => {
    const a = await file("a-1.5.json", model("A", [2, 1.5, 1, 1.25, 1.75, 1.5]));
    const b = await file("b.json", model("B", [1, 1, 1.5, null, 1]));
    const csv = `${folder.path}/rates.csv`;
    const { out, err } = await winrate.well(`${a} ${b} --csv ${csv} --against b`);
    const [header, first, second, ...rest] = (await Deno.readTextFile(csv)).split("\n");
    assert.equal(
      header,
      "model,n,win_rate,standard_error,lc_win_rate,lc_standard_error,avg_length",
    );
    const cells = first.split(",");
    assert.deepEqual([cells[0], cells[1], cells[2], cells[5], cells[6]], [
      "a-1.5",
      "6",
      "50",
      "0",
      "12.5",
    ]);
    // Deviations .5, 0, -.5, -.25, .25, 0: variance .625 / 5.
    assert.ok(Math.abs(Number(cells[3]) - 100 * Math.sqrt(0.125 / 6)) < 1e-9);
    assert.match(second, /^b,4,12\.5,12\.5,,,11$/);
    assert.deepEqual(rest, [""]);
    assert.match(out, /^model +n +ties +win rate/);
    assert.match(out, /\na-1\.5 +6 +2 +50\.00 \[/);
    assert.match(out, /less b/);
    assert.doesNotMatch(out + first + second, /NaN|undefined|null|Infinity/);
    assert.match(err, /warning: \/.+\/b\.json item 4: no preference/);
    assert.match(err, /warning: \/.+\/b\.json has no length-controlled rate: 4 usable/);
    assert.match(err, /warning: \/.+\/b\.json lacks 1 of the 6 instructions/);
  });

  it("does not mix annotators, in a file, beside each other or against each other", async () => {
    const by = (annotator: string, name: string) =>
      model(name, [2, 1, 1.25, 1.75]).map((item) => ({ ...item, annotator }));
    const mixed = await file("both.json", [...by("one", "A"), ...by("two", "A")]);
    await refused(/both\.json item 5: the annotator is "two"[^]*--annotator NAME/, mixed);
    const { out } = await winrate.well(`${mixed} --annotator two`);
    assert.match(out, /\nboth +4 /);
    const [a, b] = [await file("by1.json", by("one", "A")), await file("by2.json", by("two", "B"))];
    const { err } = await winrate.well(`${a} ${b}`);
    assert.match(
      err,
      /warning: the files have different annotators, .*by1\.json one, .*by2\.json two/,
    );
    await winrate.refused(`${a} ${b} --against by1`, /was annotated by "two", .* by "one"/);
    for (const name of ["x", "y"]) await Deno.mkdir(`${folder.path}/${name}`, { recursive: true });
    const [x, y] = ["x", "y"].map((name) => `${folder.path}/${name}/annotations.json`);
    await Deno.writeTextFile(x, JSON.stringify(by("one", "A")));
    await Deno.writeTextFile(y, JSON.stringify(by("two", "A")));
    await refused(
      /both of a model "A", by the annotators "one" and "two"[^]*files of one/,
      `${x} ${y}`,
    );
  });

  it("prints on how many comparisons a number rests that has fewer than its row, and no certainty", async () => {
    const items = model("A", [2, 1, 1.25, 1.75, 1.5, 2, 1]);
    items[0].output_2 = null;
    const some = await winrate.well(await file("some.json", items));
    assert.match(some.out, /\nsome +7 +1 +\S+ \[\S+, \S+\] +\S+ +\S+( \[\S+, \S+\])? n 6 /);
    assert.match(some.out, / n 6 +\S+( \[\S+, \S+\])? n 6\n/);
    const one = await winrate.well(await file("single.json", model("A", [1.4])));
    assert.match(one.out, /\nsingle +1 +0 +40\.00 +- +- +5 \(14\) +0\.00 +100\.00\n/);
    const all = await winrate.well(await file("all.json", model("A", Array(10).fill(2))));
    assert.match(all.out, /\nall +10 +0 +100\.00 \[72\.25, 100\.00\] +0\.00 /);
  });

  it("sets the rates beside published ones, and says which model is not among them", async () => {
    const a = await file("known.json", model("A", [2, 1.5, 1, 1.25, 1.75, 1.5]));
    const b = await file("unknown.json", model("B", [1, 1, 1.5, 1]));
    const board = await file("board.csv", "model,win_rate,standard_error\nknown,50,14.5\n");
    const csv = `${folder.path}/differences.csv`;
    const beside = `--published ${board} --published-csv ${csv}`;
    const { out, err } = await winrate.well(`${a} ${b} ${beside}`);
    assert.match(err, /warning: unknown is not in \/.+\/board\.csv\n/);
    assert.match(
      out,
      /Largest difference .* win rate 0 \(n 1\), standard error \S+ \(n 1\), LC n\/a/,
    );
    const [header, first, second] = (await Deno.readTextFile(csv)).split("\n");
    assert.equal(
      header,
      "model,n,win_rate,published_win_rate,difference,standard_error,published_standard_error," +
        "lc_win_rate,reference_lc_win_rate,lc_difference",
    );
    assert.match(first, /^known,6,50,50,0,14\.43\d+,14\.5,[\d.]+,,$/);
    assert.match(second, /^unknown,4,12\.5,,,12\.5,,,,$/);
    await refused(/nothing to compare with/, `${a} --published-csv ${csv}`);
    // The same files in other words.
    const [boardAgain, csvAgain] = [board, csv].map((path) =>
      path.replace(/([^/]+)$/, "./x/../$1")
    );
    await refused(
      /--csv would write over what is read/,
      `${a} --published ${board} --csv ${boardAgain}`,
    );
    await refused(
      /--published-csv would write over the file of --csv/,
      `${a} ${beside} --csv ${csvAgain}`,
    );
  });

  it("calls files of one name by their generator", async () => {
    const a = await file("A/annotations.json", model("A", [2, 1]));
    const b = await file("B/annotations.json", model("B", [2, 1]));
    const { out } = await winrate.well(`${a} ${b}`);
    assert.match(out, /\nA +2 .*\nB +2 /);
  });

  it("refuses, with one error and no file, what it cannot do", async () => {
    const good = await file("good.json", model("A", [2, 1]));
    const bad = await file("bad.json", model("A", [2, 3]));
    const csv = `${folder.path}/none.csv`;
    await refused(/missing required argument/, "");
    await refused(/bad\.json item 2: "preference": outside/, `${good} ${bad} --csv ${csv}`);
    await refused(/given twice/, `${good} ${good}`);
    await refused(/no file is of that model\n {2}-> choose among good/, `${good} --against x`);
    await refused(/it is the only model/, `${good} --against good`);
    await refused(/would write over what is read/, `--csv ${good} ${good}`);
    await refused(/would write the table over/, `--csv ${bad} ${good}`);
    // Whatever its ending, the file that is read.
    const plain = await file("annotations", model("A", [2, 1]));
    await refused(/--csv would write over what is read/, `${good} ${plain} --csv ${plain}`);
    assert.equal(JSON.parse(await Deno.readTextFile(plain)).length, 2);
    await assert.rejects(Deno.stat(csv), Deno.errors.NotFound);
    assert.equal(JSON.parse(await Deno.readTextFile(good)).length, 2);
    const lines = await file("lines.jsonl", '{"instruction": "q"}\n');
    await refused(/lines\.jsonl is not a JSON array\n {2}-> .*jq -s \. FILE/, lines);
    await refused(
      /empty\.json is empty\n {2}-> give a file that holds records/,
      await file("empty.json", ""),
    );
    const skipped = await winrate.well(`${bad} --on-bad-line skip`);
    assert.match(skipped.err, /bad\.json item 2: left out: "preference": outside/);
  });
});

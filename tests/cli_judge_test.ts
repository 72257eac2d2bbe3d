import assert from "node:assert/strict";
import { after, before, describe, it } from "jsr:@std/testing@1/bdd";
import { existsSync } from "node:fs";
import Papa from "papaparse";
import { addScoreHead } from "../lib/judges/mod.ts";
import { MEASURES } from "../lib/measure/measures.ts";
import { LoraAdapter, readConfig, saveAdapter, saveModel } from "../lib/model/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { FaultServer } from "./served_faults.ts";
import { tinyLanguage, tinyModel } from "./tiny.ts";
import { ROOT, said, startWell, tinyRunFolder } from "./tiny_run.ts";

let folder = "";

/** Runs `deno task judge` without its set-up. */
async function judge(...args: string[]) {
  return await said(
    new Deno.Command(Deno.execPath(), {
      cwd: ROOT,
      args: ["run", "--quiet", "-A", "lib/cli/judge.ts", "--samples", "50", ...args],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
}

/** Measures, and gives what it wrote as CSV, by judge and measure. */
async function measured(...args: string[]) {
  const csv = `${folder}/report.csv`;
  const { code, out, err } = await judge(...args, "--csv", csv);
  assert.equal(code, 0, err);
  const text = await Deno.readTextFile(csv);
  assert.doesNotMatch(text + out, /NaN|undefined|null/);
  const { data } = Papa.parse<Record<string, string>>(text, { header: true, skipEmptyLines: true });
  const value = (name: string, measure: string) => {
    const row = data.find((row) => row.judge === name && row.measure === measure);
    assert.ok(row, `${name} ${measure} in ${out}`);
    return row.value === "" ? null : Number(row.value);
  };
  return { out, data, value };
}

async function refused(args: string[], message: RegExp) {
  const { code, err } = await judge(...args);
  assert.equal(code, 1, err);
  assert.match(err, /^error: [^]+\n {2}-> .+\n$/);
  assert.match(err, message);
}

describe("deno task judge", () => {
  before(async () => {
    folder = await tinyRunFolder();
    const record = (i: number, preference: number, [output_1, output_2]: [string, string]) => ({
      instruction: `Name a fruit ${i}`,
      output_1,
      output_2,
      preference,
      generator_1: "baseline",
      generator_2: "model",
    });
    await Deno.mkdir(`${folder}/annotations`);
    const files = { one: ["apple pie", "fig"], two: ["apple pie", "pear tart now"] } as const;
    for (const [name, answers] of Object.entries(files)) {
      const records = Array.from(
        { length: 12 },
        (_, i) => record(i, i % 3 === 0 ? 1.9 : 1.2, [answers[0], answers[1]]),
      );
      await Deno.writeTextFile(`${folder}/annotations/${name}.json`, JSON.stringify(records));
    }
  });
  after(() => Deno.remove(folder, { recursive: true }));

  it("prints every measure of the judge and of the baseline judge beside it", async () => {
    const { out, data, value } = await measured(
      ...["--judge", "first", "--pairs", `${folder}/annotations/one.json`],
    );
    assert.match(out, /^12 comparisons of 1 files, seed 7\n/);
    assert.match(out, /\nmeasure +first +longer\n/);
    assert.match(out, /\naccuracy +0\.500 \[0\.500, 0\.500\] 12 +0\.667 \[/);
    assert.match(out, /\n {2}kappaAsGiven|\n {2}ownRate, selfPreference|n\/a:/);
    assert.equal(data.length, 2 * Object.keys(MEASURES).length);
    assert.equal(value("first", "firstPositionRate"), 1);
    assert.equal(value("longer", "longerRate"), 1);
    assert.equal(value("longer", "intransitiveTriples"), null);
  });

  it("finds cycles among the answers of several files, and whose answers are whose", async () => {
    const { value } = await measured(
      ...["--judge", "random", "--judge", "inverted:longer", "--baseline", "none"],
      ...["--pairs", `${folder}/annotations`, "--own", "baseline", "--triples", "9"],
    );
    assert.equal(value("inverted:longer", "intransitiveTriples"), 0);
    assert.notEqual(value("random", "intransitiveTriples"), null);
    assert.equal(value("inverted:longer", "ownRate"), 0.5); // longer in one file, shorter in the other
  });

  it("takes recorded preferences as a judge, of these pairs or of others", async () => {
    const pairs = ["--pairs", `${folder}/annotations/one.json`];
    const { out, value } = await measured("--judge", "recorded", ...pairs);
    assert.match(out, /recorded: 12 labels are its own verdicts and were not used/);
    assert.equal(value("recorded", "accuracy"), null);
    assert.equal(value("recorded", "flipRate"), null);
    assert.notEqual(value("recorded", "firstPositionRate"), null);
    const blind = await measured("--judge", "recorded", "--positions", "unknown", ...pairs);
    assert.equal(blind.value("recorded", "firstPositionRate"), null);
    await refused(
      ["--judge", `recorded:${folder}/annotations/two.json`, ...pairs],
      /"recorded:two\.json" has nothing to say on any of 12 comparisons/,
    );
  });

  it("asks a model, an adapter on it, and the reward in that adapter", async () => {
    const config = await readConfig(`${folder}/model`);
    const lora = { r: 2, alpha: 4, dropout: 0, targetModules: ["q_proj" as const] };
    const adapter = LoraAdapter.create(config, lora, Rng.named(1, "adapter"));
    await saveAdapter(adapter, `${folder}/tuned`, { baseModel: "tiny" });
    adapter.dispose();
    const json = `${folder}/report.json`;
    const { out, value } = await measured(
      ...["--judge", `model:${folder}/model`, "--judge", `model:${folder}/model+${folder}/tuned`],
      ...["--judge", `implicit:${folder}/model+${folder}/tuned`, "--scale", "smoke"],
      ...["--pairs", `${folder}/pairs.jsonl`, "--limit", "6", "--json", json],
      ...["--cache", `${folder}/cache.jsonl`, "--principle", "overall"],
    );
    assert.match(out, /6 comparisons/);
    assert.match(out, /model:model: principles overall, prompts of at most 192 tokens/);
    for (
      const measure of ["accuracy", "firstPositionRate", "labelProbability", "calibrationError"]
    ) {
      // An untrained adapter changes nothing.
      assert.equal(value("model:model", measure), value("model:model+tuned", measure), measure);
      assert.notEqual(value("model:model", measure), null);
    }
    assert.equal(value("implicit:model+tuned", "flipRate"), 0);
    const { seed, judges, pairs } = JSON.parse(await Deno.readTextFile(json));
    assert.deepEqual([seed, judges.length, pairs], [7, 4, [`${folder}/pairs.jsonl`]]);
    assert.equal(judges[0].report.reliability.length > 0, true);
    const kept = (await Deno.readTextFile(`${folder}/cache.jsonl`)).split("\n").length;
    await measured(
      ...["--judge", `model:${folder}/model`, "--scale", "smoke", "--principle", "overall"],
      ...["--pairs", `${folder}/pairs.jsonl`, "--limit", "6", "--cache", `${folder}/cache.jsonl`],
    );
    const later = (await Deno.readTextFile(`${folder}/cache.jsonl`)).split("\n").length;
    assert.equal(later, kept, "nothing is judged twice");
  });

  it("measures a run's judge as the run itself does", async () => {
    const run = `${folder}/run`;
    await startWell({ folder, run: "run", args: ["--stage", "data,jsft,judge-after"] });
    const { value, out } = await measured(
      ...["--judge", `run:${run}#jsft`, "--pairs", `${run}/data/held_out.jsonl`],
      ...["--cache", `${folder}/run-cache.jsonl`],
    );
    const report = Papa.parse<Record<string, string>>(
      await Deno.readTextFile(`${run}/judge-after/report.csv`),
      { header: true, skipEmptyLines: true },
    );
    for (const row of report.data) {
      const found = value("run:run-jsft", row.measure)!;
      assert.ok(Math.abs(found - Number(row.value)) < 1e-6, `${row.measure} in ${out}`);
    }
    const told = await measured(
      ...["--judge", `run:${run}#jsft`, "--pairs", `${run}/data/held_out.jsonl`, "--limit", "2"],
      ...["--set", "judge.maxTokens=150", "--principle", "helpfulness"],
      ...["--cache", `${folder}/run-cache.jsonl`],
    );
    assert.match(told.out, /principles helpfulness, prompts of at most 150 tokens/);
  });

  it("holds out prompts that a run was not trained on, and warns where they are not held out", async () => {
    const run = `${folder}/held`;
    await startWell({ folder, run: "held", args: ["--stage", "data"] });
    const lines = (path: string) => Deno.readTextFileSync(path).trim().split("\n").length;
    const trained = lines(`${run}/data/train.jsonl`);
    const pairs = ["--judge", "longer", "--baseline", "none", "--pairs", `${folder}/pairs.jsonl`];
    const plain = await measured(...pairs, "--held-out", "8");
    assert.match(plain.out, /^\d+ comparisons of 1 files/);
    const rest = await measured(...pairs, "--held-out", "0.5");
    assert.ok(rest.value("longer", "accuracy") !== null);
    // The run itself cannot judge yet: what is asked here is which pairs it would be shown.
    const asRun = ["--judge", `run:${run}#base`, "--pairs", `${folder}/pairs.jsonl`];
    const whole = await judge(...asRun);
    assert.match(
      whole.err,
      new RegExp(`warning: ${trained} of \\d+ comparisons are on prompts that a run .* --held-out`),
    );
    const { code, out, err } = await judge(...asRun, "--held-out", "0.9");
    assert.equal(code, 0, err);
    assert.match(out, new RegExp(`left out \\d+: a judge was trained on the prompt`));
    assert.doesNotMatch(err, /was trained on; /);
  });

  it("asks a judge on a server, and tells of pairs that it did not answer", async () => {
    const silent = () =>
      Response.json({
        choices: [{
          text: " A",
          logprobs: { tokens: [" A"], top_logprobs: [{ " A": -9, " B": -9, "\n": 0 }] },
        }],
      });
    const server = new FaultServer(silent, silent);
    try {
      const { code, out, err } = await judge(
        ...["--judge", `served:${server.url},model=m,api=completions,concurrency=1`],
        ...["--pairs", `${folder}/pairs.jsonl`, "--limit", "8", "--principle", "overall"],
        ...["--cache", `${folder}/served.jsonl`],
      );
      assert.equal(code, 0, err);
      assert.match(out, /\nunansweredRate +0\.125 \[/);
      assert.match(out, /\naccuracy +\S+ \[\S+ \S+ 8 /);
      assert.match(out, /served:m: m at http:.* 16 answers to 16 requests/);
      assert.match(
        err,
        /warning: served:m named neither answer in 1 of 8 pairs \(mean P\(A\) \+ P\(B\) = 0\.00025\): each counts a half/,
      );
    } finally {
      await server.close();
    }
  });

  it("marks single answers by a model, and by a reward model", async () => {
    const reward = `${folder}/reward`;
    const model = tinyModel();
    addScoreHead(model);
    await saveModel(model, reward);
    model.dispose();
    await tinyLanguage().save(reward);
    // The same words but for three that no pair needs to be judged, which become marks.
    const graded = `${folder}/graded`;
    await Deno.mkdir(graded);
    for await (const { name } of Deno.readDir(`${folder}/model`)) {
      await Deno.copyFile(`${folder}/model/${name}`, `${graded}/${name}`);
    }
    const words = JSON.parse(await Deno.readTextFile(`${graded}/tokenizer.json`));
    const vocab = Object.entries(words.model.vocab)
      .map(([word, id]) => [{ " Never": " C", " Bah": " D", " Why": " E" }[word] ?? word, id]);
    words.model.vocab = Object.fromEntries(vocab);
    await Deno.writeTextFile(`${graded}/tokenizer.json`, JSON.stringify(words));

    const { value } = await measured(
      ...["--judge", `reward:${reward}`, "--judge", `grade:${graded}`, "--scale", "smoke"],
      ...["--pairs", `${folder}/pairs.jsonl`, "--limit", "6"],
    );
    assert.equal(value("reward:reward", "tieRate"), 1); // a head of zeros rewards everything alike
    for (const name of ["reward:reward", "grade:graded"]) {
      assert.equal(value(name, "flipRate"), 0); // by two marks, whichever stands where
      assert.notEqual(value(name, "accuracy"), null);
    }
  });

  it("names file and place of what it leaves out", async () => {
    const path = `${folder}/odd.json`;
    const [item] = JSON.parse(await Deno.readTextFile(`${folder}/annotations/one.json`));
    await Deno.writeTextFile(
      path,
      JSON.stringify([
        item,
        { ...item, preference: 3 },
        { ...item, instruction: "b", preference: null },
        { ...item, instruction: "c", generator_1: "other" },
        ...Array.from({ length: 12 }, () => item),
      ]),
    );
    const args = ["--judge", "first", "--baseline", "none", "--pairs", path];
    const { code, out, err } = await judge(...args, "--on-bad-line", "skip");
    assert.equal(code, 0, err);
    assert.match(out, /^2 comparisons/);
    const places = [
      /odd\.json item 2: left out: "preference": outside \[1, 2\]\n/,
      /odd\.json item 3: left out: no preference \(null or NaN\)\n/,
      /odd\.json item 4: the baseline \(generator_1\) is "other", in item 1 it is "baseline"/,
      /odd\.json: 12 items \(5, 6, 7, .*, 14, and 2 more\): left out: the same comparison/,
    ];
    for (const place of places) assert.match(err, place);
    await refused(args, /odd\.json item 2: "preference": outside \[1, 2\] \(3\)\n/);
  });

  it("is the same for the same seed", async () => {
    const args = ["--judge", "random", "--pairs", `${folder}/pairs.jsonl`, "--limit", "20"];
    const [one, two] = [await measured(...args), await measured(...args)];
    assert.equal(one.out, two.out);
    assert.notEqual((await measured(...args, "--seed", "8")).out, one.out);
  });

  it("says in one line what cannot be followed, and writes nothing", async () => {
    const pairs = ["--pairs", `${folder}/pairs.jsonl`];
    const csv = ["--csv", `${folder}/none.csv`];
    await refused([...pairs], /no judge is named\n/);
    await refused(["--judge", "longer"], /no pairs are named\n/);
    await refused(["--judge", "oracle", ...pairs, ...csv], /there is no judge "oracle"\n.*longer/);
    await refused(["--judge", "longer:x", ...pairs], /takes nothing after its name: "x"/);
    await refused(["--judge", "model:", ...pairs], /a spec names no model/);
    await refused(["--judge", "model:nowhere", ...pairs], /no model file or folder "nowhere"/);
    await refused(["--judge", `implicit:${folder}/model`, ...pairs], /names no adapter/);
    await refused(
      ["--judge", `grade:${folder}/model`, "--scale", "smoke", ...pairs],
      /the marks " E", " D", .* are not distinct tokens/, // its words do not hold these marks
    );
    await refused(["--judge", `run:${folder}#jsft`, ...pairs], /there is no .*run\.json/);
    await refused(["--judge", `run:${folder}`, ...pairs], /which model of the run\n.*#policy/);
    await refused(["--judge", `run:${folder}#best`, ...pairs], /a run has no model "best"/);
    await refused(["--judge", "longer", "--pairs", "nowhere.json"], /no data file "nowhere\.json"/);
    await refused(["--judge", "longer", ...pairs, "--limit", "some"], /--limit is "some"/);
    await refused(["--judge", "longer", ...pairs, "--positions", "left"], /--positions is "left"/);
    await refused(["--judge", "longer", ...pairs, "--held-out", "none"], /heldOut is NaN/);
    await refused(["--judge", "longer", ...pairs, "--speed", "9"], /unknown option '--speed'/);
    assert.ok(!existsSync(`${folder}/none.csv`));
  });
});

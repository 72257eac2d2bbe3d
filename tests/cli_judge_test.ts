import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { existsSync } from "node:fs";
import { addScoreHead } from "../lib/judges/mod.ts";
import { MEASURES } from "../lib/measure/measures.ts";
import { LoraAdapter, readConfig, saveAdapter, saveModel } from "../lib/model/mod.ts";
import { writeTokenizer } from "../lib/text/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { command, type Line, words } from "./commands.ts";
import { csv } from "./csv_files.ts";
import { annotated } from "./measure_annotation_files.ts";
import { FaultServer } from "./served_faults.ts";
import { tinyLanguage, tinyModel } from "./tiny.ts";
import { startWell, tinyRunFolder } from "./tiny_run.ts";

let folder = "";

const judge = command("run --quiet -A lib/cli/judge.ts --samples 50");

/** Measures, and gives what it wrote as CSV, by judge and measure. */
async function measured(line: Line) {
  const path = `${folder}/report.csv`;
  const { out } = await judge.well([...words(line), "--csv", path]);
  assert.doesNotMatch(await Deno.readTextFile(path) + out, /NaN|undefined|null/);
  const data = await csv(path);
  const value = (name: string, measure: string) => {
    const row = data.find((row) => row.judge === name && row.measure === measure);
    assert.ok(row, `${name} ${measure} in ${out}`);
    return row.value;
  };
  return { out, data, value };
}

/** Has to be refused before anything else is said on stderr. */
async function refused(line: Line, ...parts: RegExp[]) {
  const result = await judge.refused(line, ...parts);
  assert.match(result.err, /^error: /);
  return result;
}

/** A copy of a folder's files in another. */
async function copied(from: string, to: string) {
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) {
    await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

describe("deno task judge", () => {
  before(async () => {
    folder = await tinyRunFolder();
    await Deno.mkdir(`${folder}/annotations`);
    const files = { one: ["apple pie", "fig"], two: ["apple pie", "pear tart now"] };
    for (const [name, answers] of Object.entries(files)) {
      const records = Array.from(
        { length: 12 },
        (_, i) => annotated(`Name a fruit ${i}`, i % 3 === 0 ? 1.9 : 1.2, answers),
      );
      await Deno.writeTextFile(`${folder}/annotations/${name}.json`, JSON.stringify(records));
    }
  });

  it("prints every measure of the judge and of the baseline judge beside it", async () => {
    const { out, data, value } = await measured(
      `--judge first --pairs ${folder}/annotations/one.json`,
    );
    assert.match(out, /^12 comparisons of 1 files, seed 7\n/);
    assert.match(out, /\nmeasure +first +longer\n/);
    assert.match(out, /\naccuracy +0\.500 \[0\.254, 0\.746\] 12 +0\.667 \[/);
    assert.match(out, /\n {2}ownRate, selfPreference|n\/a:/);
    assert.equal(data.length, 2 * Object.keys(MEASURES).length);
    assert.equal(value("first", "firstPositionRate"), 1);
    assert.equal(value("longer", "longerRate"), 1);
    assert.equal(value("longer", "intransitiveTriples"), null);
  });

  it("finds cycles among the answers of several files, and whose answers are whose", async () => {
    const { value } = await measured(
      "--judge random --judge inverted:longer --baseline none --own baseline --triples 9 " +
        `--pairs ${folder}/annotations`,
    );
    assert.equal(value("inverted:longer", "intransitiveTriples"), 0);
    assert.notEqual(value("random", "intransitiveTriples"), null);
    assert.equal(value("inverted:longer", "ownRate"), 0.5); // longer in one file, shorter in the other
  });

  it("probes in place of the report, with rows and a figure", async () => {
    const csvFile = `${folder}/probes.csv`;
    const { out } = await judge.well(
      `--judge longer --probe length,position --pairs ${folder}/annotations/one.json --csv ${csvFile} ` +
        `--figures ${folder}/probes`,
    );
    assert.match(out, /\nlonger: 12 pairs, in 0 of them no winner before any change\nprobe +flips/);
    assert.match(out, /\nasked again +0\.000 .*\nposition +0\.000 .*\nlength +0\.500 /);
    assert.doesNotMatch(out, /accuracy/);
    const rows = await csv(csvFile);
    assert.equal(rows.length, 12);
    assert.equal(rows.find((row) => row.probe === "length" && row.measure === "net")!.value, 1);
    assert.ok((await Deno.stat(`${folder}/probes/judge-probes.png`)).size > 1000);
    await refused(
      `--judge longer --probe lenght --pairs ${folder}/pairs.jsonl`,
      /no probe "lenght"/,
    );
  });

  it("takes recorded preferences of these pairs as a judge", async () => {
    const pairs = `--pairs ${folder}/annotations/one.json`;
    const { out, value } = await measured(`--judge recorded ${pairs}`);
    assert.match(out, /recorded: 12 labels are its own verdicts and were not used/);
    assert.equal(value("recorded", "accuracy"), null);
    assert.equal(value("recorded", "flipRate"), null);
    assert.notEqual(value("recorded", "firstPositionRate"), null);
    const blind = await measured(`--judge recorded --positions unknown ${pairs}`);
    assert.equal(blind.value("recorded", "firstPositionRate"), null);
  });

  it("asks a model, an adapter on it, and the reward in that adapter", async () => {
    const config = await readConfig(`${folder}/model`);
    const lora = { r: 2, alpha: 4, dropout: 0, targetModules: ["q_proj" as const] };
    const adapter = LoraAdapter.create(config, lora, Rng.named(1, "adapter"));
    await saveAdapter(adapter, `${folder}/tuned`, { baseModel: "tiny" });
    adapter.dispose();
    const json = `${folder}/report.json`;
    const [model, tuned] = [`${folder}/model`, `${folder}/model+${folder}/tuned`];
    const rest = `--scale smoke --pairs ${folder}/pairs.jsonl --limit 6 --principle overall ` +
      `--cache ${folder}/cache.jsonl`;
    const { out, value } = await measured(
      `--judge model:${model} --judge model:${tuned} --judge implicit:${tuned} --json ${json} ${rest}`,
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
    await measured(`--judge model:${model} ${rest}`);
    const later = (await Deno.readTextFile(`${folder}/cache.jsonl`)).split("\n").length;
    assert.equal(later, kept, "nothing is judged twice");
  });

  it("asks by what the pairs were labelled by, unless a principle is named", async () => {
    const labelled = `${folder}/harmless-base-test.jsonl`;
    await Deno.copyFile(`${folder}/pairs.jsonl`, labelled);
    const line = `--judge model:${folder}/model --baseline none --scale smoke --limit 2 ` +
      `--cache ${folder}/asked.jsonl --pairs`;
    const asked = async (rest: string) =>
      /principles ([^,]+), prompts/.exec((await judge.well(`${line} ${rest}`)).out)?.[1];
    assert.equal(await asked(labelled), "harmlessness");
    assert.equal(await asked(`${folder}/pairs.jsonl`), "overall");
    assert.equal(await asked(`${labelled} --principle honesty`), "honesty");
  });

  it("measures a run's judge as the run itself does", async () => {
    const run = `${folder}/run`;
    await startWell({ folder, run: "run", args: ["--stage", "data,jsft,judge-after"] });
    const line = `--judge run:${run}#jsft --pairs ${run}/data/held_out.jsonl ` +
      `--cache ${folder}/run-cache.jsonl`;
    const { value, out } = await measured(line);
    for (const row of await csv(`${run}/judge-after/report.csv`)) {
      const found = Number(value("run:run-jsft", String(row.measure)));
      assert.ok(Math.abs(found - Number(row.value)) < 1e-6, `${row.measure} in ${out}`);
    }
    const told = await measured(
      `${line} --limit 2 --set judge.maxTokens=150 --principle helpfulness`,
    );
    assert.match(told.out, /principles helpfulness, prompts of at most 150 tokens/);
  });

  it("holds out prompts that a run was not trained on, and warns where they are not held out", async () => {
    const run = `${folder}/held`;
    await startWell({ folder, run: "held", args: ["--stage", "data"] });
    const lines = (path: string) => Deno.readTextFileSync(path).trim().split("\n").length;
    const trained = lines(`${run}/data/train.jsonl`);
    const pairs = `--judge longer --baseline none --pairs ${folder}/pairs.jsonl`;
    const half = await measured(`${pairs} --held-out 0.5`);
    assert.match(half.out, /^20 comparisons of 1 files/);
    // The run itself cannot judge yet: what is asked here is which pairs it would be shown.
    const asRun = `--judge run:${run}#base --pairs ${folder}/pairs.jsonl`;
    const whole = await judge.run(asRun);
    assert.match(
      whole.err,
      new RegExp(`warning: ${trained} of \\d+ comparisons are on prompts that a run .* --held-out`),
    );
    // A stage's own folder is known by where it lies.
    for (
      const spec of [
        `model:${run}/jsft/adapter`,
        `inverted:model:${folder}/model+${run}/jsft/adapter`,
        `model:run:${run}#jsft`,
        `grade:run:${run}#jsft`,
        `inverted:inverted:run:${run}#jsft`,
        `majority:run:${run}#jsft++longer`,
        `mean:longer++inverted:grade:run:${run}#jsft`,
      ]
    ) {
      const { err } = await judge.run(`--judge ${spec} --pairs ${folder}/pairs.jsonl`);
      assert.match(err, new RegExp(`warning: ${trained} of \\d+ comparisons are on prompts`));
    }
    const { out, err } = await judge.well(`${asRun} --held-out 0.9`);
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
    await using server = new FaultServer(silent, silent);
    const { out, err } = await judge.well(
      `--judge served:${server.url},model=m,api=completions,concurrency=1 --principle overall ` +
        `--pairs ${folder}/pairs.jsonl --limit 8 --cache ${folder}/served.jsonl`,
    );
    assert.match(out, /\nunansweredRate +0\.125 \[/);
    assert.match(out, /\naccuracy +\S+ \[\S+ \S+ 8 /);
    assert.match(out, /served:m: m at http:.* 16 answers to 16 requests/);
    assert.match(
      err,
      /warning: served:m named neither answer in 1 of 8 pairs \(mean P\(A\) \+ P\(B\) = 0\.00025\): each counts a half/,
    );
  });

  it("marks single answers by a model, and by a reward model", async () => {
    const reward = `${folder}/reward`;
    const model = tinyModel();
    addScoreHead(model);
    await saveModel(model, reward);
    model.dispose();
    await writeTokenizer(tinyLanguage(), reward);
    // The same words but for three that no pair needs to be judged, which become marks.
    const graded = `${folder}/graded`;
    await copied(`${folder}/model`, graded);
    const words = JSON.parse(await Deno.readTextFile(`${graded}/tokenizer.json`));
    const vocab = Object.entries(words.model.vocab)
      .map(([word, id]) => [{ " Never": " C", " Bah": " D", " Why": " E" }[word] ?? word, id]);
    words.model.vocab = Object.fromEntries(vocab);
    await Deno.writeTextFile(`${graded}/tokenizer.json`, JSON.stringify(words));

    const { value } = await measured(
      `--judge reward:${reward} --judge grade:${graded} --scale smoke --limit 6 ` +
        `--pairs ${folder}/pairs.jsonl`,
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
    const line = `--judge first --baseline none --pairs ${path}`;
    const { code, out, err } = await judge.run(`${line} --on-bad-line skip`); // its words hold "NaN"
    assert.equal(code, 0, err);
    assert.match(out, /^2 comparisons/);
    const places = [
      /odd\.json item 2: left out: "preference": outside \[1, 2\]\n/,
      /odd\.json item 3: left out: no preference \(null or NaN\)\n/,
      /odd\.json item 4: the baseline \(generator_1\) is "other", in item 1 it is "baseline"/,
      /odd\.json: 12 items \(5, 6, 7, .*, 14, and 2 more\): left out: the same comparison/,
    ];
    for (const place of places) assert.match(err, place);
    await refused(line, /odd\.json item 2: "preference": outside \[1, 2\] \(3\)\n/);
  });

  it("is the same for the same seed", async () => {
    const line = `--judge random --pairs ${folder}/pairs.jsonl --limit 20`;
    const [one, two] = [await measured(line), await measured(line)];
    assert.equal(one.out, two.out);
    assert.notEqual((await measured(`${line} --seed 8`)).out, one.out);
  });

  it("calls judges as it is told to, in its tables and in its CSV, and else as tables need", async () => {
    const pairs = ["--pairs", `${folder}/annotations/one.json`];
    const { out, data } = await measured([
      ...["--judge", "the first, always=first", "--judge", "GPT-4 recorded=recorded", ...pairs],
    ]);
    assert.match(out, /\nmeasure +the first, always +GPT-4 recorded +longer\n/);
    assert.match(out, /\nGPT-4 recorded: 12 labels are its own verdicts/);
    const names = [...new Set(data.map(({ judge }) => judge))];
    assert.deepEqual(names, ["the first, always", "GPT-4 recorded", "longer"]);
    // By their specs where they would share a short name.
    await Deno.mkdir(`${folder}/past`);
    await Deno.copyFile(`${folder}/annotations/one.json`, `${folder}/past/one.json`);
    const [a, b] = ["annotations", "past"].map((name) => `recorded:${folder}/${name}/one.json`);
    const named = ["--judge", a, "--judge", b, "--judge", "longer=first"];
    const header = (await judge.well([...named, ...pairs])).out.split("\n")
      .find((line) => line.startsWith("measure "))!;
    assert.deepEqual(header.split(/ {2,}/), ["measure", "recorded:one.json", b, "longer"]);
  });

  it("says what cannot be followed before any judge judges, and writes nothing", async () => {
    const pairs = `--pairs ${folder}/pairs.jsonl`;
    await refused(pairs, /no judge is named\n/);
    await refused("--judge longer", /no pairs are named\n/);
    const twice = await refused(`--judge first=longer --judge first ${pairs}`, /two judges are/);
    assert.equal(twice.out, "");
    await refused(
      `--judge oracle ${pairs} --csv ${folder}/none.csv`,
      /there is no judge "oracle"\n.*longer/,
    );
    assert.ok(!existsSync(`${folder}/none.csv`));
    const before = await Deno.readTextFile(`${folder}/pairs.jsonl`);
    await refused(
      `--judge longer ${pairs} --csv ${folder}/x/../pairs.jsonl`,
      /--csv would write over what is read/,
    );
    assert.equal(await Deno.readTextFile(`${folder}/pairs.jsonl`), before);
    await refused(
      `--judge inverted:longer ${pairs} --principle nothing`,
      /--principle nothing: no judge here is asked a question/,
    );
    await refused(
      `--judge longer ${pairs} --probe --triples 9`,
      /--triples <number>' cannot be used with option '--probe/,
    );
    const verdicts = `${folder}/annotations/two.json`;
    const kept = await Deno.readTextFile(verdicts);
    for (const spec of ["", "inverted:", "majority:longer++"]) {
      await refused(
        `--judge ${spec}recorded:${verdicts} ${pairs} --json ${verdicts}`,
        /--json would write over what is read/,
      );
    }
    assert.equal(await Deno.readTextFile(verdicts), kept);
    await refused(
      `--judge longer ${pairs} --csv ${folder}/one.out --json ${folder}/x/../one.out`,
      /--json would write over the file of --csv/,
    );
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { describeWarning } from "../lib/preference/file_warnings.ts";
import { loadEvidence, triplesToJudge } from "../lib/measure/evidence.ts";
import { recordedJudge } from "../lib/judges/recorded.ts";
import { collectPairs, type Pair, promptKey, splitByPrompt } from "../lib/preference/mod.ts";
import { user } from "./judge_fakes.ts";
import { annotated as record } from "./measure_annotation_files.ts";
import { refuses } from "./refusals.ts";
import { file } from "./temporary_files.ts";

describe("loadEvidence", () => {
  it("keeps the order of annotations, their ties and whose answer is whose", async () => {
    const path = await file("evidence.json", [
      record("Hi", 1.25),
      record("Yo", 1.9),
      record("Ho", 1.5),
      record("Same", 1.5, ["x", "x"]),
      record("None", 1.2, ["x", " "]),
      record("Hi", 1.3),
      record("Hi", 1.3, ["short", "long answer"]),
    ]);
    const { evidence, leftOut, warnings } = await loadEvidence([path], {
      seed: 1,
      own: "baseline",
    });
    assert.deepEqual(
      evidence.map(({ label, labelProbability, own }) => [label, labelProbability, own]),
      [["first", 0.75, "first"], ["second", 0.10000000000000009, "first"], ["tie", 0.5, "first"]],
    );
    assert.deepEqual(leftOut, {
      "the two answers are the same": 1,
      "an answer is empty": 1,
      "the same comparison comes again": 2,
    });
    assert.deepEqual(warnings.map(describeWarning), [
      `${path} item 4: left out: the two answers are the same`,
      `${path} item 5: left out: an answer is empty`,
      `${path}: 2 items (6, 7): left out: the same comparison comes again`,
    ]);
  });

  it("names annotations by another annotator, in one file or in the next", async () => {
    const by = (annotator: string, ask: string) =>
      record(ask, 1.2, ["long answer", "short"], { annotator });
    const [one, two] = [
      await file("by-one.json", [by("GPT-4", "a"), by("GPT-4", "b"), by("claude", "c")]),
      await file("by-two.json", [by("claude", "d")]),
    ];
    const { warnings, evidence } = await loadEvidence([one, two], { seed: 1 });
    const note =
      `the annotator is "claude", in ${one} item 1 it is "GPT-4": verdicts of different ` +
      "annotators are mixed, give files of one";
    const said = [`${one} item 3: ${note}`, `${two} item 1: ${note}`];
    assert.deepEqual([evidence.length, warnings.map(describeWarning)], [4, said]);
    const judge = await recordedJudge([one, two]);
    assert.deepEqual(judge.warnings.map(describeWarning), said);
    assert.deepEqual((await loadEvidence([two], { seed: 1 })).warnings, []);
  });

  it("reads other formats with the better answer first", async () => {
    const path = await file(
      "pairs.jsonl",
      '{"prompt":"Hi","chosen":"Hello!","rejected":"What?"}\n',
    );
    const { evidence: [{ comparison, label, labelProbability }] } = await loadEvidence([path], {
      seed: 1,
    });
    assert.deepEqual([comparison.first, label, labelProbability], ["Hello!", "first", null]);
  });

  it("keeps the principle that a pair was labelled by, which makes it another comparison", async () => {
    const line = (principle?: string) =>
      JSON.stringify({ prompt: "Hi", chosen: "Hello!", rejected: "What?", principle }) + "\n";
    const lines = [line("honesty"), line("helpfulness"), line(), line("honesty")];
    const path = await file("principles.jsonl", lines.join(""));
    const { evidence, leftOut } = await loadEvidence([path], { seed: 1 });
    const asked = evidence.map(({ comparison }) => comparison.principle);
    assert.deepEqual(asked, ["honesty", "helpfulness", undefined]);
    assert.deepEqual(leftOut, { "the same comparison comes again": 1 });
  });

  it("counts pairs that prefer neither answer as left out", async () => {
    const line = (prompt: string, chosen_score: number) =>
      JSON.stringify({
        prompt,
        chosen: "Hello!",
        rejected: "What?",
        chosen_score,
        rejected_score: 1,
      });
    const path = await file("scored.jsonl", [line("Hi", 2), line("Yo", 1)].join("\n"));
    const { evidence, leftOut } = await loadEvidence([path], { seed: 1 });
    assert.equal(evidence.length, 1);
    assert.deepEqual(leftOut, { "neither answer is preferred": 1 });
  });

  it("draws as many as asked and holds out whole prompts, the same for the same seed", async () => {
    const path = await file(
      "many.json",
      Array.from({ length: 60 }, (_, i) => record(`Ask ${i % 20}`, 1.2, ["a", `b${i}`])),
    );
    const ids = async (options: { seed: number; limit?: number; heldOut?: number }) =>
      (await loadEvidence([path], options)).evidence.map(({ id }) => id);
    assert.equal((await ids({ seed: 1, limit: 10 })).length, 10);
    assert.deepEqual(await ids({ seed: 1, limit: 10 }), await ids({ seed: 1, limit: 10 }));
    assert.notDeepEqual(await ids({ seed: 1, limit: 10 }), await ids({ seed: 2, limit: 10 }));
    const { evidence } = await loadEvidence([path], { seed: 1, heldOut: 0.25 });
    assert.equal(evidence.length, 15);
    assert.equal(new Set(evidence.map(({ cluster }) => cluster)).size, 5);
    await refuses(() => ids({ seed: 1, limit: 0 }), /the limit is 0/);
  });

  it("leaves a comparison without a preference out, as a win rate does, and tells of a second baseline", async () => {
    const path = await file("silent.json", [
      record("Hi", 1.25),
      record("Yo", null),
      { ...record("Ho", 0), generator_1: "another" },
    ]);
    const { evidence, warnings } = await loadEvidence([path], { seed: 1 });
    assert.deepEqual(evidence.map(({ label }) => label), ["first", "tie"]);
    assert.deepEqual(warnings.map(describeWarning), [
      `${path} item 2: left out: no preference (null or NaN)`,
      `${path} item 3: the baseline (generator_1) is "another", in item 1 it is "baseline": judged all the ` +
      "same, but a win rate of both means nothing",
    ]);
    const { judge, counts } = await recordedJudge([path]);
    assert.deepEqual([counts.verdicts, counts.silent], [2, 1]);
    assert.ok(!judge.covers!({ prompt: [user("Yo")], first: "long answer", second: "short" }));
  });

  it("names the lines of other formats that it leaves out", async () => {
    const line = (prompt: string, chosen: string) =>
      JSON.stringify({ prompt, chosen, rejected: "What?" }) + "\n";
    const path = await file(
      "odd.jsonl",
      line("Hi", "Hello!") + line("Hi", "") + line("Hi", "Hello!") + "{\n" + line("Yo", "Yes"),
    );
    const { evidence, warnings } = await loadEvidence([path], { seed: 1, onBadLine: "skip" });
    assert.equal(evidence.length, 2);
    assert.deepEqual(warnings.map(describeWarning), [
      `${path} line 2: left out: the chosen response is empty`,
      `${path} line 3: left out: the same comparison comes again`,
      `${path} line 4: left out: the line is not JSON`,
    ]);
  });

  it("holds out what a run that left long pairs out holds out too, and nothing it was trained on", async () => {
    const rows = Array.from(
      { length: 90 },
      (_, i) => record(`Ask ${i % 45}`, i % 7 === 0 ? 1.5 : 1.2, ["a", `b${i % 80}`]),
    );
    const path = await file("held.json", rows);
    const { pairs } = await collectPairs(path);
    const key = (pair: Pair) => promptKey(pair.prompt);
    for (let seed = 1; seed <= 10; seed++) {
      const fitting = pairs.filter((_, i) => (i + seed) % 3 > 0);
      const { train } = splitByPrompt(fitting, { heldOut: 12, seed });
      const trained = new Set(train.map(key));
      const { evidence } = await loadEvidence([path], { seed, heldOut: 12 });
      assert.deepEqual(evidence.filter(({ cluster }) => trained.has(cluster)), []);
      // Even where it is asked for more than the run held out.
      const more = await loadEvidence([path], { seed, heldOut: 60, trainedOn: trained });
      assert.deepEqual(more.evidence.filter(({ cluster }) => trained.has(cluster)), []);
      assert.ok(more.leftOut["a judge was trained on the prompt"] > 0);
    }
  });

  it("says why nothing is left", async () => {
    const path = await file("same.json", [record("Same", 1.5, ["x", "x"])]);
    await refuses(
      () => loadEvidence([path], { seed: 1 }),
      /no comparison to judge \(1: the two answers are the same\)/,
    );
  });

  it("says what helps where judges were trained on all that is held out", async () => {
    const path = await file("all-trained.json", [record("Hi", 1.2), record("Yo", 1.2)]);
    const { evidence } = await loadEvidence([path], { seed: 1 });
    const trainedOn = new Set(evidence.map(({ cluster }) => cluster));
    await assert.rejects(loadEvidence([path], { seed: 1, heldOut: 1, trainedOn }), {
      message: /no comparison to judge \(1: a judge was trained on the prompt\)/,
      remedy: /raise --held-out, use the run's own seed/,
    });
  });

  it("finds prompts with three answers, three of them each", async () => {
    const path = await file("three.json", [
      record("Hi", 1.2, ["a", "b"]),
      record("Hi", 1.2, ["a", "c"]),
      record("Hi", 1.2, ["a", "d"]),
      record("Yo", 1.2, ["a", "b"]),
    ]);
    const { evidence } = await loadEvidence([path], { seed: 1 });
    const [found, ...others] = triplesToJudge(evidence, { seed: 1, limit: 9 });
    assert.equal(others.length, 0);
    assert.equal(new Set(found.contest.candidates).size, 3);
    const covers = () => false;
    assert.deepEqual(triplesToJudge(evidence, { seed: 1, limit: 9, covers }), []);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { isSwitched, pythonRandom } from "../lib/judge/alpaca_seats.ts";
import { describeFinding } from "../lib/evaluate/findings.ts";
import { loadEvidence, triplesToJudge } from "../lib/judge/evidence.ts";
import { measureJudge } from "../lib/judge/measure_judge.ts";
import { inverted, longerWins } from "../lib/judge/null_judges.ts";
import { pairwiseJudge } from "../lib/judge/kinds.ts";
import { recordedJudge } from "../lib/judge/recorded.ts";
import { collectPairs, type Pair, promptKey, splitByPrompt } from "../lib/preference/mod.ts";
import { ALPACA, file, folder, itWith, refuses } from "./preference_files.ts";
import { user } from "./judge_fakes.ts";

const record = (
  instruction: string,
  preference: number,
  [output_1, output_2] = ["long answer", "short"],
  more = {},
) => ({
  instruction,
  output_1,
  output_2,
  preference,
  generator_1: "baseline",
  generator_2: "model",
  ...more,
});
const asked = (instruction: string, first: string, second: string) => ({
  prompt: [user(instruction)],
  first,
  second,
});

describe("pythonRandom", () => {
  it("gives the first number of Python 3's random.Random(text).random()", () => {
    const known: [string, number][] = [
      ["", 0.9602256525641875],
      ["a", 0.2720295377534757],
      ["is_switched_outputsHi0", 0.5907365286983508],
      ["é漢字".repeat(300), 0.5421969216654144], // a seed longer than the state
    ];
    for (const [text, number] of known) assert.equal(pythonRandom(text), number);
    assert.equal(isSwitched("Hi"), true);
  });
});

describe("recordedJudge", () => {
  it("says what the annotator said, in either order, and mirrors it", async () => {
    const path = await file("one.json", [record("Hi", 1.25), record("Yo", 1.9)]);
    const { judge, counts } = await recordedJudge([path]);
    assert.deepEqual(counts, { verdicts: 2, repeated: 0, reversed: 0, bad: 0, silent: 0 });
    const [one, other, yo] = await judge.compare([
      asked("Hi", "long answer", "short"),
      asked("Hi", "short", "long answer"),
      asked("Yo", "long answer", "short"),
    ]);
    assert.equal(one.pFirst, 0.75);
    assert.equal(other.pFirst, 0.25);
    assert.deepEqual([one.winner, other.winner, yo.winner], ["first", "second", "second"]);
    assert.equal(one.recorded, "unknown");
    assert.equal(
      (await inverted(judge.compare)([asked("Hi", "long answer", "short")]))[0].recorded,
      "unknown",
    );
  });

  it("knows the seat where AlpacaEval drew it, from either side", async () => {
    const path = await file("seats.json", [record("Hi", 1.25)]); // switched: output_2 was shown first
    const { judge } = await recordedJudge([path], { seats: "alpaca-eval" });
    const [one, other] = await judge.compare([
      asked("Hi", "long answer", "short"),
      asked("Hi", "short", "long answer"),
    ]);
    assert.deepEqual([one.recorded, other.recorded], ["backward", "forward"]);
  });

  it("covers its own comparisons only, and refuses others by number", async () => {
    const path = await file("own.json", [record("Hi", 1.25)]);
    const { judge } = await recordedJudge([path], { name: "gpt" });
    assert.ok(judge.covers!(asked("Hi", "short", "long answer")));
    assert.ok(!judge.covers!(asked("Hi", "short", "other")));
    await refuses(
      () => judge.compare([asked("Hi", "long answer", "short"), asked("Ho", "a", "b")]),
      /"gpt" has no verdict on comparison 1, "Ho"/,
    );
  });

  it("counts verdicts given again, and those of them with another winner", async () => {
    const [one, two] = [
      await file("first.json", [record("Hi", 1.25), record("Yo", 1.4)]),
      await file("again.json", [record("Hi", 1.26), record("Yo", 1.6)]),
    ];
    const { judge, counts, findings } = await recordedJudge([one, two]);
    assert.deepEqual(counts, { verdicts: 2, repeated: 2, reversed: 1, bad: 0, silent: 0 });
    assert.deepEqual(findings.map(describeFinding), [
      `${two} item 1: the verdict is given again, the same winner: the first counts`,
      `${two} item 2: the verdict is given again, another winner: the first counts`,
    ]);
    const [hi] = await judge.compare([asked("Hi", "long answer", "short")]);
    assert.equal(hi.pFirst, 0.75); // the first verdict counts
  });

  it("refuses a preference out of range and a missing field, or skips and counts them", async () => {
    const { output_1: _, ...missing } = record("Ho", 1.5);
    const path = await file("bad.json", [record("Hi", 1.25), record("Yo", 2.5), missing]);
    await refuses(() => recordedJudge([path]), /bad\.json item 2: "preference"/);
    const { counts, findings } = await recordedJudge([path], { onBadLine: "skip" });
    assert.deepEqual([counts.verdicts, counts.bad], [1, 2]);
    assert.deepEqual(findings.map(describeFinding), [
      `${path} item 2: left out: "preference": outside [1, 2]`,
      `${path} item 3: left out: "output_1" is missing`,
    ]);
    await refuses(() => recordedJudge([`${folder.path}/none.json`]), /there is no file/);
  });
});

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
    const { evidence, leftOut, findings } = await loadEvidence([path], {
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
    assert.deepEqual(findings.map(describeFinding), [
      `${path} item 4: left out: the two answers are the same`,
      `${path} item 5: left out: an answer is empty`,
      `${path}: 2 items (6, 7): left out: the same comparison comes again`,
    ]);
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
      record("Yo", null as unknown as number),
      { ...record("Ho", 0), generator_1: "another" },
    ]);
    const { evidence, findings } = await loadEvidence([path], { seed: 1 });
    assert.deepEqual(evidence.map(({ label }) => label), ["first", "tie"]);
    assert.deepEqual(findings.map(describeFinding), [
      `${path} item 2: left out: no preference (null or NaN)`,
      `${path} item 3: the baseline (generator_1) is "another", in item 1 it is "baseline": judged all the ` +
      "same, but a win rate of both means nothing",
    ]);
    const { judge, counts } = await recordedJudge([path]);
    assert.deepEqual([counts.verdicts, counts.silent], [2, 1]);
    assert.ok(!judge.covers!(asked("Yo", "long answer", "short")));
  });

  it("names the lines of other formats that it leaves out", async () => {
    const line = (prompt: string, chosen: string) =>
      JSON.stringify({ prompt, chosen, rejected: "What?" }) + "\n";
    const path = await file(
      "odd.jsonl",
      line("Hi", "Hello!") + line("Hi", "") + line("Hi", "Hello!") + "{\n" + line("Yo", "Yes"),
    );
    const { evidence, findings } = await loadEvidence([path], { seed: 1, onBadLine: "skip" });
    assert.equal(evidence.length, 2);
    assert.deepEqual(findings.map(describeFinding), [
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

describe("measureJudge", () => {
  it("does not let a recorded judge be measured against itself", async () => {
    const [one, two] = [
      await file("self.json", [record("Hi", 1.2), record("Yo", 1.7)]),
      await file("other.json", [record("Hi", 1.9), record("Yo", 1.7)]),
    ];
    const { judge } = await recordedJudge([one]);
    const run = async (path: string) =>
      await measureJudge(judge, (await loadEvidence([path], { seed: 1 })).evidence, {
        seed: 1,
        triples: 5,
        samples: 20,
      });
    const itself = await run(one);
    assert.equal(itself.ownLabels, 2);
    assert.equal(itself.report.measures.accuracy.value, null);
    const others = await run(two);
    assert.equal(others.ownLabels, 0);
    assert.equal(others.report.measures.accuracy.value, 0.5);
  });

  it("leaves out what a judge has nothing to say on, and refuses when that is all", async () => {
    const [known, unknown] = [
      await file("known.json", [record("Hi", 1.2)]),
      await file("unknown.json", [record("Yo", 1.7)]),
    ];
    const { judge } = await recordedJudge([known], { name: "gpt" });
    const { evidence } = await loadEvidence([known, unknown], { seed: 1 });
    const options = { seed: 1, triples: 0, samples: 20 };
    const measured = await measureJudge(judge, evidence, options);
    assert.deepEqual([measured.judged, measured.notCovered], [1, 1]);
    await refuses(
      () => measureJudge(judge, evidence.slice(1), options),
      /"gpt" has nothing to say on any of 1 comparisons/,
    );
  });

  itWith(ALPACA)(
    "finds GPT-4-turbo's liking for the second seat in the null model's file",
    async () => {
      const path = `${ALPACA}/NullModel.json.gz`;
      const { judge } = await recordedJudge([path], { seats: "alpaca-eval" });
      const { evidence } = await loadEvidence([path], { seed: 1, own: "gpt4_1106_preview" });
      const { report: { measures } } = await measureJudge(judge, evidence, { seed: 1, triples: 5 });
      assert.equal(measures.firstSeatRate.n, 805);
      // With seats that were not the annotator's this would be 0.5; the interval is far from it.
      assert.ok(measures.firstSeatRate.high! < 0.45, `${measures.firstSeatRate.high}`);
      assert.equal(measures.flipRate.value, null);
      // The published leaderboard: of 805, 676 wins for the null model, 129 for the baseline.
      assert.equal(measures.ownRate.value, 129 / 805);
      const longer = pairwiseJudge("longer", longerWins);
      const beside = await measureJudge(longer, evidence, { seed: 1, triples: 5 });
      assert.equal(
        beside.report.measures.accuracy.value,
        beside.report.measures.longerWinsAccuracy.value,
      );
    },
  );
});

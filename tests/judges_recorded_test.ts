import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { isSwitched, pythonRandom } from "../lib/judges/alpaca_positions.ts";
import { describeWarning } from "../lib/preference/file_warnings.ts";
import { loadEvidence } from "../lib/measure/evidence.ts";
import { measureJudge } from "../lib/measure/measure_judge.ts";
import { inverted, longerWins } from "../lib/measure/baseline_judges.ts";
import { recordedJudge } from "../lib/judges/recorded.ts";
import { ALPACA, itWith } from "./real_data.ts";
import { refuses } from "./refusals.ts";
import { file, folder } from "./temporary_files.ts";
import { user } from "./judge_fakes.ts";
import { annotated as record } from "./measure_annotation_files.ts";

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
  it("says what the annotator said, in either position, and mirrors it", async () => {
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

  it("knows the position where AlpacaEval drew it, from either side", async () => {
    const path = await file("positions.json", [record("Hi", 1.25)]); // switched: output_2 was shown first
    const { judge } = await recordedJudge([path], { positions: "alpaca-eval" });
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
    const { judge, counts, warnings } = await recordedJudge([one, two]);
    assert.deepEqual(counts, { verdicts: 2, repeated: 2, reversed: 1, bad: 0, silent: 0 });
    assert.deepEqual(warnings.map(describeWarning), [
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
    const { counts, warnings } = await recordedJudge([path], { onBadLine: "skip" });
    assert.deepEqual([counts.verdicts, counts.bad], [1, 2]);
    assert.deepEqual(warnings.map(describeWarning), [
      `${path} item 2: left out: "preference": outside [1, 2]`,
      `${path} item 3: left out: "output_1" is missing`,
    ]);
    await refuses(() => recordedJudge([`${folder.path}/none.json`]), /there is no file/);
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
    "finds GPT-4-turbo's liking for the second position in the null model's file",
    async () => {
      const path = `${ALPACA}/NullModel.json.gz`;
      const { judge } = await recordedJudge([path], { positions: "alpaca-eval" });
      const { evidence } = await loadEvidence([path], { seed: 1, own: "gpt4_1106_preview" });
      const { report: { measures } } = await measureJudge(judge, evidence, { seed: 1, triples: 5 });
      assert.equal(measures.firstPositionRate.n, 805);
      // With positions that were not the annotator's this would be 0.5; the interval is far from it.
      assert.ok(measures.firstPositionRate.high! < 0.45, `${measures.firstPositionRate.high}`);
      assert.equal(measures.flipRate.value, null);
      // The published leaderboard: of 805, 676 wins for the null model, 129 for the baseline.
      assert.equal(measures.ownRate.value, 129 / 805);
      const longer = { name: "longer", compare: longerWins };
      const beside = await measureJudge(longer, evidence, { seed: 1, triples: 5 });
      assert.equal(
        beside.report.measures.accuracy.value,
        beside.report.measures.longerWinsAccuracy.value,
      );
    },
  );
});

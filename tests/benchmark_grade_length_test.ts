import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { gradeLengthRows } from "../lib/benchmark/grade_length.ts";
import { benchmarkTable } from "../lib/benchmark/results_table.ts";
import { Rng } from "../lib/base/random.ts";
import { answerSet, gradeRecord, question } from "./benchmark_fakes.ts";

const questions = Array.from({ length: 40 }, (_, i) => question(i + 1, "writing", { turns: 1 }));
const rng = Rng.named(3, "grades");
const lengths = questions.map(() => 1 + rng.int(60));
const answers = answerSet("m", questions, ({ id }) => "\u{1F600}".repeat(lengths[Number(id) - 1]));

const rows = (score: (length: number) => number) =>
  gradeLengthRows(
    questions,
    questions.map(({ id }, q) => gradeRecord("m", id, { score: score(lengths[q]) })),
    { benchmark: "vicuna", seed: 1, samples: 300, answers },
  );
const [of, half] = ["gradeLengthCorrelation", "gradeLongerHalf"];
const row = (found: ReturnType<typeof rows>, measure: string) =>
  found.find((one) => one.measure === measure)!;

describe("grades beside the length of what was graded", () => {
  it("are wholly explained by length where the judge grades length", () => {
    const found = rows((length) => 1 + 9 * length / 60);
    assert.ok(Math.abs(row(found, of).value! - 1) < 1e-9);
    const { value, low, high, n } = row(found, half);
    assert.ok(0 < low! && low! < value! && value! < high!);
    assert.deepEqual([n <= 40, row(found, of).n], [true, 40]);
    const [long, short] = [true, false].map((longer) => {
      const sorted = [...lengths].sort((a, b) => a - b);
      const median = (sorted[19] + sorted[20]) / 2;
      const some = lengths.filter((l) => longer ? l > median : l < median);
      return some.reduce((sum, l) => sum + 1 + 9 * l / 60, 0) / some.length;
    });
    assert.ok(Math.abs(value! - (long - short)) < 1e-9);
  });

  it("hold 0 where the judge does not look at length", () => {
    const coin = Rng.named(5, "coin");
    const found = rows(() => 1 + coin.int(10));
    for (const { low, high } of found) assert.ok(low! < 0 && 0 < high!, JSON.stringify(found));
  });

  it("leave out and count answers without a grade, and say nothing of none", () => {
    const found = rows((length) => length % 2 ? -1 : 5 + length / 20);
    const odd = lengths.filter((length) => length % 2).length;
    assert.deepEqual([row(found, of).n, row(found, of).unanswered], [40 - odd, odd]);
    assert.deepEqual(rows(() => -1), []);
    const same = rows(() => 5);
    assert.deepEqual([row(same, of).value, row(same, half).value], [null, 0]);
    assert.deepEqual([row(same, half).low, row(same, half).high], [null, null]);
    assert.match(benchmarkTable(found), /^gradeLengthCorrelation: correlation of grade/m);
    assert.doesNotMatch(benchmarkTable(same), /NaN|null|undefined/);
  });
});

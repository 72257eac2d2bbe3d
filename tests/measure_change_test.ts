import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { UserError } from "../lib/base/error.ts";
import { parseRows } from "../lib/base/csv.ts";
import { Rng } from "../lib/base/random.ts";
import { writeCsv } from "../lib/base/files.ts";
import {
  pairedChanges,
  type PairVerdict,
  pairVerdict,
  pairVerdicts,
  unpairedChange,
} from "../lib/measure/change.ts";
import { judgeMeasures } from "../lib/measure/report.ts";
import { proportion } from "../lib/measure/statistics.ts";
import type { Judgment } from "../lib/method/judgment.ts";
import { judgmentOf, user } from "./judge_fakes.ts";
import { newFolder } from "./temporary_files.ts";

const rng = () => Rng.named(5, "change");

/** Verdicts of which only accuracy matters. */
const rights = (values: readonly number[], prompt = (i: number) => i): PairVerdict[] =>
  values.map((accuracy, i) => ({
    ...{ pair: `p${i}`, prompt: prompt(i), accuracy, flipRate: 0, firstPositionRate: 0.5 },
    ...{ longerRate: null, unansweredRate: 0 },
  }));

/** Pairs of which the first `both` are right in either, the next `lost` only before, the next `won` only after. */
const table = (both: number, lost: number, won: number, neither: number) => {
  const of = (...counts: number[]) => counts.flatMap((n, i) => Array<number>(n).fill((i + 1) % 2));
  return [
    rights(of(both + lost, won + neither)),
    rights([...of(both, lost), ...of(won, neither)]),
  ] as const;
};

describe("a change on the same pairs", () => {
  it("is the mean difference, with McNemar's standard error of discordant pairs", () => {
    // 0.417 to 0.520 of 300, as 94 both, 31 lost, 62 won, 113 neither: (62 - 31) / 300.
    const { accuracy } = pairedChanges(...table(94, 31, 62, 113), { rng: rng() });
    assert.ok(Math.abs(accuracy.value! - 31 / 300) < 1e-12);
    const error = Math.sqrt((93 / 300 - (31 / 300) ** 2) / 300);
    assert.ok(Math.abs((accuracy.high! - accuracy.low!) / 2 - 1.96 * error) < 0.004);
    assert.ok(accuracy.low! > 0, `${accuracy.low}`);
    assert.equal(accuracy.n, 300);
  });

  it("is shown where the separate intervals overlap, if the pairs that changed went one way", () => {
    const [before, after] = table(125, 0, 12, 163);
    const { accuracy } = pairedChanges(before, after, { rng: rng() });
    const [was, is] = [proportion(125, 300), proportion(137, 300)];
    assert.ok(is.low < was.high, "the two intervals overlap");
    assert.ok(unpairedChange(was, is).low < 0, "as if of different pairs nothing would be shown");
    assert.ok(accuracy.low! > 0.015 && accuracy.high! < 0.07);
  });

  it("resamples pairs of one prompt together", () => {
    const [before, after] = table(94, 31, 62, 113).map((rows) =>
      rows.map((row, i) => ({ ...row, prompt: Math.floor(i / 10) }))
    );
    const { accuracy } = pairedChanges(before, after, { rng: rng() });
    assert.equal(accuracy.clusters, 30);
    const alone = pairedChanges(...table(94, 31, 62, 113), { rng: rng() }).accuracy;
    assert.ok(accuracy.high! - accuracy.low! > 1.5 * (alone.high! - alone.low!));
  });

  it("has no interval where all pairs differ alike, and no value where none is defined", () => {
    const [before] = table(10, 0, 0, 10);
    const { accuracy, longerRate } = pairedChanges(before, before, { rng: rng() });
    assert.deepEqual([accuracy.value, accuracy.low, accuracy.high], [0, null, null]);
    assert.match(accuracy.reason!, /all resamples are alike/);
    assert.deepEqual([longerRate.value, longerRate.low], [null, null]);
  });

  it("refuses verdicts of other pairs, or of another number of them", () => {
    const [before, after] = table(1, 1, 1, 1);
    const moved = [after[1], after[0], ...after.slice(2)];
    for (const other of [moved, after.slice(1), after.slice(0, 3), [...after, after[0]]]) {
      assert.throws(() => pairedChanges(before, other, { rng: rng() }), UserError);
    }
  });
});

describe("a judge's verdicts, pair by pair", () => {
  const comparisons = Array.from({ length: 40 }, (_, i) => ({
    prompt: [user(`q${i % 30}`)],
    first: "x".repeat(1 + i % 4),
    second: "y".repeat(1 + i % 3),
  }));
  const noise = Rng.named(2, "verdicts");
  const judgments: Judgment[] = comparisons.map((_, i) =>
    i % 7 === 0
      ? judgmentOf([0.001, 0.002])
      : judgmentOf([noise.uniform(), noise.uniform()], [noise.uniform(), noise.uniform()])
  );
  const given = { comparisons, preferred: "first" } as const;
  const rows = pairVerdicts(judgments, { ...given, pairs: comparisons.map((_, i) => `id ${i}`) });

  it("have the report's measures as the means of their columns", () => {
    const report = judgeMeasures(judgments, { ...given, rng: rng(), samples: 5 });
    for (const name of ["accuracy", "flipRate", "firstPositionRate", "unansweredRate"] as const) {
      const mean = rows.reduce((sum, row) => sum + row[name]!, 0) / rows.length;
      assert.ok(Math.abs(mean - report[name].value!) < 1e-12, name);
    }
    assert.equal(rows[0].accuracy, 0.5); // not answered
    assert.equal(rows[0].longerRate, null); // of equal length
    assert.deepEqual([rows[3].prompt, rows[33].prompt], [3, 3]);
  });

  it("are the same after a way through a file", async () => {
    const path = `${await newFolder()}/verdicts.csv`;
    await writeCsv(path, rows);
    assert.deepEqual(parseRows(await Deno.readTextFile(path), { path, row: pairVerdict }), rows);
  });
});

describe("a change of which only the two measures are known", () => {
  it("has Newcombe's interval of two shares (1998, table II: 56/70 less 48/80)", () => {
    const { value, low, high } = unpairedChange(proportion(48, 80), proportion(56, 70));
    for (const [found, published] of [[value, 0.2], [low, 0.0524], [high, 0.3339]]) {
      assert.ok(Math.abs(found - published) < 5e-5, `${found}, ${published}`);
    }
  });

  it("is no less than that of two shares that do not overlap, and turns with its sides", () => {
    const [was, is] = [proportion(125, 300), proportion(156, 300)];
    const [there, back] = [unpairedChange(was, is), unpairedChange(is, was)];
    assert.ok(there.low > 0.02 && there.high < 0.19, `${there.low}, ${there.high}`);
    assert.ok(Math.abs(there.low + back.high) < 1e-12 && Math.abs(there.high + back.low) < 1e-12);
  });
});

import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { lengthControlled, readComparisons, winRate } from "../lib/measure/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { csv } from "./csv_files.ts";
import { comparisons } from "./measure_annotation_files.ts";
import { proportion } from "../lib/measure/statistics.ts";
import { assertClose } from "./numbers.ts";
import { ALPACA, itWith } from "./real_data.ts";
import { readWinRates } from "./reference/winrate.ts";

const rng = () => Rng.named(7, "test");

/** A published table by model. */
const published = async (name: string) =>
  new Map((await csv(`${dirname(ALPACA)}/${name}`)).map((row) => [row.model, row]));

describe("the win rates of 15 published models", () => {
  itWith(ALPACA)("are the leaderboard's, and AlpacaEval's own length-controlled ones", async () => {
    const board = await published("leaderboard.csv");
    const reference = await published("reference-minimal.csv");
    let models = 0;
    for await (const { name } of Deno.readDir(ALPACA)) {
      const file = await readComparisons(`${ALPACA}/${name}`);
      const found = winRate(file, { rng: rng(), samples: 2 });
      const known = board.get(file.model) as Record<string, number>;
      assertClose(
        [found.rate.value, found.standardError!],
        [known.win_rate, known.standard_error],
        { within: 1e-9, what: file.model },
      );
      assert.deepEqual(
        [found.n, found.wins, found.losses, found.ties],
        [known.n_total, known.n_wins, known.n_wins_base, known.n_draws],
        file.model,
      );
      const { lc_minimal, lc_minimal_se } = reference.get(file.model) as Record<string, number>;
      // A tenth of a point is asked for; that liblinear's stopping point is met shows in the rest.
      assertClose(
        [found.controlled!.rate, found.controlled!.standardError],
        [lc_minimal, lc_minimal_se],
        { within: 1e-8, what: file.model },
      );
      // Two models lack answers here that their published mean length counts.
      const within = found.n === 805 ? 1 : 3;
      assertClose([found.lengths.model!], [known.avg_length], { within, what: file.model });
      models++;
    }
    assert.equal(models, 15);
  });
});

describe("lengthControlled", () => {
  it("gives scikit-learn's rate, comparisons without a preference included in the scale", async () => {
    for (const { name, preference, excess, ...known } of await readWinRates()) {
      const found = lengthControlled(
        preference.map((p, i) => ({ preference: p, excess: excess[i] })),
      );
      assert.ok("rate" in found);
      assertClose([found.rate, found.standardError], [known.rate, 0], {
        within: 1e-8,
        what: name,
      });
      assert.equal(found.n, preference.filter((p) => p !== null).length);
    }
  });

  it("finds two equal models equal although the judge likes length", () => {
    const draw = rng();
    const cases = Array.from({ length: 400 }, () => {
      const excess = Math.round((draw.uniform() - 0.8) * 1000);
      return { preference: 1 / (1 + Math.exp(2 * Math.tanh(excess / 290))), excess };
    });
    const raw = cases.reduce((sum, { preference }) => sum + preference, 0) / cases.length * 100;
    const found = lengthControlled(cases);
    assert.ok("rate" in found);
    assert.ok(raw > 65, String(raw));
    assert.ok(Math.abs(found.rate - 50) < 1, String(found.rate));
    assert.ok(found.coefficients.length < -1.8, String(found.coefficients.length));
    assert.ok(Math.abs(found.refit(cases.map((_, i) => i)) - found.rate) < 1e-9);
  });

  it("is 50 for the baseline itself, and says why there is none", () => {
    const cases = [1, 2, 3, 4, 5, 6].map((excess) => ({ preference: 0.9, excess }));
    const itself = lengthControlled(cases, { isBaseline: true });
    assert.ok("rate" in itself && itself.rate === 50 && itself.standardError === 0);
    const few = lengthControlled(cases.slice(2));
    assert.match("reason" in few ? few.reason : "", /^4 usable comparisons are too few for 5-fold/);
    const same = lengthControlled(cases.map(({ preference }) => ({ preference, excess: -5 })));
    assert.match("reason" in same ? same.reason : "", /every answer is 5 characters longer/);
    const unknown = lengthControlled(cases.map(({ preference }) => ({ preference, excess: null })));
    assert.match("reason" in unknown ? unknown.reason : "", /^0 usable/);
    const equal = lengthControlled(cases.map(({ preference }) => ({ preference, excess: 0 })));
    assert.ok("rate" in equal && Math.abs(equal.rate - 90) < 1, JSON.stringify(equal));
  });
});

/** A reference's comparisons as a file. */
const fileOf = ({ preference, excess }: { preference: (number | null)[]; excess: number[] }) => ({
  ...comparisons("m", {}),
  items: preference.map((p, i) => ({
    item: i + 1,
    instruction: String(i),
    preference: p,
    baselineAnswer: "",
    lengths: { baseline: 5000 + excess[i], model: 5000 },
  })),
});

describe("winRate", () => {
  it("counts wins, ties and losses, and has numpy's standard error", async () => {
    for (const { preference, excess, ...known } of await readWinRates()) {
      const found = winRate(fileOf({ preference, excess }), { rng: rng(), samples: 50 });
      assertClose([found.rate.value, found.standardError!], [
        known.win_rate,
        known.standard_error,
      ], { within: 1e-9 });
      assert.equal(found.n, found.wins + found.ties + found.losses);
      assert.equal(found.wins, preference.filter((p) => p !== null && p > 0.5).length);
      assert.equal(found.controlled!.interval.value, found.controlled!.rate);
      const { low, high, value } = found.rate;
      assert.ok(low! <= value && value <= high!);
    }
  });

  it("has an interval as wide as its standard error says", async () => {
    const file = fileOf((await readWinRates())[0]);
    const found = winRate(file, { rng: rng(), samples: 3000 });
    const half = (found.rate.high! - found.rate.low!) / 2;
    assert.ok(Math.abs(half / (1.96 * found.standardError!) - 1) < 0.05, String(half));
    const { low, high, value } = found.controlled!.interval;
    assert.ok(low! < value && value < high! && high! - low! < 30);
    const again = winRate(file, { rng: rng(), samples: 3000 });
    assert.deepEqual(again.rate, found.rate);
  });

  it("sets a judge of length alone beside it, with a tie for equal lengths", () => {
    const file = comparisons("m", { a: 1, b: 0, c: 0.9, d: 0.5, e: null });
    const lengths: [number | null, number][] = [[10, 20], [10, 20], [10, 10], [30, 20], [1, 2]];
    const items = file.items.map((item, i) => ({
      ...item,
      lengths: { baseline: lengths[i][0], model: lengths[i][1] },
    }));
    const { longerJudge } = winRate({ ...file, items }, { rng: rng(), samples: 20 });
    assert.equal(longerJudge!.rate.value, (100 + 100 + 50 + 0) / 4);
    assert.equal(longerJudge!.agreement.value, (100 + 0 + 50 + 50) / 4);
    assert.equal(longerJudge!.rate.n, 4);
  });

  it("does not call comparisons that are all alike certain: Wilson's interval, or none", () => {
    const ten = (preference: number) => {
      const all = Array.from({ length: 10 }, (_, i) => [`q${i}`, preference] as const);
      return winRate(comparisons("m", Object.fromEntries(all)), { rng: rng(), samples: 200 });
    };
    for (const [preference, successes] of [[1, 10], [0.5, 5], [0, 0]] as const) {
      const { rate, standardError, controlled } = ten(preference);
      const { low, high } = proportion(successes, 10);
      assert.deepEqual(rate, { value: 100 * preference, low: 100 * low, high: 100 * high, n: 10 });
      assert.equal(standardError, 0); // AlpacaEval's
      if (controlled !== null) assert.deepEqual([controlled.interval.low], [null]);
    }
    const { low, high, value } = ten(1).rate;
    assert.ok(low! < 75 && high === 100 && value === 100);
  });

  it("has nothing but what can be computed for a single comparison", () => {
    const found = winRate(comparisons("m", { a: 0.75 }), { rng: rng() });
    assert.deepEqual(found.rate, { value: 75, low: null, high: null, n: 1 });
    assert.deepEqual([found.longerJudge!.rate.low, found.longerJudge!.agreement.high], [
      null,
      null,
    ]);
    assert.equal(found.standardError, null);
    assert.equal(found.controlled, null);
    assert.match(found.whyNotControlled!, /too few/);
  });
});

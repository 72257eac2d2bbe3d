import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { dot, fitLogistic, sigmoid } from "../lib/measure/logistic.ts";
import { fitValidated, STRENGTHS } from "../lib/measure/logistic_cv.ts";
import { Rng } from "../lib/base/random.ts";
import { assertClose } from "./numbers.ts";
import { readWinRates } from "./reference/winrate.ts";

/** Rows and soft labels of a reference problem, its gaps left out. */
function problem({ preference, excess }: { preference: (number | null)[]; excess: number[] }) {
  const centre = excess.reduce((a, b) => a + b) / excess.length;
  const scale = Math.sqrt(
    excess.reduce((sum, e) => sum + (e - centre) ** 2, 0) / (excess.length - 1),
  );
  const known = preference.flatMap((p, i) => p === null ? [] : [{ p, e: excess[i] }]);
  return {
    features: known.map(({ e }) => [Math.tanh(e / scale), 1]),
    targets: known.map(({ p }) => p),
  };
}

/** A random problem with three features, the last one constant. */
function drawn(seed: number) {
  const rng = Rng.named(seed, "logistic");
  const n = 20 + rng.int(60);
  const features = Array.from({ length: n }, () => [rng.uniform() - 0.5, rng.uniform() * 3, 1]);
  const targets = features.map((x) =>
    rng.uniform() < 0.3 ? rng.int(2) : sigmoid(dot(x, [2, -1, 0.5]) + rng.uniform())
  );
  return { features, targets, strength: 10 ** (rng.uniform() * 5 - 2) };
}

describe("fitLogistic", () => {
  it("gives liblinear's coefficients, its early stop included", async () => {
    const problems = await readWinRates();
    let stoppedEarly = 0;
    for (const { name, strength, coefficients, optimum, ...data } of problems) {
      const found = fitLogistic(problem(data), { strength, seed: 843828734 });
      assertClose(found, coefficients, { within: 1e-9, what: name });
      if (Math.abs(coefficients[0] - optimum[0]) > 1e-7) stoppedEarly++;
    }
    assert.ok(stoppedEarly >= 4, "the fixture can tell the early stop from the optimum");
  });

  it("reaches the optimum under a small tolerance, in any order of coordinates", async () => {
    for (const { name, strength, optimum, ...data } of await readWinRates()) {
      for (const seed of [1, 2]) {
        const found = fitLogistic(problem(data), { strength, seed, tolerance: 1e-12 });
        assertClose(found, optimum, { within: 1e-6, what: name });
      }
    }
  });

  it("ends where no coordinate can lower the objective", () => {
    for (let seed = 0; seed < 40; seed++) {
      const { features, targets, strength } = drawn(seed);
      const w = fitLogistic({ features, targets }, { strength, tolerance: 1e-10 });
      w.forEach((wk, k) => {
        const slope = strength * features.reduce(
          (sum, x, i) => sum + (sigmoid(dot(x, w)) - targets[i]) * x[k],
          0,
        );
        const left = wk === 0 ? Math.max(Math.abs(slope) - 1, 0) : Math.abs(slope + Math.sign(wk));
        assert.ok(left < 1e-4 * Math.max(1, strength), `seed ${seed}, feature ${k}: ${left}`);
      });
    }
  });

  it("changes only signs when the classes are swapped", () => {
    for (let seed = 0; seed < 10; seed++) {
      const { features, targets, strength } = drawn(seed);
      const fit = (p: number[]) =>
        fitLogistic({ features, targets: p }, { strength, tolerance: 1e-8 });
      const swapped = fit(targets.map((p) => 1 - p)).map((wk) => -wk);
      assertClose(fit(targets), swapped, { within: 1e-6 });
    }
  });

  it("shrinks everything to 0 under a strong penalty, and stays finite where classes separate", () => {
    const { features } = drawn(3);
    const ones = features.map(() => 1);
    assert.deepEqual(fitLogistic({ features, targets: ones }, { strength: 1e-4 }), [0, 0, 0]);
    const w = fitLogistic({ features, targets: ones }, { strength: 1e4 });
    assert.ok(w.every(Number.isFinite) && sigmoid(dot(features[0], w)) > 0.999, String(w));
    const flat = features.map(() => [0, 1]);
    const [length, model] = fitLogistic({ features: flat, targets: ones.map(() => 0.8) }, {
      strength: 1e4,
      tolerance: 1e-10,
    });
    assert.equal(length, 0);
    assert.ok(Math.abs(sigmoid(model) - 0.8) < 1e-4);
  });
});

describe("fitValidated", () => {
  it("finds scikit-learn's losses and strength", async () => {
    for (const { name, strength, coefficients, losses, ...data } of await readWinRates()) {
      const found = fitValidated(problem(data));
      assertClose(found.losses, losses, { within: 1e-10, what: name });
      assertClose([found.strength / strength], [1], { within: 1e-9, what: name });
      assertClose(found.coefficients, coefficients, { within: 1e-9, what: name });
    }
  });

  it("tries ten strengths from 1e-4 to 1e4 and takes the smallest of equals", async () => {
    assertClose(
      [STRENGTHS.length, STRENGTHS[0], STRENGTHS[3], STRENGTHS[9]],
      [10, 1e-4, 10 ** (-4 / 3), 1e4],
      { within: 1e-9 },
    );
    const nothing = (await readWinRates()).find(({ name }) => name === "nothing")!;
    assert.equal(fitValidated(problem(nothing)).strength, STRENGTHS[0]);
  });
});

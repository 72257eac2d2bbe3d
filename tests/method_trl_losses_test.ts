/** Losses beside those of TRL, value and gradient: tests/reference/make_trl_losses.py. */
import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { PREFERENCE_LOSSES, type PreferenceLoss, preferenceLoss } from "../lib/method/mod.ts";
import { startEngine } from "../lib/tensor/mod.ts";
import { assertExact, keepsExactness } from "./exactness.ts";

keepsExactness();

interface Fixture {
  pairs: Record<string, number>[];
  results: {
    loss: PreferenceLoss;
    beta: number;
    parameters: Record<string, number>;
    values: number[];
    gradient_policy_chosen: number[];
    gradient_policy_rejected: number[];
  }[];
}

await startEngine();
const { pairs, results }: Fixture = JSON.parse(
  await Deno.readTextFile(new URL("reference/trl_losses.json", import.meta.url)),
);
const column = (name: string) => tf.tensor1d(pairs.map((pair) => pair[name]));
const fixed = {
  referenceChosen: column("reference_chosen"),
  referenceRejected: column("reference_rejected"),
  chosenTokens: column("chosen_tokens"),
  rejectedTokens: column("rejected_tokens"),
};

describe("preference losses, beside TRL's", () => {
  it("are compared, all but those of which TRL has none", () => {
    // IPO on sums: losses.json; KTO and SLiC-HF are written out below.
    const without = ["ipo", "slic", "kto"];
    const compared = new Set(results.map(({ loss }) => loss));
    assert.deepEqual(
      Object.keys(PREFERENCE_LOSSES).filter((name) => !compared.has(name as PreferenceLoss)),
      without,
    );
  });

  for (const { loss, beta, parameters, ...expected } of results) {
    it(`${loss}, beta ${beta}: values and gradients`, () => {
      const options = { loss, parameters: { beta, ...parameters } };
      const of = (policyChosen: tf.Tensor, policyRejected: tf.Tensor) =>
        preferenceLoss({
          policyChosen: policyChosen as tf.Tensor1D,
          policyRejected: policyRejected as tf.Tensor1D,
          ...fixed,
        }, options);
      const policy = [column("policy_chosen"), column("policy_rejected")];
      const gradients = tf.grads((w, l) => tf.sum(of(w, l)))(policy);
      for (
        const [quantity, found, wanted] of [
          ["value", of(policy[0], policy[1]), expected.values],
          ["gradient", gradients[0], expected.gradient_policy_chosen],
          ["gradient", gradients[1], expected.gradient_policy_rejected],
        ] as const
      ) {
        // Relative to what is above 1.
        const scale = (value: number, i: number) => value / Math.max(1, Math.abs(wanted[i]));
        assertExact([...found.dataSync()].map(scale), wanted.map(scale), {
          of: `loss ${loss}, beta ${beta}`,
          equals: "TRL 1.16",
          ...{ quantity, within: 1e-4 },
        });
      }
    });
  }

  it("kto: each answer against the batch's KL, by hand", () => {
    const of = (name: string, i: number) => pairs[i][name];
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    const parameters = { beta: 0.1, kl: 1.5, desirable: 1.3, undesirable: 0.8 };
    const values = preferenceLoss({
      policyChosen: column("policy_chosen"),
      policyRejected: column("policy_rejected"),
      ...fixed,
    }, { loss: "kto", parameters }).dataSync();
    values.forEach((value, i) => {
      const w = of("policy_chosen", i) - of("reference_chosen", i);
      const l = of("policy_rejected", i) - of("reference_rejected", i);
      const wanted = 1.3 * (1 - sigmoid(0.1 * (w - 1.5))) + 0.8 * (1 - sigmoid(0.1 * (1.5 - l)));
      assert.ok(Math.abs(value - wanted) < 1e-5, `${value} ${wanted}`);
    });
  });

  it("slic: a hinge on log-probabilities, and the chosen answer's own, by hand", () => {
    const values = preferenceLoss({
      policyChosen: column("policy_chosen"),
      policyRejected: column("policy_rejected"),
      ...fixed,
    }, { loss: "slic", parameters: { beta: 0.1, delta: 2, lambda: 0.3 } }).dataSync();
    values.forEach((value, i) => {
      const { policy_chosen: w, policy_rejected: l } = pairs[i];
      const wanted = Math.max(0, 2 - w + l) - 0.3 * w;
      assert.ok(Math.abs(value - wanted) < 1e-4, `${value} ${wanted}`);
    });
  });

  it("sppo_hard under a label P: SPPO's squares about P - 1/2, but for a constant", () => {
    const [beta, P] = [0.5, 0.8];
    const policy = [column("policy_chosen"), column("policy_rejected")];
    const at = (labels: number[]) => (w: tf.Tensor, l: tf.Tensor) =>
      tf.sum(preferenceLoss({
        policyChosen: w as tf.Tensor1D,
        policyRejected: l as tf.Tensor1D,
        ...fixed,
      }, { loss: "sppo_hard", parameters: { beta }, labels }));
    const gradients = tf.grads(at(pairs.map(() => P)))(policy).map((g) => g.dataSync());
    pairs.forEach((pair, i) => {
      const ratios = [
        pair.policy_chosen - pair.reference_chosen,
        pair.policy_rejected - pair.reference_rejected,
      ];
      // d/dr of (r(w) - (P - 1/2) / beta)^2 + (r(l) + (P - 1/2) / beta)^2
      const wanted = [
        2 * (ratios[0] - (P - 0.5) / beta),
        2 * (ratios[1] + (P - 0.5) / beta),
      ];
      wanted.forEach((slope, k) => assert.ok(Math.abs(gradients[k][i] - slope) < 1e-3));
    });
    const certain = at(pairs.map(() => 1))(policy[0], policy[1]).dataSync()[0];
    const hard = tf.sum(preferenceLoss({
      policyChosen: policy[0],
      policyRejected: policy[1],
      ...fixed,
    }, { loss: "sppo_hard", parameters: { beta } })).dataSync()[0];
    assert.equal(certain, hard);
  });
});

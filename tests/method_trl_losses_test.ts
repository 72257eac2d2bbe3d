/** Losses beside those of TRL, value and gradient: tests/reference/make_trl_losses.py. */
import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { PREFERENCE_LOSSES, type PreferenceLoss, preferenceLoss } from "../lib/method/mod.ts";
import { startEngine } from "../lib/tensor/mod.ts";

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
    const without = ["ipo", "kto"]; // IPO on sums: losses.json; KTO is written out below.
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
        const [found, wanted] of [
          [of(policy[0], policy[1]), expected.values],
          [gradients[0], expected.gradient_policy_chosen],
          [gradients[1], expected.gradient_policy_rejected],
        ] as const
      ) {
        found.dataSync().forEach((value, i) => {
          const allowed = 1e-4 * Math.max(1, Math.abs(wanted[i]));
          assert.ok(Math.abs(value - wanted[i]) < allowed, `pair ${i}: ${value} ${wanted[i]}`);
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
});

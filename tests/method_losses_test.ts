import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { PREFERENCE_LOSSES, type PreferenceLoss, preferenceLoss } from "../lib/method/mod.ts";
import { startEngine } from "../lib/tensor/mod.ts";
import { readLosses } from "./reference/losses.ts";

await startEngine();
const { random_pairs: fixture } = await readLosses();
const NAMES = Object.keys(PREFERENCE_LOSSES) as PreferenceLoss[];
/** Losses of the margin h alone. */
const OF_MARGIN: PreferenceLoss[] = ["sigmoid", "hinge", "ipo"];

/** Loss and its gradients of one pair with a given h. */
function at(h: number, loss: PreferenceLoss, beta: number): number {
  const [policyChosen, zero] = [tf.tensor1d([h]), tf.tensor1d([0])];
  const logProbs = {
    policyChosen,
    policyRejected: zero,
    referenceChosen: zero,
    referenceRejected: zero,
  };
  return preferenceLoss(logProbs, { loss, parameters: { beta } }).dataSync()[0];
}

describe("preference losses", () => {
  it("have TRL's values and gradients on random pairs, at every beta", () => {
    const column = (name: keyof typeof fixture.pairs[0]) =>
      tf.tensor1d(fixture.pairs.map((pair) => pair[name]));
    const [reference, rejectedReference] = [
      column("reference_chosen"),
      column("reference_rejected"),
    ];
    assert.deepEqual([...new Set(fixture.results.map((r) => r.loss))].sort(), OF_MARGIN.toSorted());
    for (const { loss, beta, ...expected } of fixture.results) {
      const total = (policyChosen: tf.Tensor, policyRejected: tf.Tensor) =>
        tf.sum(preferenceLoss({
          policyChosen: policyChosen as tf.Tensor1D,
          policyRejected: policyRejected as tf.Tensor1D,
          referenceChosen: reference,
          referenceRejected: rejectedReference,
        }, { loss, parameters: { beta } }));
      const policy = [column("policy_chosen"), column("policy_rejected")];
      const [chosen, rejected] = tf.grads(total)(policy);
      const values = preferenceLoss({
        policyChosen: policy[0],
        policyRejected: policy[1],
        referenceChosen: reference,
        referenceRejected: rejectedReference,
      }, { loss, parameters: { beta } });
      for (
        const [found, wanted] of [
          [values, expected.values],
          [chosen, expected.gradient_policy_chosen],
          [rejected, expected.gradient_policy_rejected],
        ] as const
      ) {
        found.dataSync().forEach((value, i) => {
          // Sums near 120 are known to 1e-5 in float32.
          const allowed = 1e-4 * Math.max(1, Math.abs(wanted[i]));
          assert.ok(
            Math.abs(value - wanted[i]) < allowed,
            `${loss} ${beta}: ${value} ${wanted[i]}`,
          );
        });
      }
    }
  });

  it("start at ln 2, 1 and (1 / (2 beta))^2, where the policy is the reference", () => {
    for (const beta of [0.05, 0.1, 0.5]) {
      assert.ok(Math.abs(at(0, "sigmoid", beta) - Math.LN2) < 1e-6);
      assert.equal(at(0, "hinge", beta), 1);
      assert.ok(Math.abs(at(0, "ipo", beta) / (1 / (2 * beta)) ** 2 - 1) < 1e-6);
    }
  });

  it("stay finite where a model has run far away", () => {
    for (const loss of NAMES) {
      for (const h of [-2000, 2000]) assert.ok(Number.isFinite(at(h, loss, 1)), `${loss} ${h}`);
    }
    assert.equal(at(2000, "sigmoid", 1), 0);
    assert.equal(at(-2000, "sigmoid", 1), 2000);
  });

  it("hold on to no tensor but the result", () => {
    const same = tf.tensor1d([-3, -4]);
    const logProbs = {
      policyChosen: same,
      policyRejected: same,
      referenceChosen: same,
      referenceRejected: same,
    };
    const before = tf.memory().numTensors;
    for (const loss of NAMES) {
      preferenceLoss(logProbs, { loss, parameters: { beta: 0.1 } }).dispose();
    }
    assert.equal(tf.memory().numTensors, before);
    same.dispose();
  });

  it("are expectations under a label, and themselves for a label of 1", () => {
    const zero = tf.tensor1d([0]);
    const of = (h: number, loss: PreferenceLoss, label: number) => {
      const logProbs = {
        policyChosen: tf.tensor1d([h]),
        policyRejected: zero,
        referenceChosen: zero,
        referenceRejected: zero,
      };
      const options = { loss, parameters: { beta: 0.3 }, labels: [label] };
      return preferenceLoss(logProbs, options).dataSync()[0];
    };
    for (const loss of OF_MARGIN) {
      for (const h of [-2, 0.7]) {
        assert.equal(of(h, loss, 1), at(h, loss, 0.3));
        assert.equal(of(h, loss, 0), at(-h, loss, 0.3));
        const mixed = 0.8 * at(h, loss, 0.3) + 0.2 * at(-h, loss, 0.3);
        assert.ok(Math.abs(of(h, loss, 0.8) - mixed) < 1e-5 * Math.max(1, mixed), loss);
      }
    }
  });
});

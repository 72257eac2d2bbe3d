import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { Rng } from "../lib/base/random.ts";
import {
  type LanguageModel,
  LORA_DEFAULTS,
  LoraAdapter,
  openSafetensors,
  restoreCheckpoint,
  rightPadded,
  saveCheckpoint,
  trainable,
} from "../lib/model/mod.ts";
import { ADAMW_DEFAULTS, linear, type Optimizer, optimizerFor, Tape } from "../lib/tensor/mod.ts";
import { numbers } from "./numbers.ts";
import { refusesAtOnce } from "./refusals.ts";
import { folder } from "./temporary_files.ts";
import { randoms, tinyModel } from "./tiny.ts";

const HEAD = "score.weight";
const rng = Rng.named(51, "adapter and head");

/** A model with a fresh adapter, and a random head that reads one number off a hidden state. */
function adapterAndHead(): { model: LanguageModel; head: Map<string, tf.Tensor> } {
  const model = tinyModel();
  model.adapter = LoraAdapter.create(model.config, { ...LORA_DEFAULTS, r: 2 }, rng);
  const C = model.config.hiddenSize;
  const head = new Map([[HEAD, tf.keep(tf.tensor(randoms(C, { rng }), [1, C]))]]);
  return { model, head };
}

const values = (tensors: readonly tf.Tensor[]) => tensors.map((tensor) => numbers(tensor).slice());

/** One optimiser step that raises the head's numbers. */
function step({ model, head }: ReturnType<typeof adapterAndHead>, optimizer: Optimizer): void {
  const parameters = trainable(model, { also: [head] });
  const watched = parameters.tensors();
  const batch = rightPadded([[5, 9, 30, 41]], 0);
  const tape = new Tape(watched);
  const scores = linear(model.hidden(batch, { tape }), head.get(HEAD) as tf.Tensor2D, { tape });
  const down = tf.fill(scores.shape, -1);
  const gradients = tape.gradients(scores, down, watched);
  const { updated, norm } = optimizer.step(watched, gradients, 0.01);
  parameters.replace(updated);
  tf.dispose([down, norm, ...gradients, ...(batch.mask ? [batch.mask] : [])]);
}

function optimizerOf({ model, head }: ReturnType<typeof adapterAndHead>): Optimizer {
  const { names, tensors } = trainable(model, { also: [head] });
  const named = tensors().map(({ shape }, i) => ({ name: names[i], shape }));
  return optimizerFor(named, { kind: "adamw", ...ADAMW_DEFAULTS });
}

describe("an adapter and a head, trained together", () => {
  it("both move under one step, in their own stores, and the frozen weights stay", () => {
    const both = adapterAndHead();
    const { model, head } = both;
    const parameters = trainable(model, { also: [head] });
    assert.deepEqual(parameters.names, [...model.adapter!.parameters.keys(), HEAD]);
    assert.equal(parameters.size, trainable(model).size + model.config.hiddenSize);
    const [before, frozen] = [values(parameters.tensors()), values([...model.weights.values()])];
    const optimizer = optimizerOf(both);
    step(both, optimizer);
    const moved = parameters.names.filter((_, i) =>
      numbers(parameters.tensors()[i]).some((x, j) => x !== before[i][j])
    );
    // A fresh adapter's B is zero, so that its A has no gradient yet.
    assert.deepEqual(moved, parameters.names.filter((name) => !name.includes("lora_A")));
    assert.equal(head.get(HEAD), parameters.tensors().at(-1));
    assert.deepEqual(values([...model.weights.values()]), frozen);
    const count = tf.memory().numTensors; // the first step makes constants that are kept
    step(both, optimizer);
    assert.equal(tf.memory().numTensors, count);
    optimizer.dispose();
    head.get(HEAD)!.dispose();
    model.dispose();
  });

  it("both are in the checkpoint, and the next step from it is that of the unbroken run", async () => {
    const target = { path: `${folder.path}/checkpoint.safetensors`, config: "{}" };
    const both = adapterAndHead();
    const optimizer = optimizerOf(both);
    step(both, optimizer);
    const parameters = trainable(both.model, { also: [both.head] });
    await saveCheckpoint(target, { parameters, optimizer, step: 1 });
    const file = await openSafetensors(target.path);
    const stored = file.names.filter((name) => name.startsWith("parameter."));
    file.close();
    assert.deepEqual(stored.sort(), parameters.names.map((name) => `parameter.${name}`).sort());
    step(both, optimizer);

    const other = adapterAndHead(); // of other random numbers
    const fresh = optimizerOf(other);
    const again = trainable(other.model, { also: [other.head] });
    const ends = (): [unknown, unknown] => [values(again.tensors()), values(parameters.tensors())];
    assert.equal(await restoreCheckpoint(target, { parameters: again, optimizer: fresh }), 1);
    assert.notDeepEqual(...ends());
    step(other, fresh);
    assert.deepEqual(...ends());
    for (const { model, head } of [both, other]) {
      head.get(HEAD)!.dispose();
      model.dispose();
    }
  });

  it("are refused where two of their parameters have one name", () => {
    const { model, head } = adapterAndHead();
    refusesAtOnce(() => trainable(model, { also: [head, head] }), `"${HEAD}"`);
    head.get(HEAD)!.dispose();
    model.dispose();
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { Rng } from "../lib/base/random.ts";
import { type Example, gradientsOf, supervisedBatches } from "../lib/method/mod.ts";
import {
  expectedMemory,
  expectedStages,
  expectedTime,
  generate,
  LanguageModel,
  LINEAR_MODULES,
  type LinearModule,
  LORA_DEFAULTS,
  LoraAdapter,
  type ModelConfig,
  nextTokenProbabilities,
  parameterCounts,
  parseConfig,
  sequenceLogProbs,
  trainable,
  type Tuning,
  type Workload,
} from "../lib/model/mod.ts";
import { AdamW, type FrozenDtype, measureMachine, type Recompute } from "../lib/tensor/mod.ts";
import { tensorPeak } from "../lib/tools/speed/tensor_peak.ts";
import { randoms, tinyConfig, tinyModel } from "./tiny.ts";

const SHAPE: Partial<ModelConfig> = {
  vocabSize: 2000,
  hiddenSize: 96,
  intermediateSize: 256,
  layers: 6,
  heads: 6,
  kvHeads: 2,
  headDim: 16,
  maxPositions: 1024,
};
const LORA = { r: 8, dropout: 0, targetModules: LINEAR_MODULES };
const rng = Rng.named(3, "memory");
const sequences = (rows: number, length: number) =>
  Array.from({ length: rows }, () => Array.from({ length }, () => rng.int(2000)));
/** A test of the native engine, the only one whose tensors can be counted. */
const onEngine = tf.getBackend() === "tensorflow" ? it : it.skip;

/** Asserts that the formula is right to a few percent, and rather too high than too low. */
function assertNear(expected: number, measured: number): void {
  const ratio = expected / measured;
  assert.ok(ratio > 0.98 && ratio < 1.07, `${expected} expected, ${measured} measured: ${ratio}`);
}

/** Most memory of two steps on a model, its weights included. */
function trainingPeak(
  { tuning, frozenDtype, rows, length, recompute }: {
    tuning: Tuning;
    frozenDtype: FrozenDtype;
    rows: number;
    length: number;
    recompute: Recompute;
  },
): Promise<number> {
  return tensorPeak(async () => {
    const model = LanguageModel.build(
      tinyConfig(SHAPE),
      (_, shape) => randoms(shape.reduce((a, b) => a * b, 1), { rng }),
      { frozenDtype },
    );
    if (tuning !== "full" && tuning !== null) {
      model.adapter = LoraAdapter.create(model.config, { ...LORA_DEFAULTS, ...tuning }, rng);
    }
    const parameters = trainable(model);
    const optimizer = new AdamW(parameters.size);
    for (let step = 0; step < 2; step++) {
      const examples = sequences(rows, length)
        .map((ids): Example => ({ kind: "answer", ids, from: length / 2 }));
      const [part] = supervisedBatches(examples, {
        weighting: { mode: "token" },
        batching: "bucketed",
        microBatchTokens: rows * length,
      });
      const context = { model, parameters, dropoutSeed: step, recompute };
      const { gradients, metrics } = gradientsOf(part, context);
      const now = parameters.tensors();
      const { updated, norm } = optimizer.step(now, gradients, 1e-4, { free: true });
      parameters.replace(updated);
      await norm.data();
      tf.dispose([norm, Object.values(metrics)]);
    }
    optimizer.dispose();
    model.dispose();
  });
}

describe("expectedMemory", () => {
  for (
    const [what, tuning, frozenDtype] of [
      ["an adapter", LORA, "float32"],
      ["an adapter beside weights of two bytes", LORA, "bfloat16"],
      ["an adapter with dropout", { ...LORA, dropout: 0.1 }, "float32"],
      ["all weights", "full", "float32"],
    ] as const
  ) {
    for (const recompute of ["none", "layers"] as const) {
      for (const [rows, length] of [[4, 32], [2, 200]]) {
        const name =
          `is what training ${what} takes, ${rows} rows of ${length}, recompute ${recompute}`;
        onEngine(name, async () => {
          const measured = await trainingPeak({ tuning, frozenDtype, rows, length, recompute });
          const workload = { rows, length, learned: rows * length / 2, steps: 2, recompute };
          const config = tinyConfig(SHAPE);
          const residents = { tuning, frozenDtype };
          const { bytes } = expectedMemory(config, residents, { work: "train", ...workload });
          assertNear(bytes, measured);
        });
      }
    }
  }

  const asked: [string, (model: LanguageModel) => Promise<unknown>, Workload][] = [
    [
      "scoring",
      (model) => sequenceLogProbs(model, sequences(4, 200).map((ids) => ({ ids, from: 100 }))),
      { work: "score", rows: 4, length: 200, scored: 400, batches: 1 },
    ],
    [
      "judging",
      (model) => nextTokenProbabilities(model, sequences(8, 40), { tokens: [1, 2] }),
      { work: "score", rows: 8, length: 40, scored: 8, batches: 1 },
    ],
    [
      "sampling",
      (model) =>
        generate(model, sequences(8, 40), {
          maxNewTokens: 40,
          stopIds: [],
          seed: 1,
          batchRows: 4,
        }),
      { work: "sample", rows: 4, prompt: 40, newTokens: 40, batches: 2 },
    ],
  ];
  for (const [what, ask, workload] of asked) {
    onEngine(`is what ${what} takes`, async () => {
      const model = tinyModel(SHAPE);
      await nextTokenProbabilities(model, [[1, 2]], { tokens: [1] }); // the weights are in place
      const before = expectedMemory(model.config, { tuning: null }, {
        ...{ work: "score", rows: 0, length: 0, scored: 0, batches: 0 },
      } as Workload).bytes;
      const measured = await tensorPeak(() => ask(model));
      assertNear(expectedMemory(model.config, { tuning: null }, workload).bytes - before, measured);
      model.dispose();
    });
  }
});

describe("7B at 2,048 tokens", () => {
  const llama2 = parseConfig({
    ...{ model_type: "llama", vocab_size: 32_000, hidden_size: 4096, intermediate_size: 11_008 },
    ...{ num_hidden_layers: 32, num_attention_heads: 32, max_position_embeddings: 4096 },
  }, "config.json");
  /** A pair of a preference loss: two sequences, every second token learned. */
  const pair = { work: "train", rows: 2, length: 2048, learned: 2048, steps: 1 } as const;
  const gigabytes = (tuning: Tuning, more: object, recompute: Recompute = "layers") =>
    expectedMemory(llama2, { tuning, ...more }, { ...pair, recompute }).bytes / 1e9;

  it("has the parameters that its authors say", () => {
    assert.equal(parameterCounts(llama2).all, 6_738_415_616);
  });

  it("fits one GPU of 80 GB under an adapter whose layers are recomputed, and not without", () => {
    assert.ok(gigabytes(LORA, {}) < 40);
    assert.ok(gigabytes(LORA, { frozenDtype: "bfloat16" }) < 26);
    assert.ok(gigabytes(LORA, { frozenDtype: "bfloat16" }, "none") > 90);
  });

  it("has linear layers of four bytes again where an adapter was folded into them", () => {
    const weights = (folded: readonly LinearModule[]) =>
      expectedMemory(llama2, { tuning: LORA, frozenDtype: "bfloat16", folded }, pair).parts.weights;
    const { linear, embeddings, vectors } = parameterCounts(llama2);
    assert.equal(weights([]), 2 * (linear + embeddings) + 4 * vectors);
    assert.equal(weights(["q_proj"]), weights([]) + 2 * 32 * 4096 ** 2);
    assert.equal(weights(LINEAR_MODULES), 4 * (linear + vectors) + 2 * embeddings);
  });

  it("does not fit with all weights trained: 16 bytes for each are 108 GB before any activation", () => {
    assert.ok(gigabytes("full", {}) > 108);
    assert.ok(gigabytes("full", { otherModels: 1, frozenDtype: "bfloat16" }) > 120);
  });
});

describe("expectedTime", () => {
  const config = tinyConfig(SHAPE);
  const onlyProducts = { flops: 1, bandwidth: Infinity };
  const time = (tuning: Tuning, workload: Workload, machine = onlyProducts) =>
    expectedTime(config, { tuning }, { workload, machine });
  const train = { work: "train", rows: 4, length: 8, learned: 32, steps: 3 } as const;
  const { linear, embeddings } = parameterCounts(config);
  const perStep = (linear + embeddings) * 32;
  const attention = 6 * 4 * 4 * 8 ** 2 * 96; // layers, rows, two products, T x T, width

  it("counts 6 operations a weight and token for all weights, 4 under an adapter", () => {
    assert.equal(time("full", train), 3 * (6 * perStep + 3 * attention));
    const adapter = time({ ...LORA, r: 1, targetModules: [] }, train);
    assert.equal(adapter, 3 * (4 * perStep + 3 * attention));
  });

  it("counts the layers once more where they are recomputed", () => {
    const more = time("full", { ...train, recompute: "layers" }) - time("full", train);
    assert.equal(more, 3 * (2 * linear * 32 + attention));
  });

  it("reads all weights for every token that is sampled, however few rows there are", () => {
    const onlyMemory = { flops: Infinity, bandwidth: 1 };
    const sample = (newTokens: number) =>
      time(null, { work: "sample", rows: 1, prompt: 1, newTokens, batches: 1 }, onlyMemory);
    const oneMore = sample(11) - sample(10);
    assert.ok(oneMore > 4 * (linear + embeddings) && oneMore < 4.1 * (linear + embeddings));
  });

  it("of a stage is a row for each kind of work, on a machine as measured", async () => {
    const machine = await measureMachine({ size: 64, numbers: 1000 });
    assert.ok(machine.flops > 1e6 && machine.bandwidth > 1e6);
    const rows = expectedStages(config, [
      { stage: "jsft", tuning: LORA, workloads: [train] },
      {
        stage: "self-judge",
        tuning: LORA,
        workloads: [{ work: "sample", rows: 2, prompt: 4, newTokens: 4, batches: 3 }, train],
      },
    ], machine);
    assert.deepEqual(rows.map(({ stage, work }) => [stage, work]), [
      ["jsft", "train"],
      ["self-judge", "sample"],
      ["self-judge", "train"],
    ]);
    for (const { memory, seconds } of rows) {
      assert.ok(seconds > 0 && Number.isFinite(seconds));
      const sum = Object.values(memory.parts).reduce((a, b) => a + b, 0);
      assert.equal(memory.bytes, sum);
    }
  });
});

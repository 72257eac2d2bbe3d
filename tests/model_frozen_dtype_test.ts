import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { Rng } from "../lib/base/random.ts";
import { gradientsOf, supervisedBatches } from "../lib/method/mod.ts";
import { ggufContent } from "../lib/model/gguf_export.ts";
import { floatBytes } from "../lib/model/float_bytes.ts";
import {
  generate,
  LanguageModel,
  loadModel,
  LORA_DEFAULTS,
  LoraAdapter,
  modelFingerprint,
  nextTokenProbabilities,
  saveModel,
  sequenceLogProbs,
  trainable,
} from "../lib/model/mod.ts";
import {
  linear,
  stored,
  storedType,
  Tape,
  tokenLogProbs,
  valuesOf,
  widened,
} from "../lib/tensor/mod.ts";
import { tensorPeak } from "../lib/tools/speed/tensor_peak.ts";
import { difference, numbers } from "./numbers.ts";
import { batchLogits, decodedLogits } from "./model_reference.ts";
import { folder } from "./temporary_files.ts";
import { randoms, tinyConfig, tinyModel } from "./tiny.ts";
import { timelessLog, tinyExamples, trainLogged, values } from "./tiny_method.ts";

/** A test of the native engine, the only one that has them. */
const onEngine = tf.getBackend() === "tensorflow" ? it : it.skip;
const IDS = [[5, 9, 30, 41, 8, 77], [6, 4, 19]];
const TYPES = ["bfloat16", "float16"] as const;

/** Values as they are after two bytes, by the writer of files. */
function rounded(values: Float32Array, type: typeof TYPES[number]): Float32Array {
  if (type === "float16") return Float32Array.from(Float16Array.from(values));
  const halves = new Uint16Array(floatBytes(values.slice(), "BF16").buffer);
  return new Float32Array(Uint32Array.from(halves, (bits) => bits << 16).buffer);
}

/** The tiny model with narrow weights, and one of float32 whose weights were rounded before. */
function twins(type: typeof TYPES[number], { tieEmbeddings = true } = {}): LanguageModel[] {
  const config = tinyConfig({ tieEmbeddings });
  const source = tinyModel({ tieEmbeddings });
  const valuesOf = (name: string) => numbers(source.weights.get(name)!).slice();
  const narrow = LanguageModel.build(config, valuesOf, { frozenDtype: type });
  const wide = LanguageModel.build(
    config,
    (name, shape) => shape.length === 1 ? valuesOf(name) : rounded(valuesOf(name), type),
  );
  source.dispose();
  return [narrow, wide];
}

function adapted(model: LanguageModel): LanguageModel {
  const rng = Rng.named(3, "adapter");
  const config = { ...LORA_DEFAULTS, r: 4, dropout: 0.2 };
  const adapter = model.adapter = LoraAdapter.create(model.config, config, rng);
  for (const [name, tensor] of adapter.parameters) {
    const values = randoms(tensor.size, { rng, low: -0.2, high: 0.2 });
    adapter.parameters.set(name, tf.keep(tf.tensor2d(values, tensor.shape)));
    tensor.dispose();
  }
  return model;
}

describe("a model whose frozen weights have two bytes", () => {
  for (const type of TYPES) {
    for (const tieEmbeddings of [true, false]) {
      const where = `${type}, ${tieEmbeddings ? "one embedding" : "two embeddings"}`;
      onEngine(
        `computes bit for bit what one with its weights rounded computes: ${where}`,
        async () => {
          const [narrow, wide] = twins(type, { tieEmbeddings });
          const exact = tinyModel({ tieEmbeddings });
          const of = async (model: LanguageModel) => ({
            logits: batchLogits(model, IDS),
            decoded: decodedLogits(model, IDS, 2),
            judged: await nextTokenProbabilities(model, IDS, { tokens: [4, 5] }),
            scored: await sequenceLogProbs(model, IDS.map((ids) => ({ ids, from: 1 }))),
            answers: await generate(model, IDS, { maxNewTokens: 8, stopIds: [], seed: 2 }),
            fingerprint: await modelFingerprint(model),
          });
          assert.deepEqual(await of(narrow), await of(wide));
          assert.ok(difference(batchLogits(narrow, IDS)[0], batchLogits(exact, IDS)[0]) > 1e-5);
          for (const model of [narrow, wide, exact]) model.dispose();
        },
      );
    }

    onEngine(`trains an adapter as that one does, and merges it: ${type}`, () => {
      const found = twins(type).map((model) => {
        adapted(model);
        const gradients = (["none", "layers"] as const).map((recompute) => {
          const [part] = supervisedBatches(tinyExamples(2), {
            weighting: { mode: "token" },
            batching: "bucketed",
            microBatchTokens: 400,
          });
          const parameters = trainable(model);
          const { gradients } = gradientsOf(part, { model, parameters, dropoutSeed: 4, recompute });
          return gradients.map((g) => [...numbers(g, { free: true })]);
        });
        const decoded = decodedLogits(model, IDS, 2);
        model.foldAdapter();
        const merged = [...model.weights].map(([name, w]) => [name, numbers(widened(w)).slice()]);
        model.dispose();
        return { gradients, decoded, merged };
      });
      const [narrow, wide] = found;
      assert.deepEqual([narrow.gradients, narrow.decoded], [wide.gradients, wide.decoded]);
      assert.deepEqual(narrow.gradients[0], narrow.gradients[1]);
      assert.deepEqual(narrow.merged, wide.merged); // the update is not rounded away
    });

    onEngine(`is trained step by step as that one is: ${type}`, async () => {
      const ends = [];
      for (const model of twins(type)) {
        adapted(model);
        const logs = await trainLogged({
          model,
          steps: 4, // the later ones as one function, where steps are compiled
          recompute: "layers",
          prepare: () =>
            Promise.resolve({
              parts: supervisedBatches(tinyExamples(2), {
                weighting: { mode: "token" },
                batching: "bucketed",
                microBatchTokens: 400,
              }),
            }),
        });
        ends.push({ logs: logs.map(timelessLog), values: await values(model) });
        model.dispose();
      }
      assert.deepEqual(ends[0], ends[1]);
    });

    onEngine(`is written as that one is, and read from a file alike: ${type}`, async () => {
      const [narrow, wide] = twins(type);
      const bytes = async (model: LanguageModel) => {
        const path = `${folder.path}/${type}-${model === narrow}`;
        await saveModel(model, path);
        return await Deno.readFile(`${path}/model.safetensors`);
      };
      assert.deepEqual(await bytes(narrow), await bytes(wide));
      const [a, b] = [narrow, wide].map((model) =>
        ggufContent(model, { name: "x", dtype: "F32", vocabulary: new Map() }).tensors
      );
      for (const [name, { data }] of a) {
        const values = (from: typeof data) => from instanceof Float32Array ? from : from();
        assert.deepEqual(await values(data), await values(b.get(name)!.data), name);
      }
      const loaded = await loadModel(`${folder.path}/${type}-false`, { frozenDtype: type });
      assert.equal(storedType(loaded.weights.get("model.embed_tokens.weight")!), type);
      assert.equal(storedType(loaded.weights.get("model.norm.weight")!), "float32");
      assert.deepEqual(batchLogits(loaded, IDS), batchLogits(wide, IDS));
      for (const model of [narrow, wide, loaded]) model.dispose();
    });
  }

  onEngine("takes half the memory, and none is left when it is disposed of", async () => {
    const before = tf.memory().numTensors;
    const held = async (frozenDtype: "float32" | "bfloat16") => {
      let model: LanguageModel;
      const peak = await tensorPeak(() => {
        const shape = { vocabSize: 2000, hiddenSize: 128, headDim: 32, heads: 4, kvHeads: 2 };
        model = LanguageModel.build(
          tinyConfig({ ...shape, intermediateSize: 256, layers: 4 }),
          (_, shape) => new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.01),
          { frozenDtype },
        );
        model.hidden({
          ids: new Int32Array(1),
          positions: new Int32Array(1),
          size: 1,
          length: 1,
          mask: null,
        })
          .dispose();
      });
      model!.dispose();
      return peak;
    };
    const [wide, narrow] = [await held("float32"), await held("bfloat16")];
    // One matrix at a time has four bytes: the embedding, an eighth of the whole, at the worst.
    assert.ok(narrow < 0.75 * wide, `${narrow} of ${wide}`);
    assert.equal(tf.memory().numTensors, before);
  });

  onEngine("is not trained as a whole: steps are smaller than two bytes can tell", () => {
    const [narrow, wide] = twins("bfloat16");
    assert.throws(
      () => trainable(narrow),
      /"model\.embed_tokens\.weight" is stored as bfloat16 and cannot be trained\n {2}-> store weights as float32/,
    );
    assert.ok(trainable(adapted(narrow)).size > 0);
    for (const model of [narrow, wide]) model.dispose();
  });

  it("needs native TensorFlow, which the refusal says", async () => {
    const engine = tf.getBackend();
    await tf.setBackend("cpu");
    try {
      assert.throws(
        () => tf.tidy(() => stored(tf.ones([2, 2]), "bfloat16")),
        /weights of type bfloat16 need native TensorFlow.*"cpu" backend\n {2}-> run `deno task setup`/,
      );
    } finally {
      await tf.setBackend(engine);
    }
  });
});

describe("a tensor of two bytes a number", () => {
  const rng = Rng.named(5, "narrow");
  const matrix = (rows: number, columns: number) =>
    tf.tensor2d(randoms(rows * columns, { rng }), [rows, columns]);

  onEngine(
    "is rounded as files are written, and a clone is of its type",
    async () => {
      for (const type of TYPES) {
        const values = Float32Array.of(
          0,
          1,
          -1.00390625,
          3.1415926,
          1e-6,
          1.001953125,
          -65504,
          7e4,
        );
        const x = stored(tf.tensor1d(values.slice()), type);
        assert.deepEqual(await valuesOf(x), rounded(values, type));
        const same = tf.clone(x);
        x.dispose();
        assert.equal(storedType(same), type);
        assert.deepEqual(await valuesOf(same), rounded(values, type));
      }
    },
  );

  onEngine("fails where an op or a read does not know of it, and never gives numbers", () => {
    const x = stored(matrix(2, 3), "bfloat16");
    assert.throws(() => tf.add(x, x).dataSync());
    assert.throws(() => tf.matMul(x, x, false, true).dataSync());
    assert.throws(() => x.dataSync());
  });

  onEngine(
    "is widened by linear and by tokenLogProbs, block by block too, in both directions",
    () => {
      const [x, w] = [matrix(5, 4), matrix(7, 4)];
      const narrow = stored(w, "float16");
      const wide = widened(narrow);
      const targets = tf.tensor1d([0, 3, 6, 2, 2], "int32");
      const of = (w: tf.Tensor2D, rows: number) => {
        const tape = new Tape([x]);
        const y = tokenLogProbs(x, w, { targets, tape, rows });
        const values = numbers(y).slice();
        return [values, numbers(tape.gradients(y, tf.onesLike(y), [x])[0])];
      };
      for (const rows of [2, 5]) assert.deepEqual(of(narrow, rows), of(wide, rows));
      const before = tf.memory().numTensors;
      const y = linear(x, narrow);
      assert.equal(tf.memory().numTensors, before + 1);
      assert.deepEqual(numbers(y), numbers(linear(x, wide)));
    },
  );
});

describe("numbers of half precision", () => {
  it("are refused beyond the largest, in place of infinity", () => {
    const bits = floatBytes(Float32Array.of(65504, -1, NaN, Infinity), "F16");
    assert.deepEqual([...new Float16Array(bits.buffer)], [65504, -1, NaN, Infinity]);
    for (const large of [70_000, -65_520]) {
      assert.throws(() => floatBytes(Float32Array.of(1, large), "F16"), /float16 ends at 65504/);
    }
  });
});

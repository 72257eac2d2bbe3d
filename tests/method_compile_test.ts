import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import {
  type MicroBatch,
  PREFERENCE_LOSSES,
  preferenceBatches,
  type PreferenceLoss,
  supervisedBatches,
} from "../lib/method/mod.ts";
import {
  type LanguageModel,
  nextTokenProbabilities,
  sequenceLogProbs,
  withAdapterOff,
} from "../lib/model/mod.ts";
import { Rng } from "../lib/base/random.ts";
import {
  ADAMW_DEFAULTS,
  MUON_DEFAULTS,
  type OptimizerConfig,
  startEngine,
  useCompiledSteps,
} from "../lib/tensor/mod.ts";
import { functionRuns } from "./function_runs.ts";
import { folder } from "./temporary_files.ts";
import { tinyModel } from "./tiny.ts";
import {
  type TestTraining,
  timelessLog,
  tinyExamples,
  tinyWithAdapter,
  trainLogged,
  underReference,
  values,
} from "./tiny_method.ts";

const examples = tinyExamples(16);
const answers = examples.filter((example) => example.kind === "answer");
const pairs = Array.from({ length: 8 }, (_, i) => ({
  chosen: answers[2 * i],
  rejected: answers[2 * i + 1],
}));

/** Batches of both sizes and lengths that vary, in one to three parts. */
const supervised = (batching: "bucketed" | "packed") => (step: number) => ({
  parts: supervisedBatches(Rng.named(1, `step ${step}`).shuffle(examples).slice(0, 4 + step % 3), {
    weighting: { mode: "example", judgeWeight: 0.5 },
    batching,
    microBatchTokens: 200,
  }),
});

type Parts = (step: number) => { parts: readonly MicroBatch[] };

async function preferences(
  { label, loss = "sigmoid" }: { label?: number; loss?: PreferenceLoss } = {},
): Promise<Parts> {
  const model = tinyWithAdapter();
  const scored = await underReference(model, pairs);
  model.dispose();
  return (step) => ({
    parts: preferenceBatches(
      Rng.named(2, `step ${step}`).shuffle(scored).slice(0, 2 + step % 4)
        .map((pair) => ({ ...pair, label })),
      { loss, parameters: { beta: 0.1 }, microBatchTokens: 120 },
    ),
  });
}

/** One training: its log without times, and the weights it ends with. */
async function trained(
  make: () => LanguageModel,
  parts: Parts,
  options: Partial<TestTraining> & { compiled?: boolean } = {},
) {
  const { compiled = true, ...rest } = options;
  useCompiledSteps(compiled);
  const model = make();
  try {
    const prepare = (step: number) => Promise.resolve(parts(step));
    const logs = await trainLogged({ model, steps: 20, prepare, ...rest });
    return { logs: logs.map(timelessLog), end: await values(model) };
  } finally {
    useCompiledSteps(true);
    model.dispose();
  }
}

const { backend } = await startEngine();
const [byPreference, byLabel] = [await preferences(), await preferences({ label: 0.8 })];
const suite = backend === "tensorflow" ? describe : describe.skip;

suite("compiled training", () => {
  const adapter = () => tinyWithAdapter({ moved: true });
  const dropping = () => tinyWithAdapter({ moved: true, dropout: 0.3 });
  const adamw: OptimizerConfig = { kind: "adamw", ...ADAMW_DEFAULTS };
  const muon: OptimizerConfig = { kind: "muon", ...MUON_DEFAULTS };

  for (
    const [what, make, parts, options] of [
      ["all weights, answers and judgments", tinyModel, supervised("bucketed"), {}],
      ["all weights under Muon, packed rows", tinyModel, supervised("packed"), { optimizer: muon }],
      ["an adapter with dropout", dropping, supervised("bucketed"), {}],
      ["layers that are recomputed", dropping, supervised("packed"), { recompute: "layers" }],
      ["preferences, all weights", tinyModel, byPreference, { rate: 1e-3 }],
      ["preferences with labels, an adapter", adapter, byLabel, {
        optimizer: adamw,
      }],
    ] as [string, () => LanguageModel, Parts, Partial<TestTraining>][]
  ) {
    it(`gives the bits of eager training over 20 steps of varying shapes: ${what}`, async () => {
      const eager = await trained(make, parts, { ...options, compiled: false });
      let compiled = eager;
      const runs = await functionRuns(async () => compiled = await trained(make, parts, options));
      assert.deepEqual(compiled.logs, eager.logs);
      assert.deepEqual(compiled.end, eager.end);
      assert.ok(runs >= 16, `${runs} parts were computed by a function`);
    });
  }

  it("compiles every preference loss", async () => {
    for (const loss of Object.keys(PREFERENCE_LOSSES) as PreferenceLoss[]) {
      const parts = await preferences({ loss });
      const options = { steps: 5, rate: 1e-3 };
      const eager = await trained(adapter, parts, { ...options, compiled: false });
      let compiled = eager;
      const runs = await functionRuns(async () =>
        compiled = await trained(adapter, parts, options)
      );
      assert.deepEqual(compiled, eager, loss);
      assert.ok(runs >= 3, `${loss}: ${runs} parts were computed by a function`);
    }
  });

  it("that was killed and resumed ends as eager training does", async () => {
    const parts = supervised("bucketed");
    const eager = await trained(dropping, parts, { compiled: false, steps: 12 });
    const checkpoint = { path: `${folder.path}/killed.safetensors`, config: "{}", every: 5 };
    const killed = new Error("killed");
    const onStep: TestTraining["onStep"] = ({ step }) => {
      if (step === 8) throw killed;
    };
    const options = { checkpoint, steps: 12 };
    await assert.rejects(trained(dropping, parts, { ...options, onStep }), killed);
    const second = await trained(dropping, parts, options);
    assert.deepEqual(second.logs, eager.logs.slice(5));
    assert.deepEqual(second.end, eager.end);
  });

  it("leaves no tensor behind, after an error in a step neither", async () => {
    const handles = () =>
      (tf.backend() as unknown as { binding: { getNumOfTensors(): number } }).binding
        .getNumOfTensors();
    const parts = supervised("bucketed");
    await trained(dropping, parts, { steps: 4 });
    const before = [tf.memory().numTensors, handles()];
    await trained(dropping, parts, { steps: 6 });
    assert.deepEqual([tf.memory().numTensors, handles()], before);

    const broken: Parts = (step) => {
      if (step < 4) return parts(step);
      const [{ batch, tokens, objective }] = parts(step).parts;
      const gradient = () => {
        throw new Error("mine");
      };
      return {
        parts: [{
          batch,
          tokens,
          objective: Object.assign(Object.create(objective), { gradient }),
        }],
      };
    };
    await assert.rejects(trained(dropping, broken, { steps: 6 }), /^Error: mine$/);
    const [tensors, held] = [tf.memory().numTensors - before[0], handles() - before[1]];
    const eager = async () => {
      const start = [tf.memory().numTensors, handles()];
      await assert.rejects(
        trained(dropping, broken, { steps: 6, compiled: false }),
        /^Error: mine$/,
      );
      return [tf.memory().numTensors - start[0], handles() - start[1]];
    };
    assert.deepEqual([tensors, held], await eager(), "an eager step leaves as much");
  });
});

suite("compiled scoring", () => {
  it("gives the bits of eager scoring, with an adapter and without, on batches of varying shapes", async () => {
    const model = tinyWithAdapter({ moved: true });
    const rows = (n: number) => examples.slice(n, n + 9).map(({ ids }) => ids.slice(0, 40 + n));
    const score = async (n: number) => {
      const sequences = rows(n);
      const options = { tokens: [5, 6], batchTokens: 60 + 20 * n };
      const found = [await nextTokenProbabilities(model, sequences, options)];
      const counted = sequences.map((ids) => ({ ids, from: 3 }));
      const sums = await sequenceLogProbs(model, counted, options);
      const reference = await withAdapterOff(model)((m) => sequenceLogProbs(m, counted, options));
      return [...found, sums, reference];
    };
    const runs = await functionRuns(async () => {
      for (let n = 0; n < 5; n++) {
        const compiled = await score(n);
        useCompiledSteps(false);
        const eager = await score(n).finally(() => useCompiledSteps(true));
        assert.deepEqual(compiled, eager);
      }
    });
    assert.ok(runs >= 40, `${runs} batches were computed by a function`);
    model.dispose();
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { preferenceBatches, PreferenceLoop } from "../lib/method/mod.ts";
import { METHODS } from "../lib/method/methods.ts";
import { sequenceLogProbs, withAdapterOff } from "../lib/model/mod.ts";
import { naiveDpo } from "./naive_llama.ts";
import { tinyPairs } from "./tiny.ts";
import {
  distance,
  sumOfParts,
  tinyEncoder,
  tinyExamples,
  tinyWithAdapter,
  trainLogged,
} from "./tiny_method.ts";

const answers = tinyExamples(6).filter((e) => e.kind === "answer");
const pairs = [0, 2, 4].map((i) => ({ chosen: answers[i], rejected: answers[i + 1] }));
const beta = 0.1;

describe("a step of DPO", () => {
  for (const moved of [false, true]) {
    const where = moved ? "away from the reference" : "at the reference";
    it(`has the loss and the gradient of a plain implementation ${where}`, async () => {
      const model = tinyWithAdapter({ moved });
      const sequences = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]);
      const sums = await withAdapterOff(model)((m) => sequenceLogProbs(m, sequences));
      const scored = pairs.map((pair, i) => ({
        ...pair,
        referenceChosen: sums[2 * i],
        referenceRejected: sums[2 * i + 1],
      }));
      const parts = preferenceBatches(scored, {
        loss: "sigmoid",
        parameters: { beta },
        microBatchTokens: 100,
      });
      assert.ok(parts.length > 1);
      const { metrics, gradient } = await sumOfParts(model, parts);
      const plain = naiveDpo(model, pairs, { beta });
      assert.ok(Math.abs(metrics.loss - plain.loss) < 1e-4);
      const largest = Math.max(...plain.gradient.map(Math.abs));
      assert.ok(largest > 1e-3);
      assert.ok(distance(gradient, plain.gradient) < 1e-4 * Math.max(1, largest));
      model.dispose();
    });
  }

  it("logs that gradient's norm and starts at ln 2", async () => {
    const model = tinyWithAdapter();
    const data = tinyPairs(3, 9);
    const loop = new PreferenceLoop({
      method: METHODS["offline-dpo"],
      model,
      reference: withAdapterOff(model),
      ranker: null,
      pairs: data,
      encoder: tinyEncoder(),
      config: {
        beta,
        batchSize: 3,
        maxNewTokens: 8,
        batchRows: 8,
        microBatchTokens: 100,
        temperature: 1,
        topK: 0,
        topP: 1,
        seed: 1,
      },
    });
    const encoder = tinyEncoder();
    const prompt = (p: typeof data[0]) =>
      encoder.tokenizer.encode(encoder.chat.render(p.prompt, { addGenerationPrompt: true }));
    const sequence = (p: typeof data[0], answer: string) => ({
      ids: [...prompt(p), ...encoder.tokenizer.encode(answer), encoder.tokenizer.eosId],
      from: prompt(p).length,
    });
    const plain = naiveDpo(
      model,
      data.map((p) => ({ chosen: sequence(p, p.chosen), rejected: sequence(p, p.rejected) })),
      { beta },
    );
    const [log] = await trainLogged({ model, steps: 1, prepare: (step) => loop.batch(step) });
    const norm = Math.hypot(...plain.gradient);
    assert.ok(Math.abs(log.gradientNorm - norm) < 1e-4 * norm, `${log.gradientNorm} ${norm}`);
    assert.ok(Math.abs(log.loss - Math.LN2) < 1e-5);
    assert.ok(Math.abs(plain.loss - Math.LN2) < 1e-5);
    model.dispose();
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { METHODS, preferenceBatches } from "../lib/method/mod.ts";
import { naiveDpo } from "./naive_llama.ts";
import { tinyPairs } from "./tiny.ts";
import { config, stepper } from "./tiny_loop.ts";
import {
  distance,
  sumOfParts,
  tinyEncoder,
  tinyExamples,
  tinyWithAdapter,
  trainLogged,
  underReference,
} from "./tiny_method.ts";

const answers = tinyExamples(6).filter((e) => e.kind === "answer");
const pairs = [0, 2, 4].map((i) => ({ chosen: answers[i], rejected: answers[i + 1] }));
const beta = 0.1;

describe("a step of DPO", () => {
  for (const moved of [false, true]) {
    const where = moved ? "away from the reference" : "at the reference";
    it(`has the loss and the gradient of a plain implementation ${where}`, async () => {
      const model = tinyWithAdapter({ moved });
      const parts = preferenceBatches(await underReference(model, pairs), {
        loss: "sigmoid",
        parameters: { beta },
        microBatchTokens: 100,
      });
      assert.ok(parts.length > 1);
      const { metrics, gradient } = await sumOfParts(model, parts);
      const plain = naiveDpo(model, pairs, { beta });
      assert.ok(Math.abs(metrics.loss - plain.loss) < 1e-4);
      if (!moved) {
        assert.ok(Math.abs(metrics.loss - Math.LN2) < 1e-5);
        assert.ok(Math.abs(metrics.rewardMargin) < 1e-5);
      }
      const largest = Math.max(...plain.gradient.map(Math.abs));
      assert.ok(largest > 1e-3);
      assert.ok(distance(gradient, plain.gradient) < 1e-4 * Math.max(1, largest));
      model.dispose();
    });
  }

  it("logs that gradient's norm and starts at ln 2", async () => {
    const model = tinyWithAdapter();
    const data = tinyPairs(3, 9);
    const { step } = stepper(model, {
      method: METHODS["offline-dpo"],
      pairs: data,
      config: { ...config, beta, batchSize: 3 },
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
    const [log] = await trainLogged({ model, steps: 1, prepare: step });
    const norm = Math.hypot(...plain.gradient);
    assert.ok(Math.abs(log.gradientNorm - norm) < 1e-4 * norm, `${log.gradientNorm} ${norm}`);
    assert.ok(Math.abs(log.loss - Math.LN2) < 1e-5);
    assert.ok(Math.abs(plain.loss - Math.LN2) < 1e-5);
    model.dispose();
  });
});

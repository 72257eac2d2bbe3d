import assert from "node:assert/strict";
import { after, before, describe, it } from "jsr:@std/testing@1/bdd";
import {
  generate,
  type LanguageModel,
  loadModel,
  nextTokenProbabilities,
  sequenceLogProbs,
} from "../lib/model/mod.ts";
import { openTokenizer } from "../lib/text/mod.ts";
import { batchLogits, parity } from "./model_reference.ts";
import { assertClose } from "./numbers.ts";
import { ggufFile } from "./reference/fixture.ts";

interface Expected {
  indices: number[];
  cases: {
    text: string;
    ids: number[];
    sum_log_prob: number;
    last_logits: number[];
    top10: { ids: number[]; logits: number[] };
  }[];
}

const file = ggufFile();

describe("SmolLM2-135M from its GGUF file, as transformers reads it", () => {
  let model: LanguageModel | undefined;
  let expected: Expected;
  before(async () => {
    if (!file) return;
    const text = await Deno.readTextFile(new URL("reference/smollm2.json", import.meta.url));
    expected = JSON.parse(text);
    model = await loadModel(file);
  });
  after(() => model?.dispose());

  it("has the same tokens, last logits and ten best tokens", async () => {
    if (!file || !model) return;
    const tokenizer = await openTokenizer(file);
    const V = model.config.vocabSize;
    let [largest, overall] = [0, 0];
    for (const { text, ids, last_logits, top10 } of expected.cases) {
      assert.deepEqual(tokenizer.encode(text), ids);
      const last = batchLogits(model, [ids])[0].subarray(-V);
      const at = (indices: number[]) => indices.map((i) => last[i]);
      const what = JSON.stringify(text.slice(0, 30));
      for (const [i, j] of [[expected.indices, last_logits], [top10.ids, top10.logits]]) {
        largest = Math.max(largest, assertClose(at(i), j, { within: 2e-3, what }));
      }
      const best = [...last.keys()].sort((a, b) => last[b] - last[a]).slice(0, 10);
      assert.deepEqual(best, top10.ids);
      overall = Math.max(overall, top10.logits[0]);
    }
    parity(`SmolLM2-135M: logits of up to ${overall.toFixed(1)}`, largest);
  });

  it("has the same log-probability of each text, all in mixed batches", async () => {
    if (!model) return;
    const { cases } = expected;
    const found = await sequenceLogProbs(model, cases.map(({ ids }) => ({ ids, from: 1 })), {
      batchTokens: 200,
    });
    const sums = cases.map((c) => c.sum_log_prob);
    const largest = assertClose(found, sums, { within: 1e-2 });
    parity(
      `SmolLM2-135M: sums of log-probabilities down to ${Math.min(...sums).toFixed(1)}`,
      largest,
    );
  });

  it("has the softmax of those logits as next-token probabilities, and the best token greedily", async () => {
    if (!model) return;
    const short = expected.cases.filter(({ ids }) => ids.length < 40);
    const prompts = short.map(({ ids }) => ids);
    for (const { ids, top10 } of short) {
      const [p] = await nextTokenProbabilities(model, [ids], { tokens: top10.ids });
      // Ratios of probabilities are differences of logits.
      const found = p.map((x) => Math.log(x / p[0]));
      const reference = top10.logits.map((x) => x - top10.logits[0]);
      assertClose(found, reference, { within: 3e-3 });
    }
    const options = { maxNewTokens: 1, stopIds: [], temperature: 0, seed: 1 };
    const found = await generate(model, prompts, options);
    assert.deepEqual(found.map(([{ ids }]) => ids[0]), short.map(({ top10 }) => top10.ids[0]));
  });
});

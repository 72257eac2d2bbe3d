import assert from "node:assert/strict";
import { after, before, it } from "jsr:@std/testing@1/bdd";
import { Fleet, fleetAdapter, fleetModel } from "../lib/engine/mod.ts";
import { nextTokenProbabilities, sequenceLogProbs, stackAdapters } from "../lib/model/mod.ts";
import { ChatTemplate } from "../lib/text/mod.ts";
import { clusterAt } from "./fake_vllm.ts";
import {
  describeWithVllm,
  KEY,
  randomAdapter,
  servedModel,
  startVllm,
  type VllmServer,
  writeAdapter,
  writeServedModel,
} from "./real_vllm.ts";
import { tableFor } from "./preflight_table.ts";
import { refuses } from "./refusals.ts";
import { folder } from "./temporary_files.ts";
import { byteLanguage } from "./tiny_gguf.ts";

const tokenizer = byteLanguage();
const LABELS = [" A", " B"].map((label) => tokenizer.encode(label)[0]);
const TEXTS = [
  "Name two fruits, please.",
  "Answer A:\nan apple\n\nAnswer B:\na pear\n\nThe better one is",
  "What is 2 + 2? Say it in words, and then once more.",
  "a",
];
const PROMPTS = TEXTS.map((text) => [tokenizer.bosId!, ...tokenizer.encode(text)]);
const ENCODER = { tokenizer, chat: ChatTemplate.of(tokenizer) };
const DRAW = { encoder: ENCODER, samples: 2, maxNewTokens: 24, temperature: 1, topP: 1, seed: 7 };

describeWithVllm("a fleet of vLLM servers", () => {
  let one: VllmServer;
  let two: VllmServer;
  const log: string[] = [];
  const adapters = { policy: randomAdapter(1), jsft: randomAdapter(2) };
  const fleetAt = (servers: readonly VllmServer[], serve: Record<string, unknown> = {}) =>
    new Fleet(
      clusterAt(servers.map(({ url }) => url), serve, {
        storage: { here: folder.path, there: folder.path },
      }),
      { key: KEY, log: (line) => log.push(line) },
    );
  const published = async (fleet: Fleet, name: string) =>
    await fleetAdapter(`${folder.path}/${name}`, { name, cluster: fleet.cluster });
  const start = (name: string, more = {}) =>
    startVllm(`${folder.path}/model`, { log: `${folder.path}/${name}.log`, ...more });

  before(async () => {
    await writeServedModel(`${folder.path}/model`);
    const { policy, jsft } = adapters;
    await writeAdapter(policy, `${folder.path}/policy`);
    await writeAdapter(jsft, `${folder.path}/jsft`);
    const { config, dispose } = withConfig();
    const stack = await stackAdapters(config, [jsft, policy]);
    await writeAdapter(stack, `${folder.path}/stack`);
    stack.dispose();
    dispose();
    const wide = randomAdapter(3, { r: 32 });
    await writeAdapter(wide, `${folder.path}/wide`);
    wide.dispose();
    one = await start("one");
  });
  after(async () => {
    await Promise.all([one?.stop("kill"), two?.stop("kill")]);
    Object.values(adapters).forEach((adapter) => adapter.dispose());
  });

  it("gives labels the probabilities that the model has here, with an adapter and without", async () => {
    const fleet = fleetAt([one]);
    const adapter = await published(fleet, "policy");
    await fleet.load(adapter);
    const model = servedModel();
    for (const put of [null, adapter]) {
      const served = await fleetModel(fleet, put, { base: "tiny" }).scorer()
        .probabilities(PROMPTS, LABELS);
      if (put) model.adapter = adapters.policy;
      const here = await nextTokenProbabilities(model, PROMPTS, { tokens: LABELS });
      assert.ok(largest(served.flat(), here.flat()) < 1e-6);
    }
    model.adapter = null;
    model.dispose();
  });

  it("samples answers whose log-probabilities are the model's here: alone, and two adapters in a stack", async () => {
    const fleet = fleetAt([one]);
    for (const name of ["policy", "stack"]) {
      const adapter = await published(fleet, name);
      await fleet.load(adapter);
      const drawn = (await fleetModel(fleet, adapter, { base: "tiny" }).sample(PROMPTS, DRAW))
        .flat();
      assert.equal(drawn.length, 2 * PROMPTS.length);
      assert.ok(new Set(drawn.map(({ text }) => text)).size >= 6, "they differ");
      const model = servedModel();
      const without = await sequenceLogProbs(model, drawn);
      if (name === "stack") {
        model.adapter = adapters.jsft;
        model.foldAdapter();
        adapters.jsft = randomAdapter(2);
      }
      model.adapter = adapters.policy;
      const here = await sequenceLogProbs(model, drawn);
      const served = drawn.map(({ logProb }) => logProb);
      assert.ok(largest(served, here) < 1e-4, `${name}: ${largest(served, here)}`);
      assert.ok(largest(served, without) > 0.1, "the adapter matters");
      for (const { end, ids } of drawn) {
        assert.equal(end === "stop", tokenizer.endIds.includes(ids.at(-1)!));
      }
      model.adapter = null;
      model.dispose();
    }
  });

  it("draws the same answers for the same seed, and others for another", async () => {
    const model = fleetModel(fleetAt([one]), null, { base: "tiny" });
    const first = await model.sample(PROMPTS, DRAW);
    assert.deepEqual(await model.sample(PROMPTS, DRAW), first);
    assert.notDeepEqual(await model.sample(PROMPTS, { ...DRAW, seed: 8 }), first);
    assert.equal(await model.fingerprint(), "vllm 0.32.0 float32 | tiny");
  });

  it("says what to do about a rank, a folder and a name that a server cannot take", async () => {
    const fleet = fleetAt([one]);
    const wide = await published(fleet, "wide");
    await refuses(fleet.load(wide), "up to rank 16", "has rank 32", "--max-lora-rank 32");
    await refuses(
      new Fleet(fleet.cluster, { key: KEY, log: () => {}, sleep: () => Promise.resolve() })
        .load({ name: "nowhere", path: "/nowhere/adapter" }),
      "sees no adapter in /nowhere/adapter",
      "storage.there",
    );
    await refuses(
      fleetAt([one], { baseModel: "other" }).labels(null, PROMPTS[0], LABELS),
      'no model "other"',
      "serve.baseModel",
    );
    const long = Array.from({ length: 2100 }, () => 5);
    await refuses(fleet.labels(null, long, LABELS), "--max-model-len");
    await refuses(fleet.labels(null, [5, 6000], LABELS), "another vocabulary");
    const wrong = new Fleet(fleet.cluster, { key: "wrong", log: () => {} });
    const error = await refuses(wrong.labels(null, PROMPTS[0], LABELS), "401", "keyVariable");
    assert.ok(!error.message.includes("wrong"));
    // None of this has harmed it.
    assert.equal((await fleet.labels(null, PROMPTS[0], LABELS)).length, 2);
  });

  it("is checked beforehand: the table of a good cluster, and of broken ones", async () => {
    const model = `${folder.path}/model`;
    const storage = { here: folder.path, there: folder.path };
    const at = (serve = {}, more = {}) => clusterAt([one.url], serve, { storage, ...more });
    const options = { model, key: KEY };
    const good = await tableFor(at(), options);
    assert.equal(good.failed, false, good.text);
    assert.match(good.text, /\[OK\] {3}server \S+ +vLLM 0.32.0, "base"/);
    assert.match(good.text, /\[OK\] {3}tokenizer of/);
    assert.match(good.text, /\[OK\] {3}judge at .* differ by \d\.\de[-+]\d+ at most/);
    assert.match(good.text, /\[OK\] {3}adapters at/);

    // Another language, in which the served model's tokens are other words.
    const other = `${folder.path}/other`;
    await writeServedModel(other);
    const words = await Deno.readTextFile(`${other}/tokenizer.json`);
    await Deno.writeTextFile(`${other}/tokenizer.json`, swapped(words, '"a"', '"b"'));
    const long = ["judge.maxTokens=3000"];
    const broken: [Promise<{ text: string; failed: boolean }>, ...string[]][] = [
      [tableFor(at({ baseModel: "llama" }), options), 'no model "llama": it has base'],
      [tableFor(at(), { ...options, key: "wrong" }), "401", "keyVariable"],
      [tableFor(at({ servers: ["http://127.0.0.1:19"] }), options), "no server answered"],
      [
        tableFor(at({}, { storage: { ...storage, there: "/mnt/nowhere" } }), options),
        "sees no adapter in /mnt/nowhere/preflight-",
      ],
      [
        tableFor(at(), { ...options, settings: ["jsft.tuning.r=16"] }),
        "takes adapters up to rank 16, and",
        "has rank 24",
        "--max-lora-rank 32",
      ],
      [tableFor(at(), { ...options, model: other }), "[FAIL] tokenizer of", "tokens there and"],
      [tableFor(at(), { ...options, settings: long }), "the run has up to 3001"],
    ];
    for (const [table, ...parts] of broken) {
      const { text, failed } = await table;
      assert.ok(failed, text);
      for (const part of parts) assert.ok(text.includes(part), text);
    }
  });

  it("goes on when one of two servers dies, and loads the adapter where it came back empty", async () => {
    two = await start("two");
    const fleet = fleetAt([one, two]);
    const adapter = await published(fleet, "policy");
    await fleet.load(adapter);
    const model = fleetModel(fleet, adapter, {
      base: "tiny",
      answers: `${folder.path}/kept.jsonl`,
    });
    const many = Array.from({ length: 24 }, (_, i) => [...PROMPTS[i % 4], 5 + i]);
    const asked = model.sample(many, { ...DRAW, maxNewTokens: 100 });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await two.stop("kill");
    const drawn = await asked;
    assert.equal(drawn.flat().length, 48);
    assert.match(log.join("\n"), new RegExp(`${two.url}.*left out`));
    const lines = (await Deno.readTextFile(`${folder.path}/kept.jsonl`)).trim().split("\n");
    assert.equal(lines.length, 24, "each prompt was paid for once");

    two = await start("two", { port: two.port });
    const alone = fleetAt([two]);
    const again = await alone.labels(adapter, PROMPTS[0], LABELS);
    const here = await fleet.labels(adapter, PROMPTS[0], LABELS);
    assert.ok(largest(again, here) < 1e-6);
    assert.match(log.join("\n"), /does not know policy-/);
  });

  it("says how to start a server that loads no adapters", async () => {
    await two.stop();
    two = await start("two", { port: two.port, runtime: false });
    const fleet = fleetAt([two]);
    const adapter = await published(fleet, "policy");
    await refuses(fleet.load(adapter), two.url, "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True");
    await refuses(fleet.labels(adapter, PROMPTS[0], LABELS), "VLLM_ALLOW_RUNTIME_LORA_UPDATING");
    assert.equal((await fleet.labels(null, PROMPTS[0], LABELS)).length, 2);
    const { text } = await tableFor(fleet.cluster, { model: `${folder.path}/model`, key: KEY });
    assert.match(text, /\[FAIL\] adapters at \S+ +\S+ loads no adapters while it runs/);
  });
});

/** A text with two of its parts in each other's place. */
const swapped = (text: string, one: string, other: string): string =>
  text.replaceAll(one, "\0").replaceAll(other, one).replaceAll("\0", other);

function withConfig() {
  const model = servedModel();
  return { config: model.config, dispose: () => model.dispose() };
}

const largest = (ours: readonly number[], theirs: readonly number[]): number =>
  Math.max(...ours.map((value, i) => Math.abs(value - theirs[i])));

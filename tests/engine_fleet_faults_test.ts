import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { Fleet } from "../lib/engine/mod.ts";
import { choices, clusterAt, FakeVllm, type Fault, refusal } from "./fake_vllm.ts";
import { refuses } from "./refusals.ts";

const KEY = "s3cret-of-the-test";
const REQUEST = {
  ...{ prompt: [1, 5, 6], n: 2, maxTokens: 8, temperature: 1, topP: 1, seed: 7, stopIds: [2] },
};
const ADAPTER = { name: "run-000001", path: "/shared/run/rounds/000001/adapter" };

/** A fleet whose waits take no time and whose log is taken down. */
function fleetAt(
  servers: readonly FakeVllm[],
  serve: Record<string, unknown> = {},
  onWait: (nth: number) => void = () => {},
) {
  const log: string[] = [];
  const waits: number[] = [];
  let clock = 1_700_000_000_000;
  const fleet = new Fleet(clusterAt(servers.map(({ url }) => url), serve), {
    key: KEY,
    log: (line) => log.push(line),
    now: () => clock,
    sleep: (ms) => {
      onWait(waits.push(ms));
      clock += ms;
      return Promise.resolve();
    },
  });
  return { fleet, log, waits, pass: (ms: number) => clock += ms };
}

/** A reply that is changed on its way. */
// deno-lint-ignore no-explicit-any
const changed = (change: (choice: any) => void): Fault => ({ body }) => {
  const all = choices(body);
  all.forEach(change);
  return Response.json({ choices: all });
};

describe("a fleet", () => {
  it("sends ids with every setting that a server would fill in itself, and reads ids", async () => {
    await using server = new FakeVllm();
    const { fleet } = fleetAt([server]);
    const answers = await fleet.answers(null, REQUEST);
    assert.deepEqual(answers[0], {
      ids: [18, 19, 20, 2],
      logProbs: [-0.5, -0.625, -0.75, -0.875],
      ended: true,
      server: server.url,
    });
    const cut = await fleet.answers(null, { ...REQUEST, maxTokens: 3 });
    assert.deepEqual(cut.map(({ ids, ended }) => [ids.length, ended]), [[3, false], [3, false]]);
    const labels = await fleet.labels(null, [1, 5], [30, 40]);
    assert.deepEqual(labels.map((p) => p.toFixed(6)), ["0.100000", "0.200000"]);
    const bodies = server.seen.map(({ body }) => body);
    for (const body of bodies) {
      assert.ok(!("prompt_logprobs" in body), "it ends vLLM's engine");
      assert.equal(body.add_special_tokens, false);
      assert.equal(body.repetition_penalty, 1, "else generation_config.json's");
      assert.equal(body.ignore_eos, true);
    }
    assert.deepEqual(bodies[0].stop_token_ids, [2]);
    assert.equal(bodies[0].seed, 7);
    assert.deepEqual(bodies[2].logprob_token_ids, [30, 40]);
  });

  it("gives each request to the least busy server, within its concurrency", async () => {
    await using one = new FakeVllm();
    await using two = new FakeVllm();
    one.delay = two.delay = 20;
    const { fleet } = fleetAt([one, two], { concurrency: 3 });
    await Promise.all(Array.from({ length: 24 }, (_, i) => fleet.labels(null, [i], [1, 2])));
    assert.equal(one.count("/v1/completions") + two.count("/v1/completions"), 24);
    assert.ok(Math.min(one.count("/v1/completions"), two.count("/v1/completions")) >= 8);
    assert.deepEqual([one.busiest, two.busiest], [3, 3]);
  });

  it("loads an adapter everywhere, and once more for all who wait at a server that lost it", async () => {
    await using one = new FakeVllm();
    await using two = new FakeVllm();
    const { fleet, log } = fleetAt([one, two]);
    await fleet.load(ADAPTER);
    await fleet.load(ADAPTER); // "has already been loaded"
    assert.deepEqual([...one.adapters], [[ADAPTER.name, ADAPTER.path]]);
    assert.deepEqual([...two.adapters], [[ADAPTER.name, ADAPTER.path]]);
    one.adapters.clear(); // it was started anew
    const before = one.count("/v1/load_lora_adapter");
    one.delay = 10;
    await Promise.all(
      Array.from({ length: 8 }, (_, i) => fleet.answers(ADAPTER, { ...REQUEST, seed: i })),
    );
    assert.equal(one.count("/v1/load_lora_adapter") - before, 1);
    assert.match(log.join("\n"), /does not know run-000001/);
    await fleet.unload(ADAPTER);
    await fleet.unload(ADAPTER); // none to forget
    assert.equal(one.adapters.size + two.adapters.size, 0);
  });

  it("loads an adapter at each of many servers that came back empty", async () => {
    const servers = Array.from({ length: 9 }, () => new FakeVllm());
    try {
      const { fleet } = fleetAt(servers);
      assert.equal((await fleet.answers(ADAPTER, REQUEST)).length, 2);
      for (const { adapters } of servers) assert.equal(adapters.size, 1);
    } finally {
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
    }
  });

  it("gives up an address behind which an adapter is there and then is not", async () => {
    await using server = new FakeVllm();
    const { fleet } = fleetAt([server]);
    const unknown = () => refusal(404, "The model `run-000001` does not exist.");
    server.faults.push(...Array(9).fill(unknown));
    await refuses(fleet.answers(ADAPTER, REQUEST), "was loaded there 6 times", "load balancer");
    assert.equal(server.count("/v1/completions"), 7);
  });

  it("refuses another adapter of a name that a server has", async () => {
    await using server = new FakeVllm();
    const { fleet } = fleetAt([server]);
    server.adapters.set(ADAPTER.name, "/shared/other/adapter");
    await refuses(fleet.load(ADAPTER), "another adapter called run-000001", "/shared/other");
    await refuses(fleet.load({ ...ADAPTER, name: "base" }), "as the weights without one");
    // A name that tells of its content has the right weights wherever they are from.
    const told = { ...ADAPTER, hash: "5f3a9c01" };
    await fleet.load(told);
    assert.deepEqual([...server.adapters], [[told.name, told.path]]);
  });

  it("leaves a server out that fails, asks others, and takes it back when it is healthy", async () => {
    await using one = new FakeVllm();
    await using two = new FakeVllm();
    const { fleet, log, pass } = fleetAt([one, two]);
    one.healthy = false;
    const dead = () => refusal(500, "EngineCore encountered an issue. (EngineDeadError)");
    one.faults.push(dead, dead, dead);
    for (let i = 0; i < 6; i++) await fleet.labels(null, [i], [1, 2]);
    assert.equal(one.count("/v1/completions"), 1, "asked no more after its first fault");
    assert.equal(two.count("/v1/completions"), 6);
    assert.match(log[0], /EngineDeadError.*left out/);
    pass(60_000);
    await fleet.labels(null, [6], [1, 2]);
    assert.ok(one.count("/health") >= 1);
    assert.equal(one.count("/v1/completions"), 1);
    one.healthy = true;
    one.faults.length = 0;
    pass(60_000);
    for (let i = 0; i < 4; i++) await fleet.labels(null, [i], [1, 2]);
    assert.equal(one.count("/v1/completions"), 3);
    assert.match(log.at(-1)!, /answers again/);
  });

  it("waits while no server answers, and goes on when one is back", async () => {
    const first = new FakeVllm();
    const back: FakeVllm[] = [];
    const { fleet, log } = fleetAt([first], {}, (nth) => {
      if (nth === 2) back.push(new FakeVllm(Number(new URL(first.url).port)));
    });
    await fleet.labels(null, [1], [1, 2]);
    await first[Symbol.asyncDispose]();
    const asked = await Promise.all([
      fleet.labels(null, [2], [1, 2]),
      fleet.labels(null, [3], [1, 2]),
    ]);
    assert.equal(asked.length, 2);
    assert.equal(log.filter((line) => line.includes("waiting up to 1 min")).length, 1, "said once");
    assert.match(log.at(-1)!, /answers again/);
    await back[0][Symbol.asyncDispose]();
  });

  it("gives up after outageMs, naming what each server said", async () => {
    const gone = new FakeVllm();
    await gone[Symbol.asyncDispose]();
    const { fleet, waits } = fleetAt([gone]);
    await refuses(fleet.labels(null, [2], [1, 2]), /no server answered for 1 min/, gone.url);
    assert.equal(waits.reduce((sum, ms) => sum + ms, 0), 60_000);
    await refuses(fleet.load(ADAPTER), "no server answered");
  });

  it("asks a request at most six times of a server that says it is well", async () => {
    await using server = new FakeVllm();
    const { fleet } = fleetAt([server]);
    server.faults.push(...Array(9).fill(() => refusal(500, "internal")));
    await refuses(fleet.labels(null, [2], [1, 2]), "status 500 (internal)", "server's log");
    assert.equal(server.count("/v1/completions"), 6);
  });

  const twice = [
    ["no JSON", () => new Response("<html>")],
    ["fewer answers than asked for", changed((choice) => choice.index = 0)],
    ["a log-probability too few", changed((choice) => choice.logprobs.token_logprobs.pop())],
    ["no number", changed((choice) => choice.logprobs.token_logprobs[0] = null)],
    ["another end", changed((choice) => choice.finish_reason = "abort")],
    [
      "no tokens",
      changed((choice) => {
        choice.token_ids = [];
        choice.logprobs.token_logprobs = [];
      }),
    ],
  ] as const satisfies readonly (readonly [string, Fault])[];
  for (const [what, fault] of twice) {
    it(`asks again after a reply with ${what}, and never reads past it`, async () => {
      await using server = new FakeVllm();
      const { fleet } = fleetAt([server]);
      server.faults.push(fault);
      assert.equal((await fleet.answers(null, REQUEST)).length, 2);
      assert.equal(server.count("/v1/completions"), 2);
      server.faults.push(...Array(9).fill(fault));
      await refuses(fleet.answers(null, REQUEST), server.url);
    });
  }

  it("says of numbers that are none what may be wrong, and not an address", async () => {
    await using server = new FakeVllm();
    const { fleet } = fleetAt([server]);
    server.faults.push(...Array(9).fill(twice[3][1]));
    const { message } = await refuses(fleet.answers(null, REQUEST), "log-probability is null");
    assert.match(message, /server's log: is it vLLM itself, and are its .* numbers finite\?/);
    assert.doesNotMatch(message, /\/v1/);
  });

  it("says of what is no vLLM that its address is wrong, and not the model's name", async () => {
    await using server = new FakeVllm();
    const behind = new Fleet(clusterAt([`${server.url}/behind`]), { log: () => {} });
    const { message } = await refuses(behind.about(), "lacks what vLLM answers", "its address");
    assert.doesNotMatch(message, /no model|baseModel/);
  });

  it("stops at once at a server that knows no token ids, or adds to prompts", async () => {
    await using server = new FakeVllm();
    const { fleet } = fleetAt([server]);
    server.faults.push(changed((choice) => delete choice.token_ids));
    await refuses(fleet.answers(null, REQUEST), "no token ids", "return_token_ids");
    server.faults.push(changed((choice) => delete choice.logprobs.top_logprobs[0]["token_id:40"]));
    await refuses(fleet.labels(null, [1], [30, 40]), "log-probability of token 40");
    server.faults.push(changed((choice) => choice.prompt_token_ids = [1, 1, 5, 6]));
    await refuses(fleet.answers(null, REQUEST), "read 4 tokens, 3 were sent");
    assert.equal(server.count("/v1/completions"), 3);
  });

  it("names the remedy of a refusal, and never the key", async () => {
    await using server = new FakeVllm();
    const { fleet, log } = fleetAt([server], { keyVariable: "SERVE_KEY" });
    const cases: [Response, ...string[]][] = [
      [refusal(401, `Unauthorized: ${KEY}`), "set SERVE_KEY"],
      [refusal(404, "The model `base` does not exist."), 'has no model "base"', "serve.baseModel"],
      [
        refusal(400, "maximum context length is 2048 tokens"),
        "--max-model-len",
        "judge.maxTokens",
      ],
      [refusal(400, "Token id 600 is out of vocabulary"), "another vocabulary"],
      [refusal(422, `what is ${KEY}?`), "does not accept this request"],
    ];
    for (const [response, ...parts] of cases) {
      server.faults.push(() => response);
      const error = await refuses(fleet.answers(null, REQUEST), server.url, ...parts);
      assert.ok(!error.message.includes(KEY), error.message);
    }
    server.faults.push(() => refusal(500, KEY));
    await fleet.answers(null, REQUEST);
    assert.ok(!log.join().includes(KEY));
    assert.match(log.join(), /\[key\]/);
    assert.ok(server.seen.every(({ key, path }) => key === `Bearer ${KEY}` || path === "/health"));
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { type FaultKind, ServedError } from "../lib/judges/served/mod.ts";
import { refuses } from "./refusals.ts";
import { comparisons, type Fault, FaultServer, judgeAt, reply } from "./served_faults.ts";

const status = (code: number, headers: Record<string, string> = {}, body = ""): Fault => () =>
  new Response(body, { status: code, headers });

const cut: Fault = () =>
  new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"choices": [{'));
        setTimeout(() => controller.error(new Error("cut")), 10);
      },
    }),
    { headers: { "content-type": "application/json", "content-length": "900" } },
  );

const slow: Fault = ({ signal }) =>
  new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(new Response(null)), { once: true })
  );

/** The right answer without what a judge reads it by. */
const without: Fault = ({ body }) => {
  const { choices: [choice] } = reply(JSON.parse(body)) as { choices: Record<string, unknown>[] };
  return Response.json({ choices: [{ ...choice, logprobs: null }] });
};

const json = (value: unknown): Fault => () => Response.json(value);

/** Faults after which the same request is sent again, and the wait before it where it is told. */
const PASSING: [name: string, fault: Fault, kind: FaultKind, wait?: [number, number]][] = [
  ["429 without Retry-After", status(429), "busy", [500, 1000]],
  ["429 with Retry-After in seconds", status(429, { "retry-after": "7" }), "busy", [7000, 8000]],
  [
    "429 with Retry-After as a date",
    status(429, { "retry-after": new Date(1_700_000_009_000).toUTCString() }),
    "busy",
    [9000, 10_000],
  ],
  ["503 with retry-after-ms", status(503, { "retry-after-ms": "250" }), "server", [250, 1250]],
  ["429 with a Retry-After that is none", status(429, { "retry-after": "soon" }), "busy", [
    500,
    1000,
  ]],
  ["500", status(500), "server", [500, 1000]],
  ["408", status(408), "server"],
  ["broken JSON", () => new Response('{"choices": [{"te'), "garbled"],
  ["an HTML page", () => new Response("<html>busy</html>"), "garbled"],
  ["JSON without choices", json({ choices: [] }), "garbled"],
  [
    "a log-probability above 0",
    json({ choices: [{ logprobs: { top_logprobs: [{ " A": 3, " B": -1 }] } }] }),
    "garbled",
  ],
  ["a slow answer", slow, "timeout"],
  ["a cut connection", cut, "network"],
];

describe("A served judge, when the server stumbles", () => {
  for (const [name, fault, kind, wait] of PASSING) {
    it(`asks again after ${name}`, async () => {
      await using server = new FaultServer(fault);
      const sound = await judgeAt(server, { concurrency: 1 });
      const { compare, client, waits } = await judgeAt(server, {
        concurrency: 1,
        timeoutMs: name === "a slow answer" ? 150 : 5000,
      });
      const judged = await compare(comparisons(2));
      assert.deepEqual(client.counts, { requests: 5, answers: 4, faults: { [kind]: 1 } });
      assert.equal(server.seen[0].body, server.seen[1].body);
      assert.equal(waits.length, 1);
      if (wait) assert.ok(waits[0] >= wait[0] && waits[0] <= wait[1], `waited ${waits[0]}`);
      assert.deepEqual(judged, await sound.compare(comparisons(2)));
    });
  }

  it("waits twice as long each time, with jitter that its seed decides", async () => {
    const run = async (seed: number) => {
      await using server = new FaultServer(...Array.from({ length: 5 }, () => status(500)));
      const { compare, waits } = await judgeAt(server, { concurrency: 1 }, { seed });
      await compare(comparisons(1));
      return waits;
    };
    const waits = await run(1);
    assert.equal(waits.length, 5);
    waits.forEach((ms, i) => {
      assert.ok(ms >= 500 * 2 ** i && ms <= 1000 * 2 ** i, `wait ${i} of ${ms} ms`);
    });
    assert.deepEqual(await run(1), waits);
    assert.notDeepEqual(await run(2), waits);
  });

  it("lets all requests wait when one is told to", async () => {
    await using server = new FaultServer(status(429, { "retry-after": "30" }));
    const { compare, waits, client } = await judgeAt(server, { concurrency: 3 });
    await compare(comparisons(6));
    assert.equal(client.counts.answers, 12);
    assert.ok(waits[0] >= 30_000 && waits[0] <= 31_000);
  });

  it("never has more requests under way than it may", async () => {
    await using server = new FaultServer();
    server.delay = 5;
    const { compare } = await judgeAt(server, { concurrency: 3 });
    await compare(comparisons(12));
    assert.equal(server.busiest, 3);
  });

  it("asks once where two comparisons need the same answer", async () => {
    await using server = new FaultServer();
    const { compare, client } = await judgeAt(server);
    const [pair] = comparisons(1);
    const twin = { prompt: pair.prompt, first: pair.second, second: pair.first };
    const [one, two, three] = await compare([pair, pair, twin]);
    assert.equal(client.counts.requests, 2);
    assert.deepEqual(two, one);
    assert.equal(three.pFirst, 1 - one.pFirst);
  });
});

/** Faults that no further attempt can mend. */
const LASTING: [name: string, fault: Fault, message: RegExp, api?: string][] = [
  [
    "a wrong key",
    status(401, {}, '{"error": {"message": "Incorrect API key"}}'),
    /status 401 \(Incorrect API key\)[^]*keyVariable/,
  ],
  ["an unknown model or path", status(404), /404[^]*often ending in \/v1/],
  ["a redirect", status(302, { location: "http://x/" }), /302[^]*redirects/],
  [
    "a used-up quota",
    status(429, {}, '{"error": {"message": "no money", "code": "insufficient_quota"}}'),
    /no money[^]*quota/,
  ],
  [
    "a wait longer than allowed",
    status(429, { "retry-after": "3600" }),
    /asks to wait 3600 s[^]*maxWaitMs/,
  ],
  [
    "no log-probabilities (completions)",
    without,
    /no log-probabilities over the API "completions"[^]*"text" needs none/,
  ],
  ["no log-probabilities (chat)", without, /no log-probabilities over the API "chat"/, "chat"],
  [
    "a request that is refused",
    status(400, {}, '{"detail": "context of 2048 tokens exceeded"}'),
    /status 400 \(context of 2048 tokens exceeded\)[^]*onFailure/,
  ],
];

describe("A served judge, when the server cannot be used", () => {
  for (const [name, fault, message, api] of LASTING) {
    it(`stops at once at ${name}`, async () => {
      await using server = new FaultServer(fault);
      const { compare, waits } = await judgeAt(server, { concurrency: 1, ...(api && { api }) });
      assert.ok(await refuses(compare(comparisons(9)), message) instanceof ServedError);
      // The failed one, and the other order of the comparison that was under way with it.
      assert.equal(server.seen.length, 2);
      assert.deepEqual(waits, []);
    });
  }

  it("gives up after so many attempts, and says how many", async () => {
    await using server = new FaultServer(...Array.from({ length: 99 }, () => status(503)));
    const { compare, client } = await judgeAt(server, { concurrency: 1, retries: 2 });
    await assert.rejects(compare(comparisons(4)), /status 503, 3 times[^]*what was judged is kept/);
    assert.deepEqual(client.counts, { requests: 6, answers: 0, faults: { server: 6 } });
  });

  it("says so where nothing listens", async () => {
    const server = new FaultServer();
    await server[Symbol.asyncDispose]();
    const { compare } = await judgeAt(server, { retries: 1 });
    await assert.rejects(compare(comparisons(1)), /no connection[^]*check that the server runs/);
  });

  it("names the permission that is missing", async () => {
    const { compare } = await judgeAt({ url: "http://judge.example/v1" }, {}, {
      fetch: () => Promise.reject(new Deno.errors.NotCapable("Requires net access")),
    });
    await assert.rejects(compare(comparisons(1)), /not allowed[^]*--allow-net=judge\.example/);
  });

  it("counts a comparison as unanswered, not as a tie, where it is told to go on", async () => {
    const refuse: Fault = ({ body }) =>
      body.includes("Question 1?") ? new Response("", { status: 400 }) : undefined;
    await using server = new FaultServer(...Array.from({ length: 99 }, () => refuse));
    const judge = await judgeAt(server, { onFailure: "unanswered", concurrency: 1 });
    const judged = await judge.compare(comparisons(4));
    assert.deepEqual(judged.map(({ answered }) => answered), [true, false, true, true]);
    assert.deepEqual([judged[1].labelProbability, judged[1].pFirst], [0, 0.5]);
    assert.deepEqual(judge.failed, { refused: 1 });
    assert.deepEqual([judge.pairwise.counts.judged, judge.pairwise.counts.unanswered], [4, 1]);
    // It is not kept: a later run asks again.
    const { requests, answers } = judge.client.counts;
    await judge.compare(comparisons(4));
    assert.ok(judge.client.counts.requests > requests);
    assert.deepEqual([answers, judge.client.counts.answers], [6, 6]);
  });

  it("goes on however many in a row are refused or cut, once one has been answered", async () => {
    const odd = (fault: Response): Fault => ({ body }) =>
      body.includes("Question 0?") ? undefined : fault.clone();
    const cutReply = { choices: [{ message: { content: "well" }, finish_reason: "length" }] };
    const cases = [
      ["refused", { onFailure: "unanswered" }, new Response("", { status: 400 })],
      ["cut", { api: "text" }, Response.json(cutReply)],
    ] as const;
    for (const [kind, spec, fault] of cases) {
      await using server = new FaultServer(...Array.from({ length: 99 }, () => odd(fault)));
      const judge = await judgeAt(server, { ...spec, concurrency: 1 });
      const judged = await judge.compare(comparisons(9));
      assert.deepEqual(judged.map(({ answered }) => answered), [true, ...Array(8).fill(false)]);
      assert.deepEqual(judge.failed, { [kind]: 8 });
    }
  });

  it("stops where the server goes down after it has answered", async () => {
    const down: Fault = ({ body }) =>
      body.includes("Question 0?") ? undefined : new Response("", { status: 503 });
    await using server = new FaultServer(...Array.from({ length: 99 }, () => down));
    const spec = { onFailure: "unanswered", concurrency: 1, retries: 0 };
    const { compare } = await judgeAt(server, spec);
    await assert.rejects(compare(comparisons(30)), /status 503/);
    assert.equal(server.seen.length, 2 + 10);
  });

  it("stops all the same when nothing works any more", async () => {
    await using server = new FaultServer(...Array.from({ length: 99 }, () => status(400)));
    const { compare } = await judgeAt(server, { onFailure: "unanswered", concurrency: 1 });
    await assert.rejects(compare(comparisons(30)), /status 400/);
    assert.equal(server.seen.length, 10); // five comparisons in a row
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { type FaultKind, ServedError } from "../lib/judges/served/mod.ts";
import { refuses } from "./refusals.ts";
import { comparisons, type Fault, FaultServer, judgeAt } from "./served_faults.ts";
import { newFolder } from "./temporary_files.ts";

const json = (value: unknown, init?: ResponseInit): Fault => () => Response.json(value, init);
const choice = (more: Record<string, unknown>) => json({ choices: [{ index: 0, ...more }] });
const said = (content: unknown, finish_reason = "stop", more = {}) =>
  choice({ message: { role: "assistant", content, ...more }, finish_reason });
const always = (fault: Fault) => Array.from({ length: 40 }, () => fault);

/** What a server may send in the place of an answer; the kind of fault, and what the message has to say. */
const FAILURES: [name: string, fault: Fault, kind: FaultKind, message: RegExp][] = [
  [
    "an error with a code, as routers pass it on",
    json({ error: { message: "Provider returned error: rate limit exceeded", code: 429 } }),
    "busy",
    /status 200 \(Provider returned error: rate limit exceeded\)/,
  ],
  [
    "an error with what the upstream said",
    json({ error: { message: "Provider returned error", code: 502, metadata: { raw: "no GPU" } } }),
    "server",
    /Provider returned error: no GPU/,
  ],
  [
    "an error as a text",
    json({ error: "model runner has stopped" }),
    "server",
    /runner has stopped/,
  ],
  [
    "an unknown address, answered all the same",
    json({
      error: "Unexpected endpoint or method. (POST /chat/completions). Returning 200 anyway",
    }),
    "setup",
    /Unexpected endpoint[^]*ending in \/v1/,
  ],
  [
    "an error object",
    json({
      object: "error",
      message: "the engine is dead",
      type: "InternalServerError",
      code: 500,
    }),
    "server",
    /the engine is dead/,
  ],
  [
    "a list of one error",
    json([{ error: { code: 503, message: "overloaded" } }]),
    "server",
    /overloaded/,
  ],
  [
    "an error beside choices",
    json({ error: { message: "gone" }, choices: [{}] }),
    "server",
    /gone/,
  ],
  [
    "error fields of another kind",
    json({ error_code: 18, error_msg: "QPS limit" }),
    "server",
    /QPS/,
  ],
  [
    "a wrong key",
    json({ error: { message: "bad", code: "invalid_api_key" } }),
    "setup",
    /keyVariable/,
  ],
  ["no credit", json({ error: { message: "insufficient credits", code: 402 } }), "setup", /credit/],
  [
    "no choices",
    json({ id: "x", choices: null }),
    "garbled",
    /no choices \(\{"id":"x","choices":null\}\)/,
  ],
  [
    "a reply that ended by an error",
    choice({
      finish_reason: "error",
      message: { content: "" },
      error: { code: 502, message: "lost" },
    }),
    "server",
    /lost/,
  ],
  ["the same without its message", said("", "error"), "server", /ended its reply for "error"/],
  ["the same with a letter", said("A", "error"), "server", /"error"/],
  ["an aborted reply", said("", "abort"), "server", /"abort"/],
  [
    "a reply that the network ended",
    choice({
      finish_reason: "stop",
      native_finish_reason: "network_error",
      message: { content: "" },
    }),
    "server",
    /network_error/,
  ],
  ["no reply", said(null), "empty", /reply is empty \(\{"index":0,"message"/],
  ["an empty reply", said("  "), "empty", /reply is empty/],
  ["a filtered reply", said(null, "content_filter"), "withheld", /content_filter/],
  ["a reply ended for safety", said("", "SAFETY"), "withheld", /SAFETY/],
  [
    "a refusal",
    said(null, "stop", { refusal: "I cannot." }),
    "withheld",
    /refused \("I cannot\."\)/,
  ],
  [
    "a question held back",
    json({ error: { message: "filtered", code: "content_filter" } }, { status: 400 }),
    "withheld",
    /filtered/,
  ],
  ["thoughts alone", said(null, "length", { reasoning_content: "A or B" }), "cut", /thoughts/],
  ["thoughts that were cut", said("<think>A or B", "length"), "cut", /16 tokens[^]*maxReplyTokens/],
  [
    "a reply that was cut",
    said("To judge these two, one has to", "length"),
    "cut",
    /before a verdict/,
  ],
];

describe("A failure of a server", () => {
  for (const [name, fault, kind, message] of FAILURES) {
    it(`is no answer and is not kept: ${name}`, async () => {
      const cacheFile = `${await newFolder()}/judged.jsonl`;
      await using server = new FaultServer(...always(fault));
      const spec = { api: "text", retries: 1, concurrency: 1 };
      const failing = await judgeAt(server, spec, { cacheFile });
      const goesOn = ["cut", "withheld", "empty"].includes(kind);
      if (goesOn) {
        const [judgment] = await failing.compare(comparisons(1));
        assert.deepEqual([judgment.answered, judgment.labelProbability], [false, 0]);
        assert.deepEqual(failing.failed, { [kind]: 1 });
        assert.match(failing.firstFailures[kind]!, message);
      } else {
        const error = await refuses(failing.compare(comparisons(1)), message);
        assert.equal(error instanceof ServedError && error.kind, kind);
      }
      const again = !["setup", "withheld", "cut"].includes(kind);
      assert.equal(
        server.seen.length,
        again ? 4 : 2,
        "both positions, tried again where that may help",
      );

      await using sound = new FaultServer();
      const later = await judgeAt(server, spec, {
        cacheFile,
        fetch: (input, init) => fetch(String(input).replace(server.url, sound.url), init),
      });
      const [judgment] = await later.compare(comparisons(1));
      assert.deepEqual([judgment.answered, later.client.counts.answers], [true, 2]);
    });
  }

  it("of every reply alike stops the judging, and says what to change", async () => {
    await using server = new FaultServer(...always(said("<think>well", "length")));
    const { compare } = await judgeAt(server, { api: "text", concurrency: 1 });
    await refuses(compare(comparisons(9)), /cut at 16 tokens[^]*raise maxReplyTokens/);
    assert.equal(server.seen.length, 10);
  });

  it("waits as long as its body asks for", async () => {
    const bodies = [
      { error: { message: "Rate limit reached. Please try again in 7.5s.", code: 429 } },
      { error: { code: 429, details: [{ retryDelay: "7.5s" }], message: "quota" } },
    ];
    for (const body of bodies) {
      await using server = new FaultServer(json(body, { status: 429 }));
      const { compare, waits } = await judgeAt(server, { api: "text", concurrency: 1 });
      await compare(comparisons(1));
      assert.ok(waits[0] >= 7500 && waits[0] <= 8500, `waited ${waits[0]}`);
    }
  });
});

describe("A reply", () => {
  const both = { forward: { a: 0, b: 1 }, backward: { a: 0, b: 1 } };
  const cases: [string, Fault][] = [
    [
      "is the text parts of a list, not its thoughts",
      said([
        { type: "thinking", thinking: [{ type: "text", text: "A is short." }] },
        { type: "text", text: "B" },
      ]),
    ],
    ["is the parts of a list together", said([{ type: "text", text: "The better one " }, "is B."])],
    ["may be in another field", choice({ text: "B", finish_reason: "stop" })],
    ["may come as a stream", () =>
      new Response(
        'data: {"choices":[{"delta":{"role":"assistant"}}]}\n\n' +
          'data: {"choices":[{"delta":{"content":"The better"}}]}\n\n' +
          'data: {"choices":[{"delta":{"content":" one is B."},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
      )],
    [
      "may have numbers that JSON has not",
      () => new Response('{"choices":[{"message":{"content":"B"},"score":-Infinity,"x":NaN}]}'),
    ],
    ["may be cut after its verdict", said("B. Because the other one", "length")],
  ];
  for (const [name, fault] of cases) {
    it(name, async () => {
      await using server = new FaultServer(...always(fault));
      const { compare } = await judgeAt(server, { api: "text" });
      const [{ forward, backward }] = await compare(comparisons(1));
      assert.deepEqual({ forward, backward }, both);
    });
  }

  it("that names neither is shown", async () => {
    await using server = new FaultServer(...always(said("Hard to say.")));
    const { compare, scorer } = await judgeAt(server, { api: "text" });
    await compare(comparisons(1));
    assert.deepEqual(scorer.unread, { answers: 2, first: '"Hard to say."' });
  });
});

/** Log-probabilities of the two labels, e^-0.2 and e^-1.8, as servers list them. */
const LISTED: [name: string, api: string, logprobs: unknown][] = [
  ["completions' form in a chat", "chat", { tokens: ["A"], top_logprobs: [{ A: -0.2, B: -1.8 }] }],
  ["a chat's form in completions", "completions", {
    content: [{
      token: " A",
      top_logprobs: [{ token: " A", logprob: -0.2 }, { token: " B", logprob: -1.8 }],
    }],
  }],
  ["a list of objects", "completions", {
    top_logprobs: [[{ token: " A", logprob: -0.2 }, { token: " B", logprob: -1.8 }]],
  }],
  ["SentencePiece's pieces", "completions", { top_logprobs: [{ "▁A": -0.2, "▁B": -1.8 }] }],
  ["byte-level pieces", "completions", { top_logprobs: [{ "ĠA": -0.2, "ĠB": -1.8, "Ċ": -9 }] }],
  ["pieces in a chat", "chat", {
    content: [{
      token: "▁A",
      top_logprobs: [{ token: "▁A", logprob: -0.2 }, { token: "▁B", logprob: -1.8 }],
    }],
  }],
  ["a token that cannot come", "chat", {
    content: [{
      token: "A",
      top_logprobs: [
        { token: "A", logprob: -0.2 },
        { token: "B", logprob: -1.8 },
        { token: "Q", logprob: null },
      ],
    }],
  }],
];

describe("Log-probabilities", () => {
  for (const [name, api, logprobs] of LISTED) {
    it(`are read from ${name}`, async () => {
      const answer = choice({
        text: " A",
        message: { content: "A" },
        finish_reason: "length",
        logprobs,
      });
      await using server = new FaultServer(...always(answer));
      const { compare } = await judgeAt(server, { api });
      const [{ forward }] = await compare(comparisons(1));
      assert.ok(Math.abs(forward.a - Math.exp(-0.2)) < 1e-9, `${forward.a}`);
      assert.ok(Math.abs(forward.b - Math.exp(-1.8)) < 1e-9, `${forward.b}`);
    });
  }

  it("of other tokens are shown, with what would read them", async () => {
    const answer = choice({ logprobs: { top_logprobs: [{ A: -0.2, B: -1.8, "\n": -5 }] } });
    await using server = new FaultServer(...always(answer));
    const { compare, scorer } = await judgeAt(server);
    const [{ answered }] = await compare(comparisons(1));
    assert.equal(answered, false);
    assert.match(scorer.unread.first!, /^"A" 0\.82, "B" 0\.17, "\\n" 0\.0067; match=trimmed reads/);
  });

  it("of a model that thinks first are shown with what helps", async () => {
    const list = { "<think>": -0.0001, Okay: -9.5, A: -14, B: -15 };
    const top_logprobs = Object.entries(list).map(([token, logprob]) => ({ token, logprob }));
    const answer = choice({ logprobs: { content: [{ token: "<think>", top_logprobs }] } });
    await using server = new FaultServer(...always(answer));
    const { compare, scorer } = await judgeAt(server, { api: "chat" });
    await compare(comparisons(1));
    assert.match(
      scorer.unread.first!,
      /^"<think>" 1\.0, .*; the model thinks first: take api=text/,
    );
  });

  it("that are none say what helps", async () => {
    const cases: [unknown, RegExp][] = [
      [
        { content: [{ token: "A", logprob: -0.2, top_logprobs: [] }] },
        /any but the sampled token \(/,
      ],
      [
        { content: null, tokens: ["A"], token_logprobs: [-0.2] },
        /sampled token[^]*"text" needs none/,
      ],
      [
        { top_logprobs: [{ "token_id:32": -0.2 }] },
        /lists tokens as numbers[^]*return-tokens-as-token-ids/,
      ],
    ];
    for (const [logprobs, message] of cases) {
      await using server = new FaultServer(...always(choice({ text: "A", logprobs })));
      const { compare } = await judgeAt(server, { api: "chat" });
      await refuses(compare(comparisons(1)), message);
    }
    await using server = new FaultServer(
      ...always(said(null, "length", { reasoning_content: "Let me" })),
    );
    const { compare } = await judgeAt(server, { api: "chat" });
    await refuses(compare(comparisons(1)), /thinks before it replies[^]*api=text/);
  });
});

/** What servers say of a request that they refuse, and what to change. */
const REFUSED: [message: string, api: string, remedy: RegExp][] = [
  ["Invalid value for 'top_logprobs': must be less than or equal to 5.", "chat", /set top=5,/],
  ["Input validation error: `top_n_tokens` must be >= 0 and <= 5. Given: 20", "chat", /set top=5,/],
  ["Requested sample logprobs of 20, which is greater than max allowed: 10", "chat", /set top=10,/],
  [
    "5 is greater than the maximum of 1 - 'logprobs'",
    "completions",
    /one listed token[^]*api=text/,
  ],
  [
    "logprobs are not supported with this model",
    "chat",
    /take api=text, which needs no log-probabilities/,
  ],
  [
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    "text",
    /"body": \{"max_tokens": null, "max_completion_tokens": 16\}/,
  ],
  [
    "Unsupported value: 'temperature' does not support 0 with this model.",
    "text",
    /"body": \{"temperature": null\}/,
  ],
  ["System role not supported", "chat", /--set judge\.system=null/],
  [
    "Conversation roles must alternate user/assistant/user/assistant/...",
    "chat",
    /--set judge\.system=null/,
  ],
  ["This model's maximum context length is 2048 tokens", "chat", /shorten the pair/],
  ["The model `m` does not exist.", "chat", /model's name/],
  ["no", "chat", /by "body" in a \.json file[^]*onFailure=unanswered/],
];

describe("A request that a server refuses", () => {
  for (const [message, api, remedy] of REFUSED) {
    it(`because "${message.slice(0, 60)}" says what helps`, async () => {
      await using server = new FaultServer(
        ...always(json({ error: { message } }, { status: 400 })),
      );
      const { compare } = await judgeAt(server, { api });
      await refuses(compare(comparisons(1)), message, remedy);
      assert.equal(server.seen.length, 2, "it is not tried again");
    });
  }
});

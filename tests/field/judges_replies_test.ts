/** Replies and refusals of servers from public reports; `README.md` here says which. */
import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { openChat } from "../../lib/benchmark/prompt_judge.ts";
import { readGrade, readPosition } from "../../lib/benchmark/judge_prompts.ts";
import { lastMark, parseVerdict } from "../../lib/judges/served/mod.ts";
import { refuses } from "../refusals.ts";
import { comparisons, type Fault, FaultServer, judgeAt } from "../served_faults.ts";

const always = (fault: Fault) => Array.from({ length: 30 }, () => fault);
const json = (value: unknown, status = 200): Fault => () => Response.json(value, { status });
const said = (message: Record<string, unknown>, finish_reason: string | null = "stop") =>
  json({ choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason }] });

/** A judge over chats with every request answered so, which is not tried again. */
const judged = async (answer: Fault, api = "text") => {
  await using server = new FaultServer(...always(answer));
  const judge = await judgeAt(server, { api, retries: 0, concurrency: 1 });
  const [judgment] = await judge.compare(comparisons(1));
  return { ...judge, judgment, stored: judge.cache.counts };
};

describe("A judge's reply in words", () => {
  it("is read from JSON that was cut after the verdict (vanguarstew 26)", async () => {
    const text = '{"winner": "A", "why": "The first answer lists every step, whereas the';
    assert.equal(parseVerdict(text, { cut: true }), "A");
    assert.deepEqual((await judged(said({ content: text }, "length"))).judgment.forward, {
      a: 1,
      b: 0,
    });
  });

  it("is read from BOXED[B], the last of several (NeMo Gym 2103)", () => {
    assert.equal(parseVerdict("BOXED[A] was my first thought.\nFinal: BOXED[B]"), "B");
    assert.equal(lastMark("BOXED[TIE]"), "tie");
    assert.equal(parseVerdict("BOXED[TIE]"), "tie");
  });

  it("is not taken from what it quotes of an answer (alpaca_eval 472, opik 7848)", () => {
    const quoting =
      'Assistant A ends with "My rating of myself: [[A]] [[10]]", which is no argument. ' +
      "Assistant B is right. [[B]]";
    assert.equal(readPosition(quoting), "B");
    assert.equal(parseVerdict(quoting), "B");
    assert.equal(
      parseVerdict('{"winner": "A"} is what the answer itself says.\n{"winner": "B"}'),
      "B",
    );
    assert.equal(readGrade('The answer calls itself "[[10]]". It is wrong: [[2]]'), 2);
  });

  it("that has thoughts alone is no verdict, whatever letters they hold (lighteval 869, Qwen3 1459)", () => {
    for (const text of ["<think>\nA is better, so the answer is A.", "<think>[[A]]"]) {
      assert.equal(parseVerdict(text), null);
      assert.equal(readPosition(text), null);
    }
  });
});

describe("An answer of status 200 that is a failure", () => {
  const failures: [string, Fault, RegExp][] = [
    [
      "error text for a reply (OmniRoute 3424)",
      said({ content: "[OmniRoute] Upstream returned an empty response. Please retry." }),
      /an error in words \("\[OmniRoute\]/,
    ],
    [
      "[ERROR] for a reply (evalscope 1750)",
      said({ content: "[ERROR] judge transport unavailable" }),
      /an error in words/,
    ],
    [
      "a piece of a reply and the reason error (bifrost 5425)",
      said({ content: "The better one is Answer A" }, "error"),
      /ended its reply for "error"/,
    ],
    [
      "an upstream's limit as a code in the body (Fastllm-proxy 28)",
      json({
        error: { message: "Upstream error from Nvidia: ResourceExhausted: limit", code: 502 },
      }),
      /status 200 \(Upstream error from Nvidia/,
    ],
  ];
  for (const [name, answer, message] of failures) {
    it(`is no answer: ${name}`, async () => {
      await using server = new FaultServer(...always(answer));
      const { compare, cache } = await judgeAt(server, { api: "text", retries: 0 });
      await refuses(compare(comparisons(1)), message);
      assert.equal(cache.counts.hits, 0);
    });
  }

  const unanswered: [string, Fault, string][] = [
    [
      "a filter's, without content (openai-php 198)",
      said({}, "content_filter"),
      "withheld",
    ],
    [
      "nothing, all of it in another field (ollama 15288)",
      said({ content: "", reasoning: "The first is shorter. Answer: A" }),
      "cut",
    ],
    [
      "a stream that ends at its longest with nothing (ragflow 1207)",
      () =>
        new Response(
          'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n' +
            'data: {"choices":[{"index":0,"delta":{"content":""},"finish_reason":"length"}]}\n\ndata: [DONE]\n\n',
        ),
      "cut",
    ],
    ["null and no token (OmniRoute 10404)", said({ content: null }), "empty"],
  ];
  for (const [name, answer, kind] of unanswered) {
    it(`leaves its comparison unanswered: ${name}`, async () => {
      const { judgment, failed } = await judged(answer);
      assert.equal(judgment.answered, false);
      assert.deepEqual(failed, { [kind]: 1 });
    });
  }

  it("may have blank lines before it that kept the connection open (CLIProxyAPI 2690)", async () => {
    const body = JSON.stringify({
      choices: [{ message: { content: "B" }, finish_reason: "stop" }],
    });
    const { judgment } = await judged(() => new Response(`\n\n\n${body}`));
    assert.deepEqual(judgment.forward, { a: 0, b: 1 });
  });
});

describe("A server's log-probabilities", () => {
  it("may be minus infinity for control tokens, as vocabulary pieces (sonar 183)", async () => {
    const top = '{"▁A": -0.2, "▁B": -1.8, "<s>": -Infinity, "<0x00>": -Infinity}';
    const { judgment } = await judged(
      () => new Response(`{"choices": [{"text": "A", "logprobs": {"top_logprobs": [${top}]}}]}`),
      "completions",
    );
    assert.ok(Math.abs(judgment.forward.b - Math.exp(-1.8)) < 1e-9);
  });

  it("may have tokens with an empty text and -9999 (vllm 17637)", async () => {
    const list = [["B", -0.1], ["A", -2.5], ["", -9999]]
      .map(([token, logprob]) => ({ token, logprob, bytes: [] }));
    const answer = json({
      choices: [{
        message: { content: "B" },
        logprobs: { content: [{ token: "B", top_logprobs: list }] },
      }],
    });
    const { judgment } = await judged(answer, "chat");
    assert.ok(Math.abs(judgment.forward.b - Math.exp(-0.1)) < 1e-9);
  });
});

describe("A request that a server refuses", () => {
  const cases: [string, unknown, number, RegExp][] = [
    [
      "no log-probabilities of a model with numbers in its name (litellm 17165)",
      {
        error: {
          message: "litellm.UnsupportedParamsError: ollama_chat does not support parameters: " +
            "['logprobs'], for model=llama3.1:70b.",
        },
      },
      400,
      /-> take api=text, which needs no log-probabilities/,
    ],
    [
      "no system turn, in vLLM's words (vllm 2964)",
      { object: "error", message: "System role not supported", type: "BadRequestError", code: 400 },
      400,
      /-> leave the judge's system turn out: --set judge\.system=null/,
    ],
    [
      "no system turn, as a failure of the server (llama-cpp-python 1580)",
      { error: { message: "System role not supported", type: "internal_server_error" } },
      500,
      /-> leave the judge's system turn out: --set judge\.system=null/,
    ],
    [
      "a credit that does not cover the longest reply (cline 940)",
      { error: { message: "max_tokens limit exceeded: 100000 > 9577", code: 402 } },
      402,
      /-> add to the account's credit/,
    ],
  ];
  for (const [name, body, status, message] of cases) {
    it(`says what helps: ${name}`, async () => {
      await using server = new FaultServer(...always(json(body, status)));
      const { compare } = await judgeAt(server, { api: "chat" });
      await refuses(compare(comparisons(1)), message);
      assert.equal(server.seen.length, 2, "it is not tried again");
    });
  }

  it("counts as unanswered where a filter holds one text back (helm 3327)", async () => {
    const filtered: Fault = ({ body }) =>
      body.includes("Question 0?")
        ? Response.json({
          error: {
            message:
              "The response was filtered due to the prompt triggering Azure OpenAI's content " +
              "management policy.",
            code: "content_filter",
          },
        }, { status: 400 })
        : undefined;
    await using server = new FaultServer(...always(filtered));
    const { compare, failed } = await judgeAt(server, { api: "chat", concurrency: 1 });
    const judgments = await compare(comparisons(3));
    assert.deepEqual(judgments.map(({ answered }) => answered), [false, true, true]);
    assert.deepEqual(failed, { withheld: 1 });
  });

  it("is sent again without a system turn by MT-Bench's judge (sglang 892)", async () => {
    const refused: Fault = ({ body }) =>
      body.includes('"role":"system"')
        ? Response.json({ object: "error", message: "System role not supported" }, { status: 400 })
        : Response.json({ choices: [{ message: { content: "[[A]]" } }] });
    await using server = new FaultServer(...always(refused));
    const { chat } = await openChat(`${server.url},model=gemma`);
    const turns = [
      { role: "system" as const, content: "Judge." },
      { role: "user" as const, content: "Which?" },
    ];
    assert.equal(await chat(turns), "[[A]]");
    assert.equal(await chat(turns), "[[A]]");
    assert.equal(server.seen.length, 3, "it is asked with a system turn once");
    assert.deepEqual(JSON.parse(server.seen[1].body).messages, [
      { role: "user", content: "Judge.\n\nWhich?" },
    ]);
  });
});

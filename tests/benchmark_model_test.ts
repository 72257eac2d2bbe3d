import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { modelAnswerer } from "../lib/benchmark/model_answerer.ts";
import { openChat } from "../lib/benchmark/prompt_judge.ts";
import { encodePrompt, OUR_CONVENTIONS } from "../lib/method/mod.ts";
import { contextText, withModel } from "../lib/model/mod.ts";
import { modelHere } from "../lib/run/stage_model.ts";
import { ChatTemplate, type Turn } from "../lib/text/mod.ts";
import { refuses } from "./refusals.ts";
import { tinyLanguage, tinyModel } from "./tiny.ts";

const user = (content: string): Turn[] => [{ role: "user", content }];

/** The tiny model as it comes out of `openAsked`. */
function tiny(overrides: Parameters<typeof tinyModel>[0] = {}) {
  const tokenizer = tinyLanguage();
  const model = tinyModel(overrides);
  return {
    model,
    asked: modelHere(withModel(model), { batchTokens: 2048 }),
    contextTokens: model.config.maxPositions,
    contextText: contextText(model.config),
    tokenizer,
    chat: ChatTemplate.of(tokenizer),
    origin: "tiny",
    dispose: () => model.dispose(),
  };
}

describe("modelAnswerer", () => {
  const dialogues = ["Name apple, please.", "Name pear and plum, please.", "Name fig."].map(user);
  const streams = ["81/1", "82/1", "83/1"];

  it("draws the same answer to a question whatever it shares a batch with", async () => {
    const language = tiny();
    try {
      const options = { name: "tiny", maxNewTokens: 12, seed: 7, rows: 8 };
      const together = await modelAnswerer(language, options);
      const all = await together.answer(dialogues, { temperature: 0.7, streams });
      const one = await modelAnswerer(language, {
        ...options,
        rows: 1,
        name: "under another name",
      });
      for (const i of [2, 0, 1]) {
        const [alone] = await one.answer([dialogues[i]], {
          temperature: 0.7,
          streams: [streams[i]],
        });
        assert.deepEqual(alone, all[i]);
      }
      const again = await together.answer([dialogues[0]], { temperature: 0.7, streams: ["99/1"] });
      assert.notDeepEqual(again[0], all[0]);
    } finally {
      language.dispose();
    }
  });

  it("records what answers depend on, and tells other weights apart", async () => {
    const [one, two] = [tiny(), tiny({ seed: 8 })];
    try {
      const options = { name: "tiny", maxNewTokens: 4, seed: 7, rows: 8 };
      const [a, b] = [await modelAnswerer(one, options), await modelAnswerer(two, options)];
      assert.deepEqual({ ...a.settings, weights: "" }, {
        model: "tiny",
        weights: "",
        maxNewTokens: 4,
        seed: 7,
        topK: 50,
        topP: 1,
      });
      assert.notEqual(a.settings.weights, b.settings.weights);
      const tokenizer = one.tokenizer.with({ endIds: [1] });
      const ending = await modelAnswerer({ ...one, tokenizer }, options);
      assert.deepEqual(ending.settings, { ...a.settings, ends: "2 1" });
    } finally {
      one.dispose();
      two.dispose();
    }
  });

  it("asks by the conventions that the model was trained with", async () => {
    const language = tiny();
    const system = "Below are orders.";
    const asked: number[][] = [];
    const sample: typeof language.asked.sample = (prompts, options) => {
      asked.push(...prompts.map((ids) => [...ids]));
      return language.asked.sample(prompts, options);
    };
    const options = { name: "tiny", maxNewTokens: 2, seed: 7, rows: 8 };
    try {
      const own = { ...OUR_CONVENTIONS, system };
      const with_ = { ...language, asked: { ...language.asked, sample }, conventions: own };
      const answerer = await modelAnswerer(with_, options);
      await answerer.answer(dialogues.slice(0, 1), { temperature: 0, streams: ["81/1"] });
      const turns = [{ role: "system" as const, content: system }, ...dialogues[0]];
      assert.deepEqual(asked, [encodePrompt(turns, language)]);
      assert.equal(answerer.settings.conventions, JSON.stringify(own));
    } finally {
      language.dispose();
    }
  });

  it("refuses a dialogue that fills the context, naming question and turn", async () => {
    const language = tiny({ maxPositions: 16 });
    try {
      const answerer = await modelAnswerer(language, {
        name: "tiny",
        maxNewTokens: 4,
        seed: 7,
        rows: 8,
      });
      await refuses(
        () => answerer.answer([user("apple ".repeat(30))], { temperature: 0, streams: ["81/2"] }),
        /question 81, turn 2: \d+ tokens fill the context of tiny, 16 tokens/,
      );
    } finally {
      language.dispose();
    }
  });
});

describe("openChat", () => {
  const spec = "http://127.0.0.1:9/v1,model=large,retries=2";
  const replying = (...replies: string[]) => {
    const asked: { url: string; body: Record<string, unknown> }[] = [];
    const fetcher = ((url: string, init: RequestInit) => {
      asked.push({ url, body: JSON.parse(String(init.body)) });
      return Promise.resolve(new Response(replies[Math.min(asked.length, replies.length) - 1]));
    }) as typeof fetch;
    return { asked, fetch: fetcher, sleep: () => Promise.resolve() };
  };
  const reply = (content: string | null) => JSON.stringify({ choices: [{ message: { content } }] });

  it("asks as FastChat does: temperature 0, up to 2048 tokens", async () => {
    const server = replying(reply("Rating: [[5]]"));
    const { chat, name } = await openChat(spec, server);
    assert.equal(await chat(user("Hi")), "Rating: [[5]]");
    assert.equal(name, "mt-bench:large");
    assert.deepEqual(server.asked, [{
      url: "http://127.0.0.1:9/v1/chat/completions",
      body: {
        model: "large",
        messages: [{ role: "user", content: "Hi" }],
        temperature: 0,
        max_tokens: 2048,
      },
    }]);
  });

  it("asks again after an answer that is broken or empty", async () => {
    const server = replying("{broken", reply(null), reply("[[A]]"));
    assert.equal(await (await openChat(spec, server)).chat(user("Hi")), "[[A]]");
    assert.equal(server.asked.length, 3);
    const { chat } = await openChat(spec, replying('{"choices": []}'));
    await refuses(
      () => chat(user("Hi")),
      /the answer has no choices \(\{"choices":\[\]\}\), 3 times/,
    );
  });

  it("takes a reply that was cut before its verdict for none, and one with a verdict as it is", async () => {
    const cut = (content: string) =>
      JSON.stringify({ choices: [{ message: { content }, finish_reason: "length" }] });
    const { chat } = await openChat(spec, replying(cut("Let us see. [[B]] is")));
    assert.equal(await chat(user("Hi")), "Let us see. [[B]] is");
    for (const text of ["<think>I could say [[A]]", "Assistant A reads arr[2] and then"]) {
      const long = await openChat(spec, replying(cut(text)));
      await refuses(() => long.chat(user("Hi")), /cut before a verdict/, "raise maxReplyTokens");
    }
  });

  it("allows the longer replies that a spec asks for, and names its answers by it", async () => {
    const server = replying(reply("[[A]]"));
    const longer = await openChat(`${spec},maxReplyTokens=9000`, server);
    await longer.chat(user("Hi"));
    assert.equal(server.asked[0].body.max_tokens, 9000);
    assert.notEqual(longer.key, (await openChat(spec, server)).key);
  });

  it("gives up single matches that a server does not accept where the spec says so", async () => {
    const setting = await openChat(`${spec},onFailure=unanswered`, replying(""));
    assert.ok(setting.givenUp.includes("refused"));
    assert.ok(!setting.givenUp.includes("server"), "an outage stops");
    assert.ok(!(await openChat(spec, replying(""))).givenUp.includes("refused"));
  });

  it("gives up with a message after the last attempt, and refuses the wrong API", async () => {
    const { chat } = await openChat(spec, replying("{broken"));
    await refuses(() => chat(user("Hi")), /not JSON.*3 times/);
    await refuses(() => openChat(`${spec},api=completions`), /need a chat/);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { keptChat } from "../lib/benchmark/prompt_judge.ts";
import { judgeInWords } from "./benchmark_killed_run.ts";
import { refuses } from "./refusals.ts";
import { file, folder, jsonLines, newFolder } from "./temporary_files.ts";
import { type Fault, FaultServer } from "./served_faults.ts";
import { killedMidway } from "./killed_midway.ts";

/** Says a verdict that depends on the question alone. */
const reply: Fault = ({ body }) =>
  Response.json({
    choices: [{ message: { content: `Said of ${body.length}: [[${"ABC"[body.length % 3]}]]` } }],
  });

const PROMPTS = ["pair-v2", "pair-math-v1", "single-v1", "single-math-v1"].flatMap((base) =>
  ["", "-multi-turn"].map((more) => ({
    name: base + more,
    type: "pairwise",
    system_prompt: "Judge.",
    prompt_template: more === ""
      ? "{question}\n{answer_a}\n{answer_b}"
      : "{question_1}\n{question_2}\n{answer_a_1}\n{answer_a_2}\n{answer_b_1}\n{answer_b_2}",
    output_format: "[[A]]",
  }))
);

async function promptsFolder(): Promise<string> {
  const path = await file("judge_prompts.jsonl", jsonLines(PROMPTS));
  return path.slice(0, path.lastIndexOf("/"));
}

describe("A judge in words that is killed", () => {
  it("resumes from the replies on disk and asks for none of them twice", async () => {
    const data = await promptsFolder();
    const [answered, needed] = [7, 16];
    const out = await newFolder();
    const killed = await killedMidway("./benchmark_killed_run.ts", [out, data], {
      answered,
      reply,
      out,
      kept: async () =>
        (await Deno.readTextFile(`${out}/replies.jsonl`).catch(() => "")).split("\n").length - 1,
    });

    // The same server, at the same address, which has lost what it was hanging on.
    const { port } = new URL(killed.url);
    await using again = new FaultServer(...Array(40).fill(reply));
    const forward = Deno.serve(
      { hostname: "127.0.0.1", port: Number(port), onListen() {} },
      async (request) =>
        await fetch(request.url.replace(`:${port}/`, `:${new URL(again.url).port}/`), {
          method: "POST",
          body: await request.text(),
        }),
    );
    try {
      const records = await judgeInWords(out, killed.url, data);
      assert.equal(again.seen.length, needed - answered);
      const after = new Set(again.seen.map(({ body }) => body));
      assert.deepEqual(killed.seen.filter((body) => after.has(body)), []);
      assert.equal(records.length, 8);
      assert.ok(records.every(({ g1_judgment }) => /^Said of \d+/.test(g1_judgment)));
      await Deno.remove(`${out}/m_pair.jsonl`);
      await judgeInWords(out, killed.url, data);
      assert.equal(again.seen.length, needed - answered, "not even when the verdicts are lost");
    } finally {
      await forward.shutdown();
    }
  });

  it("asks anew where the key or the dialogue is another, and refuses another kind of file", async () => {
    let asked = 0;
    const chat = () => Promise.resolve(`reply ${++asked}`);
    const path = `${folder.path}/replies.jsonl`;
    const turns = [{ role: "user" as const, content: "Hi" }];
    assert.equal(await keptChat(chat, { key: "a", path })(turns), "reply 1");
    assert.equal(await keptChat(chat, { key: "a", path })(turns), "reply 1");
    assert.equal(await keptChat(chat, { key: "b", path })(turns), "reply 2");
    assert.equal(await keptChat(chat, { key: "a", path })([...turns, ...turns]), "reply 3");
    const other = await file("other.jsonl", '{"key": "x", "a": 1, "b": 0}\n');
    await refuses(
      () => Promise.resolve().then(() => keptChat(chat, { key: "a", path: other })),
      /other\.jsonl is no file of stored answers: its first line is not a stored reply/,
    );
  });
});

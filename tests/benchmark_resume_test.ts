import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { fileURLToPath } from "node:url";
import { keptChat } from "../lib/benchmark/prompt_judge.ts";
import { judgeInWords } from "./benchmark_killed_run.ts";
import { refuses } from "./refusals.ts";
import { file, folder } from "./temporary_files.ts";
import { type Fault, FaultServer } from "./served_faults.ts";
import { killedWhen } from "./killed_when.ts";

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
  const lines = PROMPTS.map((prompt) => JSON.stringify(prompt) + "\n").join("");
  const path = await file("judge_prompts.jsonl", lines);
  return path.slice(0, path.lastIndexOf("/"));
}

describe("A judge in words that is killed", () => {
  it("resumes from the replies on disk and asks for none of them twice", async () => {
    const data = await promptsFolder();
    const [answered, needed] = [7, 16];
    const release = Promise.withResolvers<void>();
    const hang: Fault = async () => {
      await release.promise;
      return new Response("gone", { status: 500 });
    };
    const server = new FaultServer(
      ...Array.from({ length: answered }, () => reply),
      ...Array.from({ length: 20 }, () => hang),
    );
    const out = `${folder.path}/killed`;
    await Deno.mkdir(out);
    const run = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--allow-read", "--allow-env", "--allow-ffi", `--allow-write=${out}`],
        ...[
          "--allow-net=127.0.0.1",
          fileURLToPath(import.meta.resolve("./benchmark_killed_run.ts")),
        ],
        ...[out, server.url, data],
      ],
      stdout: "null",
      stderr: "inherit",
    }).spawn();
    const kept = async () =>
      (await Deno.readTextFile(`${out}/replies.jsonl`).catch(() => "")).split("\n").length - 1;
    try {
      await killedWhen(run, {
        happened: async () => await kept() >= answered,
        release: () => release.resolve(),
      });
    } finally {
      await server.close();
    }
    assert.equal(await kept(), answered);

    // The same server, at the same address, which has lost what it was hanging on.
    const { port } = new URL(server.url);
    const again = new FaultServer(...Array.from({ length: 40 }, () => reply));
    const forward = Deno.serve(
      { hostname: "127.0.0.1", port: Number(port), onListen() {} },
      async (request) =>
        await fetch(request.url.replace(`:${port}/`, `:${new URL(again.url).port}/`), {
          method: "POST",
          body: await request.text(),
        }),
    );
    try {
      const records = await judgeInWords(out, server.url, data);
      assert.equal(again.seen.length, needed - answered);
      const before = server.seen.slice(0, answered).map(({ body }) => body);
      const after = new Set(again.seen.map(({ body }) => body));
      assert.deepEqual(before.filter((body) => after.has(body)), []);
      assert.equal(records.length, 8);
      assert.ok(records.every(({ g1_judgment }) => /^Said of \d+/.test(g1_judgment)));
      await Deno.remove(`${out}/m_pair.jsonl`);
      await judgeInWords(out, server.url, data);
      assert.equal(again.seen.length, needed - answered, "not even when the verdicts are lost");
    } finally {
      await forward.shutdown();
      await again.close();
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
      /other\.jsonl line 1 is not a stored reply/,
    );
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { comparisons, FaultServer, judgeAt } from "./served_faults.ts";
import { killedMidway } from "./killed_midway.ts";
import { folder, newFolder } from "./temporary_files.ts";

const lines = async (path: string) =>
  (await Deno.readTextFile(path).catch(() => "")).split("\n").length - 1;

describe("A served judge that is killed", () => {
  it("resumes from its file and asks nothing twice that was answered", async () => {
    const [answered, pairs] = [7, 8];
    const path = `${folder.path}/killed.jsonl`;
    const killed = await killedMidway("./served_killed_run.ts", [path, `${pairs}`], {
      answered,
      out: folder.path,
      kept: () => lines(path),
    });

    await using server = new FaultServer();
    // The same judge at the same address: only its port is another in this test.
    const { compare, client } = await judgeAt(server, {}, {
      cacheFile: path,
      fetch: (input, init) => fetch(String(input).replace(killed.url, server.url), init),
    });
    const moved = await judgeAt({ url: killed.url }, {}, {
      cacheFile: path,
      fetch: (input, init) => fetch(String(input).replace(killed.url, server.url), init),
    });
    const judged = await moved.compare(comparisons(pairs));
    assert.equal(moved.client.counts.answers, 2 * pairs - answered);
    const after = server.seen.map(({ body }) => body);
    assert.equal(after.length, 2 * pairs - answered);
    assert.deepEqual(killed.seen.filter((body) => after.includes(body)), []);

    // Another address is another judge, which has to ask everything, and says the same.
    assert.deepEqual(await compare(comparisons(pairs)), judged);
    assert.equal(client.counts.answers, 2 * pairs);
  });

  it("asks anew for another model, revision, API, principle or text, and not for a mirrored pair", async () => {
    await using server = new FaultServer();
    const cacheFile = `${await newFolder()}/judged.jsonl`;
    const asked = async (spec: Record<string, unknown>, pairs = comparisons(1), more = {}) => {
      const judge = await judgeAt(server, spec, { cacheFile, ...more });
      await judge.compare(pairs);
      return judge.client.counts.answers;
    };
    assert.equal(await asked({}), 2);
    assert.equal(await asked({}), 0);
    const [{ prompt, first, second }] = comparisons(1);
    assert.equal(await asked({}, [{ prompt, first: second, second: first }]), 0);
    assert.equal(await asked({}, [{ prompt, first, second: second + "." }]), 2);
    assert.equal(await asked({ model: "n" }), 2);
    assert.equal(await asked({ revision: "2" }), 2);
    assert.equal(await asked({ top: 7 }), 2);
    assert.equal(await asked({ body: { seed: 1 } }), 2);
    assert.equal(await asked({ api: "chat" }), 2);
    assert.equal(await asked({ api: "text" }), 2);
    const layout = {
      turn: "{dialogue}\n\nAnswer A:\n{first}\n\nAnswer B:\n{second}\n\n{question}",
      roles: { system: "", user: "", assistant: "" },
      rationale: "",
    };
    assert.equal(await asked({}, comparisons(1), { layout }), 2);
    // How often and how fast it asks changes nothing that is said.
    assert.equal(await asked({ concurrency: 1, retries: 0, timeoutMs: 5000 }), 0);
  });

  it("asks anew for what named neither label, also where an older file has it", async () => {
    const cacheFile = `${await newFolder()}/judged.jsonl`;
    const mumble = () => Response.json({ choices: [{ message: { content: "Hard to say." } }] });
    await using server = new FaultServer(mumble, mumble);
    const first = await judgeAt(server, { api: "text" }, { cacheFile });
    assert.equal((await first.compare(comparisons(1)))[0].answered, false);
    assert.equal(await lines(cacheFile), 0);
    const keys = first.pairwise.templates.map((template) => {
      const [{ prompt, first: a, second: b }] = comparisons(1);
      return [template.prompt(prompt, a, b), template.prompt(prompt, b, a)]
        .map((ids) => first.cache.key(ids, template.labelIds));
    }).flat();
    const old = keys.map((key) => JSON.stringify({ key, a: 0, b: 0 }) + "\n").join("");
    await Deno.writeTextFile(cacheFile, old);
    const later = await judgeAt(server, { api: "text" }, { cacheFile });
    assert.equal((await later.compare(comparisons(1)))[0].answered, true);
    assert.equal(later.client.counts.answers, 2);
    const again = await judgeAt(server, { api: "text" }, { cacheFile });
    await again.compare(comparisons(1));
    assert.equal(again.client.counts.answers, 0, "the later line of a key counts");
  });

  it("keeps what was answered when another request fails", async () => {
    const cacheFile = `${await newFolder()}/judged.jsonl`;
    const refuse = () => new Response('{"error": {"message": "too long"}}', { status: 400 });
    await using server = new FaultServer(() => undefined, refuse);
    const broken = await judgeAt(server, { concurrency: 1 }, { cacheFile });
    await assert.rejects(broken.compare(comparisons(3)), /too long/);
    assert.equal(await lines(cacheFile), 1);
    const mended = await judgeAt(server, { concurrency: 1 }, { cacheFile });
    await mended.compare(comparisons(3));
    assert.equal(mended.client.counts.answers, 5);
  });
});

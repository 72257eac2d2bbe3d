import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { comparisons, FaultServer, judgeAt } from "./served_faults.ts";
import { killedWhen } from "./killed_when.ts";

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const lines = async (path: string) =>
  (await Deno.readTextFile(path).catch(() => "")).split("\n").length - 1;

describe("A served judge that is killed", () => {
  it("resumes from its file and asks nothing twice that was answered", () =>
    inFolder(async (folder) => {
      const [answered, pairs] = [7, 8];
      const server = new FaultServer();
      const path = `${folder}/judged.jsonl`;
      // What comes after the seventh request stays open until the client is gone.
      const release = Promise.withResolvers<void>();
      const hang = async () => {
        await release.promise;
        return new Response("gone", { status: 500 });
      };
      const hanging = new FaultServer(
        ...Array.from({ length: answered }, () => () => undefined),
        ...Array.from({ length: 100 }, () => hang),
      );
      const run = new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--quiet",
          "--allow-read",
          "--allow-env",
          `--allow-write=${folder}`,
          "--allow-net=127.0.0.1",
          import.meta.resolve("./served_killed_run.ts"),
          hanging.url,
          path,
          `${pairs}`,
        ],
        stdout: "null",
        stderr: "inherit",
      }).spawn();
      try {
        await killedWhen(run, {
          happened: async () => await lines(path) >= answered,
          release: () => release.resolve(),
        });
      } finally {
        await hanging.close();
      }
      assert.equal(await lines(path), answered);

      // The same judge at the same address: only its port is another in this test.
      const { compare, client } = await judgeAt(server, {}, {
        cacheFile: path,
        fetch: (input, init) => fetch(String(input).replace(hanging.url, server.url), init),
      });
      const moved = await judgeAt({ url: hanging.url }, {}, {
        cacheFile: path,
        fetch: (input, init) => fetch(String(input).replace(hanging.url, server.url), init),
      });
      const judged = await moved.compare(comparisons(pairs));
      assert.equal(moved.client.counts.answers, 2 * pairs - answered);
      const before = hanging.seen.slice(0, answered).map(({ body }) => body);
      const after = server.seen.map(({ body }) => body);
      assert.equal(after.length, 2 * pairs - answered);
      assert.deepEqual(before.filter((body) => after.includes(body)), []);

      // Another address is another judge, which has to ask everything, and says the same.
      assert.deepEqual(await compare(comparisons(pairs)), judged);
      assert.equal(client.counts.answers, 2 * pairs);
      await server.close();
    }));

  it("asks anew for another model, revision, API, principle or text, and not for a mirrored pair", () =>
    inFolder(async (folder) => {
      const server = new FaultServer();
      const cacheFile = `${folder}/judged.jsonl`;
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
      await server.close();
    }));

  it("keeps what was answered when another request fails", () =>
    inFolder(async (folder) => {
      const cacheFile = `${folder}/judged.jsonl`;
      const refuse = () => new Response('{"error": {"message": "too long"}}', { status: 400 });
      const server = new FaultServer(() => undefined, refuse);
      const broken = await judgeAt(server, { concurrency: 1 }, { cacheFile });
      await assert.rejects(broken.compare(comparisons(3)), /too long/);
      assert.equal(await lines(cacheFile), 1);
      const mended = await judgeAt(server, { concurrency: 1 }, { cacheFile });
      await mended.compare(comparisons(3));
      assert.equal(mended.client.counts.answers, 5);
      await server.close();
    }));
});

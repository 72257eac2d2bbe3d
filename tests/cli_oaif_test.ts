import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { readJsonFile, readJsonl } from "../lib/base/files.ts";
import { saveModel } from "../lib/model/mod.ts";
import { writeTokenizer } from "../lib/text/mod.ts";
import { FaultServer } from "./served_faults.ts";
import { tinyLanguage, tinyModel } from "./tiny.ts";
import { refusedStart, spawnStart, startWell, tinyRunFolder } from "./tiny_run.ts";
import { said } from "./commands.ts";

const OAIF = ["selfJudge.method=oaif", "selfJudge.temperature=1", "selfJudge.checkpointEvery=1"];

describe("OAIF: another judge ranks in align", () => {
  let folder = "";
  const trained = (ranker: string, run: string) => ({
    ...{ folder, run, set: OAIF },
    args: ["--stage", "data,jsft,self-judge", "--ranker", ranker],
  });
  before(async () => {
    folder = await tinyRunFolder();
    const model = tinyModel({ seed: 8 });
    await saveModel(model, `${folder}/other`);
    model.dispose();
    await writeTokenizer(tinyLanguage(), `${folder}/other`);
  });

  it("ranks by a model, keeps its judgments with its name, and counts them", async () => {
    const ranker = `model:${folder}/other`;
    const { out } = await startWell(trained(ranker, "model"));
    const kept = await readJsonFile<{ name: string; fingerprint: string }>(
      `${folder}/model/self-judge/ranker.json`,
    );
    assert.equal(kept!.name, "model:other");
    assert.match(out, new RegExp(`judged by model:other, fingerprint ${kept!.fingerprint}`));
    const rows = await readJsonl<Record<string, number>>(
      `${folder}/model/self-judge/metrics.jsonl`,
    );
    const comparisons = rows.reduce((sum, row) => sum + (row.comparisons ?? 0), 0);
    assert.ok(comparisons > 0);
    const judged = await readJsonl(`${folder}/model/self-judge/cache.jsonl`);
    assert.ok(judged.length > 0 && judged.length <= 2 * comparisons);
  });

  it("of other weights under the same name, refuses to resume, with both names", async () => {
    const run = trained(`model:${folder}/other`, "changed");
    await startWell({
      ...run,
      args: ["--stage", "data,jsft", "--ranker", `model:${folder}/other`],
    });
    await Deno.mkdir(`${folder}/changed/self-judge`);
    const record = { name: "model:other", fingerprint: "0123456789abcdef" };
    await Deno.writeTextFile(`${folder}/changed/self-judge/ranker.json`, JSON.stringify(record));
    await refusedStart(
      run,
      /was judged by model:other \(0123456789abcdef\) so far, and model:other \([0-9a-f]{16}\) is another/,
    );
  });

  it("with another judge's name, refuses to resume, with both names", async () => {
    await startWell(trained("longer", "named"));
    await refusedStart(trained("first", "named"), /longer/, /first/, /--fresh/);
  });

  it("stops when the server is gone, keeps what was judged, and resumes to the same policy", async () => {
    const failing = () => new Response("no", { status: 400 });
    const judge = (url: string) => `served:${url},model=m,api=completions,concurrency=1,retries=0`;
    let asked = 0;
    {
      await using server = new FaultServer();
      await startWell(trained(judge(server.url), "good"));
      asked = server.seen.length;
    }
    assert.ok(asked > 6, `${asked} requests`);
    await using server = new FaultServer(
      ...Array(5).fill(() => undefined),
      ...Array(6).fill(failing),
    );
    const ranker = judge(server.url);
    const stopped = await said(spawnStart(trained(ranker, "gone")));
    assert.equal(stopped.code, 1, stopped.out);
    assert.match(stopped.err, /^error: .*status 400/m);
    assert.doesNotMatch(stopped.err, /^\s+at /m);
    const before = server.seen.map(({ body }) => body).slice(0, 5);
    const seen = server.seen.length;
    const failedAfter = 11 - seen;
    assert.ok(failedAfter >= 0);
    // The server is well again.
    for (let i = 0; i < failedAfter; i++) {
      await fetch(server.url, { method: "POST", body: "{}" }).then((r) => r.text());
    }
    const from = server.seen.length;
    await startWell(trained(ranker, "gone"));
    const after = server.seen.slice(from).map(({ body }) => body);
    assert.deepEqual(before.filter((body) => after.includes(body)), []);
    assert.equal(before.length + after.length, asked);
    const bytes = (run: string) =>
      Deno.readFile(`${folder}/${run}/self-judge/adapter/adapter_model.safetensors`);
    assert.deepEqual(await bytes("gone"), await bytes("good"));
  });

  it("is refused before anything runs where it is not named, not asked, or not there", async () => {
    const run = { folder, run: "never" };
    await refusedStart(
      { ...run, set: OAIF },
      /the method oaif is ranked by another judge, and none is named/,
      /name one with --ranker, such as model:PATH/,
    );
    await refusedStart(
      { ...run, args: ["--ranker", "longer"] },
      /the method self-judge does not ask it \(ranker: judge\)/,
    );
    await refusedStart(
      { ...run, set: OAIF, args: ["--ranker", "model:/nosuch"] },
      /there is no model file or folder "\/nosuch"/,
    );
    await refusedStart({ ...run, set: OAIF, args: ["--ranker", "gpt"] }, /there is no judge "gpt"/);
    await refusedStart(
      { ...run, set: ["selfJudge.method=d2po-self"] },
      /asks for gold labels/,
      /--gold/,
    );
  });
});

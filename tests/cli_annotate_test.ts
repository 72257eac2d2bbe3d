import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { existsSync } from "node:fs";
import { addScoreHead, type AnnotatedPair, type LeftOut } from "../lib/judges/mod.ts";
import { saveModel } from "../lib/model/mod.ts";
import { writeTokenizer } from "../lib/text/mod.ts";
import { readJsonl } from "../lib/base/files.ts";
import type { Pair } from "../lib/preference/mod.ts";
import { nextText } from "../lib/cli/annotate.ts";
import { shellWords } from "../lib/cli/command.ts";
import { command } from "./commands.ts";
import { annotated } from "./measure_annotation_files.ts";
import { FaultServer } from "./served_faults.ts";
import { tinyLanguage, tinyModel } from "./tiny.ts";
import { lines, startWell, tinyRunFolder } from "./tiny_run.ts";

const annotate = command("run --quiet -A lib/cli/annotate.ts --samples 50");
let folder = "";

/** The tiny pairs without their choice, the worse answer first in every other one. */
async function unlabelled(name: string): Promise<string> {
  const pairs = await readJsonl<Pair>(`${folder}/pairs.jsonl`);
  const path = `${folder}/${name}`;
  const rows = pairs.map(({ id, prompt, chosen, rejected }, i) => ({
    ...{ id, prompt, responses: i % 2 === 0 ? [chosen, rejected] : [rejected, chosen] },
  }));
  await Deno.writeTextFile(path, rows.map((row) => JSON.stringify(row) + "\n").join(""));
  return path;
}

const labels = (path: string) => readJsonl<AnnotatedPair>(path);
const answers = ({ chosen, rejected }: AnnotatedPair) => [chosen[0].content, rejected[0].content];

describe("deno task annotate", () => {
  before(async () => {
    folder = await tinyRunFolder();
  });

  it("labels pairs, keeps what each label rests on, and the result trains", async () => {
    const [pairs, out] = [await unlabelled("u.jsonl"), `${folder}/labelled.jsonl`];
    await using server = new FaultServer();
    const options =
      `--judge served:${server.url},model=m,api=completions --cache ${folder}/kept.jsonl`;
    const odd = [annotated("Hi", 1.2), annotated("Same", 1.5, ["x", "x"])];
    await Deno.writeTextFile(`${folder}/odd.json`, JSON.stringify(odd));
    const said = await annotate.well(
      `${options} --pairs ${pairs} --out ${out} --json ${folder}/a.json ` +
        `--gold ${folder}/pairs.jsonl --gold ${folder}/odd.json`,
    );
    assert.match(said.out, /gold left out 1: the two answers are the same/);
    assert.match(said.err, /warning: .*odd\.json item 2: left out: the two answers are the same/);
    const [rows, left] = [
      await labels(out),
      await readJsonl<LeftOut>(`${folder}/labelled.left-out.jsonl`),
    ];
    assert.equal(rows.length + left.length, 40);
    assert.ok(rows.length >= 20, said.out);
    for (const row of rows) {
      const { chosen_first: one, rejected_first: two, J } = row;
      const sum = one.chosen + one.rejected + two.chosen + two.rejected;
      assert.ok(Math.abs((one.chosen + two.chosen) / sum - J) < 1e-6);
      assert.equal(row.consistent, one.chosen > one.rejected && two.chosen > two.rejected);
      assert.ok(J > 0.5 && Math.abs(row.strength - (2 * J - 1)) < 1e-12);
      assert.match(row.judge_fingerprint, /^[0-9a-f]{16}$/);
    }
    const gold = new Map(
      (await readJsonl<Pair>(`${folder}/pairs.jsonl`)).map((pair) => [pair.id, pair]),
    );
    const right = rows.filter((row) => gold.get(row.id)!.chosen === answers(row)[0]).length;
    const { noise } = JSON.parse(await Deno.readTextFile(`${folder}/a.json`));
    assert.ok(
      Math.abs(noise["all labels"].measuredNoise.value - (1 - right / rows.length)) < 1e-12,
    );
    const expected = rows.reduce((total, { J }) => total + 1 - J, 0) / rows.length;
    assert.ok(Math.abs(noise["all labels"].expectedNoise.value - expected) < 1e-12);
    assert.ok(said.out.includes(`next: deno task align --data ${shellWords([out])}\n`), said.out);
    const args = ["--data", out, "--stage", "data,jsft,self-judge"];
    const set = ["selfJudge.method=offline-dpo-soft", "data.train=10", "data.heldOut=4"];
    const trained = await startWell({ folder, run: "on-labels", args, set });
    assert.match(trained.out, /self-judge took /);
    // The label probabilities of soft DPO.
    const learned = await readJsonl<Pair>(`${folder}/on-labels/data/train.jsonl`);
    const strengths = new Map(rows.map(({ id, strength }) => [id, strength]));
    assert.deepEqual(
      learned.map(({ strength }) => strength),
      learned.map(({ id }) => strengths.get(id)),
    );
  });

  it("gives labelled pairs in any order, and those without a choice, the same labels", async () => {
    const of = async (pairs: string, name: string) => {
      const out = `${folder}/${name}.jsonl`;
      await annotate.well(
        `--judge model:${folder}/model --cache ${folder}/kept.jsonl --pairs ${pairs} --out ${out}`,
      );
      return (await labels(out)).map(({ source: _, ...row }) => row);
    };
    const [hidden, none] = [
      await of(`${folder}/pairs.jsonl`, "hidden"),
      await of(await unlabelled("v.jsonl"), "none"),
    ];
    assert.ok(hidden.length > 0);
    assert.deepEqual(hidden, none);
  });

  it("sifts by confidence and consistency, with the reason beside what is left out", async () => {
    const options =
      `--judge model:${folder}/model --cache ${folder}/kept.jsonl --pairs ${await unlabelled(
        "w.jsonl",
      )}`;
    await annotate.well(`${options} --out ${folder}/all.jsonl`);
    const all = await labels(`${folder}/all.jsonl`);
    const middle = all.map(({ J }) => J).sort()[all.length >> 1];
    const least = Math.ceil(middle * 1e4) / 1e4;
    await annotate.well(
      `${options} --min-confidence ${least} --consistent --out ${folder}/some.jsonl`,
    );
    assert.deepEqual(
      await labels(`${folder}/some.jsonl`),
      all.filter(({ J, consistent }) => consistent && J >= least),
    );
    const left = await readJsonl<LeftOut & AnnotatedPair>(`${folder}/some.left-out.jsonl`);
    const split = left.filter(({ consistent, chosen }) => chosen && !consistent);
    assert.ok(split.every(({ reason }) => reason === "the positions name different answers"));
    const unsure = left.filter(({ consistent, chosen }) => chosen && consistent);
    assert.ok(unsure.every(({ reason }) => reason === `J is below ${least}`));
    assert.ok(split.length + unsure.length > 0);
  });

  it("killed outright, asks nothing twice when it is run again, and never leaves half a file", async () => {
    const [pairs, out, cache] = [
      await unlabelled("k.jsonl"),
      `${folder}/k-out.jsonl`,
      `${folder}/k-kept.jsonl`,
    ];
    const answered = 9;
    const gone = Promise.withResolvers<void>();
    const hang = async () => {
      await gone.promise;
      return new Response("gone", { status: 500 });
    };
    await using server = new FaultServer(
      ...Array(answered).fill(() => undefined),
      hang,
    );
    const judge = `served:${server.url},model=m,api=completions,concurrency=1`;
    const line = `--judge ${judge} --pairs ${pairs} --out ${out} --cache ${cache}`;
    const run = annotate.spawn(line);
    await lines(cache, answered);
    run.kill("SIGKILL");
    await run.output();
    gone.resolve();
    assert.ok(!existsSync(out));
    const before = server.seen.slice(0, answered).map(({ body }) => body);
    const seen = server.seen.length;
    await annotate.well(line);
    const after = server.seen.slice(seen).map(({ body }) => body);
    assert.deepEqual(before.filter((body) => after.includes(body)), []);
    assert.equal(new Set([...before, ...after]).size, 80);
    assert.equal(after.length, 80 - answered);
    const left = await readJsonl<LeftOut>(`${folder}/k-out.left-out.jsonl`);
    assert.equal((await labels(out)).length + left.length, 40);
  });

  it("grades no answer twice", async () => {
    const [pairs, cache] = [await unlabelled("g.jsonl"), `${folder}/g-kept.jsonl`];
    const model = tinyModel();
    addScoreHead(model);
    await saveModel(model, `${folder}/reward`);
    model.dispose();
    await writeTokenizer(tinyLanguage(), `${folder}/reward`);
    const line = `--judge reward:${folder}/reward --pairs ${pairs} --cache ${cache}`;
    await annotate.well(`${line} --out ${folder}/g1.jsonl`);
    const kept = await Deno.readTextFile(`${folder}/g-kept.grades.jsonl`);
    await annotate.well(`${line} --out ${folder}/g2.jsonl`);
    assert.equal(await Deno.readTextFile(`${folder}/g-kept.grades.jsonl`), kept);
    assert.deepEqual(await labels(`${folder}/g2.jsonl`), await labels(`${folder}/g1.jsonl`));
  });

  it("says what may help where nothing was kept, by why, and quotes what is pasted", () => {
    const advised = (...reasons: string[]) =>
      /the same command with (.+), since/.exec(nextText("o.jsonl", { kept: 0, reasons }))![1];
    assert.equal(advised("the judge is undecided"), "another --judge");
    assert.equal(advised("J is below 0.9"), "a lower --min-confidence");
    assert.equal(
      advised("the judge did not answer", "J is below 0.9", "the positions name different answers"),
      "another --judge or a lower --min-confidence or no --consistent",
    );
    assert.equal(advised("the two answers are the same"), "other --pairs");
    const next = nextText("my labels.jsonl", { kept: 1, reasons: [] });
    assert.match(next, /^next: deno task align --data 'my labels\.jsonl'\n/);
    assert.match(next, /\n {2}or: deno task align --data 'my labels\.jsonl' --set /);
  });

  it("refuses what cannot be, with the remedy", async () => {
    const pairs = await unlabelled("r.jsonl");
    const [to, judge] = [`--out ${folder}/r-out.jsonl`, "--judge longer"];
    await annotate.refused(`${judge} --pairs ${pairs}`, /nowhere to write/, /--out FILE/);
    await annotate.refused(
      `${judge} --pairs ${pairs} --out ${pairs}`,
      /--out would write over what is read/,
    );
    await annotate.refused(
      `${judge} --pairs ${pairs} ${to} --principle overall`,
      /no judge here is asked a question \(longer\)/,
    );
    await Deno.writeTextFile(
      `${folder}/other.jsonl`,
      '{"prompt":"?","chosen":"a","rejected":"b"}\n',
    );
    await annotate.refused(
      `${judge} --pairs ${pairs} ${to} --gold ${folder}/other.jsonl`,
      /no pair to label is in the gold sample/,
    );
    await Deno.writeTextFile(`${folder}/one.jsonl`, '{"prompt":"?","answer":"a"}\n');
    await annotate.refused(
      `${judge} --pairs ${folder}/one.jsonl ${to}`,
      /there are no two answers \(they are called chosen and rejected/,
    );
  });
});

/** Relatives that need more than a judge of their own, on a real run's ground: the command and a tiny model. */
import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { existsSync } from "node:fs";
import { readJsonl } from "../lib/base/files.ts";
import { said } from "./commands.ts";
import { lines, refusedStart, spawnStart, startWell, timeless, tinyRunFolder } from "./tiny_run.ts";

describe("a relative, by the command", () => {
  let folder = "";
  const stages = ["--stage", "data,jsft,self-judge"];
  before(async () => {
    folder = await tinyRunFolder();
  });
  const log = (run: string) =>
    readJsonl<Record<string, number>>(`${folder}/${run}/self-judge/metrics.jsonl`);
  const sum = (rows: Record<string, number>[], name: string) =>
    rows.reduce((total, row) => total + (row[name] ?? 0), 0);
  const d2po = (run: string, method: string) => ({
    folder,
    run,
    set: [`selfJudge.method=${method}`, "selfJudge.steps=6", "selfJudge.checkpointEvery=2"],
    args: ["--gold", "longer", ...stages],
  });

  for (const method of ["d2po", "d2po-dpo"] as const) {
    it(`asks the gold judge that is named, and killed in the midst goes on as unbroken: ${method}`, async () => {
      const options = d2po(method, method);
      await startWell(options);
      const rows = await log(method);
      assert.equal(rows.length, 6);
      assert.ok(sum(rows, "gold") > 0 && sum(rows, "gold") <= 16);
      assert.ok(sum(rows, "goldPairs") > 0 && sum(rows, "silverPairs") > 0);
      assert.ok(rows.some(({ gradientNorm }) => gradientNorm > 0));

      const cut = { ...options, run: `${method}-cut` };
      const child = spawnStart(cut);
      const ended = said(child);
      const stage = `${folder}/${cut.run}/self-judge`;
      await lines(`${stage}/metrics.jsonl`, 3);
      child.kill("SIGKILL");
      await ended;
      assert.ok(!existsSync(`${stage}/done.json`), "it was to be met in the midst of the stage");
      await startWell(cut);
      assert.deepEqual(
        await timeless(`${stage}/metrics.csv`),
        await timeless(`${folder}/${method}/self-judge/metrics.csv`),
      );
    });
  }

  it("is refused at once where it asks for gold labels and nobody is named to give them", async () => {
    await refusedStart(
      { folder, run: "no-gold", set: ["selfJudge.method=d2po"] },
      /the method d2po asks for gold labels, and none is named/,
      /name one with --gold, such as model:PATH, reward:PATH/,
    );
    assert.ok(!existsSync(`${folder}/no-gold`));
  });

  it("goes in rounds, and killed in the midst of one ends as an unbroken run does", async () => {
    const set = ["roundSteps=4", "steps=10", "checkpointEvery=3"].map((one) => `selfJudge.${one}`);
    const { out } = await startWell({ folder, run: "rounds", set, args: stages });
    assert.match(out, /method self-judge: .*, in rounds of 4 steps/);
    assert.deepEqual((await log("rounds")).map(({ age }) => age), [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]);
    const cut = { folder, run: "rounds-cut", set, args: stages };
    const child = spawnStart(cut);
    const ended = said(child);
    await lines(`${folder}/rounds-cut/self-judge/metrics.jsonl`, 7); // its checkpoint is of step 6
    child.kill("SIGKILL");
    await ended;
    assert.ok(!existsSync(`${folder}/rounds-cut/self-judge/done.json`), "met in the midst");
    await startWell(cut);
    const [one, two] = ["rounds", "rounds-cut"].map((run) => `${folder}/${run}/self-judge`);
    assert.deepEqual(await timeless(`${two}/metrics.csv`), await timeless(`${one}/metrics.csv`));
    for (const file of ["pairs/train.jsonl", "adapter/adapter_model.safetensors"]) {
      const [a, b] = await Promise.all([one, two].map((at) => Deno.readFile(`${at}/${file}`)));
      assert.deepEqual(b, a, file);
    }
    const pairs = await readJsonl<{ age: number; step: number }>(`${one}/pairs/train.jsonl`);
    assert.ok(pairs.length > 0 && pairs.every(({ age, step }) => age === (step - 1) % 4));
  });

  it("is refused rounds, by name, where its steps are its own", async () => {
    await refusedStart(
      { folder, run: "own", set: ["selfJudge.method=lol", "selfJudge.roundSteps=4"] },
      /the method lol has a step of its own, which cannot be made 4 steps at once/,
      /set selfJudge\.roundSteps to 1, or choose a method/,
    );
    assert.ok(!existsSync(`${folder}/own`));
  });

  it("trains a generator of pairs (SSO, version 2), and a second run learns from them by DPO", async () => {
    await startWell({
      folder,
      run: "generator",
      set: ["selfJudge.method=sso-generator"],
      args: stages,
    });
    const made = await readJsonl<{ chosen: string; rejected: string }>(
      `${folder}/generator/self-judge/pairs.jsonl`,
    );
    assert.ok(made.length > 4);
    await startWell({
      folder,
      run: "policy",
      set: ["selfJudge.method=offline-dpo", "data.train=8", "data.heldOut=2"],
      args: ["--data", `${folder}/generator/self-judge/pairs/train.jsonl`, ...stages],
    });
    const learned = await readJsonl<{ chosen: string; rejected: string }>(
      `${folder}/policy/self-judge/pairs.jsonl`,
    );
    assert.ok(learned.length > 0);
    const known = new Set(made.map(({ chosen, rejected }) => `${chosen}\n>\n${rejected}`));
    for (const { chosen, rejected } of learned) {
      assert.ok(known.has(`${chosen}\n>\n${rejected}`), chosen);
    }
  });
});

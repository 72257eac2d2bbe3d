/** Self-training on servers and by a trainer, both of them fakes: what a stage leaves, and goes on with. */
import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { Stopped } from "../lib/base/error.ts";
import { exists, writeJsonl } from "../lib/base/files.ts";
import { Fleet } from "../lib/engine/mod.ts";
import { Rounds } from "../lib/engine/rounds.ts";
import { FleetSession } from "../lib/engine/session.ts";
import { selfJudgeElsewhere } from "../lib/engine/stages/self_judge.ts";
import type { TendedTrainer } from "../lib/engine/beside_trainer.ts";
import { adapterRecord, saveAdapter, saveModel, weightsFingerprint } from "../lib/model/mod.ts";
import { resolveConfig } from "../lib/run/config.ts";
import { refuses } from "./refusals.ts";
import { silentReporter } from "./silent_reporter.ts";
import { writeTokenizer } from "../lib/text/mod.ts";
import { clusterAt, FakeVllm } from "./fake_vllm.ts";
import { newFolder } from "./temporary_files.ts";
import { tinyLanguage, tinyModel, tinyPairs } from "./tiny.ts";
import { tinyWithAdapter } from "./tiny_method.ts";

const STEPS = 6;

/** A run whose stages before self-training are done, and a session of it at a server. */
async function afterJsft(server: FakeVllm, rounds: Record<string, unknown> = {}) {
  const run = await newFolder();
  const model = tinyModel();
  await saveModel(model, `${run}/model`);
  model.dispose();
  await writeTokenizer(tinyLanguage(), `${run}/model`);
  await writeJsonl(`${run}/data/train.jsonl`, tinyPairs(16, 3));
  const config = resolveConfig("smoke", {
    settings: [
      ...[`model=${JSON.stringify(`${run}/model`)}`, "selfJudge.method=raft-coin"],
      ...[`selfJudge.steps=${STEPS}`, "selfJudge.batchSize=2", "selfJudge.maxNewTokens=6"],
    ],
  });
  const storage = { here: run, there: run };
  const cluster = clusterAt([server.url], {}, { storage, rounds });
  const folderOf = (stage: string) => `${run}/${stage}`;
  const told: string[] = [];
  const log = (line: string) => void told.push(line);
  const open = (changes: Partial<typeof cluster> = {}) =>
    new FleetSession(
      config,
      folderOf,
      log,
      { ...cluster, ...changes },
      new Fleet(cluster, { log }),
    );
  await open().writeStart("jsft", `${run}/jsft/adapter`);
  return { run, config, folderOf, open, told };
}

/** A trainer that leaves the adapter it began with after each round, and has no work before a round is there. */
function fakeTrainer(folder: string): TendedTrainer & { readonly trained: readonly number[] } {
  const rounds = new Rounds(folder);
  const trained: number[] = [];
  let [idle, ended] = [0, false];
  const train = async () => {
    for (let round = await rounds.newest() + 1; !ended;) {
      if (await exists(`${rounds.of(round)}/batch.jsonl`)) {
        const row = JSON.stringify({ step: round, loss: 1 / round }) + "\n";
        await Deno.writeTextFile(`${folder}/trainer.jsonl`, row, { append: true });
        const part = `${rounds.adapter(round)}.part`;
        await Deno.mkdir(part);
        for (const name of ["adapter_config.json", "adapter_model.safetensors"]) {
          await Deno.copyFile(`${folder}/start/${name}`, `${part}/${name}`);
        }
        await Deno.rename(part, rounds.adapter(round));
        trained.push(round++);
        idle = 0;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const running = train();
  return {
    trained,
    // Asked again and again with nothing to do: the stage waits for what no trainer will make.
    ensure: () =>
      idle++ < 3
        ? Promise.resolve()
        : Promise.reject(new Error("the stage waits for a round that was trained before")),
    end: async () => {
      ended = true;
      await running;
    },
  };
}

/** Has the stage go on until a round is trained, or to its end. @returns the rounds that were trained meanwhile */
async function take(
  { config, folderOf, open }: Pick<
    Awaited<ReturnType<typeof afterJsft>>,
    "config" | "folderOf" | "open"
  >,
  last = Infinity,
): Promise<readonly number[]> {
  const folder = folderOf("self-judge");
  const session = open();
  let trainer: ReturnType<typeof fakeTrainer> | undefined;
  const stage = selfJudgeElsewhere(() => trainer = fakeTrainer(folder));
  const checkStop = () => {
    if (trainer!.trained.includes(last)) throw new Stopped();
  };
  try {
    await stage.run({
      ...{ config, session, folder, folderOf, checkStop, identity: "" },
      ...silentReporter(),
    });
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
  } finally {
    await trainer?.end();
    session.dispose();
  }
  return trainer!.trained;
}

describe("self-training elsewhere", () => {
  it("keeps the adapters of the last versions alone, and goes on without the others", async () => {
    await using server = new FakeVllm();
    const { run, config, folderOf, open } = await afterJsft(server, { keepAdapters: 2 });
    const folder = folderOf("self-judge");
    const rounds = new Rounds(folder);
    const takeTo = (last: number) => take({ config, folderOf, open }, last);
    const left = async (name: string) => {
      const all = Array.from({ length: STEPS }, (_, i) => i + 1);
      const there = await Promise.all(all.map((round) => exists(`${rounds.of(round)}/${name}`)));
      return all.filter((_, i) => there[i]);
    };
    assert.deepEqual(await takeTo(4), [1, 2, 3, 4]);
    assert.equal(await rounds.newest(), 4);
    assert.ok(!(await left("adapter")).includes(1));
    assert.deepEqual(await takeTo(Infinity), [5, 6]);
    // Of version 6 no round was sampled: the last that was asked is 5.
    assert.deepEqual([await left("adapter"), await left("stacked")], [[4, 5, 6], [4, 5]]);
    assert.deepEqual(await takeTo(Infinity), [], "all rounds are there, and most adapters gone");
    assert.ok(await exists(`${run}/self-judge/adapter/adapter_model.safetensors`));
    const metrics = await Deno.readTextFile(`${folder}/metrics.jsonl`);
    const logged = metrics.trim().split("\n").map((line) => JSON.parse(line));
    assert.equal(logged.length, STEPS);
    for (const { tokens, pairs, learned, scoredStart, scoredTokens } of logged) {
      assert.ok(tokens > 0, metrics);
      // What imitates learns from one answer of a pair, and asks no reference.
      const imitates = learned === pairs;
      assert.equal(learned, imitates ? pairs : 2 * pairs);
      const reference = imitates ? [undefined, undefined] : [learned, tokens];
      assert.deepEqual([scoredStart, scoredTokens], reference);
    }
  });
});

describe("self-training elsewhere, a round ahead of its trainer", () => {
  it("samples each round but the first by the policy before the last", async () => {
    await using server = new FakeVllm();
    const { config, folderOf, open } = await afterJsft(server, { ahead: 1 });
    await take({ config, folderOf, open });
    const rounds = new Rounds(folderOf("self-judge"));
    const ages = Array.from(
      { length: STEPS },
      async (_, i) => (await rounds.made(i + 1))!.map(({ numbers }) => numbers.age),
    );
    assert.deepEqual(await Promise.all(ages), [[0], [1], [1], [1], [1], [1]]);
  });
});

describe("self-training elsewhere, of another base", () => {
  it("is refused where it was begun on one", async () => {
    await using server = new FakeVllm();
    const { run, config, folderOf, open } = await afterJsft(server);
    await take({ config, folderOf, open }, 1);
    await refuses(
      take({ config, folderOf, open: () => open({ model: "/models/another" }) }),
      `was begun with model "${run}/model", not "/models/another"`,
      "--fresh --stage self-judge",
    );
  });
});

describe("self-training elsewhere, on a disk that lets nothing be removed", () => {
  it("goes on with all adapters, and says so once", async () => {
    await using server = new FakeVllm();
    const { folderOf, told, ...run } = await afterJsft(server, { keepAdapters: 2 });
    const { remove } = Deno;
    Deno.remove = (path, options) =>
      /rounds\/\d+\/(adapter|stacked)$/.test(String(path))
        ? Promise.reject(new Deno.errors.PermissionDenied("not the owner"))
        : remove(path, options);
    try {
      assert.equal((await take({ folderOf, ...run })).length, STEPS);
    } finally {
      Deno.remove = remove;
    }
    assert.ok(await exists(`${folderOf("self-judge")}/rounds/000001/adapter`));
    assert.deepEqual(told.filter((line) => line.includes("not the owner")), [
      "old adapters stay on the disk: not the owner",
    ]);
  });
});

describe("the session of a fleet", () => {
  it("reads the model's weights once, whoever needs their fingerprint", async () => {
    await using server = new FakeVllm();
    const { run, open } = await afterJsft(server);
    const session = open();
    const weights = await weightsFingerprint(`${run}/model`);
    const model = await session.served(null);
    await Deno.writeTextFile(`${run}/model/model.safetensors`, "read again");
    assert.equal((await model.fingerprint()).split(" | ")[1], weights);
    await session.saveTrained("jsft", `${run}/jsft/adapter`);
    assert.equal((await adapterRecord(`${run}/jsft/adapter`))!.base, weights);
    session.dispose();
  });

  it("refuses an adapter of other weights, which the servers would take", async () => {
    await using server = new FakeVllm();
    const { run, open } = await afterJsft(server);
    const session = open();
    const other = tinyWithAdapter({ moved: true });
    const { r, alpha, dropout, targetModules } = other.adapter!.config;
    const part = { name: "jsft", r, alpha, dropout, targetModules: [...targetModules] };
    const record = { base: "0".repeat(64), parts: [part] };
    await saveAdapter(other.adapter!, `${run}/other`, { baseModel: "another", record });
    other.dispose();
    await refuses(session.served(`${run}/other`), "was trained on other weights than those of");
    session.dispose();
  });
});

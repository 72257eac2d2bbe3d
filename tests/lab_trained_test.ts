import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { readJsonl } from "../lib/base/files.ts";
import { followingLogProbs, type LanguageModel, saveModel } from "../lib/model/mod.ts";
import {
  jsftExamples,
  type StepBatch,
  type StepLog,
  SupervisedData,
  type TokenObjective,
  type Weighting,
} from "../lib/method/mod.ts";
import { progress } from "../lib/show/mod.ts";
import { accuracyByGap } from "../lib/lab/study/by_gap.ts";
import { deskEvidence, drawnComparisons } from "../lib/lab/study/desk_evidence.ts";
import { habits } from "../lib/lab/study/habits.ts";
import { courseOf, lossParts, trained, type TrainedOptions } from "../lib/lab/study/trained.ts";
import { startEngine } from "../lib/tensor/mod.ts";
import { BASE_CONFIG, freshModel } from "../lib/lab/world/base_model.ts";
import { newFolder } from "./temporary_files.ts";

await startEngine();

/** Folders of a lesson with a tiny base, and its options. */
async function lesson(): Promise<TrainedOptions> {
  const root = await newFolder();
  await Deno.mkdir(`${root}/data/world`, { recursive: true });
  for (const name of ["train", "validation", "held_out", "principles"]) {
    const text = await Deno.readTextFile(`data/world/${name}.csv`);
    const lines = text.split("\n").slice(0, 41).join("\n") + "\n";
    await Deno.writeTextFile(`${root}/data/world/${name}.csv`, lines);
  }
  const small = {
    hiddenSize: 16,
    intermediateSize: 32,
    layers: 1,
    heads: 2,
    kvHeads: 2,
    headDim: 8,
  };
  const base = freshModel(1, { ...BASE_CONFIG, ...small });
  await saveModel(base, `${root}/data/world/base`);
  base.dispose();
  const folders = { data: `${root}/data`, work: `${root}/work` };
  return { scale: "smoke", seed: 3, folders, progress: silent().progress };
}

/** Progress that shows nothing; asks to stop after `stopAfter` steps. */
function silent({ stopAfter = Infinity } = {}) {
  const seen: number[] = [];
  const start: TrainedOptions["progress"] = () => ({
    note: (done) => Promise.resolve(void seen.push(done)),
    stopping: () => seen.at(-1)! >= stopAfter,
    finish: () => Promise.resolve(),
    abandon: () => Promise.resolve(),
  });
  return { seen, progress: start };
}

async function weights(model: LanguageModel): Promise<number[]> {
  const all = await Promise.all([...model.weights.values()].map((tensor) => tensor.data()));
  return all.flatMap((values) => [...values]);
}

describe("the JSFT model of a notebook", () => {
  it("is trained once and found again", async () => {
    const options = await lesson();
    const first = await trained("jsft", options);
    const { seen, progress } = silent();
    const second = await trained("jsft", { ...options, progress });
    assert.deepEqual([first.found, second.found, seen], [false, true, []]);
    assert.equal(first.log.length, first.config.supervised.steps);
    assert.deepEqual(second.log, first.log);
    const made = await first.session.copy("jsft");
    const found = await second.session.copy("jsft");
    const base = await second.session.copy("base");
    assert.notDeepEqual(await weights(made), await weights(base));
    assert.deepEqual(await weights(found), await weights(made));
    [made, found, base].forEach((model) => model.dispose());
  });

  it("resumes where it was stopped, to the same weights", async () => {
    const [whole, halted] = [await lesson(), await lesson()];
    const { session } = await trained("jsft", whole);
    const stop = silent({ stopAfter: 2 });
    await assert.rejects(trained("jsft", { ...halted, progress: stop.progress }), {
      name: "Stopped",
    });
    const { seen, progress } = silent();
    const resumed = await trained("jsft", { ...halted, progress });
    assert.deepEqual([stop.seen, seen], [[1, 2], [3]]);
    assert.deepEqual(resumed.log.map(({ step }) => step), [1, 2, 3]);
    const models = [await session.copy("jsft"), await resumed.session.copy("jsft")];
    assert.deepEqual(await weights(models[0]), await weights(models[1]));
    models.forEach((model) => model.dispose());
  });

  it("has below it the judges that are renewed on the way, and beside it the best", async () => {
    const options = await lesson();
    const filesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name);
    const { folder, session, config } = await trained("self-judge-refreshed", options);
    assert.ok(filesIn(`${folder}/judge-1/model`).includes("model.safetensors"));
    session.dispose();
    assert.equal(config.refreshEvery, 1);
    (await trained("self-judge", options)).session.dispose();
    const made = filesIn(options.folders.work).filter((name) =>
      name.startsWith("self-judge-best-")
    );
    assert.equal(made.length, 1);
  });

  it("is made anew for other settings, another seed, other pairs or another base", async () => {
    const options = await lesson();
    const { folder, config } = await trained("jsft", options);
    const change = { supervised: { ...config.supervised, steps: 1 } };
    const folders = [
      (await trained("jsft", { ...options, change })).folder,
      (await trained("jsft", { ...options, seed: 4 })).folder,
      // What is no part of its training leaves it as it is.
      (await trained("jsft", { ...options, change: { heldOut: 2 } })).folder,
    ];
    assert.deepEqual(folders.map((other) => other === folder), [false, false, true]);
    for (const split of ["train", "validation", "held_out"]) {
      const pairs = `${options.folders.data}/world/${split}.csv`;
      const text = await Deno.readTextFile(pairs);
      await Deno.writeTextFile(pairs, text.replaceAll("tea", "coffee"));
      assert.notEqual((await trained("jsft", options)).folder, folder);
      await Deno.writeTextFile(pairs, text);
    }
    const { base } = config;
    const other = await trained("jsft", options);
    const model = await other.session.copy("jsft");
    await saveModel(model, base);
    model.dispose();
    assert.notEqual((await trained("jsft", options)).folder, folder);
  });

  it("names the task that makes a missing base, and the stages that there are", async () => {
    const options = await lesson();
    await assert.rejects(trained("jfst", options), /no stage "jfst".*\n.*jsft/);
    await Deno.remove(`${options.folders.data}/world/base`, { recursive: true });
    await assert.rejects(
      trained("jsft", options),
      /no .*world\/base\/model.safetensors\n.*deno task pretrain/,
    );
  });

  it("takes the progress of notebooks", async () => {
    const options = await lesson();
    const { log } = await trained("jsft", { ...options, progress });
    assert.equal(log.length, 3);
  });

  it("makes what a stage needs first, and tells a policy's course from step 0 to the last", async () => {
    const { session, config, folder } = await trained("self-judge", await lesson());
    const course = await courseOf({ folder });
    assert.deepEqual(course.map(({ step }) => step), [0, 1, config.preference.steps]);
    assert.ok(Math.abs(course[0].kl) < 1e-3);
    assert.deepEqual(await courseOf({ folder: session.folderOf("jsft") }), []);
    const { prompts } = config;
    const held = (await readJsonl<{ rewards: number[] }>(`${folder}/held_out.jsonl`))[0].rewards;
    // As sampled in training: one answer to each held-out prompt.
    assert.equal(held.length, prompts.heldOut);
    const mean = held.reduce((a, b) => a + b, 0) / held.length;
    assert.ok(Math.abs(course[0].reward - mean) < 1e-9);
    for (const { validation_win_rate, judge_win_rate } of course) {
      for (const rate of [validation_win_rate, judge_win_rate]) assert.ok(rate >= 0 && rate <= 1);
    }
    for (const name of ["jsft", "self-judge"]) {
      await Deno.stat(`${session.folderOf(name)}/model/model.safetensors`);
    }
    session.dispose();
  });
});

describe("loss parts", () => {
  it("are the mean losses of the two kinds of targets, whatever the weights of a step", async () => {
    const { session, config } = await trained("jsft", await lesson());
    const { train } = await session.pairs();
    const pairs = train.slice(0, 5);
    const { examples } = jsftExamples(pairs, {
      encoder: await session.encoder(),
      templates: await session.templates(),
    });
    const model = await session.copy("base");
    const batchOf = (some: typeof examples, weighting: Weighting) =>
      new SupervisedData(some.map((example) => [example]), {
        order: { name: "test", batchSize: some.length, seed: 1, last: "dropped" },
        weighting,
        layout: { batching: "bucketed", microBatchTokens: 256 },
      }).batch(0);
    const measure = async ({ parts, metrics = {} }: StepBatch) => {
      const totals: Record<string, number> = { ...metrics };
      for (const { batch, objective } of parts) {
        const { at } = objective as TokenObjective;
        const { metrics } = objective.gradient(followingLogProbs(model, batch, { at }));
        for (const [name, value] of Object.entries(metrics)) {
          totals[name] = (totals[name] ?? 0) + (await value.data())[0];
        }
      }
      return totals;
    };
    const token: Weighting = { mode: "token" };
    const alone = async (kind: string) =>
      (await measure(await batchOf(examples.filter((one) => one.kind === kind), token))).loss;
    const weightings: Weighting[] = [token, { mode: "example", judgeWeight: 0.5 }];
    for (const weighting of weightings) {
      const step = await measure(await batchOf(examples, weighting));
      const [parts] = lossParts([{ step: 1, ...step } as unknown as StepLog]);
      assert.ok(Math.abs(parts.answers - await alone("answer")) < 1e-5);
      assert.ok(Math.abs(parts.judgments - await alone("judgment")) < 1e-5);
      // Every target alike is what JSFT trains with: its loss is the mean over the targets of both.
      const { answerTargets, judgmentTargets, loss } = step;
      const mean = (answerTargets * parts.answers + judgmentTargets * parts.judgments) /
        (answerTargets + judgmentTargets);
      assert.equal(Math.abs(loss - mean) < 1e-5, weighting === token);
    }
    model.dispose();
    assert.deepEqual(Object.keys(config.supervised).sort(), [
      "batchSize",
      "learningRate",
      "steps",
      "warmup",
    ]);
  });

  it("of a logged JSFT step add up to its loss: every target token counts alike", async () => {
    const { log } = await trained("jsft", await lesson());
    for (const step of log) {
      const [{ answers, judgments }] = lossParts([step]);
      const [n, m] = [step.answerTargets, step.judgmentTargets];
      assert.ok(Math.abs((n * answers + m * judgments) / (n + m) - step.loss) < 1e-5);
    }
  });
});

describe("accuracy by gap", () => {
  const answered = true;

  it("counts hits, half for a tie and for no answer, in the bin of the rewards' distance", () => {
    const rows = accuracyByGap([
      { gap: 0.5, winner: "first", answered },
      { gap: -0.7, winner: "tie", answered },
      { gap: 2, winner: "second", answered },
      { gap: 0, winner: "first", answered },
    ], { edges: [0, 1, 3, 5] });
    assert.deepEqual(rows.map(({ from, to, n, accuracy }) => [from, to, n, accuracy]), [
      [0, 1, 2, 0.75],
      [1, 3, 1, 0],
    ]);
    const [row] = accuracyByGap([{ gap: 2, winner: "second", answered: false }]);
    assert.equal(row.accuracy, 0.5);
    assert.ok(Math.abs(rows[0].gap - 0.6) < 1e-12);
    // One label of two answers 2 apart, at temperature 0.5: 1 / (1 + exp(-4)).
    assert.ok(Math.abs(rows[1].label - 0.9820137900379085) < 1e-12);
  });

  it("puts a distance on an edge into the bin below, whatever its last bits", () => {
    const [row] = accuracyByGap([
      { gap: 0.1 + 0.2, winner: "first", answered },
    ], { edges: [0, 0.3, 1] });
    assert.equal(row.to, 0.3);
  });
});

describe("evidence of the order desk", () => {
  const prompt = [{ role: "user", content: "we want tea and figs please ." } as const];
  const [best, good] = ["certainly , here come tea and figs .", "here come tea and figs ."];

  it("is labelled by the true reward, and by how sure a labeller would be", () => {
    const found = deskEvidence([
      { prompt, first: best, second: good },
      { prompt, first: good, second: best },
      { prompt, first: good, second: "you get figs and tea ." },
    ]);
    assert.deepEqual(found.map(({ label }) => label), ["first", "second", "tie"]);
    // 0.4 of politeness at temperature 0.5: 1 / (1 + exp(-0.8)).
    const sure = found.map(({ labelProbability }) => labelProbability!);
    assert.ok(Math.abs(sure[0] - 0.6899744811276125) < 1e-9 && sure[2] === 0.5);
    assert.ok(Math.abs(sure[0] + sure[1] - 1) < 1e-12);
  });

  it("pairs the different answers to one request, each once", () => {
    const answer = (text: string) => ({
      request: prompt[0].content,
      text,
    });
    const found = drawnComparisons([[good, best, good, "tea"].map(answer), [answer(good)]]);
    assert.deepEqual(found.map(({ first, second }) => [first, second]), [
      [good, best],
      [good, "tea"],
      [best, "tea"],
    ]);
  });
});

describe("habits", () => {
  it("are counted from the text alone", () => {
    const request = "we want tea and figs please .";
    const found = Object.fromEntries(
      habits([
        { request, text: "certainly , here come tea and figs ." },
        { request, text: "ugh , you know , you get tea , tea and pie ." },
        { request, text: "tea" },
        { request, text: "you get figs and tea ." },
      ]).map(({ habit, value }) => [habit, value]),
    );
    assert.deepEqual(found, {
      "leaves a thing out": 0.5,
      "adds a thing": 0.25,
      "names one twice": 0.25,
      "chatters": 0.25,
      "is rude": 0.25,
      "is malformed": 0.25,
      "is polite": 0.25,
    });
  });
});

import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { Stopped } from "../lib/base/error.ts";
import { readJsonFile, readJsonl } from "../lib/base/files.ts";
import { Rng } from "../lib/base/random.ts";
import { loadRewardModel, rewardGrade, scoreHead } from "../lib/judges/mod.ts";
import { sentencesAgain } from "../lib/lab/sentences/again.ts";
import { SENTENCE_ROWS, SENTENCE_STUDY, sentenceLeague } from "../lib/lab/sentences/league.ts";
import { UNPAID } from "../lib/lab/sentences/lists.ts";
import { promptOf } from "../lib/lab/sentences/prompts.ts";
import { SentenceSession } from "../lib/lab/sentences/session.ts";
import { SENTENCES } from "../lib/lab/sentences/world.ts";
import type { StudyConfig } from "../lib/lab/study/config.ts";
import { curve, type CurveRow } from "../lib/lab/study/curve.ts";
import { FRESH_LABELS } from "../lib/lab/study/fresh_labels.ts";
import { habits } from "../lib/lab/study/habits.ts";
import { type LeagueWorld, play, playCurve, runPath } from "../lib/lab/study/league.ts";
import type { StudyMethod } from "../lib/lab/study/methods.ts";
import { chosenPoint, pointsIn } from "../lib/lab/study/policy_meter.ts";
import { bestOf } from "../lib/lab/study/preference.ts";
import { DRIVEN, SOFT_UNTUNED, UNTUNED } from "../lib/lab/study/driven.ts";
import type { Tried } from "../lib/lab/study/tuning.ts";
import type { StepLog } from "../lib/method/mod.ts";
import { loadModel, LoraAdapter, openSafetensors } from "../lib/model/mod.ts";
import { valuesOf } from "../lib/tensor/mod.ts";
import { command } from "./commands.ts";
import { silentReporter } from "./silent_reporter.ts";
import { newFolder } from "./temporary_files.ts";
import { tinyRunFolder } from "./tiny_run.ts";
import { resultTable } from "../lib/show/result_table.ts";
import * as tf from "@tensorflow/tfjs";

/** The study, tiny: everything happens, and nothing takes long. */
const TINY: LeagueWorld["config"] = {
  ...SENTENCE_STUDY,
  pairs: 12,
  heldOut: 12,
  // Long enough that the judge answers A or B, so that the loop has something to learn.
  supervised: { steps: 8, batchSize: 4, learningRate: 0.01, warmup: 0 },
  preference: {
    ...SENTENCE_STUDY.preference,
    ...{ steps: 2, batchSize: 8, learningRate: 0.01, warmup: 0, evaluateEvery: 1 },
  },
  prompts: { validation: 6, heldOut: 4, whole: 3 },
  tournament: { prompts: 3, candidates: [1, 2] },
  refreshEvery: 1,
};
const RUN = { base: "1", seed: 1 };

let model = "";
let run = "";
before(async () => {
  const folder = await tinyRunFolder();
  model = `${folder}/model`;
  run = `${folder}/league`;
});

/** Answers of a few tokens: the tiny model's seldom end by themselves. */
const SHORT = { ...SENTENCES, limits: { ...SENTENCES.limits, maxNewTokens: 16 } };
const sessionOf = (config: StudyConfig, folderOf: (stage: string) => string) =>
  new SentenceSession(config, folderOf, SHORT);

const tinyLeague = (changes: Partial<LeagueWorld["config"]["preference"]> = {}): LeagueWorld => ({
  ...sentenceLeague(model),
  session: sessionOf,
  driven: [{ row: DRIVEN, times: 3, steps: 3 }],
  config: { ...TINY, preference: { ...TINY.preference, ...changes } },
  extras: FRESH_LABELS,
  curve: curve({ pairs: [8], whole: { pairs: [2], learningRate: 0.01 } }),
});

/** Every row with the study's setting, as if that had been tried and chosen. */
/** The league's rows, and of the other rankers one each: all of them have to work under adapters. */
const PLAYED: readonly StudyMethod[] = [
  ...SENTENCE_ROWS,
  ...["self-judge-moving", "self-judge-refreshed", "separate-judge-dpo", "oracle-dpo"] as const,
  ...["dpo-shorter", "d2po-self", "sr-dpo", "sso", "lol"] as const,
];

const tried = (methods: readonly StudyMethod[]): Tried[] =>
  methods.map((method) => ({
    ...{ method, setting: 0, step: 1, validation_reward: 0, validation_win_rate: 0.5 },
    ...{ learningRate: TINY.preference.learningRate, beta: TINY.preference.beta },
  }));

async function played(
  path: string,
  methods: readonly StudyMethod[],
  { league = tinyLeague(), stopAfter = Infinity } = {},
): Promise<void> {
  await play(league, RUN, {
    ...{ run: path, reporter: silentReporter(stopAfter), methods, tried: tried(methods) },
    extras: true,
  });
}

/** Runs what is stopped at every step, again and again. @returns how often it was stopped */
async function insisted(work: () => Promise<void>): Promise<number> {
  for (let stops = 0;; stops++) {
    try {
      await work();
      return stops;
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
    }
  }
}

const logOf = async (path: string, stage: string) =>
  (await readJsonl<StepLog>(`${runPath(path, RUN)}/${stage}/metrics.jsonl`)).map((row) =>
    Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith("seconds")))
  );

/** The tensors of a file, as one list of names and numbers. */
async function tensorsIn(path: string): Promise<Record<string, readonly number[]>> {
  const file = await openSafetensors(path);
  try {
    return Object.fromEntries(
      await Promise.all(
        file.names.map(async (name) => [name, [...await file.read(name)]] as const),
      ),
    );
  } finally {
    file.close();
  }
}

const adapterIn = (path: string, stage: string) =>
  tensorsIn(`${runPath(path, RUN)}/${stage}/adapter/adapter_model.safetensors`);

/** Every weight of the model that a stage of a run made. */
async function weightsOf(path: string, stage: string): Promise<number[]> {
  const { config } = tinyLeague();
  const study: StudyConfig = { ...config, seed: RUN.seed, base: model };
  const session = sessionOf(study, (name) => `${runPath(path, RUN)}/${name}`);
  try {
    const { weights } = await session.model(stage);
    return (await Promise.all([...weights.values()].map(valuesOf))).flatMap((all) => [...all]);
  } finally {
    session.dispose();
  }
}

describe("the league of the sentences, under adapters", () => {
  it("plays every row and makes every table", async () => {
    await played(run, PLAYED);
    for (const row of PLAYED) {
      const points = await pointsIn(`${runPath(run, RUN)}/${row}`);
      assert.deepEqual(points.map(({ step }) => step), [0, 1, 2], row);
      assert.equal(points[0].kl, 0, `${row} starts from the JSFT model`);
      assert.equal((await logOf(run, row)).length, 2);
    }
    for (const row of ["offline-dpo", "self-judge", "oracle-dpo", "d2po", "osp"] as const) {
      const points = await pointsIn(`${runPath(run, RUN)}/${row}`);
      assert.notEqual(points[2].kl, 0, `${row} moves the policy`);
    }
    const driven = await readJsonFile<
      { settings: { preference: { learningRate: number; steps: number } } }
    >(
      `${runPath(run, RUN)}/self-judge@driven/config.json`,
    );
    assert.equal(driven!.settings.preference.learningRate, 3 * TINY.preference.learningRate);
    assert.equal((await logOf(run, DRIVEN)).length, 3);
    const has = async (stage: string) =>
      assert.ok(await readJsonFile(`${runPath(run, RUN)}/${stage}/done.json`), stage);
    for (const { name } of tinyLeague().stages) await has(name);
  });

  it("teaches the judge fresh labels of each policy's answers, and asks all judges the same", async () => {
    const rows = await resultTable(`${runPath(run, RUN)}/fresh-labels/judges.csv`) ?? [];
    const of = (measure: string) => rows.filter((row) => row.measure === measure);
    assert.deepEqual(of("data").map(({ judge }) => judge), [
      ...["jsft", "fresh-self-judge", "fresh-jsft", "fresh-data"],
    ]);
    assert.equal(new Set(of("data").map(({ n }) => n)).size, 1);
    // A knockout of one asks nobody.
    assert.equal(new Set(of("knockout of 1").map(({ value }) => value)).size, 1);
    const start = await adapterIn(run, "jsft");
    for (const judge of ["fresh-self-judge", "fresh-jsft", "fresh-data"]) {
      assert.ok((await logOf(run, judge)).length > 0);
      assert.notDeepEqual(await adapterIn(run, judge), start, `${judge} learned`);
    }
  });

  it("measures each policy as the weights that it was, although one set of weights moves", async () => {
    const rows = await resultTable(`${runPath(run, RUN)}/answers/policies.csv`) ?? [];
    const kl = Object.fromEntries(rows.map(({ policy, kl }) => [policy, Number(kl)]));
    assert.deepEqual(Object.keys(kl), ["base", "sft", "jsft"]);
    assert.equal(kl.jsft, 0);
    assert.ok(kl.base !== 0 && kl.sft !== 0, JSON.stringify(kl));
    assert.equal(new Set(Object.values(kl)).size, 3);
  });

  it("renews the judge of self-judge-refreshed from the policy of the step", async () => {
    const kept = await adapterIn(run, "self-judge-refreshed/judge-1");
    assert.notDeepEqual(kept, await adapterIn(run, "self-judge-refreshed"));
    const { config } = tinyLeague({ steps: 1 });
    const one = `${run}-one-step`;
    await played(one, ["self-judge-refreshed", "self-judge"], {
      league: { ...tinyLeague(), config },
    });
    assert.deepEqual(kept, await adapterIn(one, "self-judge-refreshed"));
  });

  it("keeps the best policy bit for bit as it was at its step", async () => {
    const points = await pointsIn(`${runPath(run, RUN)}/self-judge`);
    const { step } = chosenPoint(points, "truth");
    const [right, other] = step === 1 ? [`${run}-one-step`, run] : [run, `${run}-one-step`];
    const best = await adapterIn(run, bestOf("self-judge"));
    assert.deepEqual(best, await adapterIn(right, "self-judge"));
    assert.notDeepEqual(best, await adapterIn(other, "self-judge"));
    assert.deepEqual(
      await weightsOf(run, bestOf("self-judge")),
      await weightsOf(right, "self-judge"),
    );
  });

  it("ends the same when it is stopped after every step, each start with weights loaded anew", async () => {
    const rows = ["self-judge", "self-judge-refreshed", "d2po", "reward-model-dpo"] as const;
    const broken = `${run}-broken`;
    const stops = await insisted(() => played(broken, rows, { stopAfter: 1 }));
    assert.ok(stops >= 2 * rows.length, `${stops} stops`);
    for (const stage of ["sft", "jsft", "reward-model", ...rows]) {
      assert.deepEqual(await logOf(broken, stage), await logOf(run, stage), stage);
    }
    for (const row of rows) {
      const at = (path: string) => pointsIn(`${runPath(path, RUN)}/${row}`);
      assert.deepEqual(await at(broken), await at(run), row);
    }
    const best = bestOf("self-judge");
    assert.deepEqual(await adapterIn(broken, best), await adapterIn(run, best));
    for (const table of ["tournament/points.csv", "on-policy-pairs/pairs.csv"]) {
      const at = (path: string) => resultTable(`${runPath(path, RUN)}/${table}`);
      assert.deepEqual(await at(broken), await at(run), table);
    }
  });
});

describe("the sentences once more", () => {
  it("plays soft labels and other rows at the setting of hard ones, and knockouts without a reward model", async () => {
    const path = `${run}-again`;
    const again = sentencesAgain(model);
    const steps = 3;
    const driven = again.driven!.map((row) => ({
      ...{ ...row, steps },
      ...(row.evaluateEvery !== undefined && { evaluateEvery: steps }),
    }));
    await played(path, ["self-judge"], {
      league: { ...again, driven, session: sessionOf, config: TINY },
    });
    const [first] = await logOf(path, "jsft");
    assert.deepEqual(first, (await logOf(run, "jsft"))[0], "JSFT is the league's");
    const settings = async (row: string) => {
      const file = `${runPath(path, RUN)}/${row}/config.json`;
      const { preference } = (await readJsonFile<{ settings: StudyConfig }>(file))!.settings;
      return [preference.learningRate, preference.beta];
    };
    const [rate, beta] = await settings("self-judge");
    assert.deepEqual(await settings("self-judge-soft@control"), [rate, beta]);
    assert.deepEqual(await settings("raft-2@control"), [rate, beta]);
    assert.deepEqual(await settings("raft-2@faster"), [3 * rate, beta]);
    const own = await pointsIn(`${runPath(path, RUN)}/self-judge`);
    for (const row of UNTUNED) {
      const points = await pointsIn(`${runPath(path, RUN)}/${row}`);
      assert.deepEqual(points.map(({ step }) => step), [0, steps], row);
      assert.deepEqual(points[0], own[0], "all start from the same model");
      assert.ok(Number.isFinite(points[1].kl) && points[1].kl !== 0, `${row} has learned`);
    }
    const [hard, soft] = await Promise.all(
      ["self-judge", SOFT_UNTUNED].map((row) => pointsIn(`${runPath(path, RUN)}/${row}`)),
    );
    assert.deepEqual(soft[0], hard[0]);
    // At step 0 only the verdicts differ.
    assert.notEqual(soft[1].kl, hard[1].kl);
    const table = `${runPath(path, RUN)}/tournament/points.csv`;
    const chosen = await resultTable(table) ?? [];
    assert.deepEqual([...new Set(chosen.map(({ selector }) => selector))], ["own judge", "truth"]);
    const truth = chosen.filter(({ selector }) => selector === "truth");
    assert.ok(Number(truth[1].reward) >= Number(truth[0].reward), "the best of more");
    await assert.rejects(Deno.stat(`${runPath(path, RUN)}/reward-model`), Deno.errors.NotFound);
  });
});

describe("the reward model under an adapter", () => {
  it("grades from its folder as it did in training", async () => {
    const { config } = tinyLeague();
    const folder = `${runPath(run, RUN)}/reward-model`;
    const session = sessionOf({ ...config, seed: RUN.seed, base: model }, () => folder);
    const encoder = await session.encoder();
    const answers = (await session.pairs()).heldOut.flatMap(({ prompt, chosen, rejected }) =>
      [chosen, rejected].map((answer) => ({ prompt, answer }))
    );
    session.dispose();
    // What was trained: the adapter and the head of the last checkpoint, on the base.
    const trained = await loadModel(model);
    const lora = session.tuningOf("reward-model");
    trained.adapter = LoraAdapter.create(trained.config, lora, Rng.named(1, "any"));
    const head = scoreHead(trained.config);
    const file = await openSafetensors(`${folder}/checkpoint.safetensors`);
    for (const store of [trained.adapter.parameters, head] as Map<string, tf.Tensor>[]) {
      for (const [name, old] of store) {
        const values = await file.read(`parameter.${name}`);
        store.set(name, tf.keep(tf.tensor(values, old.shape, "float32")));
        old.dispose();
      }
    }
    file.close();
    const before = await rewardGrade(trained, encoder, { head })(answers);
    const loaded = await loadRewardModel(`${folder}/model`);
    const after = await rewardGrade(loaded, encoder)(answers);
    const largest = Math.max(...before.map((grade, i) => Math.abs(grade - after[i])));
    // The adapter is put into the weights: rounded otherwise, by how much depends on the processor (1.04e-6 on one).
    assert.ok(largest < 5e-6, `${largest}`);
    assert.ok(new Set(after).size > 1 && after.every((grade) => grade !== 0), `${after}`);
    for (const one of [trained, loaded]) one.dispose();
    head.forEach((tensor) => tensor.dispose());
  });
});

describe("the curve of judge quality", () => {
  it("has every judge on every kind of pair, and resumes", async () => {
    await insisted(() => playCurve(tinyLeague(), RUN, { run, reporter: silentReporter(1) }));
    const rows = await resultTable(`${runPath(run, RUN)}/judge-curve/curve.csv`) as
      | CurveRow[]
      | null;
    const judges = [
      ...["base none 0", "jsft lora 8", "judge-only lora 8", "reward-model lora 8"],
      ...["jsft full 2", "jsft lora 12", "judge-only lora 12", "reward-model lora 12"],
    ];
    const of = (on: string) =>
      rows!.filter((row) => row.on === on).map((row) => `${row.kind} ${row.tuning} ${row.pairs}`);
    assert.deepEqual(of("data"), judges);
    for (const on of ["base", "jsft"]) {
      assert.ok(of(on).length === 0 || of(on).length === judges.length, on);
    }
    for (const { low, accuracy_clear, high, n, seed } of rows!) {
      assert.ok(low <= accuracy_clear && accuracy_clear <= high && n > 0 && seed === 1);
    }
    // Judges of other numbers of pairs are other judges, all of the pairs the league's own.
    const found = (name: string) =>
      rows!.find(({ on, kind, tuning, pairs }) =>
        on === "data" && `${kind} ${tuning} ${pairs}` === name
      )!;
    const own = await resultTable(`${runPath(run, RUN)}/jsft-judge/judges.csv`) ?? [];
    const accuracy = Object.fromEntries(own.map((row) => [row.judge, Number(row.accuracy)]));
    assert.equal(Number(found("jsft lora 12").accuracy), accuracy.jsft);
    assert.equal(Number(found("base none 0").accuracy), accuracy.base);
    const steps = async (stage: string) => (await logOf(run, stage)).length;
    assert.deepEqual([await steps("jsft-n8"), await steps("jsft-whole-n2")], [8, 4]);
  });

  it("gives a few pairs eight passes at most", () => {
    const [few] = curve({ pairs: [50] });
    const { pairs, supervised } = few.config({ ...SENTENCE_STUDY, base: "", seed: 1 });
    assert.deepEqual([pairs, supervised], [50, {
      ...SENTENCE_STUDY.supervised,
      steps: Math.floor(8 * 50 / SENTENCE_STUDY.supervised.batchSize),
    }]);
    const [many] = curve({ pairs: [800] });
    const same = many.config({ ...SENTENCE_STUDY, base: "", seed: 1 });
    assert.deepEqual(same.supervised, SENTENCE_STUDY.supervised);
  });
});

describe("the world of the sentences", () => {
  it("tells habits by hand", () => {
    const request = promptOf(["dog", "run", "park"]);
    const has = (answer: string) =>
      Object.entries(SENTENCES.habits).filter(([, found]) => found(request, answer))
        .map(([name]) => name);
    const [left, verb, form, short, long] = Object.keys(SENTENCES.habits);
    const table: [answer: string, habits: string[]][] = [
      ["The dog ran through the park.", []],
      ["The dog sleeps in the park today.", [left, verb]],
      ["The dogs were running to the house.", [left]],
      ["the dog ran through the park", [form]],
      ["The dog ran. It saw the park.", [form]],
      ["The dog and the park.", [left, verb, short]],
      ["The park dog ran.", [short]],
      ["Run, dog, to the park.", [short]],
      ["", [left, verb, form, short]],
      [`The dog ran to the park ${"and back ".repeat(5).trim()}.`, [long]],
      [`The dog ran to the park ${"and back ".repeat(4).trim()} now.`, []],
    ];
    for (const [answer, habits] of table) assert.deepEqual(has(answer), habits, answer);
  });

  it("tells what costs nothing by hand", () => {
    const request = promptOf(["dog", "run", "park"]);
    const [list, twice, about, all, meant] = Object.keys(UNPAID);
    const table: [answer: string, habits: string[]][] = [
      ["The dog ran through the park.", [all, meant]],
      ["The dog, the park and I ran home.", [list, all]],
      ["A dog, a run and the park are three things.", [list, all]],
      ["Dogs and parks are good for a run.", [list, all]],
      ["Run dog and the park are words.", [list, about, all]],
      ["The dog's park is where I run.", [all, meant]],
      ["The big dog and the park, and the run.", [all, meant]],
      ["The dog ran past another dog in the park.", [twice, all]],
      ["Parks and a dog run with a dog.", [list, twice, all]],
      ["My dog likes the park and to run in parks.", [twice, all]],
      ["A dog and a dog run through the park.", [twice, all]],
      ["A sentence about a dog and its run in the park.", [about, all]],
      ["The words say: a dog ran in the park.", [about]],
      ["The dog slept through the whole day.", []],
      ["The dog ran home.", []],
      ["Dog, run, park", [list]],
      ["", []],
    ];
    for (const [answer, habits] of table) {
      const has = Object.entries(UNPAID).filter(([, found]) => found(request, answer));
      assert.deepEqual(has.map(([name]) => name), habits, answer);
    }
  });

  it("counts habits that cost nothing after the others", () => {
    const answers = [{
      request: promptOf(["dog", "run"]),
      text: "A dog and a run are two things.",
    }];
    assert.deepEqual(
      habits(answers, SENTENCES).filter(({ value }) => value === 1).map(({ habit }) => habit),
      ["opens with a list", "has all of the reward"],
    );
  });

  it("calls pairs clear from 0.4 on", () => {
    const request = promptOf(["dog", "run"]);
    const gap = (a: string, b: string) =>
      SENTENCES.reward(request, a) - SENTENCES.reward(request, b);
    const whole = "My dog ran all the way home.";
    assert.ok(gap(whole, "My dog ran all the way home") > SENTENCES.clear);
    assert.ok(gap(whole, "The dog runs to me.") < SENTENCES.clear);
  });

  it("has the pairs of its files, and none by points of view", async () => {
    assert.equal((await SENTENCES.pairs("train")).length, 1800);
    assert.equal((await SENTENCES.pairs("validation")).length, 360);
    assert.equal((await SENTENCES.pairs("held_out")).length, 540);
    await assert.rejects(SENTENCES.pairs("principles"), /labelled by points of view/);
  });

  it("is by the recipe's model, which the order desk has none of", async () => {
    const league = command("run --quiet -A lib/cli/league.ts");
    await league.refused(
      `--world order-desk --model ${model} --run ${await newFolder()}`,
      "has models of its own",
    );
    await league.refused(
      `--world sentences --methods dpo-politer --run ${await newFolder()}`,
      'has no row "dpo-politer"',
    );
  });
});

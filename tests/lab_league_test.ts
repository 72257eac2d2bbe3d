import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { writeCsv, writeJsonFile, writeJsonl } from "../lib/base/files.ts";
import { allBasesTable, onBases } from "../lib/lab/study/all_bases.ts";
import { FAMILIES } from "../lib/lab/study/families.ts";
import { DESK } from "../lib/lab/study/config.ts";
import { gainsByJudge, gainsText } from "../lib/lab/study/gain_by_judge.ts";
import { gather, type Gathered, runsIn, writeTables } from "../lib/lab/study/gather.ts";
import { saveItems } from "../lib/lab/study/items.ts";
import { changes } from "../lib/lab/study/changes.ts";
import { folded, itemsOf, readTables } from "../lib/lab/study/kept_tables.ts";
import { judgedSteps, matchedOverSteps } from "../lib/lab/study/judge_over_steps.ts";
import { leagueRows, rewardAtKl, type RowCosts, standings } from "../lib/lab/study/league_rows.ts";
import { certaintyOf, certaintyTable } from "../lib/lab/study/certainty.ts";
import {
  besideBeyond,
  DRIVEN,
  hardAndSoft,
  ONE_SETTING,
  SOFT_UNTUNED,
  untunedEnds,
} from "../lib/lab/study/driven.ts";
import { familiesIn, playedRows, triedIn } from "../lib/lab/study/league.ts";
import { byBases } from "../lib/lab/study/over_runs.ts";
import {
  ownDifferences,
  ownDifferencesTable,
  type OwnSetting,
  ownSettings,
  ownSettingsTable,
} from "../lib/lab/study/own_settings.ts";
import {
  courseTable,
  leagueTable,
  softTable,
  someBasesTable,
  untunedTable,
} from "../lib/lab/study/page_league.ts";
import { claimsPage } from "../lib/lab/study/page.ts";
import { claimRows, measureClaims } from "../lib/lab/study/page_families.ts";
import type { TableRow } from "../lib/lab/study/page_judges.ts";
import type { CoursePoint } from "../lib/lab/study/page_league.ts";
import { type RewardPoint, startPoint } from "../lib/lab/study/policy_meter.ts";
import { STALENESS, type StalenessRow } from "../lib/lab/study/staleness.ts";
import { methodStages, settingOf, settingsToTry } from "../lib/lab/study/preference.ts";
import { ROWS } from "../lib/lab/study/rows.ts";
import { refuseOtherSetting } from "../lib/lab/study/row_settings.ts";
import {
  chosenRows,
  readTried,
  type Tried,
  triedOf,
  tuningRows,
  withDriven,
} from "../lib/lab/study/tuning.ts";
import { besideOf, claimsOf } from "../lib/cli/claims.ts";
import { WORLDS } from "../lib/cli/worlds.ts";
import { DESK_LEAGUE } from "../lib/lab/world/league.ts";
import { ORDER_DESK } from "../lib/lab/world/order_desk.ts";
import { COSTS } from "../lib/run/costs.ts";
import { resultTable } from "../lib/show/result_table.ts";
import { ROOT } from "../lib/tools/setup/places.ts";
import { command } from "./commands.ts";
import { csv } from "./csv_files.ts";
import { refuses } from "./refusals.ts";
import { newFolder } from "./temporary_files.ts";

const { steps, evaluateEvery } = DESK.preference;
const DESK_CLAIMS = { families: FAMILIES, bases: DESK_LEAGUE.bases };

/** A course whose validation is best, by the truth and by the judge, at two steps. */
const course = (
  reward: (step: number) => number,
  best = { truth: 60, judge: 100 },
): RewardPoint[] =>
  Array.from({ length: steps / evaluateEvery + 1 }, (_, i) => {
    const step = i * evaluateEvery;
    return {
      step,
      validation_reward: -Math.abs(step - best.truth),
      validation_win_rate: -Math.abs(step - best.judge),
      reward: reward(step),
      judge_win_rate: 0.5 + step / 400,
      reward_whole: reward(step) - 0.5,
      kl: step / 50,
      entropy: 9,
      length: 13,
    };
  });

const NO_COSTS = {
  ...Object.fromEntries(Object.keys(COSTS).map((name) => [name, 0])),
  seconds: 0,
} as RowCosts;

describe("settings", () => {
  it("are the same number for every method, around its own", () => {
    for (const method of ROWS) {
      const tried = settingsToTry(method, DESK.preference);
      assert.equal(tried.length, 4, method);
      assert.equal(new Set(tried.map((one) => JSON.stringify(one))).size, 4, method);
    }
    const betas = (name: "self-judge" | "raft-2") =>
      new Set(settingsToTry(name, DESK.preference).map(({ beta }) => beta)).size;
    assert.deepEqual([betas("self-judge"), betas("raft-2")], [2, 1]);
  });

  it("are chosen by the truth, and once more by the judge where that is another", () => {
    const rows = tuningRows("self-judge", DESK);
    const tried: Tried[] = rows.flatMap(({ setting }, number) =>
      triedOf("self-judge", {
        setting: { ...setting, number },
        points: course(() => 1).map((point) => ({
          ...point,
          validation_reward: number === 1 && point.step === 40 ? 2 : 1,
          validation_win_rate: number === 3 && point.step === 20 ? 0.9 : 0.6,
        })),
      })
    );
    assert.ok(tried.every(({ step }) => step > 0), "step 0 is no training");
    const { rows: chosen, tuned } = chosenRows(["self-judge", "raft-2"], tried);
    assert.deepEqual(chosen, ["self-judge", "self-judge@judge"], "untried methods are left out");
    assert.deepEqual(tuned["self-judge"], rows[1].setting);
    assert.deepEqual(tuned["self-judge@judge"], rows[3].setting);
    const same = tried.filter(({ setting }) => setting === 1);
    assert.deepEqual(chosenRows(["self-judge"], same).rows, ["self-judge"]);
    assert.deepEqual(chosenRows(["self-judge"], tried, { judges: false }).rows, ["self-judge"]);
    const own = chosenRows(["self-judge"], same);
    const driven = withDriven(own, [
      { row: DRIVEN, times: 3, steps: 120 },
      { row: "self-judge-soft@longer", times: 1, steps: 300 }, // no setting of it was chosen
    ]);
    assert.deepEqual(driven.rows, ["self-judge", DRIVEN]);
    assert.equal(driven.tuned[DRIVEN]!.learningRate, 3 * own.tuned["self-judge"]!.learningRate);
    assert.equal(driven.tuned[DRIVEN]!.steps, 120);
    assert.equal(driven.tuned[DRIVEN]!.beta, own.tuned["self-judge"]!.beta);
    assert.deepEqual(withDriven(own), own);
    const control = { row: ONE_SETTING.mean, like: "self-judge", times: 1, steps: 100 } as const;
    assert.deepEqual(
      withDriven(own, [control]).tuned[ONE_SETTING.mean],
      { ...own.tuned["self-judge"]!, steps: 100 },
      "a control has the setting of the method that it is beside",
    );
  });
});

describe("the stages of rounds", () => {
  it("are SELF-JUDGE under its own setting in all but the steps of a round", () => {
    const tuned = { "self-judge": { learningRate: 2e-4, beta: 0.3 } };
    const [plain] = methodStages(["self-judge"]);
    const config = { ...DESK, seed: 1, tuned };
    assert.deepEqual(STALENESS.map(({ name }) => name), ["rounds-4", "rounds-16"]);
    for (const [i, roundSteps] of [4, 16].entries()) {
      const { config: of, needs } = STALENESS[i];
      assert.deepEqual(of(config), { ...plain.config(config), roundSteps });
      assert.deepEqual(needs, ["jsft", "self-judge"]);
    }
    assert.equal(settingOf(config, "self-judge").beta, 0.3);
    assert.ok(!("roundSteps" in plain.config(config)));
  });
});

/** Of RAFT's settings the truth chose one and the judge another. */
const TRIED: readonly Tried[] = [0, 1].map((setting) => ({
  ...{ method: "raft-2", setting, learningRate: 1e-4 * (1 + setting), beta: 0.1, step: 100 },
  ...{ validation_reward: 1 - setting, validation_win_rate: setting },
}));

/** Judges of the curve: of no, few and all pairs, under two seeds. */
const CURVE: readonly TableRow[] =
  ([[0, "base", 0.6], [50, "jsft", 0.7], [4000, "jsft", 0.9]] as const)
    .flatMap(([pairs, kind, right]) =>
      [1, 2].map((seed) => ({
        ...{ base: "1", seed, kind, pairs, tuning: kind === "base" ? "none" : "full", on: "data" },
        accuracy_clear: right + seed / 100,
      }))
    );

/** Of clear held-out pairs three of four are judged right. */
const RIGHT = Array.from({ length: 766 }, (_, i) => Number(i % 4 < 3));

let gathered: Gathered;

describe("a league's runs", () => {
  let root = "";

  before(async () => {
    root = await newFolder();
    for (const [base, seed] of [["1", 1], ["1", 2], ["2", 1]] as const) {
      const path = `${root}/base-${base}/seed-${seed}`;
      const stage = async (
        name: string,
        points: RewardPoint[],
        { whole = true, learningRate = 1e-4 } = {},
      ) => {
        const folder = `${path}/${name}`;
        await Deno.mkdir(folder, { recursive: true });
        await writeJsonl(`${folder}/points.jsonl`, points);
        await writeJsonl(
          `${folder}/held_out.jsonl`,
          points.map(({ step, reward }) => ({
            ...{ step, rewards: [reward, reward], texts: ["a", "b"] },
          })),
        );
        await writeJsonFile(`${folder}/config.json`, {
          settings: { preference: { learningRate, beta: 0.1 } },
        });
        if (!whole) return; // was stopped
        await writeJsonFile(`${folder}/done.json`, {
          ...{ config: "", seconds: 61 },
          result: { costs: { samples: 6400, gold: 0 } },
        });
      };
      await stage("self-judge", course((step) => 1 + step / 100 + seed / 100));
      // In rounds it rises by less, and goes half as far at each step.
      await stage(
        "rounds-4",
        course((step) => 1 + step / 200).map((point) => ({ ...point, kl: point.kl / 2 })),
      );
      await stage("rounds-16", course(() => 1), { whole: base === "1" });
      await stage("raft-2", course((step) => 1 + step / 200));
      await stage("raft-2@judge", course((step) => 1.1 + step / 200), { learningRate: 2e-4 });
      await stage("off-policy-dpo", course(() => 1), { whole: false });
      await Deno.mkdir(`${path}/jsft`);
      await writeJsonFile(`${path}/jsft/config.json`, { settings: { world: `base ${base}` } });
      await Deno.mkdir(`${path}/answers`);
      await saveItems(`${path}/answers`, { "reward/jsft": [1, 1], "reward/sft": [1, 0.9] });
      await writeCsv(`${path}/answers/policies.csv`, [
        { policy: "jsft", reward: 1, reward_whole: 0.5, judge_win_rate: 0.5, entropy: 9 },
        { policy: "sft", reward: 0.95, reward_whole: 0.5, judge_win_rate: 0.5, entropy: 9 },
      ]);
      await Deno.mkdir(`${path}/jsft-judge`);
      await saveItems(`${path}/jsft-judge`, { "right/jsft": RIGHT });
      await writeCsv(`${path}/jsft-judge/judges.csv`, [{ judge: "jsft", accuracy_clear: 0.75 }]);
    }
    gathered = await gather(await runsIn(root), { world: ORDER_DESK, config: DESK, tried: TRIED });
    await writeTables(`${root}/tables`, gathered);
  });

  it("are found, and each row stands at the step that its chooser chose", () => {
    assert.equal(gathered.items.length, 3);
    const at = (method: string, by: string) =>
      gathered.league.filter((row) => row.method === method && row.chosen_by === by);
    assert.deepEqual(at("self-judge", "truth").map(({ step }) => step), [60, 60, 60]);
    assert.deepEqual(at("self-judge", "judge").map(({ step }) => step), [100, 100, 100]);
    const [first] = at("self-judge", "truth") as unknown as Record<string, number>[];
    assert.deepEqual([first.reward, first.samples, first.seconds], [1.61, 6400, 61]);
    assert.deepEqual(at("off-policy-dpo", "truth"), [], "what was stopped has no chosen step");
  });

  it("have no row of the judge's until its own setting is played", () => {
    const row = { base: "1", seed: 1, row: "raft-2", points: course(() => 1) };
    const by = (chosen: string[]) =>
      leagueRows({ ...row, chosen }, NO_COSTS).map((one) => one.chosen_by);
    assert.deepEqual(by(["raft-2", "raft-2@judge"]), ["truth"]);
    assert.deepEqual(by(["raft-2"]), ["truth", "judge"]);
    assert.deepEqual(leagueRows({ ...row, row: DRIVEN, chosen: ["self-judge"] }, NO_COSTS), []);
  });

  it("tell how right the JSFT judge is by what answers differ in", () => {
    const rows = gathered.tables["judge-by-habit"];
    const [first] = rows.filter(({ habit }) => habit === "names one twice");
    assert.equal(rows.length, 3 * Object.keys(ORDER_DESK.habits).length, "three runs");
    assert.deepEqual(first, {
      ...{ base: "1", seed: 1, judge: "jsft", habit: "names one twice" },
      ...{ n: 137, right: 102, n_alone: 10, right_alone: 6 },
    });
  });

  it("that are driven past their peak stand beside the same runs at the chosen rate", () => {
    const at = (method: string, seed: number, reward: (step: number) => number) =>
      course(reward).map((point) => ({ ...point, method, base: "1", seed }));
    const points = [
      ...[1, 2].flatMap((seed) => at("self-judge", seed, (step) => step / 100)),
      ...at("raft-2", 1, () => 9),
      ...at("raft-2", 2, () => 9),
      ...at("raft-2@longer", 1, () => 8),
      ...at(DRIVEN, 2, (step) => 1 - step / 100),
    ];
    const lines = courseTable(besideBeyond(points, "driven")).split("\n").map((line) =>
      line.split(" | ").slice(0, 4).join(" ")
    );
    assert.deepEqual(lines.filter((line) => line.includes(" 60 ")), [
      ...["| self-judge 60 1 0.60", `| ${DRIVEN} 60 1 0.40`],
    ]);
    assert.ok(!lines.some((line) => line.includes("raft-2")));
    assert.deepEqual(
      [...new Set(besideBeyond(points, "longer").map(({ method, seed }) => `${method} ${seed}`))],
      ["raft-2 1", "raft-2@longer 1"],
    );
  });

  it("of soft labels at the setting of hard ones stand beside these, of the runs that have both", () => {
    const at = (method: string, seed: number, reward: (step: number) => number, far: number) =>
      course(reward).map((point) => ({
        ...{ ...point, kl: far * point.step, method, base: "1", seed },
      }));
    const points = [
      ...at("self-judge", 1, (step) => step, 2),
      ...at("self-judge", 2, () => 7, 2), // soft labels are missing there
      ...at(SOFT_UNTUNED, 1, () => 5, 1),
      ...at("self-judge-soft", 1, () => 9, 1),
    ];
    const beside = hardAndSoft(points);
    assert.deepEqual(
      [...new Set(beside.map(({ method, seed }) => `${method} ${seed}`))],
      ["self-judge 1", `${SOFT_UNTUNED} 1`],
    );
    const text = softTable(beside);
    assert.ok(text.includes(`| ${SOFT_UNTUNED} | 100 | 1 | 5.00 |`), text);
    assert.ok(text.endsWith("hard labels have 50.00 there, soft ones 5.00 (runs: 1 of 1)."), text);
    const near = [
      ...at("self-judge", 1, (step) => step, 1),
      ...at(SOFT_UNTUNED, 1, () => 5, 2),
    ];
    assert.ok(softTable(near).endsWith("hard labels get that far in no run."));
  });

  it("measure what all of a run start from once", async () => {
    const [session, other] = [{}, {}] as Parameters<typeof startPoint>[0][];
    const answers = { step: 0, rewards: [], texts: [] };
    const point = () => Promise.resolve({ point: course(() => 1)[0], heldOut: answers });
    const failing = () => Promise.reject(new Error("stopped"));
    await assert.rejects(startPoint(session, failing), /stopped/);
    const first = await startPoint(session, point);
    assert.equal(await startPoint(session, point), first);
    assert.notEqual(await startPoint(other, point), first);
  });

  it("for which nothing was tuned stand at their last step, seed by seed, after what they start from", () => {
    const at = (method: string, seed: number, rewards: readonly number[]) =>
      [0, 100].map((step, i) => ({
        ...{ ...course(() => rewards[i])[0], step, kl: step / 50, method, base: "1", seed },
      }));
    const points = [
      ...at("self-judge", 1, [1, 2]), // no such row was played there
      ...at("self-judge", 2, [1.5, 2.5]),
      ...at("self-judge", 3, [1.6, 2.6]),
      ...at("raft-2@control", 2, [1.5, 1.75]),
      ...at("raft-2@faster", 3, [1.6, 1.9]),
      ...at("raft-2", 2, [1, 9]),
      ...at(SOFT_UNTUNED, 2, [1, 8]),
    ];
    const cost = (seed: number, judgePrompts: number, seconds: number) => ({
      ...{ ...NO_COSTS, judgePrompts, seconds, base: "1", seed, method: "self-judge" },
    });
    const rows = untunedTable(untunedEnds(points), [cost(2, 600, 60), cost(3, 640, 180)])
      .split("\n").slice(2).map((line) => line.split(" | "));
    const lines = rows.map((row) => row.slice(0, 3).join(" "));
    assert.deepEqual(rows.map((row) => row.slice(6).join(" ")), [
      ...["    |", "0 620 0 2 |"],
      ...["    |", "    |"],
    ]);
    assert.deepEqual(lines, [
      ...["| jsft 1.50 1.60", "| self-judge 2.50 2.60"],
      ...["| raft-2@control 1.75 ", "| raft-2@faster  1.90"],
    ]);
    assert.deepEqual(untunedEnds(at("self-judge", 1, [1, 2])), []);
  });

  it("stand in the order of their reward, with the ranks that other runs would give", () => {
    const truth = standings(gathered.league, "truth");
    assert.deepEqual(truth.map(({ method, rank }) => [method, rank]), [
      ["self-judge", { place: 1, low: 1, high: 1 }],
      ["raft-2", { place: 2, low: 2, high: 2 }],
    ]);
    const fewer = gathered.league.filter(({ method, base }) =>
      method === "self-judge" || base !== "2"
    );
    const [first, second] = standings(fewer, "truth");
    assert.deepEqual(
      [first.rank?.place, second.rank, second.low],
      [1, null, null],
      "a run is missing",
    );
    // Its judge chose another setting: that run's row counts, not the first one's at another step.
    const judge = standings(gathered.league, "judge").find(({ method }) => method === "raft-2")!;
    assert.ok(Math.abs(judge.reward - 1.6) < 1e-9, `${judge.reward}`);
  });

  it("have a row of their rounds at every measurement once all are finished, and contrasts of those", () => {
    const { staleness } = gathered.tables as unknown as { staleness: StalenessRow[] };
    assert.equal(staleness.length, 2 * 3 * 6);
    assert.deepEqual([...new Set(staleness.map((row) => (row as unknown as TableRow).base))], [
      "1", // base 2's rounds of 16 steps were stopped
    ]);
    assert.deepEqual([...new Set(staleness.map(({ k, age }) => `${k}, ${age}`))], [
      ...["1, 0", "4, 1.5", "16, 7.26"],
    ]);
    const chosen = staleness.filter((row) => row.chosen === 1).map(({ step }) => step);
    assert.deepEqual(chosen, Array(6).fill(60));
    const [chosenStep, , last, , equalKl] = measureClaims(gathered.items, DESK_CLAIMS)
      .filter(({ family }) => family === 8);
    const near = (found: { valueA: number; valueB: number }, a: number, b: number) =>
      assert.ok(Math.abs(found.valueA - a) + Math.abs(found.valueB - b) < 1e-9, `${found.valueA}`);
    // Of seeds 1 and 2: 0.015 in the mean.
    near(chosenStep, 1.3, 1.615);
    near(last, 1.5, 2.015);
    near(equalKl, 1.5, 1.515); // at the KL of 1 that rounds end with, half of SELF-JUDGE's
    assert.deepEqual([chosenStep.verdict, last.verdict, chosenStep.margin], [
      ...["unfinished", "reported"],
      0.05,
    ]);
    assert.ok(!gathered.league.some(({ method }) => method.startsWith("rounds")));
  });

  it("give the contrasts that both sides have, from tables as from runs", async () => {
    const measured = measureClaims(gathered.items, DESK_CLAIMS);
    const texts = measured.map(({ text }) => text);
    assert.ok(texts.includes("SELF-JUDGE > RAFT with as many samples"));
    assert.ok(!texts.some((text) => text.includes("off-policy")));
    const raft = measured.find(({ b }) => b === "reward/raft-2")!;
    assert.ok(Math.abs(raft.difference - (0.315 + 0.31) / 2) < 1e-9, `${raft.difference}`);
    assert.deepEqual([raft.runs, raft.bases], [3, 2]);
    const again = measureClaims(itemsOf(await readTables(`${root}/tables`)), DESK_CLAIMS);
    const compared = ({ a }: { a: string }) => /^(reward|staleness)\//.test(a);
    assert.deepEqual(
      again.filter(compared).map(({ text, difference }) => [
        text,
        difference.toFixed(9),
      ]),
      measured.filter(compared).map(({ text, difference }) => [
        text,
        difference.toFixed(9),
      ]),
    );
  });

  it("are not filed under a setting that they were not trained with", async () => {
    const [place] = await runsIn(root);
    const gatherBy = (tried: readonly Tried[]) =>
      gather([place], { ...{ world: ORDER_DESK, config: DESK }, tried });
    await refuses(
      gatherBy(TRIED.map((one) => ({ ...one, learningRate: 3 * one.learningRate }))),
      `${place.path}/raft-2 was trained with rate 0.0001, beta 0.1`,
      /chooses rate 0\.0003\d*, beta 0\.1 for raft-2/,
    );
    // The judge chooses the truth's setting, which its row is not of.
    await refuses(gatherBy(TRIED.slice(0, 1)), "raft-2@judge was trained with rate 0.0002");
    await Deno.remove(`${place.path}/raft-2@judge/config.json`);
    await gatherBy(TRIED.slice(0, 1));
    const longer = (steps: number) =>
      refuseOtherSetting(place.path, "raft-2@longer", {
        "raft-2@longer": { learningRate: 1e-4, beta: 0.1, steps },
      });
    const preference = { learningRate: 1e-4, beta: 0.1, steps: 100 };
    await writeJsonFile(`${place.path}/raft-2@longer/config.json`, { settings: { preference } });
    await longer(100);
    await refuses(longer(300), "beta 0.1, 100 steps, and tuning.csv chooses", "0.1, 300 steps");
    await Deno.remove(`${place.path}/raft-2@longer`, { recursive: true });
  });

  it("for which nothing was tuned tell what they cost, beside SELF-JUDGE", async () => {
    const path = `${await newFolder()}/base-1/seed-1`;
    const cost = { "self-judge": 640, "raft-2@control": 320 };
    for (const [row, learned] of Object.entries(cost)) {
      const points = [0, 100].map((step) => ({ ...course(() => 1)[0], step }));
      const answers = points.map(({ step }) => ({ step, rewards: [1], texts: ["a"] }));
      await Deno.mkdir(`${path}/${row}`, { recursive: true });
      await writeJsonl(`${path}/${row}/points.jsonl`, points);
      await writeJsonl(`${path}/${row}/held_out.jsonl`, answers);
      await writeJsonFile(`${path}/${row}/config.json`, {
        settings: { preference: { learningRate: 1e-4, beta: 0.1 } },
      });
      const done = { config: "", seconds: 61.4, result: { costs: { learned } } };
      await writeJsonFile(`${path}/${row}/done.json`, done);
    }
    const { tables } = await gather([{ base: "1", seed: 1, path }], {
      ...{ world: ORDER_DESK, config: DESK, tried: TRIED },
    });
    assert.deepEqual(
      tables["untuned-costs"],
      Object.entries(cost).map(([method, learned]) => ({
        ...{ base: "1", seed: 1, method, ...NO_COSTS, learned, seconds: 61 },
      })),
    );
  });

  it("may be added to the tables one after the other, in any order", async () => {
    const places = await runsIn(root);
    let tables = {};
    for (const place of [places[2], places[0], places[1]]) {
      const { tables: found } = await gather([place], {
        ...{ world: ORDER_DESK, config: DESK, tried: TRIED },
      });
      await writeTables(`${root}/one by one`, { tables: folded(tables, found) });
      tables = await readTables(`${root}/one by one`);
    }
    assert.ok(Object.keys(tables).length > 5);
    assert.deepEqual(tables, await readTables(`${root}/tables`));
  });

  it("go into the tables by a command, which leaves those of another base as they are", async () => {
    const claims = command("run --quiet -A lib/cli/claims.ts");
    const out = `${root}/claims`;
    await claims.refused(`--run ${root} --out ${out}`, "has no run.json");
    await writeJsonFile(`${root}/run.json`, { settings: DESK });
    await writeCsv(`${root}/tuning.csv`, TRIED); // as the league leaves it, whoever tried them
    const { out: said } = await claims.well(`--run ${root} --out ${out}`);
    assert.match(said, /3 runs added to the tables of 3/);
    const before = await readTables(out);
    assert.deepEqual(before.runs.map(({ base, seed }) => `${base}/${seed}`), ["1/1", "1/2", "2/1"]);
    assert.deepEqual(before.league, (await readTables(`${root}/tables`)).league);
    assert.deepEqual(await readTried(`${out}/tuning.csv`), TRIED);
    await writeJsonFile(`${root}/base-2/seed-1/jsft/config.json`, { settings: { world: "other" } });
    await claims.refused(`--run ${root} --out ${out}`, "base 2 of", "--out");
    assert.deepEqual(await readTables(out), before);
    await claims.refused(`--run ${root}/none --out ${out}`, "has no run of the league");
  });

  it("make a page that says what was found beside what the paper says", () => {
    const measured = measureClaims(gathered.items, DESK_CLAIMS);
    const page = claimsPage({
      ...{ title: "A world", ...DESK_CLAIMS, measured, league: gathered.league, notes: ["of it"] },
      starts: gathered.tables.starts as TableRow[],
      judges: gathered.tables["judge-accuracy"] as TableRow[],
      curve: CURVE,
      ...{
        ownPairs: [],
        byN: ["1", "2"].flatMap((base, i) =>
          [1, 4].map((n) => ({
            ...{ policy: "jsft", selector: "own judge", base, seed: 1, n },
            ...{ reward: n + 2 * i, proxy: 0.5 },
          }))
        ),
        fresh: [],
        overSteps: [],
        certainty: [],
        costs: [],
        beside: [],
        gains: [],
        planned: { found: 0, tested: 0 },
        own: [],
        habits: gathered.tables.habits as TableRow[],
        byHabit: gathered.tables["judge-by-habit"] as TableRow[],
      },
      changes: gathered.tables.changes as TableRow[],
      steps: gathered.tables["reward-over-steps"] as readonly unknown[] as CoursePoint[],
      tried: [
        ...[0, 1].map((setting) => ({
          ...{ method: "self-judge", setting, learningRate: 1e-4 * (1 + setting), beta: 0.1 },
          ...{ step: 100, validation_reward: setting, validation_win_rate: 1 - setting },
        })),
      ],
    });
    assert.match(
      page,
      /\| self-judge \| 0\.0002, 0\.1, step 100 \| 0\.0001, 0\.1, step 100 \| highest rate \|/,
    );
    assert.match(page, /\| jsft \| own judge \| 2 \| 2\.00 \(0\.50\) \| 5\.00 \(0\.50\) \|/);
    // At a KL of 1 (step 50): 1.5 and a hundredth or two for the seed, in three runs.
    assert.match(page, /\| self-judge \| 1\.26 \(3\) \| 1\.51 \(3\) \| 2\.01 \(3\) \| {2}\|/);
    assert.match(
      page,
      /SELF-JUDGE > RAFT with as many samples .* \*\*unfinished\*\* \| the paper compares the two; number not read \|/,
    );
    assert.match(page, /Holm's correction counts 2 contrasts. Not played: on-policy > off-policy/);
    assert.match(page, /\| self-judge \| start \| 3 \| 100 % /);
    assert.match(page, /\| self-judge \| 3 \| 1\.0\d \| 1\.2\d \| 1\.4\d /);
    assert.match(page, /\| {2}\| self-judge \| 3 \| \d\.\d{3} \|/, "base 3 has no run: no rank");
    assert.match(leagueTable(gathered.league, 2), /\| 1 \[1, 1\] \| self-judge \| 3 \|/);
    assert.match(page, /\| the data set \| base \| not \| 2 \| 0\.615 \| {2}\| {2}\|/);
    assert.match(page, /\| the data set \| jsft \| every weight \| 2 \| {2}\| 0\.715 \| 0\.915 \|/);
    assert.match(page, /^- of it$/m, "the world's own note");
  });
});

describe("contrasts on the bases of two leagues", () => {
  const run = (base: string, seed: number, a: number, b: number) => ({
    ...{ base, seed, items: { "reward/self-judge": [a, a + 2], "reward/jsft": [b] } },
  });
  const contrast = FAMILIES[2].contrasts.find(({ b }) => b === "reward/jsft")!;
  const rows = onBases([{ number: 9, text: "", contrasts: [contrast] }], [
    {
      ...{ league: "first", bases: ["1", "2"] },
      items: [run("1", 1, 0, 0), run("1", 2, 2, 0), run("views-0", 1, 9, 0)],
    },
    { league: "then", bases: ["10", "4"], items: [run("4", 1, 0, 2), run("10", 1, 5, 0)] },
  ]);

  it("are one value a base, the mean over its runs; other bases have no part", () => {
    assert.deepEqual(
      rows.map(({ league, base, runs, difference }) => [league, base, runs, difference]),
      [["first", "1", 2, 2], ["then", "10", 1, 6], ["then", "4", 1, -1]],
    );
  });

  it("are left out where a league does not test them", () => {
    const one = { league: "first", bases: ["1"], items: [run("1", 1, 1, 0)] };
    const other = { league: "then", bases: ["4"], items: [] };
    const families = [{ number: 9, text: "", contrasts: [contrast] }];
    assert.deepEqual(onBases(families, [one, other]), []);
    assert.equal(onBases(families, [one]).length, 1);
  });

  it("stand beside each other, with an interval once all bases are there", () => {
    const line = (some: typeof rows) => allBasesTable(some, ["first", "then"]).split("\n").at(-1)!;
    assert.match(
      line(rows),
      /\+2\.000 \(1\) \| \+2\.500 \(2\) \| \+2\.333 \(3 of 4\) \| 2 of 3/,
    );
    // (2 + 6 - 1) / 3, and 4.303 times its deviation of 3.512 over the root of 3.
    const whole = rows.map((row) => ({ ...row, of_bases: 3 }));
    assert.match(line(whole), /\| \+2\.333 \[-6\.391, \+11\.057\] \| 2 of 3/);
  });
});

describe("what SELF-JUDGE gains on a base", () => {
  const league = (bases: readonly string[], gain: (base: string) => number) => ({
    bases,
    tables: {
      starts: bases.map((base) => ({ base, seed: 1, policy: "jsft", reward: 1 })),
      league: bases.map((base) => ({
        ...{ base, seed: 1, method: "self-judge", chosen_by: "truth", reward: 1 + gain(base) },
      })),
      "judge-accuracy": bases.map((base) => ({
        ...{
          base,
          seed: 1,
          judge: "jsft",
          measure: "accuracy_clear",
          value: 0.9 + Number(base) ** 2 / 1000,
        },
      })),
      "judge-over-steps": bases.flatMap((base) =>
        [[1, 10], [1, 10], [21, 0]].map(([from, n]) => ({
          ...{
            base,
            seed: 1,
            method: "self-judge",
            from,
            n: n || 99,
            right: n ? Number(base) : 99,
          },
        }))
      ),
    },
  });
  const rows = gainsByJudge([
    {
      ...{ league: "first", ...league(["1", "2", "3", "7"], (base) => Number(base) / 4) },
      bases: ["1", "2", "3"],
    },
    { league: "then", ...league(["4", "5", "6"], (base) => base === "6" ? 0.5 : Number(base)) },
  ], ["4", "5", "6"]);

  it("stands beside how right the judge is on the pairs of the first steps alone", () => {
    assert.deepEqual(
      rows.map(({ base, pairs, right_first, gain }) => [base, pairs, right_first, gain]).slice(
        0,
        4,
      ),
      [["1", 20, 0.1, 0.25], ["2", 20, 0.2, 0.5], ["3", 20, 0.3, 0.75], ["7", 20, 0.7, 1.75]],
    );
    assert.deepEqual(
      rows.map(({ role }) => role),
      [...Array(3).fill("found"), "beside", ...Array(3).fill("tested")],
    );
  });

  it("is tested on the bases that were predicted, once all of them are there", () => {
    const text = gainsText(rows, { found: 3, tested: 3 });
    assert.match(text, /is found on: r of .* steps 1 to 20 1\.00, r of .* clear pairs 0\.\d\d\.$/m);
    assert.match(text, /is tested on: r of .* steps 1 to 20 -0\.7\d/);
    assert.match(text, /^\| 7 \(taught less, in neither\) \| /m);
    assert.match(text, /^With the 1 whose lessons taught less, .* steps 1 to 20 1\.00\.$/m);
    // 3.68 x 0.2 - 2.24, and 0.5 less that.
    assert.match(text, /^\| 2 \| 1 \| 0\.\d+ \| 0\.200 \| \+0\.500 \| -1\.504 \| \+2\.004 \|$/m);
    assert.match(text, /The test: \*\*open\*\* \(p 0\.7/);
    assert.match(gainsText(rows, { found: 3, tested: 5 }), /The test: \*\*unfinished\*\*\.$/);
    assert.match(gainsText(rows, { found: 3, tested: 5 }), /tested on: 3 of 5 so far\.$/m);
  });
});

describe("settings of a base's own", () => {
  const all = settingsToTry("self-judge", DESK.preference, 4);
  const tried: Tried[] = all.map((setting, number) => ({
    ...{ method: "self-judge", setting: number, ...setting, step: 20 },
    ...{ validation_reward: Number(number === 1), validation_win_rate: Number(number === 3) },
  }));
  const world = { ...DESK_LEAGUE, everySetting: ["self-judge"] as const };
  const { rows, tuned } = playedRows(world, { methods: ["self-judge", "raft-2"], tried });
  const points = rows.flatMap((method, i) =>
    course((step) => i + step / 100, { truth: 20 + 20 * i, judge: 100 })
      .map((point) => ({
        ...{ ...point, base: "4", seed: 1, method },
        validation_reward: point.validation_reward - (i === 2 ? 0 : 500),
        validation_win_rate: point.validation_win_rate - (i === 2 ? 500 : 0),
      }))
  );
  const options = { tuned, methods: world.everySetting };

  it("are looked for among all that were tried, each played once", () => {
    assert.deepEqual(rows, ["self-judge", "self-judge@judge", "self-judge@0", "self-judge@2"]);
    assert.deepEqual(tuned["self-judge@2"], all[2]);
  });

  it("are those that the run's own validation prompts find best, beside the first base's", () => {
    const [truth, judge] = ownSettings(points, options);
    const { learningRate, beta } = tuned["self-judge@0"]!;
    assert.deepEqual(truth, {
      ...{ base: "4", seed: 1, method: "self-judge", chosen_by: "truth", learningRate, beta },
      ...{ step: 60, reward: 2.6, reward_given: 0.2 },
    });
    assert.deepEqual([judge.step, judge.reward, judge.reward_given], [100, 1, 2]);
    const starts = [{ base: "4", seed: 1, policy: "jsft", reward: 0.125 }] as TableRow[];
    assert.match(
      ownSettingsTable([truth], starts),
      /\| 4 \| self-judge \| truth \| .*, step 60 \| 2\.600 \| \+2\.475 \| 0\.200 \| \+0\.075 \|/,
    );
  });

  it("are not told of a run that lacks one of them", () => {
    assert.deepEqual(ownSettings(points.filter(({ method }) => method !== rows[3]), options), []);
  });

  it("of two rows are set beside each other, a base one value, with Student's t interval", () => {
    const own = (method: string, chosen_by: "truth" | "judge", rewards: Record<string, number>) =>
      Object.entries(rewards).map(([base, reward]): OwnSetting => ({
        ...{ base, seed: 1, method, chosen_by, reward, reward_given: 0 },
        ...{ learningRate: 1e-4, beta: 0.1, step: 20 },
      }));
    const found = ownDifferences(
      [
        ...own("self-judge-soft", "truth", { "4": 2, "5": 1 }),
        ...own("self-judge", "truth", { "4": 1, "6": 1 }), // one base has both
        ...own("self-judge-soft", "judge", { "4": 2, "5": 1.5, "6": 1.75, "10": 9 }),
        ...own("self-judge", "judge", { "4": 1, "5": 1.5, "6": 1.25 }),
      ],
      {
        starts: ["4", "5", "6"].map((base) => ({ base, seed: 1, policy: "jsft", reward: 1 })),
        bases: ["4", "5", "6"],
      },
    );
    assert.deepEqual(
      found.map(({ b, chosen_by, perBase }) => [b, chosen_by, perBase]),
      [
        ["self-judge", "truth", { "4": 1 }],
        ["self-judge", "judge", { "4": 1, "5": 0, "6": 0.5 }],
        ["jsft", "judge", { "4": 1, "5": 0.5, "6": 0.75 }],
      ],
    );
    const { value, low, high, valueA, valueB } = found[1];
    assert.deepEqual([value, valueA, valueB], [0.5, 1.75, 1.25]);
    // 4.302653, Student's t of two degrees of freedom, x 0.5 / sqrt(3)
    assert.ok(Math.abs(low! + 0.7420689) < 1e-6 && Math.abs(high! - 1.7420689) < 1e-6);
    assert.match(
      ownDifferencesTable(found),
      /\| truth \| 1 of 3 \| .* \| \+1\.000 \| 4: \+1\.000 \|/,
    );
    assert.match(
      ownDifferencesTable(found),
      /with hard ones \| judge \| 3 of 3 \| 1\.750, 1\.250 \| \+0\.500 \[-0\.742, \+1\.742\] \| 4: \+1\.000<br>5: \+0\.000<br>/,
    );
  });
});

describe("rows on some bases alone", () => {
  const row = (method: string, base: string, seed: number, reward: number) => ({
    ...gathered.league[0],
    ...{ method, base, seed, reward, chosen_by: "truth" as const },
  });

  it("stand apart from means over every base, each beside others in its own runs", () => {
    const { every, some } = byBases([
      ...["1", "2"].flatMap((base) => [1, 2].map((seed) => row("self-judge", base, seed, seed))),
      ...["1", "2"].map((base) => row("offline-dpo", base, 1, 5)),
      ...[row("rloo", "1", 1, 1.5), row("osp", "1", 1, 0.5), row("osp", "1", 2, 0.5)],
    ]);
    assert.deepEqual([...new Set(every.map(({ method }) => method))], [
      "self-judge",
      "offline-dpo",
    ]);
    const starts = [1, 2].map((seed) => ({ base: "1", seed, reward: 0.25 * seed }));
    const cells = someBasesTable({ every, some, starts }).split("\n").slice(2)
      .map((line) => line.split("|").slice(1, 8).map((cell) => cell.trim()));
    assert.deepEqual(cells, [
      ["rloo", "1/1", "1.500", "", "1.000", "", "0.250"],
      ["osp", "1/1, 1/2", "0.500", "", "1.500", "", "0.375"],
    ]);
  });

  it("are not all others where many methods are played on one base alone", () => {
    const counted = ["1", "2"].flatMap((base) =>
      ["self-judge", "raft-2"].map((method) => row(method, base, 1, 1))
    );
    const alone = ["rloo", "osp", "kto"].map((method) => row(method, "1", 1, 1));
    const { every, some } = byBases([...counted, ...alone]);
    assert.deepEqual([every, some], [counted, alone]);
  });

  it("are not all others where one method is the first on a new base", () => {
    const old = ["a", "b", "c"].flatMap((method) =>
      ["1", "2"].map((base) => row(method, base, 1, 1))
    );
    const { every, some } = byBases([...old, row("a", "3", 1, 1)]);
    assert.equal(every.length, 7);
    assert.deepEqual(some, []);
  });
});

describe("a run that was interrupted", () => {
  it("has no rows of what is not finished, so that kept ones stay", async () => {
    const path = `${await newFolder()}/base-1/seed-1`;
    const pairs = [{
      step: 1,
      pair: (await ORDER_DESK.pairs("train"))[0].id,
      chosen: "a",
      rejected: "b",
    }];
    for (const stage of ["jsft", "self-judge"]) {
      await Deno.mkdir(`${path}/${stage}`, { recursive: true });
      await writeJsonl(`${path}/${stage}/metrics.jsonl`, [{ step: 50, heldOutJudgeAccuracy: 0.8 }]);
      await writeJsonl(`${path}/${stage}/pairs.jsonl`, pairs);
    }
    const points = course(() => 1); // was killed after its last step
    await writeJsonl(`${path}/self-judge/points.jsonl`, points);
    await writeJsonl(
      `${path}/self-judge/held_out.jsonl`,
      points.map(({ step }) => ({ step, rewards: [1], texts: ["a"] })),
    );
    const { tables } = await gather([{ base: "1", seed: 1, path }], {
      ...{ world: ORDER_DESK, config: DESK, tried: TRIED },
    });
    assert.deepEqual(Object.entries(tables).filter(([, rows]) => rows.length > 0), []);
  });

  it("has no settings of a method until all of its trainings are finished", async () => {
    const run = await newFolder();
    const rows = tuningRows("raft-2", DESK);
    const tried = () => triedIn(run, DESK_LEAGUE, ["raft-2"]);
    for (const { row } of rows) {
      assert.deepEqual(await tried(), []);
      const folder = `${run}/tuning/${row}`;
      await Deno.mkdir(folder, { recursive: true });
      await writeJsonl(`${folder}/points.jsonl`, course(() => 1));
      if (row === rows.at(-1)!.row) assert.deepEqual(await tried(), []);
      await writeJsonFile(`${folder}/done.json`, { config: "", seconds: 1, result: {} });
    }
    assert.equal((await tried()).length, 4 * steps / evaluateEvery);
  });
});

describe("the judge over steps", () => {
  const request = "we want tea and figs please .";
  const full = "here come tea and figs .";
  const pair = (step: number, chosen: string, rejected: string) => ({
    ...{ step, pair: "p", chosen, rejected },
  });
  const rows = judgedSteps([
    pair(1, full, "here come tea ."), // right, by one thing left out, gap 1
    pair(20, "here come tea .", full), // wrong
    pair(21, `certainly , ${full}`, full), // right, by manners, gap 0.4
    pair(22, full, full), // of equal reward
    { ...pair(22, full, "x"), pair: "unknown" },
  ], { method: "m", requests: new Map([["p", request]]), world: ORDER_DESK });

  it("counts rankings by steps, gap and what differs", () => {
    assert.deepEqual(rows, [
      {
        method: "m",
        from: 1,
        to: 20,
        differs: "leaves a thing out",
        gap: "up to 1",
        n: 2,
        right: 1,
      },
      { method: "m", from: 21, to: 40, differs: "is polite", gap: "up to 0.5", n: 1, right: 1 },
    ]);
  });

  it("is matched only where later pairs are of the first ones' kinds", () => {
    assert.deepEqual(matchedOverSteps(rows).map(({ accuracy, matched }) => [accuracy, matched]), [
      [0.5, 0.5],
      [1, null],
    ]);
    const easier = [
      { ...rows[0], n: 10, right: 5 },
      { ...rows[0], differs: "is polite", n: 10, right: 10 },
      { ...rows[0], from: 21, to: 40, n: 30, right: 15 },
      { ...rows[0], from: 21, to: 40, differs: "is polite", n: 10, right: 10 },
    ];
    assert.deepEqual(matchedOverSteps(easier)[1], {
      ...{ from: 21, to: 40, n: 40, accuracy: 25 / 40, matched: 0.75, matchedPairs: 40 },
    });
  });

  it("is matched within each base, however the mix of bases moves", () => {
    const at = (base: string, from: number, n: number, right: number) => ({
      ...{ ...rows[0], base, from, to: from + 19, n, right },
    });
    // A judge of one base is right on all, one of the other on half; neither changes.
    const moved = [at("1", 1, 10, 10), at("2", 1, 10, 5), at("1", 21, 10, 10), at("2", 21, 90, 45)];
    assert.deepEqual(matchedOverSteps(moved)[1].accuracy, 0.55);
    assert.deepEqual(matchedOverSteps(moved)[1].matched, 0.75);
  });
});

describe("how sure the judge is", () => {
  const log = [
    ...[1, 20, 21].map((step) => ({
      ...{ step, judgeConfidence: step / 100, judgeConsistent: Number(step > 1) },
      comparisons: step === 1 ? 3 : 1,
    })),
    { step: 22, comparisons: 0, judgeConfidence: 0, judgeConsistent: 0 }, // all answers were alike
  ];

  it("is told of stretches of steps, where a judge ranked", () => {
    const rows = certaintyOf(log, "self-judge");
    assert.deepEqual(rows.map(({ from, to, orders_agree }) => [from, to, orders_agree]), [
      ...[[1, 20, 0.25], [21, 40, 1]],
    ]);
    assert.ok(Math.abs(rows[0].confidence - 0.0575) < 1e-9);
    assert.deepEqual(certaintyOf([{ step: 1 }], "raft-coin"), []);
  });

  it("is a mean of bases' means on the page", () => {
    const of = (base: string, seed: number, confidence: number) => ({
      ...{ base, seed, method: "self-judge", from: 1, to: 20, confidence, orders_agree: 0.5 },
    });
    assert.match(
      certaintyTable([of("1", 1, 0.25), of("1", 2, 0.75), of("4", 1, 0)]),
      /\| self-judge \| 1 to 20 \| 3 \| 0\.250 \| 0\.500 \|/,
    );
  });
});

describe("answers before and after", () => {
  it("are better, worse, or alike but for the last bits", () => {
    assert.deepEqual(changes([1, 1, 0.3, 2], [2, 1.5, 0.1 + 0.2, 1]), {
      ...{ better: 2, worse: 1, alike: 1 },
    });
    const [row] = gathered.tables.changes as readonly Record<string, unknown>[];
    assert.deepEqual([row.method, row.step, row.better, row.worse], ["raft-2", 60, 2, 0]);
  });
});

describe("reward at equal KL", () => {
  it("lies between two measurements, and nowhere beyond them", () => {
    const points = course((step) => step);
    assert.equal(rewardAtKl(points, 1), 50);
    assert.equal(rewardAtKl(points, 3), null);
  });
});

describe("the committed claims", () => {
  for (const { league } of Object.values(WORLDS)) {
    const { name: world, bases, config } = league;
    const folder = `data/results/claims/${world}`;
    const families = familiesIn(league);

    it(`follow from the committed tables, row by row (${world})`, async () => {
      const rows = await csv(`${folder}/claims.csv`);
      const found = claimRows(
        measureClaims(itemsOf(await readTables(`${ROOT}/${folder}`)), { families, bases }),
      );
      assert.deepEqual(rows.map(({ contrast }) => contrast), found.map(({ contrast }) => contrast));
      for (const [i, row] of rows.entries()) {
        assert.equal(row.verdict, found[i].verdict, `${row.contrast}`);
        // The interval of one run is over its prompts, which are no rows of a table.
        const ends = Number(row.runs) > 1 && row.low !== "" ? ["low", "high"] : [];
        for (const name of ["value_a", "value_b", "difference", ...ends, "runs", "p_holm"]) {
          const gap = Math.abs(Number(row[name]) - Number(found[i][name]));
          assert.ok(gap < 1e-9, `${row.contrast}, ${name}: ${row[name]}, ${found[i][name]}`);
        }
      }
    });

    const only = (has: unknown) => has ? it : () => {};
    only(league.predicted)(
      `are on each base what both leagues' tables have (${world})`,
      async () => {
        const tables = await readTables(`${ROOT}/${folder}`);
        const { contrasts: found, gains } = await besideOf(league, tables);
        const rows = await csv(`${folder}/by-base.csv`);
        assert.equal(rows.length, found.length);
        for (const [i, { contrast, base, difference }] of rows.entries()) {
          assert.deepEqual([contrast, `${base}`], [found[i].contrast, found[i].base]);
          assert.ok(Math.abs(Number(difference) - found[i].difference) < 1e-9);
        }
        const kept = await csv(`${folder}/gain-by-judge.csv`);
        assert.equal(kept.length, gains.length);
        for (const [i, { base, right_first, right_data, gain, role }] of kept.entries()) {
          assert.deepEqual([`${base}`, `${role}`], [gains[i].base, `${gains[i].role}`]);
          assert.ok(Math.abs(Number(right_first) - gains[i].right_first) < 1e-9);
          assert.ok(Math.abs(Number(right_data) - gains[i].right_data) < 1e-9);
          assert.ok(Math.abs(Number(gain) - gains[i].gain) < 1e-9);
        }
      },
    );

    only(league.repeats && !league.predicted)(`stand beside no other base (${world})`, async () => {
      const { contrasts, gains } = await besideOf(league, await readTables(`${ROOT}/${folder}`));
      assert.deepEqual([contrasts, gains], [[], []], "it is played on the bases of the first");
    });

    only(league.everySetting)(`have settings that each run would choose (${world})`, async () => {
      const tried = (await readTried(`${folder}/tuning.csv`))!;
      const points = await csv(`${folder}/reward-over-steps.csv`);
      const found = ownSettings(
        points.map((row) => ({ ...row, base: `${row.base}` })) as unknown as CoursePoint[],
        {
          tuned: playedRows(league, { methods: league.rows, tried }).tuned,
          methods: league.everySetting!,
        },
      );
      const rows = await csv(`${folder}/own-settings.csv`);
      assert.deepEqual(rows.map((row) => ({ ...row, base: `${row.base}` })), found);
    });

    it(`are on a page that the tables write to the letter (${world})`, async () => {
      const tables = await readTables(`${ROOT}/${folder}`);
      const { page } = await claimsOf(league, tables, {
        ...{ tried: (await readTried(`${folder}/tuning.csv`))!, items: itemsOf(tables) },
        kept: (await resultTable(`${folder}/claims.csv`))!,
      });
      assert.equal(page, await Deno.readTextFile(`${folder}/claims.md`));
    });

    it(`are the page's numbers (${world})`, async () => {
      const page = await Deno.readTextFile(`${folder}/claims.md`);
      for (const row of await csv(`${folder}/claims.csv`)) {
        const line = page.split("\n").find((text) => text.startsWith(`| ${row.contrast}`));
        assert.ok(line?.includes(`**${row.verdict}**`), `${row.contrast}`);
        assert.ok(line!.includes(Number(row.value_a).toFixed(3)), `${row.contrast}`);
      }
    });

    it(`have every setting of every method that is in the league (${world})`, async () => {
      const tried = await csv(`${folder}/tuning.csv`);
      const played = new Set((await csv(`${folder}/league.csv`)).map(({ method }) => method));
      assert.ok(played.size >= Math.min(2, league.rows.length));
      for (const method of played) {
        const settings = tried.filter((row) => row.method === method).map(({ setting }) => setting);
        assert.equal(new Set(settings).size, config.settings ?? 4, `${method}`);
      }
    });
  }
});

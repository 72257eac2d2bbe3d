import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { writeCsv } from "../lib/base/files.ts";
import * as beside from "../lib/lab/figures/beside_league.ts";
import { courseInWords, meanCourse } from "../lib/lab/figures/course_words.ts";
import { viewReasons } from "../lib/lab/figures/view_reasons.ts";
import { DESK, STUDY_SCALES } from "../lib/lab/study/config.ts";
import { newFolder } from "./temporary_files.ts";

const { besideLeague, leagueContrast, leagueSoFar, leagueValue } = beside;
const lesson = { ...STUDY_SCALES.smoke, seed: 7 };
const labels = { config: lesson, of: "labels" } as const;

describe("a lesson's number beside the league's", () => {
  const judge = (base: string, seed: number, value: number) => ({
    ...{ base, seed, judge: "jsft", measure: "accuracy", value },
  });
  const asked = {
    ...{ table: "judge-accuracy", column: "value" },
    where: { judge: "jsft", measure: "accuracy" },
  };

  async function results(): Promise<string> {
    const folder = await newFolder();
    await writeCsv(`${folder}/claims/order-desk/judge-accuracy.csv`, [
      ...[judge("1", 1, 0.8), judge("2", 1, 0.9), judge("views-0", 1, 0.5)],
      { ...judge("1", 1, 0.1), measure: "consistency" },
    ]);
    await writeCsv(`${folder}/claims/order-desk/claims.csv`, [{
      ...{ a: "reward/self-judge", b: "reward/jsft", difference: 0.6, low: 0.5, high: 0.7 },
      ...{ runs: 15, verdict: "held", value_a: 1.9, value_b: 1.3 },
    }, {
      ...{ a: "reward/raft-2", b: "reward/jsft", difference: 0.6, low: null, high: null },
      ...{ runs: 4, verdict: "unfinished", value_a: 1.9, value_b: 1.3 },
    }]);
    return folder;
  }

  it("is the mean of the runs on bases that were taught every view, with the least and most", async () => {
    const found = await leagueValue(await results(), asked);
    assert.deepEqual({ ...found, value: found!.value.toFixed(3) }, {
      ...{ value: "0.850", low: 0.8, high: 0.9, runs: 2 },
    });
  });

  it("is none where the table or the row is missing", async () => {
    const folder = await results();
    assert.equal(await leagueValue(folder, { ...asked, where: { judge: "none" } }), null);
    assert.equal(await leagueValue(folder, { ...asked, table: "starts" }), null);
    assert.equal(await leagueContrast(folder, "reward/jsft", "reward/sft"), null);
    const text = besideLeague([{ what: "x", here: { value: 1 }, league: null }], labels);
    assert.match(text, /not there yet .*deno task league.*deno task claims/);
  });

  it("has no interval where the league has none yet", async () => {
    const league = await leagueContrast(await results(), "reward/raft-2", "reward/jsft");
    assert.deepEqual([league?.low, league?.high], [null, null]);
    const text = besideLeague([{ what: "x", here: { value: 0.6 }, league }], labels);
    assert.match(text, /in the league 0\.600 \(1\.900 less 1\.300\) over 4 runs/);
  });

  it("comes with how far the league is", async () => {
    const folder = await results();
    await writeCsv(`${folder}/claims/order-desk/claims.csv`, [
      ...[{ runs: 2, bases: 1 }, { runs: 6, bases: 3 }],
    ]);
    assert.equal(await leagueSoFar(folder), "6 runs on 3 bases");
    assert.equal(await leagueSoFar(await newFolder()), "no run so far");
  });

  it("is said to be of one run where there is but one", () => {
    const one = { value: 0.6, low: 0.5, high: 0.7, runs: 1 };
    const say = (league: typeof one & { verdict?: string }) =>
      besideLeague([{ what: "x", here: { value: 0.6 }, league }], labels);
    assert.match(
      say({ ...one, low: 0.6, high: 0.6 }),
      /in the league 0\.600 \(one run\)\. This run does not contradict the league/,
    );
    const found = say({ ...one, verdict: "one run" });
    assert.match(
      found,
      /in the league 0\.600 \[0\.500, 0\.700\] over one run\. This run does not contradict the league/,
    );
  });

  it("is said with its verdict, and why only where the two differ", async () => {
    const folder = await results();
    const league = await leagueContrast(folder, "reward/self-judge", "reward/jsft");
    const say = (value: number) =>
      besideLeague([
        {
          what: "SELF-JUDGE less JSFT",
          here: { value, low: value - 0.1, high: value + 0.1 },
          league,
        },
        { what: "left out", here: { value }, league: null },
      ], labels);
    assert.match(
      say(0.55),
      /here 0\.550 \[0\.450, 0\.650\], in the league 0\.600 \[0\.500, 0\.700\] \(1\.900 less 1\.300\) over 15/,
    );
    const valued = besideLeague([
      { what: "x", here: { value: 0.55, low: 0.4, high: 0.7 }, values: [1.85, 1.3], league },
    ], labels);
    assert.match(valued, /here 0\.550 \[0\.400, 0\.700\] \(1\.850 less 1\.300\), in the league/);
    assert.match(say(0.55), /15 runs, verdict _held_\. This run does not contradict the league\.$/);
    assert.match(say(0.2), /\*\*Neither lies in the other's range\.\*\*\n\nWhy they may differ: /);
    const { pairs, supervised: { steps, batchSize }, preference } = lesson;
    const here = `the lesson's from ${pairs} pairs in ${steps} steps of ${batchSize}.`;
    assert.ok(say(0.2).includes(`learn from ${DESK.pairs.toLocaleString("en")} pairs`), say(0.2));
    assert.ok(say(0.2).endsWith(here), say(0.2));
    const trained = besideLeague([{ what: "x", here: { value: 0 }, league }], {
      ...labels,
      of: "preferences",
    });
    const atOneSetting =
      `trains for ${preference.steps} steps of ${preference.batchSize} at one setting.`;
    assert.ok(trained.endsWith(atOneSetting), trained);
    // Either lies in the other's interval: nothing tells them apart.
    for (const value of [0.51, 0.69]) {
      assert.match(say(value), /This run does not contradict the league\.$/);
    }
    assert.doesNotMatch(say(0.2), /left out/);
  });
});

describe("a course in words", () => {
  const point = (step: number, reward: number, judge_win_rate: number | null = 0.8) => ({
    ...{ step, reward, judge_win_rate, kl: step },
  });

  it("says when it was highest and when the judge was fooled", () => {
    const text = courseInWords([
      ...[point(0, 1, 0.5), point(1, 2), point(2, 0.5, 0.7), point(3, -1, 0.3)],
    ]);
    assert.match(text, /starts with a true reward of 1; it is highest at step 1 \(true reward 2,/);
    // The worst point is one that the judge sees, too: fooled it was before.
    assert.match(text, /\*\*at step 2 it is below its start and the judge still prefers/);
    assert.match(text, /at the last step, 3: true reward -1, judge's win rate 0\.300, KL 3 nats$/);
  });

  it("says that the judge was not fooled where a fall stays above the start or the judge sees it", () => {
    for (const last of [point(2, 1.5), point(2, 0.5, 0.4), point(2, 0.5, null)]) {
      const text = courseInWords([point(0, 1, 0.5), point(1, 2), last]);
      assert.match(text, /it never fell below its start while the judge preferred its answers/);
    }
    assert.match(courseInWords([point(0, 1), point(1, 0)]), /it was never above its start/);
    assert.throws(() => courseInWords([]), RangeError);
  });

  it("of several runs is their mean at the steps that all have", () => {
    const runs = [point(1, 2), point(0, 1), point(0, 3, 0.4), point(1, 4), point(2, 9)];
    assert.deepEqual(meanCourse(runs).map(({ step, reward, runs }) => [step, reward, runs]), [
      [0, 2, 2],
      [1, 3, 2],
    ]);
    assert.ok(Math.abs(meanCourse(runs)[0].judge_win_rate! - 0.6) < 1e-12);
    assert.deepEqual(meanCourse([]), []);
  });
});

describe("reasons for either of two answers", () => {
  const request = "we want tea and figs please .";

  it("are the views from which it is the better one, with their parts of the reward", () => {
    const found = viewReasons(request, "certainly , you get tea .", "you get tea and figs .");
    assert.deepEqual(found, { first: "manners (0.400)", second: "completeness (1)" });
  });

  it("are none where no view speaks for it", () => {
    const found = viewReasons(request, "you get tea and figs .", "you get tea , figs and pie .");
    assert.deepEqual(found, { first: "accuracy (0.700)", second: "nothing" });
  });
});

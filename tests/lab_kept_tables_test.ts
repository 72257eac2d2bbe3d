import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";

import {
  folded,
  foldedTried,
  itemsOf,
  madeFrom,
  readTables,
  refuseMixed,
  refuseRetuned,
  type Row,
  withSingles,
} from "../lib/lab/study/kept_tables.ts";
import type { Tried } from "../lib/lab/study/tuning.ts";
import { writeCsv } from "../lib/base/files.ts";
import { refusesAtOnce } from "./refusals.ts";
import { newFolder } from "./temporary_files.ts";

const at = (seed: number, method: string, reward: number, base = "1"): Row => ({
  ...{ base, seed, method, chosen_by: "truth", reward },
});

describe("a league's kept tables", () => {
  it("keep what a new run did not measure, and take its rows for what it did", () => {
    const kept = { league: [at(1, "a", 1), at(1, "b", 2), at(3, "a", 3), at(1, "a", 4, "2")] };
    const { league } = folded(kept, {
      league: [at(3, "c", 7), at(2, "a", 5), at(1, "b", 6), {
        ...at(1, "b", 6),
        chosen_by: "judge",
      }],
    });
    assert.deepEqual(
      league.map(({ base, seed, method, reward, chosen_by }) =>
        [base, seed, method, reward, chosen_by].join(" ")
      ),
      [
        ...["1 1 a 1 truth", "1 1 b 6 truth", "1 1 b 6 judge", "1 2 a 5 truth"],
        ...["1 3 a 3 truth", "1 3 c 7 truth", "2 1 a 4 truth"],
      ],
    );
  });

  it("keep the row of the judge's own setting while a new run has only the other one", () => {
    const judge = { ...at(1, "raft-2", 5), chosen_by: "judge" };
    const { league } = folded({ league: [at(1, "raft-2", 4), judge] }, {
      league: [at(1, "raft-2", 6)],
    });
    assert.deepEqual(league, [at(1, "raft-2", 6), judge]);
  });

  it("take a stage's rows together: a row that the new run lacks does not stay", () => {
    const row = (n: number, reward: number) => ({ base: "1", seed: 1, policy: "jsft", n, reward });
    const { "reward-by-n": rows } = folded(
      { "reward-by-n": [row(1, 1), row(16, 1)] },
      { "reward-by-n": [row(1, 2)] },
    );
    assert.deepEqual(rows, [row(1, 2)]);
  });

  it("show the answers of each base's first run, and past the peak of the first of all", () => {
    const answer = (base: string, seed: number, prompt: string, after: string) => ({
      ...{ base, seed, prompt, after },
    });
    const kept = [
      answer("1", 2, "p", "old"),
      answer("1", 2, "q", "old"),
      answer("2", 1, "p", "old"),
    ];
    const found = [
      answer("1", 1, "p", "new"),
      answer("2", 1, "p", "new"),
      answer("2", 3, "q", "x"),
    ];
    const tables = folded({ samples: kept, "past-peak-samples": kept }, {
      ...{ samples: found, "past-peak-samples": found },
    });
    const shown = (name: string) =>
      tables[name].map(({ base, seed, prompt, after }) => `${base} ${seed} ${prompt} ${after}`);
    assert.deepEqual(shown("samples"), ["1 1 p new", "2 1 p new"]);
    assert.deepEqual(shown("past-peak-samples"), ["1 1 p new"]);
  });

  it("refuse runs that were made from something else, or from nobody knows what", () => {
    const runs = (made_from: string, base = "1", seed = 1) => ({
      ...{ runs: [{ base, seed, made_from }], league: [at(seed, "a", 1, base)] },
    });
    const kept = { ...runs("aa"), league: [at(1, "a", 1), at(1, "a", 1, "2")] };
    const places = { run: "runs/x", out: "tables" };
    refuseMixed(kept, runs("aa"), places);
    refuseMixed(kept, runs("aa", "1", 2), places);
    refuseMixed(kept, runs("bb", "3"), places);
    refuseMixed({}, { league: [at(1, "a", 1)] }, places); // nothing to compare with
    const seeds = [runs("aa", "3", 1), runs("bb", "3", 2)];
    const two = { // seeds of one base that are of two
      runs: seeds.flatMap(({ runs }) => runs),
      league: seeds.flatMap(({ league }) => league),
    };
    const unknown = { league: [at(2, "a", 1)] };
    for (
      const other of [runs("bb"), runs("aa", "2"), two, unknown, { league: [at(2, "a", 1, "2")] }]
    ) {
      const { remedy } = refusesAtOnce(
        () => refuseMixed(kept, other, places),
        /base [123] of runs\/x is not the base [123] of tables/,
      );
      assert.match(remedy, /--out/);
    }
  });

  it("know what runs were made from by a hash of digits alone, too", async () => {
    const folder = await newFolder();
    const kept = { runs: [{ base: "6", seed: 1, made_from: "012345678901" }] };
    await writeCsv(`${folder}/runs.csv`, kept.runs);
    const read = await readTables(folder);
    assert.deepEqual(read, kept);
    refuseMixed(read, kept, { run: "runs/x", out: folder });
  });

  it("refuse settings tried anew where a run with the old ones stays", () => {
    const tried = (best: number): Tried[] =>
      [0, 1].map((setting) => ({
        ...{ method: "raft-2", setting, learningRate: 1 + setting, beta: 1, step: 1 },
        ...{ validation_reward: setting === best ? 1 : 0, validation_win_rate: 0.5 },
      }));
    const kept = { league: [at(1, "raft-2", 1), at(2, "raft-2", 1)] };
    const found = { league: [at(1, "raft-2", 2)] };
    const retuned = { before: tried(0), now: tried(1) };
    refusesAtOnce(() => refuseRetuned(kept, found, retuned), "raft-2 was tuned anew", "seed 2");
    refuseRetuned(kept, found, { before: tried(0), now: tried(0) });
    refuseRetuned(kept, { league: [...found.league, at(2, "raft-2", 2)] }, retuned);
    refuseRetuned({ league: [at(1, "osp", 1)] }, found, retuned);
    const judge = { league: [{ ...at(1, "raft-2", 1), chosen_by: "judge" }] };
    refusesAtOnce(
      () => refuseRetuned(judge, found, retuned),
      "seed 1, its run chosen by the judge",
    );
    // Rows at a method's setting that are no rows of the league have the old one, too.
    const { chosen_by: _, ...control } = at(1, "raft-coin@control", 1);
    const beside = { ...kept, "reward-over-steps": [control] };
    const whole = { league: [...found.league, at(2, "raft-2", 2)] };
    const driven = [{ row: "raft-coin@control", like: "raft-2", times: 1, steps: 1 }] as const;
    refuseRetuned(beside, whole, retuned);
    refusesAtOnce(
      () => refuseRetuned(beside, whole, { ...retuned, driven }),
      "seed 1, raft-coin@control has the old ones",
    );
    refuseRetuned(beside, { ...whole, "reward-over-steps": [control] }, { ...retuned, driven });
  });

  it("tell what runs were made from by weights and settings, wherever the base lies", () => {
    const made = madeFrom("w", { steps: 1 });
    assert.equal(madeFrom("w", { base: "there", steps: 1 }), made);
    assert.equal(
      madeFrom("w", { a: 1, b: { c: 2, d: 3 } }),
      madeFrom("w", { b: { d: 3, c: 2 }, a: 1 }),
    );
    assert.notEqual(madeFrom("w", { a: [1, 2] }), madeFrom("w", { a: [2, 1] }));
    assert.notEqual(madeFrom("w", { steps: 2 }), made);
    assert.notEqual(madeFrom("v", { steps: 1 }), made);
    assert.match(made, /^[0-9a-f]{12}$/);
  });

  it("have a method's settings as they were tried last, all of them", () => {
    const tried = (method: string, setting: number, step: number): Tried => ({
      ...{ method, setting, step, learningRate: 1, beta: 1 },
      ...{ validation_reward: 0, validation_win_rate: 0 },
    });
    const found = foldedTried([tried("a", 0, 1), tried("a", 1, 1), tried("b", 0, 1)], [
      ...[tried("a", 0, 2), tried("c", 0, 2)],
    ]);
    assert.deepEqual(found.map(({ method, setting, step }) => `${method}${setting} ${step}`), [
      ...["a0 2", "b0 1", "c0 2"],
    ]);
  });

  it("are what contrasts are measured on, with single values where a run is at hand", () => {
    const means = itemsOf({ league: [at(1, "a", 0.5), { ...at(1, "a", 9), chosen_by: "judge" }] });
    const byJudge = { "reward by judge/a": [9] };
    assert.deepEqual(means, [{ base: "1", seed: 1, items: { "reward/a": [0.5], ...byJudge } }]);
    const singles = [{ base: "1", seed: 1, items: { "reward/a": [0, 1] } }];
    assert.deepEqual(withSingles(means, singles), [
      { ...singles[0], items: { "reward/a": [0, 1], ...byJudge } },
    ]);
    assert.deepEqual(withSingles(means, [{ ...singles[0], seed: 2 }]), means);
  });
});

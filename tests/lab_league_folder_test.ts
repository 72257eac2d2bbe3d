import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { leagueTask, passesOf } from "../lib/cli/league_options.ts";
import { WORLDS } from "../lib/cli/worlds.ts";
import { exists, lockFolder, readJsonFile, writeJsonFile, writeJsonl } from "../lib/base/files.ts";
import { DESK } from "../lib/lab/study/config.ts";
import { readTables } from "../lib/lab/study/kept_tables.ts";
import { type LeagueWorld, tune } from "../lib/lab/study/league.ts";
import { shareWork } from "../lib/lab/study/shared_work.ts";
import {
  keepTried,
  refuseOtherWorld,
  refusePlayed,
  refuseUntuned,
} from "../lib/lab/study/league_folder.ts";
import type { StudyMethod } from "../lib/lab/study/methods.ts";
import { readTried, type Tried, tuningRows } from "../lib/lab/study/tuning.ts";
import { DESK_LEAGUE } from "../lib/lab/world/league.ts";
import type { Reporter } from "../lib/run/stage.ts";
import { command } from "./commands.ts";
import { refuses, refusesAtOnce } from "./refusals.ts";
import { silentReporter } from "./silent_reporter.ts";
import { newFolder } from "./temporary_files.ts";

const league = command("run --quiet -A lib/cli/league.ts");
const tried = (method: StudyMethod, step = 20): Tried => ({
  ...{ method, setting: 0, learningRate: 1e-4, beta: 0.1, step },
  ...{ validation_reward: 1, validation_win_rate: 0.5 },
});

describe("the folder of a league", () => {
  it("is not gone on with under other settings of the study", async () => {
    const run = await newFolder();
    const record = { settings: { ...DESK, heldOut: 7 } };
    await writeJsonFile(`${run}/run.json`, record);
    await league.refused(`--run ${run}`, "run.json has other settings", "--run");
    assert.deepEqual(await readJsonFile(`${run}/run.json`), record);
  });

  it("of one world is no other's, nor are its runs added to another's tables", async () => {
    const run = await newFolder();
    const out = `${run}/tables`;
    const commands = [
      league,
      command(`run --quiet -A lib/cli/claims.ts --out ${out}`),
    ];
    await Deno.mkdir(`${run}/base-4/seed-1`, { recursive: true });
    const settings = { settings: DESK };
    for (const one of commands) {
      // An older folder does not name its world, and has runs on bases of another.
      await writeJsonFile(`${run}/run.json`, settings);
      await one.refused(`--run ${run}`, "base-4/seed-1 is of base 4", "1, 2, 3, views-2, views-0");
      await writeJsonFile(`${run}/run.json`, { world: "fresh-bases", ...settings });
      await one.refused(`--run ${run}`, "order-desk", "give --world fresh-bases");
    }
    assert.deepEqual(await readTables(out), {});
    await refuseOtherWorld(run, WORLDS["fresh-bases"].league);
    await Deno.rename(`${run}/base-4`, `${run}/base-views-0`);
    await writeJsonFile(`${run}/run.json`, settings);
    await refuseOtherWorld(run, DESK_LEAGUE);
    await refuses(refuseOtherWorld(run, WORLDS["fresh-bases"].league), "base views-0");
  });

  it("is not begun for what a league that repeats another has not", async () => {
    const run = `${await newFolder()}/run`;
    const fresh = `--world fresh-bases --run ${run}`;
    await league.refused(`${fresh} --retune`, "tunes nothing", "leave --retune out");
    await league.refused(`${fresh} --curve`, "no judges by the number of pairs", "--world");
    assert.equal(await readJsonFile(`${run}/run.json`), null);
  });

  it("has the settings of methods that were tried before, beside those tried now", async () => {
    const run = await newFolder();
    const methods = ["raft-2", "osp", "rloo"] as const;
    // As from several processes at once.
    await Promise.all(
      methods.map((method) => keepTried(run, { methods: [method], tried: [tried(method)] })),
    );
    await keepTried(run, { methods: ["osp"], tried: [tried("osp", 40), tried("rloo", 40)] });
    const found = (await readTried(`${run}/tuning.csv`))!;
    assert.deepEqual(
      found.map(({ method, step }) => `${method} ${step}`).sort(),
      ["osp 40", "raft-2 20", "rloo 20"],
    );
  });

  it("is not tuned anew under runs that have begun, and its own trials are gone on from", async () => {
    const run = await newFolder();
    await writeJsonFile(`${run}/run.json`, { world: "order-desk", settings: DESK });
    await writeJsonFile(`${run}/base-2/seed-1/raft-2@judge/config.json`, {});
    await Deno.mkdir(`${run}/base-2/seed-1/osp`); // has not begun
    await league.refused(
      `--run ${run} --retune --methods osp,raft-2`,
      "base-2/seed-1/raft-2@judge has begun",
      "choose another folder with --run",
    );
    await refusePlayed(run, DESK_LEAGUE, ["osp", "rloo"]);
    for (const { row } of tuningRows("raft-2", DESK)) {
      await writeJsonl(`${run}/tuning/${row}/points.jsonl`, [{ step: 20 }]);
      await writeJsonFile(`${run}/tuning/${row}/done.json`, { result: {} });
    }
    await refusePlayed(run, DESK_LEAGUE, ["raft-2"]);
  });

  it("is not begun for a method that the league repeated has no settings of", () => {
    const { league: world } = WORLDS["fresh-bases"];
    const of = (...methods: StudyMethod[]) => ({
      ...{ table: "x/tuning.csv", methods: ["raft-2", "dpo-coin"] as const },
      tried: methods.map((method) => tried(method)),
    });
    refuseUntuned(world, of("raft-2", "dpo-coin"));
    refuseUntuned(DESK_LEAGUE, of());
    refusesAtOnce(() => refuseUntuned(world, of()), "none of raft-2,dpo-coin", "check base 1");
    refusesAtOnce(() => refuseUntuned(world, of("raft-2")), "of dpo-coin", "--methods raft-2");
  });

  it("shares its settings out: what another process has is left for last, and taken over where that one stopped", async () => {
    const folder = await newFolder();
    const folderOf = (piece: string) => `${folder}/${piece}`;
    const isDone = (piece: string) => exists(`${folderOf(piece)}/done`);
    const finish = (piece: string) => Deno.writeTextFile(`${folderOf(piece)}/done`, "");
    for (const piece of "abcd") await Deno.mkdir(folderOf(piece));
    await finish("b");
    const locks = { a: await lockFolder(folderOf("a")), d: await lockFolder(folderOf("d")) };
    const [worked, waited]: [string[], string[]] = [[], []];
    await shareWork([..."abcd"], {
      ...{ folderOf, isDone },
      work: async (piece) => {
        worked.push(piece);
        await finish(piece);
      },
      waiting: async (piece) => {
        waited.push(piece);
        if (piece === "d") await finish(piece); // the other process is through with it, with the other it is not
        locks[piece as keyof typeof locks][Symbol.dispose]();
      },
    });
    assert.deepEqual([worked, waited], [["c", "a"], ["a", "d"]]);
  });

  it("has what all settings start from trained by one process, and a base made by one", async () => {
    const run = await newFolder();
    /** Begins work while another process has the folder, which then ends. @returns what came of it */
    const second = async (
      folder: string,
      work: (reporter: Reporter) => Promise<unknown>,
      leaves = () => Promise.resolve(),
    ) => {
      await Deno.mkdir(folder, { recursive: true });
      const first = await lockFolder(folder);
      const said = Promise.withResolvers<string>();
      const done = work({ ...silentReporter(), log: said.resolve })
        .then(() => "done", ({ message }) => message);
      assert.match(await Promise.race([said.promise, done]), /^another process .*: waiting$/);
      await leaves();
      first[Symbol.dispose]();
      return await done;
    };
    const world: LeagueWorld = {
      ...DESK_LEAGUE,
      base: () => Promise.resolve({ base: "" }),
      session: () => {
        throw new Error("begun");
      },
    };
    const tuned = (reporter: Reporter) => tune(world, { run, reporter, methods: ["raft-2"] });
    assert.equal(await second(`${run}/tuning`, tuned), "begun");
    const base = `${run}/bases/2`;
    const made = (reporter: Reporter) => DESK_LEAGUE.base("2", { run, reporter });
    const leaves = () => Deno.writeTextFile(`${base}/model.safetensors`, "");
    assert.equal(await second(base, made, leaves), "done", "it takes what the first one made");
  });
});

describe("what of a league is asked for", () => {
  it("is refused before anything is written where there is no such thing", async () => {
    const run = `${await newFolder()}/run`;
    const table: [args: string, ...parts: string[]][] = [
      ["--bases 1,9", 'no base "9"', "1, 2, 3, views-2, views-0"],
      ["--world sentences --bases 2", 'no base "2"', "choose from 1"],
      ["--seeds 0,1", "--seeds has 0", "from 1 up"],
      ["--methods self-judge,dpo", 'no row "dpo"'],
      ...["0/2", "3/2", "1/2/3", "1", "a/b", "1.5/2"].map((part): [string, string] => [
        ...[`--part ${part}`, `--part ${part} is no part`] as const,
      ]),
      ["--curve --methods osp", "--curve", "--methods"],
      ["--curve --retune", "--curve", "--retune"],
    ];
    for (const [args, ...parts] of table) {
      refusesAtOnce(() => leagueTask([...args.split(" "), "--run", run]), ...parts);
    }
    await league.refused(`--run ${run} --part 0/2`, "--part 0/2 is no part");
    await assert.rejects(Deno.stat(run), Deno.errors.NotFound);
  });

  it("is each run and row once, blanks or not, and each run is in one part", () => {
    const { methods, runs, all } = leagueTask([
      ...["--methods", "raft-2, self-judge,raft-2", "--bases", "views-0, 1,1", "--seeds", "2, 1"],
    ]);
    assert.deepEqual(methods, ["self-judge", "raft-2"]);
    assert.deepEqual(runs.map(({ base, seed }) => `${base}/${seed}`), [
      ...["views-0/2", "1/2", "views-0/1", "1/1"],
    ]);
    assert.ok(!all);
    const every = leagueTask([]);
    assert.ok(every.all);
    const parts = ["1/2", "2/2"].flatMap((part) => leagueTask(["--part", part]).runs);
    const names = (some: typeof parts) => some.map(({ base, seed }) => `${base}/${seed}`).sort();
    assert.deepEqual(names(parts), names([...every.runs]));
  });

  it("has the extra stages at its end where all is asked for, and nowhere else", () => {
    const passes = (...args: string[]) =>
      passesOf(leagueTask(args)).map(({ methods, extras }) => [methods.length, extras]);
    const { rows } = DESK_LEAGUE;
    const [[counted, early], last] = passes();
    assert.ok((counted as number) < rows.length && early === false);
    assert.deepEqual(last, [rows.length, true]);
    assert.deepEqual(passes("--world", "fresh-bases"), [[6, true]]);
    assert.deepEqual(passes("--methods", "self-judge"), [[1, false]]);
    assert.deepEqual(passes("--methods", "rloo"), [[1, false]]);
    assert.deepEqual(passes("--methods", "rloo,self-judge"), [[1, false], [2, false]]);
  });
});

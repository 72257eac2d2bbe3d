import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { Stopped, UserError } from "../lib/base/error.ts";
import { resolveConfig, type RunConfig } from "../lib/run/config.ts";
import { contentsNamedIn } from "../lib/run/contents.ts";
import { readJsonFile, writeCsv, writeJsonl } from "../lib/base/files.ts";
import type { RunContext, RunStage } from "../lib/run/pipeline.ts";
import { type Anew, RunFolder } from "../lib/run/run_folder.ts";
import { withNeeds } from "../lib/run/stage.ts";
import { openClock } from "../lib/run/stage_clock.ts";
import { terminalReporter } from "../lib/run/terminal_reporter.ts";
import { writeSummary } from "../lib/run/stages/report.ts";
import { Session } from "../lib/run/session.ts";
import { judgeBeforeStage } from "../lib/run/stages/judge.ts";
import { type GivenJudge, givenRanker } from "../lib/run/given_judge.ts";
import { byScore } from "../lib/measure/mod.ts";
import type { PairwiseJudge } from "../lib/method/mod.ts";
import { tinyEncoder } from "./tiny_method.ts";
import { capturedLog } from "./captured_log.ts";
import { refuses } from "./refusals.ts";
import { file, folder as temporary, newFolder } from "./temporary_files.ts";

let names = 0;

/** Two stages of which the second needs the first, in a folder of their own. */
function pipeline(bodies: { first?: RunStage["run"]; second?: RunStage["run"] } = {}) {
  const ran: string[] = [];
  const stage = (
    name: string,
    needs: string[],
    section: "data" | "jsft",
    run?: RunStage["run"],
  ) => ({
    name,
    title: `the ${name} stage`,
    needs,
    config: (config: Readonly<RunConfig>) => ({ [section]: config[section] }),
    run: (context: RunContext) => {
      ran.push(name);
      return run?.(context) ?? Promise.resolve({ of: name });
    },
  });
  const first = stage("first", [], "data", bodies.first);
  const second = stage("second", ["first"], "jsft", bodies.second);
  const folder = new RunFolder(`${temporary.path}/${names++}`, [first, second]);
  const run = (
    which: RunStage,
    settings: string[] = [],
    { stopping = false, by = folder }: { stopping?: boolean; by?: typeof folder } = {},
  ) => {
    const config = resolveConfig("smoke", { settings });
    const session = new Session(config, (name) => folder.folderOf(name), () => {});
    const reporter = terminalReporter(() => stopping);
    return capturedLog(() => by.run([which], { config, session, reporter }));
  };
  return { folder, first, second, ran, run };
}

describe("a run folder", () => {
  it("keeps each stage's settings, result and time, and says what it does", async () => {
    const { folder, first, run } = pipeline({
      first: ({ log }) => {
        log("a word");
        return Promise.resolve({ of: "first" });
      },
    });
    const said = await run(first, ["data.train=5"]);
    assert.deepEqual(await folder.result("first"), { of: "first" });
    assert.ok((await folder.seconds("first"))! >= 0);
    const kept = await readJsonFile<{ stage: string; settings: { data: { train: number } } }>(
      `${folder.path}/first/config.json`,
    );
    assert.deepEqual([kept?.stage, kept?.settings.data.train], ["first", 5]);
    assert.match(said, /^\[1\/1\] first: the first stage\n {2}a word\n {2}first took [\d.]+ s\n$/);
  });

  it("runs a stage for a reporter that is told of none, as a notebook's", async () => {
    const { folder, first, ran } = pipeline();
    const config = resolveConfig("smoke");
    const session = new Session(config, (name) => folder.folderOf(name), () => {});
    const { stage: _, ...reporter } = terminalReporter(() => false);
    await folder.run([first], { config, session, reporter });
    assert.deepEqual(ran, ["first"]);
    assert.deepEqual(await folder.result("first"), { of: "first" });
  });

  it("does not repeat a stage that is done, and says so", async () => {
    const { first, ran, run } = pipeline();
    await run(first);
    assert.match(await run(first), /^1 stage done before \([\d.]+ s\): first\n$/);
    assert.deepEqual(ran, ["first"]);
  });

  it("refuses a stage before those it needs, with the command that makes them", async () => {
    const { folder, second, ran, run } = pipeline();
    const { problem, remedy } = await refuses(run(second));
    assert.equal(
      problem,
      `stage second needs the result of stage first, which ${folder.path} does not have`,
    );
    assert.equal(remedy, "run the same command with --stage first first, or without --stage");
    assert.deepEqual(ran, []);
    assert.equal(await readJsonFile(`${folder.path}/second/config.json`), null);
  });

  it("refuses other settings than a stage was done with, naming each difference", async () => {
    const { folder, first, ran, run } = pipeline();
    await run(first);
    const { problem, remedy } = await refuses(run(first, ["data.train=5", "data.onBadLine=fail"]));
    assert.equal(
      problem,
      `${folder.path}/first was made with other settings:\n` +
        '  first: data.onBadLine was "skip", is now "fail"\n  first: data.train was 12, is now 5',
    );
    assert.match(remedy, /--fresh/);
    assert.deepEqual(ran, ["first"]);
  });

  it("refuses other settings of a stage that this one rests on", async () => {
    const { first, second, run } = pipeline();
    await run(first);
    await run(second);
    const { problem } = await refuses(run(second, ["data.train=5"]));
    assert.match(problem, /second was made .*\n {2}first: data\.train was 12, is now 5$/);
  });

  it("refuses a stage whose needs were made with other settings, also to start it anew", async () => {
    const { folder, first, second, ran, run } = pipeline();
    await run(first);
    const { problem, remedy } = await refuses(run(second, ["data.train=5"]));
    assert.match(problem, /first was made .*\n {2}first: data\.train was 12, is now 5$/);
    assert.match(remedy, /--fresh --stage first,second$/);
    await run(second);
    const config = resolveConfig("smoke", { settings: ["data.train=5"] });
    await refuses(folder.check([second], { config, fresh: true }));
    await folder.check([first, second], { config, fresh: true });
    assert.deepEqual(ran, ["first", "second"]);
  });

  it("refuses to make a stage anew with other settings where one that rests on it stays", async () => {
    const { folder, first, second, run } = pipeline();
    await run(first);
    await run(second);
    const config = resolveConfig("smoke", { settings: ["data.train=5"] });
    const { problem, remedy } = await refuses(folder.check([first], { config, fresh: true }));
    assert.match(
      problem,
      /second rests on stage first .*\n {2}first: data\.train was 12, is now 5$/,
    );
    assert.match(remedy, /--fresh --stage first,second, or/);
    const same = resolveConfig("smoke", { settings: ["jsft.epochs=9"] });
    await folder.check([first], { config: same, fresh: true }); // the second's own settings are no matter here
    await folder.check([first, second], { config, fresh: true });
  });

  it("refuses what was made of a file that has changed since, and takes one that is gone", async () => {
    const pairs = await file("pairs.jsonl", "{}\n");
    const settings = [`data.sources=[{"source":${JSON.stringify(pairs)}}]`];
    const { folder, first, second, run } = pipeline();
    const now = async () => {
      const contents = await contentsNamedIn(resolveConfig("smoke", { settings }));
      return new RunFolder(folder.path, [first, second], { contents });
    };
    const config = resolveConfig("smoke", { settings });
    await run(first, settings, { by: await now() });
    await run(second, settings, { by: await now() });
    await (await now()).check([first, second], { config });
    await Deno.writeTextFile(pairs, "{}\n{}\n");
    const changed = await now();
    const { problem } = await refuses(changed.check([second], { config }));
    assert.match(problem, /first: contents\..*pairs\.jsonl was "\w{12}", is now "\w{12}"$/);
    const resting = await refuses(changed.check([first], { config, fresh: true }));
    assert.match(resting.problem, /second rests on stage first .*\n {2}first: contents\./);
    await Deno.remove(pairs);
    await (await now()).check([first, second], { config });
    await folder.check([first, second], { config }); // as a run of before, which knows of none
  });

  it("names a remedy that the command has", async () => {
    const { folder, first, second, run } = pipeline();
    await run(first);
    await run(second);
    const by = (anew: Anew) => new RunFolder(folder.path, [first, second], { anew });
    const config = resolveConfig("smoke", { settings: ["data.train=5"] });
    for (
      const [anew, remedy] of [
        ["by hand", `delete ${folder.path}/first`],
        ["run", "start anew with --fresh"],
      ] as const
    ) {
      const refused = await refuses(by(anew).check([first], { config }));
      assert.ok(refused.remedy.endsWith(`with --run, or ${remedy}`), refused.remedy);
    }
    await Deno.remove(`${folder.path}/first`, { recursive: true });
    const resting = await refuses(by("by hand").check([first], { config }));
    assert.equal(
      resting.remedy,
      `delete ${folder.path}/second, or choose another folder with --run`,
    );
  });

  it("refuses stages together before the first of them runs", async () => {
    const { folder, first, second, ran, run } = pipeline();
    await run(first);
    await run(second);
    await Deno.remove(`${folder.path}/first`, { recursive: true });
    const config = resolveConfig("smoke", { settings: ["jsft.epochs=9"] });
    const { problem } = await refuses(folder.check([first, second], { config }));
    assert.match(problem, /second was made .*\n {2}second: jsft\.epochs was 1, is now 9$/);
    await folder.check([first, second], { config, fresh: true }); // what it left is not to stay
    assert.deepEqual(ran, ["first", "second"]);
  });

  it("has one run's settings: those of a finished stage that stays are asked for, too", async () => {
    const { folder, first, second, run } = pipeline();
    await run(first);
    await run(second);
    const other = resolveConfig("smoke", { settings: ["jsft.epochs=9"] });
    await folder.check([first], { config: other });
    const { problem } = await refuses(folder.checkOthers([first], other));
    assert.match(
      problem,
      /second stays, and was made .*\n {2}second: jsft\.epochs was 1, is now 9$/,
    );
    await folder.checkOthers([first, second], other); // which refuses them itself, or starts them anew
    await folder.checkOthers([first], resolveConfig("smoke"));
  });

  it("does not mind settings that a stage does not use", async () => {
    const { first, run } = pipeline();
    await run(first);
    assert.match(await run(first, ["jsft.epochs=9"]), /^1 stage done before/);
  });

  it("lets a stage that was stopped go on under the same settings, and adds up its time", async () => {
    let sessions = 0;
    const { folder, first, run } = pipeline({
      first: async ({ checkStop }) => {
        await new Promise((done) => setTimeout(done, 60));
        sessions++;
        checkStop();
        return {};
      },
    });
    await assert.rejects(run(first, [], { stopping: true }), Stopped);
    assert.equal(await folder.result("first"), null);
    assert.match((await refuses(run(first, ["data.train=5"]))).problem, /data\.train was 12/);
    await run(first);
    assert.equal(sessions, 2);
    assert.ok((await folder.seconds("first"))! >= 0.12);
  });

  it("takes corrected settings after a stage was refused at its first try", async () => {
    const { first, run } = pipeline({
      first: ({ config }) =>
        config.data.train! > 5
          ? Promise.reject(new UserError("too many", "lower data.train"))
          : Promise.resolve({}),
    });
    assert.equal((await refuses(run(first))).problem, "too many");
    await run(first, ["data.train=5"]);
  });

  it("leaves defects as they are, with their trace", async () => {
    const defect = new TypeError("x is undefined");
    const { folder, first, run } = pipeline({ first: () => Promise.reject(defect) });
    await assert.rejects(run(first), defect);
    assert.equal(await folder.result("first"), null);
  });
});

describe("the time of a stage", () => {
  it("is written down on the way, so that a kill loses little of it, and goes on from there", async () => {
    const root = await newFolder();
    const kept = async () =>
      (await readJsonFile<{ seconds: number }>(`${root}/clock.json`))?.seconds;
    const clock = await openClock(root, { everyMs: 5 });
    await new Promise((done) => setTimeout(done, 60));
    const killed = await kept();
    assert.ok(killed! > 0.004, `${killed}`);
    await clock.close();
    const whole = (await kept())!;
    assert.ok(whole >= 0.06);
    const next = await openClock(root);
    assert.ok(next.seconds() >= whole);
    await next.close();
  });
});

describe("the judge stage", () => {
  it("is made anew where the answers that it leaves would be others", () => {
    const settings = (...settings: string[]) =>
      judgeBeforeStage.config(resolveConfig("smoke", { settings }));
    for (const other of ["selfJudge.maxNewTokens=7", "tournament.samples=1"]) {
      assert.notDeepEqual(settings(other), settings());
    }
    assert.deepEqual(settings("selfJudge.steps=9", "tournament.prompts=9"), settings());
  });

  it("reckons the time left by what it asks itself, not by what was judged before", async () => {
    const folder = await newFolder();
    const prompt = [{ role: "user", content: "Hi" }];
    const pairs = ["a", "b"].map((id) => ({ id, prompt, chosen: "x", rejected: "y", source: "s" }));
    await writeJsonl(`${folder}/held_out.jsonl`, pairs);
    const told: unknown[] = [];
    const judge: Partial<PairwiseJudge> = {
      templates: [],
      promptsFor: () => 10,
      compare: (comparisons, { onProgress } = {}) => {
        for (const done of [0, 4]) onProgress?.({ done, total: 4 });
        return byScore(({ answer }) => answer.length)(comparisons);
      },
    };
    await judgeBeforeStage.run({
      config: resolveConfig("smoke"),
      ...{ folder, folderOf: () => folder, identity: "", log() {}, checkStop() {} },
      stopping: () => false,
      session: {
        asked: () => Promise.resolve({ sample: () => Promise.resolve([]) }),
        judge: () => Promise.resolve(judge),
        encoder: () => Promise.resolve(tinyEncoder()),
      } as unknown as Session,
      progress: (_, options) => {
        told.push(options);
        return { update: (done) => void told.push(done), finish() {} };
      },
    });
    assert.deepEqual(told, [{ unit: "prompt", total: 10, done: 6 }, 6, 10]);
  });
});

describe("a judge from outside of a run", () => {
  it("is noted once it has judged, so that one that fails at once may be replaced", async () => {
    const cacheFile = `${await newFolder()}/cache.jsonl`;
    const judge = (name: string, compare: GivenJudge["compare"]): GivenJudge => ({
      ...{ name, fingerprint: name, compare, promptsFor: () => 0 },
    });
    const judges: Record<string, GivenJudge> = {
      bad: judge("bad", () => Promise.reject(new UserError("it is mute", "take another"))),
      good: judge("good", () => Promise.resolve([])),
    };
    const given = (ranker: string) =>
      givenRanker("ranker", {
        cacheFile,
        session: {
          config: { selfJudge: { ranker } },
          openRanker: (spec) => Promise.resolve(judges[spec]),
        },
      });
    await refuses((await given("bad")).compare([]), "it is mute");
    await (await given("good")).compare([]);
    await refuses(given("bad"), "was judged by good (good) so far");
  });
});

describe("a run's summary", () => {
  const estimate = (value: number) => ({ value, low: value - 0.1, high: value + 0.1, n: 8 });
  const judge = (accuracy: number, answer: string): RunStage["run"] => async ({ folder }) => {
    await writeJsonl(`${folder}/answers.jsonl`, [{ pair: "p1", answer }]);
    const others = { flipRate: 0, firstPositionRate: 0.5, longerRate: null, unansweredRate: 0 };
    const verdicts = Array.from({ length: 8 }, (_, i) => {
      return { pair: `p${i}`, prompt: i, accuracy: Number(i < 8 * accuracy), ...others };
    });
    await writeCsv(`${folder}/verdicts.csv`, verdicts);
    return { accuracy: estimate(accuracy) };
  };
  const bodies: Record<string, RunStage["run"]> = {
    data: async ({ folder }) => {
      const prompt = [{ role: "user", content: "What is\na fig?" }];
      await writeJsonl(`${folder}/held_out.jsonl`, [{ id: "p1", prompt }]);
      return {};
    },
    "judge-before": judge(0.5, "Bah."),
    jsft: () => Promise.resolve({ steps: 4, answerLossFirst: 3, answerLossLast: 2.5 }),
    "judge-after": judge(0.75, "A fruit."),
    "self-judge": () => Promise.resolve({ method: "self-judge", steps: 3, pairs: 9, identical: 2 }),
    tournament: () => {
      const row = { policy: "jsft", candidates: 4, winRate: 0.6, low: 0.5, high: 0.7, n: 8 };
      return Promise.resolve({ rows: [{ ...row, preference: 0.55, tokens: 6 }] });
    },
  };
  const stages = Object.entries(bodies).map(([name, run]): RunStage => ({
    name,
    title: name,
    needs: [],
    config: () => ({}),
    run,
  }));
  const summarised = async (count: number) => {
    const root = await newFolder();
    const folder = new RunFolder(root, stages);
    const config = resolveConfig("smoke");
    const session = new Session(config, (name) => folder.folderOf(name), () => {});
    const reporter = terminalReporter(() => false);
    await capturedLog(() => folder.run(stages.slice(0, count), { config, session, reporter }));
    const text = await writeSummary(folder);
    assert.equal(await Deno.readTextFile(`${root}/summary.md`), text);
    return { text, csv: await Deno.readTextFile(`${root}/summary.csv`) };
  };

  it("sets judge before beside judge after, and shows training, tournaments and answers", async () => {
    const { text, csv } = await summarised(stages.length);
    assert.ok(text.includes("| accuracy | 0.500 [0.400, 0.600] | 0.750 [0.650, 0.850] |"));
    // Pair by pair two of eight became right, none wrong: the two intervals overlap, and it is a change.
    assert.match(text, /\| accuracy \|.*\| 0\.250 \[0\.000, 0\.(500|625)\] \|\n/);
    assert.ok(text.includes("JSFT, 4 steps: answer loss 3.000 -> 2.500"));
    assert.ok(text.includes("self-judge, 3 steps"));
    assert.ok(text.includes("9 pairs, 2 identical"));
    assert.ok(text.includes("| jsft | 4 | 0.600 [0.500, 0.700] | 0.550 | 6.0 |"));
    assert.ok(text.includes("> What is a fig?\n\n- base: Bah.\n- JSFT: A fruit.\n"));
    assert.ok(csv.startsWith("stage,measure,value,low,high,n\n"));
    assert.ok(csv.includes("judge-after,accuracy,0.75,0.65,0.85,8\n"));
    assert.ok(csv.includes("jsft,answerLossLast,2.5,,,\n"));
    assert.ok(csv.includes("tournament,jsft N=4 win rate,0.6,0.5,0.7,8\n"));
    for (const { name } of stages) assert.match(csv, new RegExp(`^${name},seconds,`, "m"));
  });

  it("tells what there is while stages are missing", async () => {
    const { text, csv } = await summarised(2);
    assert.ok(text.includes("| accuracy | 0.500 [0.400, 0.600] | - |"));
    assert.doesNotMatch(text, /JSFT, |undefined|NaN/);
    assert.doesNotMatch(csv, /judge-after/);
  });
});

describe("some of a pipeline's stages", () => {
  it("are in its order with all they need, but each after what it needs", () => {
    const all = [
      { name: "late", needs: ["a judge"] },
      { name: "a judge", needs: ["a policy"] },
      { name: "no part of it", needs: [] },
      { name: "a policy", needs: ["the start"] },
      { name: "the start", needs: [] },
      { name: "last", needs: ["the start"] },
    ];
    const of = (...wanted: number[]) =>
      withNeeds(wanted.map((i) => all[i]), all).map(({ name }) => name);
    assert.deepEqual(of(5, 0), ["the start", "a policy", "a judge", "late", "last"]);
    assert.deepEqual(of(5, 4), ["the start", "last"]);
  });
});

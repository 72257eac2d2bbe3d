/** The whole way on this machine: vLLM, two Ray nodes and TRL, by the commands that a user types. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "jsr:@std/testing@1/bdd";
import { readJsonFile, readJsonl } from "../lib/base/files.ts";
import { readModelAnswers } from "../lib/benchmark/answer_file.ts";
import { endTree, type ProcessIdentity, startDetached } from "../lib/engine/launch/processes.ts";
import { LocalRay } from "../lib/engine/mod.ts";
import { saveModel } from "../lib/model/mod.ts";
import { writeTokenizer } from "../lib/text/mod.ts";
import { command } from "./commands.ts";
import { PYTHON } from "./engine_cluster.ts";
import { newFolder } from "./temporary_files.ts";
import { QUESTIONS, writeMtBench } from "./tiny_benchmarks.ts";
import { tinyLanguage, tinyModel, tinyPairs } from "./tiny.ts";

interface Verdict {
  pair: string;
  forward: { a: number; b: number };
  backward: { a: number; b: number };
}

/** Two measures of a judge's report, with their intervals. */
interface Judged {
  report: { measures: { accuracy: unknown; flipRate: unknown } };
}

const ROUNDS = 3;
/** Small enough for seconds; JSFT learns what a label is, so that rounds can be filled. */
const SETTINGS = [
  ...["data.train=24", "data.heldOut=8", "jsft.batchSize=6", "jsft.epochs=4"],
  ...["jsft.learningRate=0.01", "jsft.weighting=token", "jsft.evaluatePairs=4"],
  ...[`selfJudge.steps=${ROUNDS}`, "selfJudge.batchSize=4", "selfJudge.maxNewTokens=12"],
  ...["tournament.prompts=2", "tournament.candidates=[1,2]", "tournament.samples=1"],
].flatMap((setting) => ["--set", setting]);

let folder = "";
const secrets = () => ({
  SELF_JUDGE_CLUSTER_PYTHON: PYTHON ?? "",
  ...(folder && {
    SELF_JUDGE_VLLM_KEY: Deno.readTextFileSync(`${folder}/cluster/vllm-key`).trim(),
    RAY_AUTH_TOKEN: Deno.readTextFileSync(`${folder}/cluster/ray/token`).trim(),
  }),
});
const engine = command(
  "run --quiet -A lib/cli/engine.ts",
  () => folder ? secrets() : { SELF_JUDGE_CLUSTER_PYTHON: PYTHON ?? "" },
);
const align = command("run --quiet -A lib/cli/align.ts", secrets);
const judge = command("run --quiet -A lib/cli/judge.ts", secrets);
const benchmark = command("run --quiet -A lib/cli/benchmark.ts", secrets);

const args = (run: string, more: readonly string[] = []) => [
  ...["--scale", "smoke", "--model", `${folder}/model`, "--data", `${folder}/pairs.jsonl`],
  ...["--run", `${folder}/cluster/runs/${run}`, ...SETTINGS, ...more],
];
const elsewhere = () => ["--engine", `${folder}/cluster/cluster.json`];

/** A run's self-training, step by step. */
const stepsOf = (run: string) =>
  readJsonl<{ loss: number; drift: number }>(
    `${folder}/cluster/runs/${run}/self-judge/metrics.jsonl`,
  );

/** A run of its own that has the supervised stages of the plain one behind it. */
async function afterJsft(run: string): Promise<string> {
  const runs = `${folder}/cluster/runs`;
  await new Deno.Command("cp", { args: ["-r", `${runs}/plain`, `${runs}/${run}`] }).output();
  for (const stage of ["self-judge", "judge-after", "tournament"]) {
    await Deno.remove(`${runs}/${run}/${stage}`, { recursive: true });
  }
  return `${runs}/${run}`;
}

/** Parts that CI leaves out for time; fakes go the same way in engine_stage_test.ts. */
const itAsWell = Deno.env.get("SELF_JUDGE_CLUSTER_ALL") ? it : it.skip;

/** Kills a process and all below it at once, as a machine that is lost, and gives what starts it anew. */
async function lose(process: ProcessIdentity): Promise<() => Promise<ProcessIdentity>> {
  const read = async (name: string) =>
    (await Deno.readTextFile(`/proc/${process.pid}/${name}`)).split("\0").slice(0, -1);
  const [words, environment] = [await read("cmdline"), await read("environ")];
  await endTree(process, { graceMs: 0 });
  const env = Object.fromEntries(environment.map((one) => {
    const at = one.indexOf("=");
    return [one.slice(0, at), one.slice(at + 1)];
  }));
  // startDetached's own shell is the leader: what it runs follows the script, its log and its file for the exit code.
  const from = words.indexOf("sh", 3) + 3;
  return () =>
    startDetached(words.slice(words[0] === "sh" ? from : 0), {
      log: `${folder}/restarted.log`,
      env,
      record: () => Promise.resolve(),
    });
}

/** Waits until something is so. */
async function until(what: string, so: () => Promise<boolean>, seconds = 1200): Promise<void> {
  for (const end = performance.now() + 1000 * seconds; !await so();) {
    assert.ok(performance.now() < end, `${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
const there = (path: string) => Deno.stat(path).then(() => true, () => false);

(PYTHON === null ? describe.skip : describe)("a run on engines elsewhere", () => {
  before(async () => {
    const made = await newFolder();
    const model = tinyModel({
      hiddenSize: 128,
      intermediateSize: 192,
      heads: 4,
      kvHeads: 2,
      headDim: 32,
    });
    await saveModel(model, `${made}/model`);
    model.dispose();
    await writeTokenizer(tinyLanguage(), `${made}/model`);
    const lines = tinyPairs(40, 3).map((pair) => JSON.stringify(pair) + "\n");
    await Deno.writeTextFile(`${made}/pairs.jsonl`, lines.join(""));
    await engine.well([
      "--local",
      `${made}/cluster`,
      "--model",
      `${made}/model`,
      "--scale",
      "smoke",
    ]);
    folder = made;
  });
  after(async () => {
    if (folder) await engine.well(["--local", `${folder}/cluster`, "--stop"]);
  });

  it("passes the preflight", async () => {
    const { out } = await engine.well([
      ...[`${folder}/cluster/cluster.json`, "--model", `${folder}/model`, "--scale", "smoke"],
      ...["--set", "selfJudge.batchSize=4"],
    ]);
    assert.match(out, /\[OK\]/);
    assert.doesNotMatch(out, /\[FAIL\]/);
    for (const secret of [secrets().SELF_JUDGE_VLLM_KEY, secrets().RAY_AUTH_TOKEN!]) {
      assert.ok(!out.includes(secret!), "a secret is in the table");
    }
  });

  it("goes through its rounds on two nodes, servers and trainer agreeing to rounding", async () => {
    const { out, err } = await align.well(args("plain", elsewhere()));
    const steps = await stepsOf("plain");
    assert.equal(steps.length, ROUNDS);
    assert.ok(Math.abs(steps[0].loss - Math.LN2) < 1e-6, `${steps[0].loss}`);
    assert.ok(steps.every(({ drift }) => drift < 1e-5), `${steps.map(({ drift }) => drift)}`);
    const run = `${folder}/cluster/runs/plain`;
    const started = await readJsonFile<{ processes: number }>(
      `${run}/self-judge/trainer.started.json`,
    );
    assert.equal(started!.processes, 2);
    for (const secret of Object.values(secrets()).slice(1)) {
      assert.ok(![out, err].some((text) => text.includes(secret!)), "a secret was printed");
      const found = await new Deno.Command("grep", { args: ["-rlF", "--", secret!, run] }).output();
      assert.equal(found.code, 1, `a secret is in ${new TextDecoder().decode(found.stdout)}`);
    }
  });

  it("is the same to six decimals where a server, a node and this program are lost in its midst", async () => {
    const run = await afterJsft("disturbed");
    const line = args("disturbed", ["--stage", "self-judge", ...elsewhere()]);
    const first = align.spawn(line);
    // The program: killed when its trainer has been started on the first round.
    await until("round 1", async () => {
      const started = await readJsonFile<{ started: boolean }[]>(
        `${run}/self-judge/launch/attempts.json`,
      );
      return started?.at(-1)?.started === true &&
        await there(`${run}/self-judge/rounds/000001/batch.jsonl`);
    });
    first.kill("SIGKILL");
    await first.output();
    const lines = async (name: string) => (await readJsonl(`${run}/self-judge/${name}`)).length;
    const verdicts = await lines("cache.jsonl");
    // The server: lost, and back empty.
    const { vllm } =
      (await readJsonFile<{ vllm: ProcessIdentity }>(`${folder}/cluster/local.json`))!;
    const restartServer = await lose(vllm);
    const output = align.spawn(line).output(); // read at once: a full pipe would hold it up
    const record = `${folder}/cluster/local.json`;
    const kept = await readJsonFile<Record<string, unknown>>(record);
    await Deno.writeTextFile(record, JSON.stringify({ ...kept, vllm: await restartServer() }));
    // A node: lost after the second round, and back.
    await until("round 2", () => there(`${run}/self-judge/rounds/000002/adapter`));
    const ray = (await LocalRay.find(`${folder}/cluster/ray`))!;
    const node = ray.options.nodes[1];
    await ray.killNode(node);
    await ray.startNode(node);
    const { code, stdout, stderr } = await output;
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert.equal(code, 0, text);
    const [plain, disturbed] = [await stepsOf("plain"), await stepsOf("disturbed")];
    plain.forEach(({ loss }, i) =>
      assert.ok(Math.abs(loss - disturbed[i].loss) < 1e-6, `step ${i + 1}`)
    );
    // Nothing finished was paid for twice: the second server was asked for the later rounds alone.
    const needed = (await lines("rounds/000002/samples.jsonl")) +
      (await lines("rounds/000003/samples.jsonl")) + (await lines("cache.jsonl")) - verdicts;
    const log = await Deno.readTextFile(`${folder}/restarted.log`);
    const asked = log.match(/"POST \/v1\/completions/g)?.length ?? 0;
    // Some are refused at first: it does not know the adapters yet.
    assert.ok(asked >= needed && asked < needed + verdicts, `${asked} asked, ${needed} needed`);
  });

  itAsWell(
    "samples a round ahead of the trainer where it is told to, each pair with its age",
    async () => {
      const run = await afterJsft("ahead");
      const cluster = await readJsonFile<Record<string, unknown>>(`${folder}/cluster/cluster.json`);
      const file = `${folder}/cluster/ahead.json`;
      await Deno.writeTextFile(file, JSON.stringify({ ...cluster, rounds: { ahead: 1 } }));
      await align.well(args("ahead", ["--stage", "self-judge", "--engine", file]));
      for (const [round, version, age] of [[1, 0, 0], [2, 0, 1], [3, 1, 1]]) {
        const rows = await readJsonl<{ version: number; age: number }>(
          `${run}/self-judge/rounds/00000${round}/batch.jsonl`,
        );
        assert.ok(
          rows.every((row) => row.version === version && row.age === age),
          `round ${round}`,
        );
      }
      // What an older policy wrote has another log-probability by now, which is no drift.
      assert.deepEqual((await stepsOf("ahead")).map(({ drift }) => drift !== undefined), [
        ...[true, false, false],
      ]);
    },
  );

  it("goes on here and back, the judge's probabilities the same within rounding", async () => {
    const at = `${folder}/cluster/runs/plain`;
    const served = await readJsonl<Verdict>(`${at}/judge-after/judgments.jsonl`);
    await align.well(args("plain", ["--stage", "judge-after", "--fresh"]));
    const native = await readJsonl<Verdict>(`${at}/judge-after/judgments.jsonl`);
    assert.equal(native.length, served.length);
    for (const [i, { forward, backward }] of served.entries()) {
      const [f, b] = [native[i].forward, native[i].backward];
      const apart = [forward.a - f.a, forward.b - f.b, backward.a - b.a, backward.b - b.b];
      assert.ok(Math.max(...apart.map(Math.abs)) < 1e-4, `${served[i].pair}: ${apart}`);
    }
    // A report on judges says the same, whoever is asked.
    const reports = [];
    for (const [name, more] of [["native", []], ["served", elsewhere()]] as const) {
      const json = `${folder}/judge-${name}.json`;
      await judge.well([
        ...["--judge", `run:${at}#jsft`, "--pairs", `${folder}/pairs.jsonl`, "--baseline", "none"],
        ...["--json", json, "--cache", `${folder}/judge-${name}.jsonl`, ...more],
      ]);
      const { judges } = (await readJsonFile<{ judges: Judged[] }>(json))!;
      const { accuracy, flipRate } = judges[0].report.measures;
      reports.push({ accuracy, flipRate });
    }
    assert.deepEqual(reports[1], reports[0]);
    await align.well(args("plain", ["--stage", "tournament", "--fresh"]));
    await align.well(args("plain", ["--stage", "tournament", "--fresh", ...elsewhere()]));
  });

  it("answers a benchmark's questions at the servers, two models of the run and their judge", async () => {
    await writeMtBench(`${folder}/benchmarks`);
    const [run, out] = [`${folder}/cluster/runs/plain`, `${folder}/benchmark`];
    const asked = await benchmark.well([
      ...["--bench", "mt-bench", "--data", `${folder}/benchmarks`, "--questions", "3"],
      ...["--model", `tuned=run:${run}#policy`, "--against", `base=run:${run}#base`],
      ...["--judge", `run:${run}#jsft`, "--mode", "pair", "--max-new-tokens", "6"],
      ...["--no-figures", "--out", out, ...elsewhere()],
    ]);
    assert.match(asked.out, /^tuned against base +winRate +all +[01]\.\d{3} \[/m);
    for (const model of ["tuned", "base"]) {
      const answers = await readModelAnswers(`${out}/data/mt_bench/model_answer/${model}.jsonl`);
      assert.equal(answers.length, 3);
      for (const { question_id, choices: [{ turns }] } of answers) {
        assert.ok(QUESTIONS.some((question) => question.question_id === question_id));
        assert.equal(turns.length, 2);
      }
    }
  });
});

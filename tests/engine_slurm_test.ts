import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "jsr:@std/testing@1/bdd";
import type { LauncherSettings } from "../lib/engine/mod.ts";
import { SlurmLauncher } from "../lib/engine/launch/slurm.ts";
import { testCluster } from "./engine_cluster.ts";
import { refuses } from "./refusals.ts";
import { newFolder } from "./temporary_files.ts";

/** What a request was, and what is answered to the next ones by "METHOD path". */
const asked: { line: string; headers: Headers; body: Body }[] = [];
const answers = new Map<string, { status?: number; body: unknown }>();
// deno-lint-ignore no-explicit-any
type Body = any;
/** What is answered to every request in place of these. */
let page: string | null;
let server: Deno.HttpServer<Deno.NetAddr>;

beforeEach(() => {
  asked.length = 0;
  answers.clear();
  page = null;
  server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const line = `${request.method} ${new URL(request.url).pathname}`;
    const text = await request.text();
    asked.push({ line, headers: request.headers, body: text && JSON.parse(text) });
    const { status = 200, body } = answers.get(line) ?? { status: 404, body: {} };
    if (page !== null) return new Response(page);
    return Response.json(body, { status });
  });
});
afterEach(() => server.shutdown());

const variables: Record<string, string> = { USER: "me", SLURM_JWT: "s3cret-jwt" };

async function launcher(train: Record<string, unknown> = {}, fetch?: typeof globalThis.fetch) {
  const settings = {
    kind: "slurm",
    url: `http://127.0.0.1:${server.addr.port}`,
    version: "v0.0.41",
    partition: "gpu",
    nodes: 2,
  };
  const shared = await newFolder();
  const cluster = testCluster(shared, {
    launcher: settings,
    python: "/opt/my venv/bin/python",
    workers: 16,
    gpus: true,
    threads: 4,
    ...train,
  }, "/mnt/runs");
  const given = cluster.train.launcher as Extract<LauncherSettings, { kind: "slurm" }>;
  const readVariable = (name: string) => variables[name];
  const folder = `${shared}/hh/self-judge`;
  return { slurm: new SlurmLauncher(cluster, given, { folder, readVariable, fetch }), folder };
}

const JOBS = "GET /slurm/v0.0.41/jobs", SUBMIT = "POST /slurm/v0.0.41/job/submit";
const train = "/mnt/runs/hh/self-judge/train.json";

describe("a trainer under SLURM", () => {
  it("is submitted in the form that slurmrestd documents, its files in the shared folder", async () => {
    const { slurm, folder } = await launcher();
    answers.set(JOBS, { body: { jobs: [{ job_id: 3, name: "other", job_state: ["RUNNING"] }] } });
    answers.set(SUBMIT, { body: { job_id: 7, errors: [] } });
    await slurm.start({ id: "hh-self-judge-1", train });
    const { line, headers, body } = asked.at(-1)!;
    assert.equal(line, SUBMIT);
    assert.equal(headers.get("x-slurm-user-name"), "me");
    assert.equal(headers.get("x-slurm-user-token"), "s3cret-jwt");
    const { script, ...job } = body.job;
    assert.deepEqual(job, {
      name: "hh-self-judge-1",
      partition: "gpu",
      nodes: "2",
      tasks: 2,
      tasks_per_node: 1,
      time_limit: { set: true, number: 1440 },
      current_working_directory: "/mnt/runs",
      standard_output: "/mnt/runs/hh/self-judge/launch/hh-self-judge-1.log",
      environment: [
        "PATH=/usr/bin:/bin",
        "PYTHONUNBUFFERED=1",
        "OMP_NUM_THREADS=4",
        "TOKENIZERS_PARALLELISM=false",
      ],
      tres_per_node: "gres/gpu:8",
    });
    assert.match(script, /^#!\/bin\/bash\n/);
    assert.match(script, /srun --nodes=2 --ntasks=2 --ntasks-per-node=1 --gpus-per-node=8/);
    assert.ok(
      script.includes("'/opt/my venv/bin/python' -m torch.distributed.run --nnodes=2"),
      script,
    );
    assert.ok(script.includes(`'/mnt/runs/hh/self-judge/launch/trainer.py' '${train}'`), script);
    assert.match(await Deno.readTextFile(`${folder}/launch/trainer.py`), /import/);
  });

  it("has a batch script that the shell can read", async () => {
    const { slurm } = await launcher();
    answers.set(JOBS, { body: { jobs: [] } });
    answers.set(SUBMIT, { body: {} });
    await slurm.start({ id: "a-1", train: "/mnt/runs/it's/train.json" });
    const child = new Deno.Command("bash", {
      args: [
        "-c",
        `scontrol() { echo node1; echo node2; }; srun() { printf '%s\\n' "$@"; }
        export SLURM_JOB_ID=5 SLURM_JOB_NODELIST=x; ${asked.at(-1)!.body.job.script}`,
      ],
    });
    const { stdout, success } = await child.output();
    const words = new TextDecoder().decode(stdout).split("\n");
    assert.ok(success);
    assert.ok(
      words.includes("/opt/my venv/bin/python") && words.includes("/mnt/runs/it's/train.json"),
    );
    assert.ok(words.includes("--rdzv-endpoint=node1:29500") && words.includes("--rdzv-id=5"));
  });

  it("is joined, not submitted twice, and found by its name; the newest of that name counts", async () => {
    const { slurm } = await launcher();
    const jobs = [[7, "FAILED"], [9, "RUNNING"], [8, "CANCELLED"]].map(([job_id, state]) => (
      { job_id, name: "a-1", job_state: [state] }
    ));
    answers.set(JOBS, { body: { jobs } });
    await slurm.start({ id: "a-1", train });
    assert.deepEqual(asked.map(({ line }) => line), [JOBS]);
    assert.equal((await slurm.state("a-1")).state, "running");
    assert.equal((await slurm.state("b-1")).state, "absent");
    answers.set("DELETE /slurm/v0.0.41/job/9", { body: {} });
    await slurm.stop("a-1");
    assert.equal(asked.at(-1)!.line, "DELETE /slurm/v0.0.41/job/9");
    for (
      const [state, ours] of [
        ["PENDING", "pending"],
        ["COMPLETED", "succeeded"],
        ["CANCELLED", "stopped"],
        ["TIMEOUT", "failed"],
        ["NODE_FAIL", "failed"],
      ]
    ) {
      answers.set(JOBS, { body: { jobs: [{ job_id: 1, name: "a-1", job_state: state }] } });
      assert.equal((await slurm.state("a-1")).state, ours);
    }
  });

  it("is told as what it is where a page answers, or Deno does not allow to ask", async () => {
    const { slurm } = await launcher();
    for (page of ["<html>please log in, s3cret-jwt</html>", "null"]) {
      const error = await refuses(
        slurm.state("a-1"),
        "does not answer as slurmrestd does",
        "train.launcher.url",
      );
      assert.ok(!Deno.inspect(error).includes("s3cret"));
    }
    const ask = (() => Promise.reject(new Deno.errors.NotCapable("Requires net"))) as typeof fetch;
    const kept = await launcher({}, ask);
    const { port } = server.addr;
    const error = await refuses(
      kept.slurm.state("a-1"),
      "Deno was not allowed to go there",
      `--allow-net=127.0.0.1:${port}`,
    );
    assert.equal(error.name, "UserError", "there is nothing to wait for");
  });

  it("is refused with the remedy and without the token", async () => {
    const { slurm } = await launcher();
    answers.set(JOBS, { status: 401, body: "s3cret-jwt is no good" });
    const refused = await refuses(slurm.state("a-1"), "SLURM_JWT", "scontrol token");
    answers.set(JOBS, { body: { errors: [{ error: "Invalid", description: "for s3cret-jwt" }] } });
    const error = await refuses(slurm.state("a-1"), "Invalid for <token>");
    answers.set(JOBS, { status: 500, body: "s3cret-jwt" });
    const down = await refuses(slurm.state("a-1"), "500");
    assert.equal(down.name, "Unreachable");
    for (const one of [refused, error, down]) assert.ok(!Deno.inspect(one).includes("s3cret"));
    await refuses((await launcher({ workers: 3 })).slurm.start({ id: "c-1", train }), "500");
    answers.set(JOBS, { body: { jobs: [] } });
    await refuses(
      (await launcher({ workers: 3 })).slurm.start({ id: "c-1", train }),
      "train.workers 3",
      "over 2 nodes",
    );
  });
});

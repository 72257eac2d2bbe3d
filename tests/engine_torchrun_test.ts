import assert from "node:assert/strict";
import { afterEach, describe, it } from "jsr:@std/testing@1/bdd";
import { TorchrunLauncher } from "../lib/engine/launch/torchrun.ts";
import { itWithPython, PYTHON, runs, testCluster } from "./engine_cluster.ts";
import { refuses } from "./refusals.ts";
import { file, newFolder } from "./temporary_files.ts";
import { until } from "./until.ts";

/**
 * In the place of Python with torch: what torchrun does as far as it matters here, each worker in a session of its own.
 * The arguments are `-m torch.distributed.run --standalone --nproc-per-node=N SCRIPT TRAIN`.
 */
const STAND_IN = `#!/bin/sh
[ "$1 $2 $3" = "-m torch.distributed.run --standalone" ] || exit 9
n=\${4#--nproc-per-node=}; pids=
for rank in $(seq 0 $((n - 1))); do RANK=$rank setsid sh "$5" "$6" & pids="$pids $!"; done
code=0; for pid in $pids; do wait $pid || code=$?; done; exit $code
`;

let nth = 0;
const open: TorchrunLauncher[] = [];
afterEach(async () => {
  for (const launcher of open.splice(0)) await launcher.stop("t-1");
});

/** A launcher whose trainer is a shell script, and a second one, as of a command that was started again. */
async function launchers(script: string, python?: string) {
  const standIn = python ?? await file(`python-${++nth}`, STAND_IN);
  if (!python) await Deno.chmod(standIn, 0o755);
  const folder = await newFolder();
  const trainer = await file(`trainer-${nth}.sh`, script);
  const cluster = testCluster(folder, {
    launcher: { kind: "torchrun" },
    python: standIn,
    workers: 2,
    threads: 3,
  });
  const make = () => new TorchrunLauncher(cluster, { folder, trainer, graceMs: 500 });
  const launcher = make();
  open.push(launcher);
  await launcher.start({ id: "t-1", train: `${folder}/train.json` });
  const ended = (with_: TorchrunLauncher) =>
    until(async () => {
      const found = await with_.state("t-1");
      return found.state !== "running" && found;
    });
  const read = (name: string) => Deno.readTextFile(`${folder}/${name}`);
  return { launcher, again: make(), folder, ended, read, kept: `${folder}/launch/t-1.json` };
}

const FOREVER = 'echo $$ > "$(dirname "$1")/pid-$RANK"; while true; do sleep 1; done';
describe("a trainer on this machine", () => {
  it("runs as many processes as workers, its log and end in files", async () => {
    Deno.env.set("TEST_SERVE_KEY", "s3cret");
    const { launcher, ended } = await launchers(
      '[ -z "$TEST_SERVE_KEY" ] || exit 1; echo "$RANK $OMP_NUM_THREADS $1"',
    );
    assert.deepEqual(await ended(launcher), { state: "succeeded" });
    const lines = (await launcher.log("t-1")).split("\n").sort();
    assert.match(lines.join(), /^0 3 \/.*train\.json,1 3 \/.*train\.json$/);
    assert.equal((await launcher.log("t-1", 1)).split("\n").length, 1);
    assert.equal((await launcher.state("t-2")).state, "absent");
    assert.equal(await launcher.log("t-2"), "");
    await launcher.stop("t-2");
  });

  it("that fails is told with its exit code", async () => {
    const { launcher, ended } = await launchers("exit 3");
    assert.deepEqual(await ended(launcher), { state: "failed", message: "exit code 3" });
  });

  it("is found by a command that is started again, which starts no second one", async () => {
    const { again, folder, read, kept } = await launchers(FOREVER);
    await until(() => read("pid-1"));
    const before = await Deno.readTextFile(kept);
    await again.start({ id: "t-1", train: `${folder}/train.json` });
    assert.equal(await Deno.readTextFile(kept), before);
    assert.equal((await again.state("t-1")).state, "running");
  });

  it("is stopped with all its workers, in sessions of their own, by the second command too", async () => {
    const { launcher, again, read } = await launchers(`trap '' TERM; ${FOREVER}`);
    const pids = [await until(() => read("pid-0")), await until(() => read("pid-1"))];
    await again.stop("t-1");
    assert.equal((await launcher.state("t-1")).state, "stopped");
    assert.deepEqual(await Promise.all(pids.map(runs)), [false, false]);
  });

  it("whose head was killed has failed, and its workers do not go on beside the next", async () => {
    const { launcher, read, kept } = await launchers(FOREVER);
    const pids = [await until(() => read("pid-0")), await until(() => read("pid-1"))];
    const { pid } = JSON.parse(await Deno.readTextFile(kept)).process;
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", `grep -l "^[0-9]* (.*) . ${pid} " /proc/[0-9]*/stat | cut -d/ -f3`],
    }).output();
    const agent = Number(new TextDecoder().decode(stdout).trim());
    Deno.kill(pid, "SIGKILL");
    Deno.kill(agent, "SIGKILL");
    const found = await until(async () => {
      const found = await launcher.state("t-1");
      return found.state === "failed" && found;
    });
    assert.match(found.message!, /no exit code/);
    assert.deepEqual(await Promise.all(pids.map(runs)), [false, false]);
  });

  it("that is gone is not taken for another process that was given its number", async () => {
    const { again, read, kept } = await launchers(FOREVER);
    await until(() => read("pid-1"));
    const real = JSON.parse(await Deno.readTextFile(kept));
    const process = { ...real.process, started: real.process.started - 100, mark: "of another" };
    await Deno.writeTextFile(kept, JSON.stringify({ ...real, process }));
    assert.equal((await again.state("t-1")).state, "failed");
    await again.stop("t-1");
    await Deno.writeTextFile(kept, JSON.stringify(real));
    assert.equal((await again.state("t-1")).state, "running"); // the other one was left alone
  });

  it("that another machine runs is refused, unless it has ended", async () => {
    const { launcher, again, ended, folder, kept } = await launchers("exit 0");
    await ended(launcher);
    const record = JSON.parse(await Deno.readTextFile(kept));
    await Deno.writeTextFile(kept, JSON.stringify({ ...record, host: "elsewhere" }));
    assert.equal((await again.state("t-1")).state, "succeeded");
    await Deno.remove(`${folder}/launch/t-1.exit`);
    await refuses(again.state("t-1"), "started on elsewhere", kept);
    await Deno.remove(kept);
  });
});

describe("torchrun itself", () => {
  itWithPython("starts the workers, which are stopped with it", async () => {
    const script = "import os, sys, time\n" +
      "name = os.path.join(os.path.dirname(sys.argv[1]), 'pid-' + os.environ['RANK'])\n" +
      "open(name, 'w').write(str(os.getpid()))\n" +
      "print('world', os.environ['WORLD_SIZE'], 'threads', os.environ['OMP_NUM_THREADS'])\n" +
      "time.sleep(600)\n";
    const { launcher, again, read } = await launchers(script, PYTHON!);
    const pids = [await until(() => read("pid-0")), await until(() => read("pid-1"))];
    await until(async () => /^world 2 threads 3$/m.test(await launcher.log("t-1")));
    await again.stop("t-1");
    assert.equal((await launcher.state("t-1")).state, "stopped");
    assert.deepEqual(await Promise.all(pids.map(runs)), [false, false]);
  });
});

describe("the check of a Python on this machine", () => {
  it("names the wrong path, and Python without the packages", async () => {
    const folder = await newFolder();
    const rows = (python: string) =>
      new TorchrunLauncher(testCluster(folder, { launcher: { kind: "torchrun" }, python }), {
        folder,
      })
        .check();
    const [nowhere] = await rows("/nowhere/python");
    assert.equal(nowhere.ok, false);
    assert.match(nowhere.remedy!, /give train\.python as the path/);
    const bare = await file(
      "bare-python",
      "#!/bin/sh\necho 'ModuleNotFoundError: torch' >&2; exit 1\n",
    );
    await Deno.chmod(bare, 0o755);
    const [without] = await rows(bare);
    assert.match(without.said, /ModuleNotFoundError: torch/);
    assert.match(without.remedy!, /requirements\.txt/);
  });

  it("names packages that are broken or of other versions, and a folder that is not shared", async () => {
    const folder = await newFolder();
    const rows = async (machine: Record<string, unknown>, write = "") => {
      const told = JSON.stringify([{ name: "node1", python: "3.11.7", faults: {}, ...machine }]);
      const python = await file(
        `told-${++nth}`,
        `#!/bin/sh\n${write}\necho noise\necho 'PROBE ${told}'\n`,
      );
      await Deno.chmod(python, 0o755);
      const train = { launcher: { kind: "torchrun" }, python, gpus: machine.gpus !== undefined };
      return await new TorchrunLauncher(testCluster(folder, train, "/mnt/runs"), { folder })
        .check();
    };
    const write =
      `cat "${folder}"/.self-judge-check-*/asked > "$(echo "${folder}"/.self-judge-check-*)/node1"`;
    const ours = { trl: "1.16.0", torch: "2.13.0+cu129" };
    const good = await rows({ versions: ours, gpus: 1 }, write);
    assert.deepEqual(good.map(({ ok }) => ok), [true, true, true]);
    const [older] = await rows({ versions: { ...ours, trl: "1.15.0" } }, write);
    assert.equal(older.ok, null);
    assert.match(older.remedy!, /tested with trl 1\.16\.0/);
    const [broken] = await rows({ versions: {}, faults: { peft: "ImportError: no" } }, write);
    assert.deepEqual([broken.ok, /cannot import peft: ImportError: no/.test(broken.said)], [
      false,
      true,
    ]);
    const [, other] = await rows(
      { versions: ours },
      write.replace("asked >", "asked | tr a-f g >"),
    );
    assert.deepEqual([other.ok, /is not in/.test(other.said)], [false, true]);
    const [, none] = await rows({ versions: ours, folderFault: "FileNotFoundError: /mnt/runs" });
    assert.deepEqual([none.ok, none.said], [false, "FileNotFoundError: /mnt/runs"]);
    assert.match(none.remedy!, /mount one folder here as .* and .* as \/mnt\/runs/);
    const [, , gpus] = await rows({ versions: ours, gpus: 0 }, write);
    assert.deepEqual([gpus.ok, gpus.said], [false, "0 GPUs, 1 wanted"]);
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  });

  itWithPython("tells the versions of a real one", async () => {
    const folder = await newFolder();
    const train = { launcher: { kind: "torchrun" }, python: PYTHON };
    const good = await new TorchrunLauncher(testCluster(folder, train), { folder }).check();
    assert.deepEqual(good.map(({ ok }) => ok), [true, true], Deno.inspect(good));
    assert.match(good[0].said, /torch 2\.\d+.*trl 1\./);
  });
});

/** The trainer as processes of this machine, started by torchrun: one node, no cluster software. @module */
import { UserError } from "../../base/error.ts";
import { makeFolder, readIfThere, readJsonFile, writeJsonFile } from "../../base/files.ts";
import type { Cluster } from "../settings.ts";
import {
  type Check,
  lastLines,
  type Launcher,
  type TrainerJob,
  type TrainerState,
} from "./interface.ts";
import { probeRows } from "./probe.ts";
import { endTree, hostname, isRunning, type ProcessIdentity, startDetached } from "./processes.ts";
import { pythonFile, trainerEnvironment, trainerPath } from "./trainer_files.ts";

/** A trainer as it is kept in `launch/ID.json`. */
interface Kept {
  /** The machine that it runs on; another one cannot see its process. */
  readonly host: string;
  readonly process: ProcessIdentity;
  readonly stopped?: boolean;
}

/**
 * Starts trainers on this machine. They go on when the command that started them ends; a later command finds them by
 * `launch/ID.json` in the stage's folder. Log and exit code are beside it. Linux only.
 */
export class TorchrunLauncher implements Launcher {
  readonly logsHere = true;
  readonly where = "torchrun on this machine";
  readonly #cluster: Cluster;
  readonly #folder: string;
  readonly #trainer: string;
  readonly #graceMs: number;

  /**
   * @param options.folder The stage's folder; what is kept of a trainer is in `launch` in it.
   * @param options.trainer The script to run. @default lib/engine/python/trainer.py
   * @param options.graceMs How long a stopped trainer has to end by itself. @default 15_000
   */
  constructor(cluster: Cluster, { folder, trainer = trainerPath(), graceMs = 15_000 }: {
    readonly folder: string;
    readonly trainer?: string;
    readonly graceMs?: number;
  }) {
    this.#cluster = cluster;
    this.#folder = `${folder}/launch`;
    this.#trainer = trainer;
    this.#graceMs = graceMs;
  }

  async start({ id, train }: TrainerJob): Promise<void> {
    if (await this.#kept(id)) return;
    await makeFolder(this.#folder);
    const { train: { python, workers }, serve: { keyVariable } } = this.#cluster;
    const host = await hostname();
    await startDetached([
      python,
      "-m",
      "torch.distributed.run",
      "--standalone", // a free port for the processes to meet at
      `--nproc-per-node=${workers}`,
      this.#trainer,
      train,
    ], {
      log: this.#path(id, "log"),
      exit: this.#path(id, "exit"),
      // The trainer needs no key of the servers: a log of its environment must not hold it.
      env: { ...trainerEnvironment(this.#cluster), ...keyVariable ? { [keyVariable]: "" } : {} },
      record: (process) => writeJsonFile(this.#path(id, "json"), { host, process } satisfies Kept),
    });
  }

  /** Where it is. Of a trainer whose head is gone, the rest is ended first: it would train beside the next one. */
  async state(id: string): Promise<TrainerState> {
    const kept = await this.#kept(id);
    if (kept === null) return { state: "absent" };
    const running = await isRunning(kept.process); // before the exit code, which is written before it ends
    if (!running) await endTree(kept.process, { graceMs: this.#graceMs });
    const exit = await readIfThere(this.#path(id, "exit"));
    if (kept.stopped && !running) return { state: "stopped" };
    if (exit === null) {
      return running
        ? { state: "running" }
        : { state: "failed", message: "killed: it left no exit code" };
    }
    const code = exit.trim();
    return code === "0"
      ? { state: "succeeded" }
      : { state: "failed", message: `exit code ${code}` };
  }

  async log(id: string, lines = 40): Promise<string> {
    return lastLines(await readIfThere(this.#path(id, "log")) ?? "", lines);
  }

  async stop(id: string): Promise<void> {
    const kept = await this.#kept(id);
    if (kept === null || (await this.state(id)).state !== "running") return;
    await writeJsonFile(this.#path(id, "json"), { ...kept, stopped: true } satisfies Kept);
    await endTree(kept.process, { graceMs: this.#graceMs });
  }

  async check(): Promise<readonly Check[]> {
    const { python, workers, gpus } = this.#cluster.train;
    let found = 0;
    const rows = await probeRows(this.#cluster, async (folder) => {
      const { output, ended } = await outputOf(
        python,
        [pythonFile("probe.py"), folder],
        this.#cluster,
      );
      found = JSON.parse(/^PROBE (.*)$/m.exec(output)?.[1] ?? "[]")[0]?.gpus ?? 0;
      return { output, ended };
    });
    if (!gpus || rows.some(({ ok }) => ok === false)) return rows;
    const said = `${found} GPUs, ${workers} wanted`;
    const remedy = "lower train.workers, or set train.gpus to false to train on CPUs";
    return [
      ...rows,
      found >= workers
        ? { what: "GPUs", ok: true, said }
        : { what: "GPUs", ok: false, said, remedy },
    ];
  }

  #path(id: string, kind: "json" | "log" | "exit"): string {
    return `${this.#folder}/${id}.${kind}`;
  }

  /** @throws {UserError} When another machine runs it. */
  async #kept(id: string): Promise<Kept | null> {
    const kept = await readJsonFile<Kept>(this.#path(id, "json"));
    if (kept === null) return null;
    const host = await hostname();
    if (kept.host === host) return kept;
    if (await readIfThere(this.#path(id, "exit")) !== null) return kept; // over: nothing to be seen there
    throw new UserError(
      `${this.#path(id, "json")}: ${id} was started on ${kept.host}, and this is ${host}`,
      `go on there; if ${kept.host} is no more, remove this file`,
    );
  }
}

/** What a command printed and how it ended, by a shell: the task may run no path that a cluster's file names. */
async function outputOf(
  command: string,
  args: readonly string[],
  cluster: Cluster,
): Promise<{ output: string; ended: string }> {
  const { stdout, stderr, code } = await new Deno.Command("sh", {
    args: ["-c", 'exec "$@"', "sh", command, ...args],
    env: trainerEnvironment(cluster),
  }).output();
  const [out, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { output: out.includes("PROBE ") ? out : out + errors, ended: `exit code ${code}` };
}

/** The trainer as a SLURM batch job, through slurmrestd. @module */
import { UserError } from "../../base/error.ts";
import { readIfThere, writeWhole } from "../../base/files.ts";
import { netRefusal } from "../../base/net_permission.ts";
import { type Cluster, type LauncherSettings, pathThere, secretOf } from "../settings.ts";
import {
  type Check,
  lastLines,
  type Launcher,
  parsedObject,
  quoted,
  type TrainerJob,
  type TrainerState,
  Unreachable,
} from "./interface.ts";
import { trainerEnvironment, trainerFiles } from "./trainer_files.ts";

/** The settings of a SLURM cluster. */
export type SlurmSettings = Extract<LauncherSettings, { kind: "slurm" }>;

/** SLURM's states of a job, by what they are here; all others are failures (see squeue's JOB STATE CODES). */
const STATES: Readonly<Record<string, TrainerState["state"]>> = {
  PENDING: "pending",
  CONFIGURING: "pending",
  REQUEUED: "pending",
  SUSPENDED: "pending",
  RUNNING: "running",
  COMPLETING: "running",
  COMPLETED: "succeeded",
  CANCELLED: "stopped",
};

/**
 * Starts trainers as SLURM jobs: one task a node, in which torchrun starts a process a GPU.
 *
 * UNTESTED: no SLURM was to be had. Its requests have the form that slurmrestd documents (job/submit, jobs, job/ID; data
 * parser v0.0.40 and later) and are checked for that form only. SLURM carries no files: the trainer's are written beside
 * its logs, where the nodes see them.
 */
export class SlurmLauncher implements Launcher {
  readonly logsHere = true;
  readonly where: string;
  readonly #cluster: Cluster;
  readonly #settings: SlurmSettings;
  readonly #folder: string;
  readonly #fetch: typeof fetch;
  readonly #readVariable?: (name: string) => string | undefined;

  /**
   * @param options.folder The stage's folder, in the shared one: logs are written into `launch` in it.
   */
  constructor(
    cluster: Cluster,
    settings: SlurmSettings,
    { folder, fetch: ask = fetch, readVariable }: {
      readonly folder: string;
      readonly fetch?: typeof fetch;
      readonly readVariable?: (name: string) => string | undefined;
    },
  ) {
    this.#cluster = cluster;
    this.#settings = settings;
    this.#folder = folder;
    this.#fetch = ask;
    this.#readVariable = readVariable;
    this.where = `SLURM at ${settings.url}, partition ${settings.partition}`;
  }

  async start({ id, train }: TrainerJob): Promise<void> {
    if (await this.#job(id)) return;
    const { train: { workers, gpus, python }, storage } = this.#cluster;
    const { partition, nodes, minutes } = this.#settings;
    if (workers % nodes !== 0) {
      throw new UserError(
        `train.workers ${workers} cannot be laid evenly over ${nodes} nodes`,
        "make it a multiple of train.launcher.nodes",
      );
    }
    const each = workers / nodes;
    for (const [name, bytes] of Object.entries(await trainerFiles())) {
      await writeWhole(`${this.#folder}/launch/${name}`, bytes);
    }
    const trainer = pathThere(`${this.#folder}/launch/trainer.py`, this.#cluster);
    await this.#ask("POST", "job/submit", {
      job: {
        script: slurmScript({ python, trainer, train, nodes, each, gpus }),
        name: id,
        partition,
        nodes: String(nodes), // a range, as "2" or "2-4"
        tasks: nodes,
        tasks_per_node: 1,
        time_limit: { set: true, number: minutes },
        current_working_directory: storage.there,
        standard_output: pathThere(this.#log(id), this.#cluster),
        environment: Object.entries({ PATH: "/usr/bin:/bin", ...trainerEnvironment(this.#cluster) })
          .map(([name, value]) => `${name}=${value}`),
        ...(gpus ? { tres_per_node: `gres/gpu:${each}` } : {}),
      },
    });
  }

  async state(id: string): Promise<TrainerState> {
    const job = await this.#job(id);
    if (job === null) return { state: "absent" };
    const name = [job.job_state].flat()[0]; // a list since v0.0.40
    return { state: STATES[name] ?? "failed", message: `SLURM job ${job.job_id}: ${name}` };
  }

  async log(id: string, lines = 40): Promise<string> {
    return lastLines(await readIfThere(this.#log(id)) ?? "", lines);
  }

  async stop(id: string): Promise<void> {
    const job = await this.#job(id);
    if (job) await this.#ask("DELETE", `job/${job.job_id}`);
  }

  async check(): Promise<readonly Check[]> {
    const { version, partition } = this.#settings;
    try {
      const { pings = [] } = await this.#ask("GET", "ping") as { pings?: unknown[] };
      await this.#ask("GET", `partition/${encodeURIComponent(partition)}`);
      const said = `${this.where} answers (${pings.length} controllers, interface ${version})`;
      const remedy =
        "this launcher has not been run on a SLURM cluster: try it with a small run first";
      return [{ what: "SLURM", ok: null, said, remedy }];
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return [{ what: "SLURM", ok: false, said: error.problem, remedy: error.remedy }];
    }
  }

  #log(id: string): string {
    return `${this.#folder}/launch/${id}.log`;
  }

  /** The newest job of that name. */
  async #job(name: string): Promise<SlurmJob | null> {
    const { jobs = [] } = await this.#ask("GET", "jobs") as { jobs?: SlurmJob[] };
    const ours = jobs.filter((job) => job.name === name);
    return ours.reduce<SlurmJob | null>(
      (newest, job) => newest && newest.job_id > job.job_id ? newest : job,
      null,
    );
  }

  async #ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const { url, version, userVariable, tokenVariable } = this.#settings;
    const address = `${url.replace(/\/+$/, "")}/slurm/${version}/${path}`;
    const token = secretOf(tokenVariable, this.#readVariable)!;
    const clean = (text: string) => text.replaceAll(token, "<token>").slice(0, 300);
    let reply: Response;
    try {
      reply = await this.#fetch(address, {
        method,
        headers: {
          "content-type": "application/json",
          "x-slurm-user-name": secretOf(userVariable, this.#readVariable)!,
          "x-slurm-user-token": token,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(60_000),
      });
    } catch (error) {
      const refused = netRefusal(address, error);
      if (refused !== null) {
        throw new UserError(`slurmrestd at ${url}: ${clean(refused.problem)}`, refused.remedy);
      }
      const reason = clean(error instanceof Error ? error.message : String(error));
      throw new Unreachable(
        `slurmrestd at ${url} does not answer: ${reason}`,
        "correct train.launcher.url, or start slurmrestd",
      );
    }
    const text = await reply.text();
    if (reply.status === 401 || reply.status === 403) {
      throw new UserError(
        `slurmrestd at ${url} refuses the token in ${tokenVariable} (${reply.status})`,
        `make a new one: export $(scontrol token), and name its variable in train.launcher.tokenVariable`,
      );
    }
    const problem = `slurmrestd answers ${method} ${address} with ${reply.status}`;
    if (reply.status >= 500) {
      throw new Unreachable(`${problem}: ${clean(text)}`, "see slurmrestd's log");
    }
    if (!reply.ok) {
      throw new UserError(`${problem}: ${clean(text)}`, `does it have the interface ${version}?`);
    }
    const answer = parsedObject(text) as SlurmAnswer | null;
    if (answer === null) {
      throw new UserError(
        `${address} does not answer as slurmrestd does: ${clean(text).slice(0, 80)}`,
        "give slurmrestd's own address as train.launcher.url",
      );
    }
    const [error] = answer.errors ?? [];
    if (error) {
      const said = clean(`${error.error ?? ""} ${error.description ?? ""}`.trim());
      throw new UserError(`${problem}: ${said}`, "correct the cluster file's launcher settings");
    }
    return answer;
  }
}

/** What any of slurmrestd's answers may hold. */
interface SlurmAnswer {
  readonly errors?: readonly { readonly description?: string; readonly error?: string }[];
}

/** What is used of a job in slurmrestd's answer. */
interface SlurmJob {
  readonly job_id: number;
  readonly name: string;
  readonly job_state: string | readonly string[];
}

/** The batch script: torchrun on each node, meeting at the first one. */
export function slurmScript({ python, trainer, train, nodes, each, gpus }: {
  readonly python: string;
  readonly trainer: string;
  readonly train: string;
  readonly nodes: number;
  /** Processes a node. */
  readonly each: number;
  readonly gpus: boolean;
}): string {
  return `#!/bin/bash
set -euo pipefail
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
srun --nodes=${nodes} --ntasks=${nodes} --ntasks-per-node=1${
    gpus ? ` --gpus-per-node=${each}` : ""
  } \\
  ${quoted(python)} -m torch.distributed.run --nnodes=${nodes} --nproc-per-node=${each} \\
  --rdzv-backend=c10d --rdzv-id="$SLURM_JOB_ID" --rdzv-endpoint="$head:29500" \\
  ${quoted(trainer)} ${quoted(train)}
`;
}

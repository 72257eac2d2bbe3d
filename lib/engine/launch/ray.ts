/** The trainer as a job of a Ray cluster: placed over its nodes by Ray Train, submitted by HTTP. @module */
import type { Cluster, LauncherSettings } from "../settings.ts";
import {
  type Check,
  lastLines,
  type Launcher,
  quoted,
  type TrainerJob,
  type TrainerState,
} from "./interface.ts";
import { checkRay } from "./ray_check.ts";
import { RayApi, type RayApiOptions } from "./ray_api.ts";
import { trainerEnvironment, trainerFiles } from "./trainer_files.ts";

/** The settings of a Ray cluster. */
export type RaySettings = Extract<LauncherSettings, { kind: "ray" }>;

const STATES = {
  PENDING: "pending",
  RUNNING: "running",
  STOPPED: "stopped",
  SUCCEEDED: "succeeded",
  FAILED: "failed",
} as const;

/**
 * Starts trainers on a Ray cluster. The cluster needs no copy of this project: the trainer's files travel as a package.
 *
 * @example
 * ```ts ignore
 * const launcher = new RayLauncher(cluster, cluster.train.launcher);
 * await launcher.start({ id: "hh-self-judge-1", train: "/mnt/runs/hh/self-judge/train.json" });
 * await launcher.state("hh-self-judge-1"); // { state: "running" }
 * ```
 */
export class RayLauncher implements Launcher {
  readonly where: string;
  readonly logsHere = false;
  readonly #api: RayApi;
  readonly #cluster: Cluster;
  readonly #settings: RaySettings;
  readonly #files: () => Promise<Record<string, Uint8Array>>;

  /** @param options.files The package: what is in it beside, or in place of, `trainer.py`. @default lib/engine/python */
  constructor(
    cluster: Cluster,
    settings: RaySettings,
    { files = trainerFiles, ...options }:
      & { files?: () => Promise<Record<string, Uint8Array>> }
      & Pick<RayApiOptions, "fetch" | "readVariable"> = {},
  ) {
    this.#cluster = cluster;
    this.#settings = settings;
    this.#files = files;
    this.#api = new RayApi({ ...settings, ...options });
    this.where = `Ray at ${this.#api.url}`;
  }

  async start({ id, train }: TrainerJob): Promise<void> {
    if (await this.#api.job(id)) return;
    const { python } = this.#cluster.train;
    await this.#api.submit({
      submission_id: id,
      // The cluster's own "python" is that of its PATH, seldom the one that has the packages.
      entrypoint: `${quoted(python)} trainer.py ${quoted(train)} --ray`,
      runtime_env: {
        working_dir: await this.#api.upload(await this.#files()),
        py_executable: python, // of the workers too
        env_vars: trainerEnvironment(this.#cluster),
      },
      metadata: { started_by: "self-judge", train },
    });
  }

  async state(id: string): Promise<TrainerState> {
    const job = await this.#api.job(id);
    if (job === null) return { state: "absent" };
    const message = job.message ? lastLines(job.message, 20, this.#api.token) : undefined;
    return { state: STATES[job.status] ?? "pending", message };
  }

  async log(id: string, lines = 40): Promise<string> {
    return lastLines(await this.#api.log(id), lines, this.#api.token);
  }

  async stop(id: string): Promise<void> {
    await this.#api.stop(id);
  }

  async check(): Promise<readonly Check[]> {
    return await checkRay(this.#api, this.#cluster, this.#settings);
  }
}

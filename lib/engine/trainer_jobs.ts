/** One trainer for a stage, kept running: attempts with their ids, failures told, none started twice. @module */
import { UserError } from "../base/error.ts";
import { readJsonFile, removeIfThere, writeJsonFile, writeWhole } from "../base/files.ts";
import { duration } from "../base/progress.ts";
import { type Launcher, type TrainerState, Unreachable } from "./launch/launcher.ts";

/** Settings of {@linkcode TrainerJobs}. */
export interface TrainerJobsOptions {
  /** The stage's folder here. */
  readonly folder: string;
  /** Path of its `train.json`, as the trainer's machines see it. */
  readonly train: string;
  /** RUN-STAGE: ids are this with the attempt's number and a word of its own, since others' runs may have this name. */
  readonly name: string;
  /** The word. @default random */
  readonly word?: () => string;
  /** How often this command starts a trainer before it gives up: `train.attempts`. */
  readonly attempts: number;
  /** How long what runs the trainer may be unreachable, in ms: `serve.outageMs`. */
  readonly outageMs: number;
  readonly log: (line: string) => void;
  /** @default a timer */
  readonly sleep?: (ms: number) => Promise<void>;
  /** Milliseconds since any moment. @default performance.now */
  readonly now?: () => number;
}

/** An attempt as it is kept in `launch/attempts.json`. */
interface Attempt {
  readonly id: string;
  /** The launcher has taken it. Before that "absent" means not yet there; after it, lost. */
  readonly started: boolean;
  /** Its end was told to the user: the next command begins another one. */
  readonly told?: boolean;
}

/** How long between two looks at the log of a trainer that runs, in ms. */
const FETCH = 30_000;

/** What `failed.json` holds. */
interface Failed {
  readonly step?: number | null;
  readonly message: string;
}

/**
 * Sees to it that one trainer is running for a stage until the stage has what it waits for.
 *
 * A trainer that ends otherwise is started again under the next id, at its last checkpoint, at most `attempts` times by
 * one command. A command that is started again joins the trainer that the earlier one started. A fault that would come
 * again (`failed.json`) is not tried again.
 *
 * @example
 * ```ts ignore
 * const jobs = new TrainerJobs(launcherOf(cluster, { folder }), { folder, train, name: "hh-self-judge", ... });
 * await jobs.wait(() => exists(`${folder}/rounds/000001/adapter`));
 * await jobs.end();
 * ```
 */
export class TrainerJobs {
  readonly #launcher: Launcher;
  readonly #options: Required<TrainerJobsOptions>;
  #starts = 0;
  #joined?: string;
  #awaySince?: number;
  #fetchedAt?: number;

  constructor(launcher: Launcher, options: TrainerJobsOptions) {
    this.#launcher = launcher;
    const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
    const word = () => crypto.randomUUID().slice(0, 8);
    this.#options = { sleep, now: () => performance.now(), word, ...options };
  }

  /**
   * Waits until something is so, with a trainer running meanwhile.
   *
   * @param options.everyMs Between two looks at the launcher; `done` is asked four times as often. @default 2000
   * @throws {UserError} As {@linkcode TrainerJobs.ensure}.
   */
  async wait(done: () => Promise<boolean>, { everyMs = 2000 } = {}): Promise<void> {
    for (let turn = 0; !await done(); turn++) {
      if (turn % 4 === 0) await this.ensure(done);
      await this.#options.sleep(everyMs / 4);
    }
  }

  /**
   * Starts a trainer unless one is running.
   *
   * @param done Whether the stage has what it waits for: a trainer that ended meanwhile has then done its work.
   * @throws {UserError} On a fault that a retry would repeat (naming the step), after the last attempt (with the log's
   *   last lines), or when the launcher was unreachable for too long.
   */
  async ensure(done: () => Promise<boolean>): Promise<void> {
    const attempts = await this.#attempts();
    const last = attempts.at(-1);
    if (!last || last.told) return await this.#begin(attempts);
    const found = await this.#reached(() => this.#launcher.state(last.id));
    if (found === null) return;
    if (found.state === "pending" || found.state === "running") {
      if (!last.started) await this.#keep([...attempts.slice(0, -1), { ...last, started: true }]);
      if (this.#joined !== last.id) {
        this.#say(`${last.id} is ${found.state} on ${this.#launcher.where}`);
      }
      this.#joined = last.id;
      return await this.#follow(last.id);
    }
    if (found.state === "absent" && !last.started) return await this.#submit(attempts);
    if (await done()) return;
    await this.#refuseRepeatable(attempts);
    await this.#tellEnd(last.id, found);
    await this.#begin(attempts);
  }

  /**
   * Lets the trainer end: by the file `stop`, at its next wait, or else by the launcher.
   *
   * @param options.graceMs How long it may take by itself. @default 60_000
   */
  async end({ graceMs = 60_000 } = {}): Promise<void> {
    const last = (await this.#attempts()).at(-1);
    if (!last) return;
    // First, since the launcher may be away: the trainer looks for it wherever it runs.
    await writeWhole(`${this.#options.folder}/stop`, "");
    const running = async () =>
      ["pending", "running"].includes((await this.#launcher.state(last.id)).state);
    const until = this.#options.now() + graceMs;
    try {
      while (await running()) {
        if (this.#options.now() > until) return await this.#launcher.stop(last.id);
        await this.#options.sleep(500);
      }
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      this.#say(`${error.problem}; ${last.id} ends by itself at its next wait`);
    }
  }

  async #begin(attempts: readonly Attempt[]): Promise<void> {
    if (this.#starts >= this.#options.attempts) {
      const last = attempts.at(-1)!.id;
      await this.#tell(attempts);
      throw new UserError(
        `the trainer ended ${this.#starts} times without doing its work; the end of ${last}'s log:\n` +
          await this.#log(last),
        "mend what it says and give the same command again: it goes on at the last checkpoint",
      );
    }
    this.#starts++;
    const id = `${this.#options.name}-${attempts.length + 1}-${this.#options.word()}`;
    const next = [...attempts, { id, started: false }];
    await this.#keep(next);
    await this.#submit(next);
  }

  async #submit(attempts: readonly Attempt[]): Promise<void> {
    const last = attempts.at(-1)!;
    const { folder, train } = this.#options;
    // Of the one before: this one would end at once, whether it is begun or submitted again.
    for (const name of ["stop", "failed.json"]) await removeIfThere(`${folder}/${name}`);
    const started = await this.#reached(async () => {
      await this.#launcher.start({ id: last.id, train });
      return true;
    });
    if (started === null) return; // asked again at the next turn: perhaps it is there
    await this.#keep([...attempts.slice(0, -1), { ...last, started: true }]);
    this.#say(`${last.id} started on ${this.#launcher.where}`);
    this.#joined = last.id;
  }

  /** What a launcher answers; null while it cannot be reached, which may pass. */
  async #reached<T>(ask: () => Promise<T>): Promise<T | null> {
    try {
      const answer = await ask();
      if (this.#awaySince !== undefined) this.#say(`${this.#launcher.where} answers again`);
      this.#awaySince = undefined;
      return answer;
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      const { now, outageMs } = this.#options;
      if (this.#awaySince === undefined) {
        this.#say(`${error.problem}; waiting at most ${duration(outageMs / 1000)}`);
        this.#awaySince = now();
      }
      if (now() - this.#awaySince >= outageMs) throw error;
      return null;
    }
  }

  async #refuseRepeatable(attempts: readonly Attempt[]): Promise<void> {
    const path = `${this.#options.folder}/failed.json`;
    const failed = await readJsonFile<Failed>(path);
    if (failed === null) return;
    await this.#tell(attempts);
    const at = typeof failed.step === "number" ? ` at step ${failed.step}` : "";
    throw new UserError(
      `the trainer failed${at}: ${failed.message} (${path})`,
      "a retry would fail again: mend the cause, then give the same command again; " +
        "where a loss is not a number, lower the learning rate in a new run",
    );
  }

  async #tellEnd(id: string, { state, message }: TrainerState): Promise<void> {
    const how = {
      absent: "was lost with what ran it",
      succeeded: "ended before its work was done",
      stopped: "was stopped",
    }[state as string] ?? `failed${message ? ` (${message.split("\n")[0]})` : ""}`;
    const log = await this.#log(id);
    this.#say(`${id} ${how}${log ? `; the end of its log:\n${log}` : ""}`);
  }

  /** Fetches the log of a trainer that runs, now and then. */
  async #follow(id: string): Promise<void> {
    const now = this.#options.now();
    if (this.#launcher.logsHere || now - (this.#fetchedAt ?? -Infinity) < FETCH) return;
    this.#fetchedAt = now;
    await this.#log(id);
  }

  /** The log's end, which is also kept in `launch/ID.log`: a cluster's own goes with it. */
  async #log(id: string): Promise<string> {
    try {
      const log = await this.#launcher.log(id, 2000);
      if (log && !this.#launcher.logsHere) {
        await writeWhole(`${this.#options.folder}/launch/${id}.log`, log + "\n");
      }
      return log.split("\n").slice(-15).join("\n");
    } catch (error) {
      if (error instanceof Unreachable) return "";
      throw error;
    }
  }

  #say(line: string): void {
    this.#options.log(`trainer: ${line}`);
  }

  get #path(): string {
    return `${this.#options.folder}/launch/attempts.json`;
  }

  async #attempts(): Promise<readonly Attempt[]> {
    return await readJsonFile<Attempt[]>(this.#path) ?? [];
  }

  async #keep(attempts: readonly Attempt[]): Promise<void> {
    await writeJsonFile(this.#path, attempts);
  }

  async #tell(attempts: readonly Attempt[]): Promise<void> {
    await this.#keep([...attempts.slice(0, -1), { ...attempts.at(-1)!, told: true }]);
  }
}

import { UserError } from "../base/error.ts";
import type { RunConfig } from "./config.ts";
import { makeFolder, readJsonFile, writeWhole } from "../base/files.ts";
import { duration } from "../base/progress.ts";
import type { Session } from "./session.ts";

/** Thrown to leave a stage early because the user asked to stop; what is done is on disk. */
export class Stopped extends Error {
  override name = "Stopped";
}

/** Settings of any run. */
export interface Seeded {
  readonly seed: number;
}

/** What a stage works with: the run's settings `C`, and `B`, the things its stages share. */
export interface StageContext<C extends Seeded = Readonly<RunConfig>, B = Session> {
  readonly config: C;
  /** The stage's own folder in the run folder. */
  readonly folder: string;
  /** The folder of another stage of the run. */
  readonly folderOf: (stage: string) => string;
  readonly session: B;
  readonly log: (line: string) => void;
  /** Whether the user asked to stop. */
  readonly stopping: () => boolean;
  /** Leaves the stage if the user asked to stop. @throws {Stopped} */
  readonly checkStop: () => void;
  /** Shows how far a training is; lines on the terminal unless given. */
  readonly progress?: (name: string, start: { total: number; done: number }) => TrainingProgress;
}

/** What shows how far a training is. */
export interface TrainingProgress {
  update(done: number, numbers: Record<string, string>): Promise<void> | void;
  /** Called when training has ended, also when it ended early. */
  finish(): Promise<void> | void;
}

/** Numbers and texts that a stage leaves for the summary. */
export type StageResult = Record<string, unknown>;

/** One step of the pipeline. */
export interface Stage<C extends Seeded = Readonly<RunConfig>, B = Session> {
  readonly name: string;
  /** One line that says what it does. */
  readonly title: string;
  /** Stages whose results it reads. */
  readonly needs: readonly string[];
  /** The part of the run's settings its result depends on, beside those of the stages it needs. */
  readonly config: (run: C) => Record<string, unknown>;
  readonly run: (context: StageContext<C, B>) => Promise<StageResult>;
}

interface Done {
  config: string;
  seconds: number;
  result: StageResult;
}

/** A run folder: one folder a stage, each with its config and, once finished, its result. */
export class RunFolder<C extends Seeded = Readonly<RunConfig>, B = Session> {
  constructor(readonly path: string, readonly stages: readonly Stage<C, B>[]) {}

  /** The folder of a stage. */
  folderOf(stage: string): string {
    return `${this.path}/${stage}`;
  }

  /** What a finished stage left, or null. */
  async result(stage: string): Promise<StageResult | null> {
    return (await this.#done(stage))?.result ?? null;
  }

  /** Seconds a finished stage took, over all its sessions. */
  async seconds(stage: string): Promise<number | null> {
    return (await this.#done(stage))?.seconds ?? null;
  }

  /**
   * Refuses stages that cannot be run, before anything is run or written.
   *
   * @param options.fresh Whether what they left before is going to be deleted.
   * @throws {UserError} if a stage one needs is missing, or one was made with other settings
   */
  async check(
    stages: readonly Stage<C, B>[],
    { config, fresh = false }: { config: C; fresh?: boolean },
  ): Promise<void> {
    const planned = new Set(stages.map(({ name }) => name));
    for (const stage of stages) {
      for (const need of stage.needs) {
        if (planned.has(need) || await this.#done(need)) continue;
        throw new UserError(
          `stage ${stage.name} needs the result of stage ${need}, which ${this.path} does not have`,
          `run the same command with --stage ${need} first, or without --stage`,
        );
      }
      const begun = fresh ? null : await this.#begun(stage.name);
      const wanted = this.#identity(stage, config);
      if (begun !== null && begun !== wanted) {
        throw new UserError(
          `${this.folderOf(stage.name)} was made with other settings:\n${
            difference(begun, wanted)
          }`,
          "set them as they were, choose another folder with --run, or start anew with --fresh",
        );
      }
    }
  }

  /**
   * Runs a stage, or shows that it is done.
   *
   * @throws {UserError} as {@linkcode check} does
   */
  async run(
    stage: Stage<C, B>,
    options: { config: C; session: B; stopping: () => boolean },
  ): Promise<void> {
    const { config, session, stopping } = options;
    await this.check([stage], { config });
    const folder = this.folderOf(stage.name);
    const wanted = this.#identity(stage, config);
    const begun = await this.#begun(stage.name);
    const done = await this.#done(stage.name);
    if (done) {
      console.log(`${stage.name}: done before (${duration(done.seconds)})`);
      return;
    }
    console.log(`\n${stage.name}: ${stage.title}`);
    const own = stage.config(config);
    for (const [name, value] of Object.entries(own)) {
      console.log(`  ${name}: ${JSON.stringify(value)}`);
    }
    await makeFolder(folder);
    const file = { stage: stage.name, seed: config.seed, settings: own, chain: wanted };
    await writeWhole(`${folder}/config.json`, JSON.stringify(file, null, 2) + "\n");
    const clock = await StageClock.open(folder);
    try {
      const result = await stage.run({
        config,
        folder,
        folderOf: (name) => this.folderOf(name),
        session,
        log: (line) => console.log(`  ${line}`),
        stopping,
        checkStop: () => {
          if (stopping()) throw new Stopped();
        },
      });
      const finished: Done = { config: wanted, seconds: clock.seconds(), result };
      await writeWhole(`${folder}/done.json`, JSON.stringify(finished, null, 2) + "\n");
      console.log(`  ${stage.name} took ${duration(finished.seconds)}`);
    } catch (error) {
      // Refused at its first try, it has nothing to go on from: corrected settings are welcome.
      if (error instanceof UserError && begun === null) {
        await Deno.remove(`${folder}/config.json`).catch(() => {});
      }
      throw error;
    } finally {
      await clock.save();
    }
  }

  #done(stage: string): Promise<Done | null> {
    return readJsonFile<Done>(`${this.folderOf(stage)}/done.json`);
  }

  /** Settings a stage was begun with, or null. */
  async #begun(stage: string): Promise<string | null> {
    const file = `${this.folderOf(stage)}/config.json`;
    return (await this.#done(stage))?.config ??
      (await readJsonFile<{ chain: string }>(file))?.chain ?? null;
  }

  /** What the result of a stage depends on, as text. */
  #identity(stage: Stage<C, B>, config: C): string {
    return JSON.stringify(this.#chain(stage).map((s) => [s.name, s.config(config)]));
  }

  /** The stage and all it rests on: a change to any of their settings makes it another result. */
  #chain(stage: Stage<C, B>): Stage<C, B>[] {
    const names = new Set<string>();
    const visit = (s: Stage<C, B>) => {
      s.needs.forEach((need) => visit(this.stages.find(({ name }) => name === need)!));
      names.add(s.name);
    };
    visit(stage);
    return this.stages.filter(({ name }) => names.has(name));
  }
}

/** Time spent in a stage over all sessions, so that a resumed stage reports its whole cost. */
class StageClock {
  readonly #started = performance.now();

  private constructor(readonly file: string, readonly before: number) {}

  static async open(folder: string): Promise<StageClock> {
    const file = `${folder}/clock.json`;
    return new StageClock(file, (await readJsonFile<{ seconds: number }>(file))?.seconds ?? 0);
  }

  seconds(): number {
    return this.before + (performance.now() - this.#started) / 1000;
  }

  async save(): Promise<void> {
    await writeWhole(this.file, JSON.stringify({ seconds: this.seconds() }) + "\n");
  }
}

function difference(before: string, now: string): string {
  const read = (text: string) =>
    new Map(
      (JSON.parse(text) as [string, Record<string, unknown>][]).flatMap(([stage, config]) =>
        Object.entries(config).flatMap(([section, value]) =>
          Object.entries(typeof value === "object" && value !== null ? value : { "": value })
            .map(([field, v]) =>
              [`${stage}: ${section}${field && "."}${field}`, JSON.stringify(v)] as const
            )
        )
      ),
    );
  const [a, b] = [read(before), read(now)];
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((key) => a.get(key) !== b.get(key))
    .map((key) => `  ${key} was ${a.get(key) ?? "absent"}, is now ${b.get(key) ?? "absent"}`)
    .join("\n");
}

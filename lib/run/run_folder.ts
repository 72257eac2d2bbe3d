/** Runs stages in a folder: what is done stays, what was made with other settings is refused. @module */
import { Stopped, UserError } from "../base/error.ts";
import { readJsonFile, removeIfThere, writeJsonFile } from "../base/files.ts";
import { duration } from "../base/progress.ts";
import type { Session } from "./session.ts";
import { comparable, difference, textsIn } from "./settings_difference.ts";
import { type Reporter, type Seeded, type Stage, type StageResult, withNeeds } from "./stage.ts";
import { openClock } from "./stage_clock.ts";

interface Done {
  config: string;
  seconds: number;
  result: StageResult;
}

/** Says what was done before, by name where that is a line: "2 stages done before (5 min 3 s): data, jsft". */
function doneBefore(stages: readonly { name: string; seconds: number }[]): string {
  const seconds = stages.reduce((sum, stage) => sum + stage.seconds, 0);
  const names = stages.map(({ name }) => name).join(", ");
  return `${stages.length} stage${stages.length === 1 ? "" : "s"} done before (${
    duration(seconds)
  })${names.length > 80 ? "" : `: ${names}`}`;
}

/** How a command starts anew: `--fresh --stage NAMES`, all of a run with `--fresh`, or the user deletes folders. */
export type Anew = "stages" | "run" | "by hand";

/** The stage of that name. @throws {UserError} listing those there are */
export function stageNamed<One extends { readonly name: string }>(
  name: string,
  stages: readonly One[],
): One {
  const found = stages.find((stage) => stage.name === name);
  if (found) return found;
  throw new UserError(
    `there is no stage "${name}"`,
    `choose from ${stages.map((stage) => stage.name).join(", ")}`,
  );
}

/** A run folder: one folder a stage, each with its config and, once finished, its result. */
export class RunFolder<C extends Seeded, S extends Session = Session> {
  readonly folderOf: (stage: string) => string;
  readonly #anew: Anew;
  readonly #contents: ReadonlyMap<string, string>;

  /**
   * @param options.folderOf Folder of a stage. @default PATH/STAGE
   * @param options.anew How the command starts anew what cannot go on. @default "stages"
   * @param options.contents Hashes of the files that settings name, by their names there: what a stage made from others is
   *   as if made with other settings. @default none
   */
  constructor(
    readonly path: string,
    readonly stages: readonly Stage<C, S>[],
    { folderOf = (stage) => `${path}/${stage}`, anew = "stages", contents = new Map() }: {
      folderOf?: (stage: string) => string;
      anew?: Anew;
      contents?: ReadonlyMap<string, string>;
    } = {},
  ) {
    this.folderOf = folderOf;
    this.#anew = anew;
    this.#contents = contents;
  }

  /**
   * How to start stages anew.
   *
   * @param options.planned Those that the command runs: with the others they are named.
   * @param options.named Whether the others have to be. @default true
   */
  #startAnew(
    others: readonly string[],
    { planned, named = true }: { planned: readonly string[]; named?: boolean },
  ): string {
    switch (this.#anew) {
      case "stages":
        return `start anew with --fresh${
          named ? ` --stage ${this.#inOrder([...planned, ...others])}` : ""
        }`;
      case "run":
        return "start anew with --fresh";
      case "by hand":
        return `delete ${others.map(this.folderOf).join(" and ")}`;
    }
  }

  /** The stage of that name. @throws {UserError} listing those there are */
  stage(name: string): Stage<C, S> {
    return stageNamed(name, this.stages);
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
   * @throws {UserError} if a stage one needs is missing, or one was made with other settings: one of these, one that
   *   they need, or one that stays and rests on what these make
   */
  async check(
    stages: readonly Stage<C, S>[],
    { config, fresh = false }: { config: C; fresh?: boolean },
  ): Promise<void> {
    const planned = stages.map(({ name }) => name);
    for (const stage of stages) {
      const kept = stage.needs.filter((need) => !planned.includes(need));
      for (const need of kept) {
        if (await this.#done(need)) continue;
        throw new UserError(
          `stage ${stage.name} needs the result of stage ${need}, which ${this.path} does not have`,
          `run the same command with --stage ${need} first, or without --stage`,
        );
      }
      const stale = (await Promise.all(
        [...fresh ? [] : [stage.name], ...kept].map(async (name) => {
          const wanted = this.#chain(this.stage(name), config);
          const [begun, now] = comparable(await this.#begun(name) ?? wanted, wanted);
          return { name, begun, wanted: now };
        }),
      )).filter(({ begun, wanted }) => begun !== wanted);
      if (stale.length === 0) continue;
      const [{ name, begun, wanted }] = stale;
      const names = stale.map(({ name }) => name);
      const named = !names.every((name) => planned.includes(name));
      throw new UserError(
        `${this.folderOf(name)} was made with other settings:\n${difference(begun, wanted)}`,
        "set them as they were, choose another folder with --run, or " +
          this.#startAnew(names, { planned, named }),
      );
    }
    await this.#checkResting(stages, { config, fresh });
  }

  /** Refuses to make stages anew under the feet of others that were made from them and stay. */
  async #checkResting(
    stages: readonly Stage<C, S>[],
    { config, fresh }: { config: C; fresh: boolean },
  ): Promise<void> {
    const planned = stages.map(({ name }) => name);
    const resting: { name: string; stage: string; before: string; wanted: string }[] = [];
    for (const stage of stages) {
      if (!fresh && await this.#done(stage.name)) continue;
      const chain = this.#chain(stage, config);
      const own = this.withNeeds(stage.name).map(({ name }) => name);
      for (const { name } of this.stages) {
        if (planned.includes(name) || !this.withNeeds(name).includes(stage)) continue;
        const entries: [string, unknown][] = JSON.parse(await this.#begun(name) ?? chain);
        const made = JSON.stringify(entries.filter(([each]) => own.includes(each)));
        const [before, wanted] = comparable(made, chain);
        if (before !== wanted) resting.push({ name, stage: stage.name, before, wanted });
      }
    }
    if (resting.length === 0) return;
    const [{ name, stage, before, wanted }] = resting;
    const names = resting.map(({ name }) => name);
    throw new UserError(
      `${this.folderOf(name)} rests on stage ${stage} with other settings:\n${
        difference(before, wanted)
      }`,
      `${this.#startAnew(names, { planned })}, or choose another folder with --run`,
    );
  }

  /**
   * Refuses settings that are not those of finished stages that stay: what is written down for the whole run would be wrong
   * of them.
   *
   * @param stages Those that the command runs.
   * @throws {UserError} naming a stage and what differs
   */
  async checkOthers(stages: readonly Stage<C, S>[], config: C): Promise<void> {
    for (const stage of this.stages.filter((stage) => !stages.includes(stage))) {
      const made = (await this.#done(stage.name))?.config;
      if (made === undefined) continue;
      const [before, now] = comparable(made, this.#chain(stage, config));
      if (before === now) continue;
      throw new UserError(
        `${
          this.folderOf(stage.name)
        } stays, and was made with other settings than the run is to have:\n${
          difference(before, now)
        }`,
        "set them as they were, or choose another folder with --run",
      );
    }
  }

  /** Names of stages as `--stage` takes them. */
  #inOrder(names: readonly string[]): string {
    return this.stages.map(({ name }) => name).filter((name) => names.includes(name)).join();
  }

  /**
   * Runs stages in order, those that are done left as they are.
   *
   * @throws {Stopped} if the user asked to stop
   * @throws {UserError} as {@linkcode check} does
   */
  async run(
    stages: readonly Stage<C, S>[],
    options: { config: C; session: S; reporter: Reporter },
  ): Promise<void> {
    const { session, reporter } = options;
    let before: { name: string; seconds: number }[] = [];
    const tell = () => {
      if (before.length > 0) reporter.log(doneBefore(before));
      before = [];
    };
    for (const [i, stage] of stages.entries()) {
      const done = await this.#done(stage.name);
      await this.check([stage], options);
      if (done) {
        before.push({ name: stage.name, seconds: done.seconds });
        continue;
      }
      tell();
      const { name, title } = stage;
      const ended = reporter.stage?.({ name, title, number: i + 1, of: stages.length });
      try {
        const seconds = await this.#runOne(stage, options); // whether or not anybody hears of it
        ended?.(seconds);
      } finally {
        session.release();
      }
      if (reporter.stopping()) throw new Stopped();
    }
    tell();
  }

  /** A stage and all it needs, each after those it needs itself. */
  withNeeds(name: string): Stage<C, S>[] {
    return withNeeds([this.stage(name)], this.stages);
  }

  /** What the result of a stage depends on: its settings, and those of all it rests on, as text. */
  identity(stage: Stage<C, S>, config: C): string {
    return this.#chain(stage, config, new Map());
  }

  /** The same with what the files hold that the settings name. */
  #chain(stage: Stage<C, S>, config: C, hashes = this.#contents): string {
    return JSON.stringify(
      this.withNeeds(stage.name).map((s) => {
        const settings = s.config(config);
        const named = textsIn(settings).filter((text) => hashes.has(text));
        const contents = Object.fromEntries(named.map((name) => [name, hashes.get(name)]));
        return [s.name, { ...settings, ...(named.length > 0 && { contents }) }];
      }),
    );
  }

  /** @returns seconds that it took, over all its sessions */
  async #runOne(
    stage: Stage<C, S>,
    { config, session, reporter }: { config: C; session: S; reporter: Reporter },
  ): Promise<number> {
    const { log, progress, stopping } = reporter;
    const folder = this.folderOf(stage.name);
    const chain = this.#chain(stage, config);
    const begun = await this.#begun(stage.name);
    const file = { stage: stage.name, seed: config.seed, settings: stage.config(config), chain };
    await writeJsonFile(`${folder}/config.json`, file);
    const clock = await openClock(folder);
    try {
      const result = await stage.run({
        config,
        session,
        folder,
        folderOf: this.folderOf,
        identity: JSON.stringify({
          seed: config.seed,
          settings: JSON.parse(this.identity(stage, config)),
        }),
        log: (line) => log(`  ${line}`),
        progress,
        stopping,
        checkStop: () => {
          if (stopping()) throw new Stopped();
        },
      });
      const finished: Done = { config: chain, seconds: clock.seconds(), result };
      await writeJsonFile(`${folder}/done.json`, finished);
      return finished.seconds;
    } catch (error) {
      // Refused at its first try, it has nothing to resume from: corrected settings are welcome.
      if (error instanceof UserError && begun === null) {
        await removeIfThere(`${folder}/config.json`);
      }
      throw error;
    } finally {
      await clock.close();
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
}

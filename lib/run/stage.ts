/** What a stage of a run is, what it works with and where it speaks. @module */
import type { Session } from "./session.ts";

/** Settings of any run. */
export interface Seeded {
  readonly seed: number;
}

/** What shows how far a piece of work is. */
export interface WorkProgress {
  update(done: number, numbers?: Record<string, string>): Promise<void> | void;
  /** Called when the work has ended, also when it ended early. */
  finish(): Promise<void> | void;
}

/** Where a run speaks to its user. */
export interface Reporter {
  readonly log: (line: string) => void;
  readonly progress: (
    name: string,
    options: { unit: string; total: number; done?: number },
  ) => WorkProgress;
  /** Whether the user asked to stop. */
  readonly stopping: () => boolean;
  /** Hears that a stage begins; what it returns hears that it ended well, after so many seconds in all. */
  readonly stage?: (stage: StageBegun) => (seconds: number) => void;
}

/** A stage that begins. */
export interface StageBegun extends Pick<Stage<Seeded>, "name" | "title"> {
  /** Its place among those that are asked for, from 1, and how many these are. */
  readonly number: number;
  readonly of: number;
}

/** What a stage works with: the run's settings `C`, and the session that its stages share. */
export interface StageContext<C extends Seeded, S extends Session = Session> {
  readonly config: C;
  readonly session: S;
  /** The stage's own folder in the run folder. */
  readonly folder: string;
  /** The folder of another stage of the run. */
  readonly folderOf: (stage: string) => string;
  /** What the result depends on, as text: a checkpoint with another one is refused. */
  readonly identity: string;
  readonly log: (line: string) => void;
  readonly progress: Reporter["progress"];
  readonly stopping: () => boolean;
  /** Leaves the stage if the user asked to stop. @throws {Stopped} */
  readonly checkStop: () => void;
}

/** Numbers and texts that a stage leaves for the summary. */
export type StageResult = Record<string, unknown>;

/** One step of a pipeline. */
export interface Stage<C extends Seeded, S extends Session = Session> {
  readonly name: string;
  /** One line that says what it does. */
  readonly title: string;
  /** Stages whose results it reads. */
  readonly needs: readonly string[];
  /** The part of the run's settings its result depends on, beside those of the stages it needs. */
  readonly config: (run: C) => Record<string, unknown>;
  readonly run: (context: StageContext<C, S>) => Promise<StageResult>;
}

/** Some of a pipeline's stages and all they need: in the pipeline's order, but each after what it needs. */
export function withNeeds<S extends Pick<Stage<Seeded>, "name" | "needs">>(
  wanted: readonly S[],
  all: readonly S[],
): S[] {
  const needsOf = ({ needs }: S) => needs.map((need) => all.find(({ name }) => name === need)!);
  const names = new Set<string>();
  const visit = (stage: S): void => {
    names.add(stage.name);
    needsOf(stage).forEach(visit);
  };
  wanted.forEach(visit);
  const placed = new Set<S>();
  const place = (stage: S): void => {
    if (placed.has(stage)) return;
    needsOf(stage).forEach(place);
    placed.add(stage);
  };
  all.filter(({ name }) => names.has(name)).forEach(place);
  return [...placed];
}

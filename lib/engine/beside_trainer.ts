/** Work beside a trainer that other machines run: it learns that this program lives, and ends where the work does. @module */
import { Stopped } from "../base/error.ts";
import { writeJsonFile } from "../base/files.ts";

/** A trainer that is seen to. */
export interface TendedTrainer {
  /**
   * Starts it where none runs.
   *
   * @param done Whether what is waited for is there: a trainer that ended meanwhile has done its work.
   * @throws {UserError} when it cannot go on
   */
  ensure(done: () => Promise<boolean>): Promise<void>;
  /** Has it end at its next wait. */
  end(): Promise<void>;
}

/** How often this program says that it lives, in ms. */
const BEAT = 20_000;
/** How long a trainer waits for a program that says nothing, in seconds: a killed program's GPUs are not held for ever. */
export const IDLE_SECONDS = 600;

/**
 * Does work, and writes `alive.json` into the stage's folder meanwhile: a trainer that sees none of it for
 * {@linkcode IDLE_SECONDS}, or one of another stage that was begun anew in the same folder, ends by itself. Where the work
 * fails, whatever the reason, the trainer is told to end.
 *
 * @param options.stage Names this beginning of the stage: it is in `train.json` as well.
 * @throws what the work threw
 */
export async function besideTrainer<T>(
  work: () => Promise<T>,
  { folder, stage, trainer, log, everyMs = BEAT }: {
    readonly folder: string;
    readonly stage: string;
    readonly trainer: TendedTrainer;
    readonly log: (line: string) => void;
    /** @default 20_000 */
    readonly everyMs?: number;
  },
): Promise<T> {
  let beats = 0;
  const beat = () =>
    writeJsonFile(`${folder}/alive.json`, { stage, beat: `${Date.now()}-${beats++}` });
  await beat();
  // A disk that is full, say, is told by what has to be written; here it would only hide that.
  const beating = setInterval(() => void beat().catch(() => {}), everyMs);
  try {
    return await work();
  } catch (error) {
    log(
      error instanceof Stopped
        ? "the trainer ends after the step it has; the same command goes on"
        : "the trainer is told to end",
    );
    await trainer.end().catch((fault) => log(`${fault.message}; the trainer ends by itself`));
    throw error;
  } finally {
    clearInterval(beating);
  }
}

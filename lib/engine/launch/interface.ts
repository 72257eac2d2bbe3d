/** What every launcher gives. @module */
import { UserError } from "../../base/error.ts";

/** Where a trainer is: "absent" if nobody has heard of it. */
export interface TrainerState {
  readonly state: "absent" | "pending" | "running" | "succeeded" | "failed" | "stopped";
  readonly message?: string;
}

/** A trainer to start. */
export interface TrainerJob {
  /** Chosen by the caller: letters, digits, `-`, `_` and `.`. */
  readonly id: string;
  /** Path of its `train.json`, as the trainer's machines see it. */
  readonly train: string;
}

/** Starts and follows one group of trainer processes. Every method throws {@linkcode Unreachable} if it cannot ask. */
export interface Launcher {
  /** What runs it and where, for people. */
  readonly where: string;
  /** Logs grow in the stage's folder by themselves, as `launch/ID.log`; others are fetched there. */
  readonly logsHere: boolean;
  /** Starts it under its id; one that is there already is left as it is. */
  start(job: TrainerJob): Promise<void>;
  state(id: string): Promise<TrainerState>;
  /**
   * The log's last lines; empty when there are none.
   *
   * @param lines @default 40
   */
  log(id: string, lines?: number): Promise<string>;
  /** Ends it; one that has ended or is absent is no error. */
  stop(id: string): Promise<void>;
  /** For the preflight: what would keep a trainer from running, each with its remedy. */
  check(): Promise<readonly Check[]>;
}

/** A row of the preflight. */
export interface Check {
  readonly what: string;
  /** null: a warning. */
  readonly ok: boolean | null;
  /** What was found. */
  readonly said: string;
  readonly remedy?: string;
}

/** What runs the trainer does not answer, which may pass: not an end of the trainer. */
export class Unreachable extends UserError {
  override name = "Unreachable";
}

/** The last lines of a log, without a secret that may be in them. */
export function lastLines(log: string, lines: number, secret?: string): string {
  const shown = log.trimEnd().split("\n").slice(-lines).join("\n");
  return secret ? shown.replaceAll(secret, "<token>") : shown;
}

/** What a launcher's reply holds; null where it is no JSON object, such as a page of a proxy. */
export function parsedObject(text: string): object | null {
  try {
    const said: unknown = JSON.parse(text);
    return typeof said === "object" ? said : null;
  } catch {
    return null;
  }
}

/** A word of a command line, as a shell reads it. */
export const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

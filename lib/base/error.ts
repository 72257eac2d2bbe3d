/**
 * An error the user can act on: bad input, a missing file, a wrong setting.
 *
 * The message names the file, line or field, quotes the offending value and says what to do.
 * Commands print it without a stack trace; every other error is a defect and keeps its trace.
 *
 * @example
 * ```ts
 * import { UserError } from "./error.ts";
 * throw new UserError('pairs.csv line 3: "chosen" is empty', "give the line a chosen answer or pass onBadLine: skip");
 * ```
 */
export class UserError extends Error {
  override name = "UserError";
  /**
   * @param problem What is wrong and where, values quoted.
   * @param remedy What the user can do about it, as an imperative clause.
   */
  constructor(readonly problem: string, readonly remedy: string, options?: ErrorOptions) {
    super(`${problem}\n  -> ${remedy}`, options);
  }
}

/** Thrown to leave work early because the user asked to stop; what is done is on disk. */
export class Stopped extends Error {
  override name = "Stopped";
  /**
   * @param message Where it stopped, for a notebook's reader.
   * @param remedy How the work goes on, where it is not by the same command again.
   */
  constructor(message?: string, readonly remedy?: string) {
    super(message);
  }
}

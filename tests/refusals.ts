/** Errors that a user can mend. */
import assert from "node:assert/strict";
import { UserError } from "../lib/base/error.ts";

/** Asserts that this is a UserError whose message matches every pattern and holds every text. */
function checked(error: unknown, parts: readonly (RegExp | string)[]): UserError {
  assert.ok(error instanceof UserError, `${error}`);
  for (const part of parts) {
    if (typeof part === "string") assert.ok(error.message.includes(part), error.message);
    else assert.match(error.message, part);
  }
  return error;
}

/** Asserts that work ends with a UserError, its message with all these parts. @returns the error */
export async function refuses(
  work: Promise<unknown> | (() => unknown),
  ...parts: (RegExp | string)[]
): Promise<UserError> {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    return checked(error, parts);
  }
  assert.fail("nothing was refused");
}

/** {@linkcode refuses} for work that throws at once. */
export function refusesAtOnce(work: () => unknown, ...parts: (RegExp | string)[]): UserError {
  try {
    work();
  } catch (error) {
    return checked(error, parts);
  }
  assert.fail("nothing was refused");
}

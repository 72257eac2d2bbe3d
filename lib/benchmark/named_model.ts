import { UserError } from "../base/error.ts";
import { modelName } from "../run/mod.ts";

/** A model's spec with the name that files give it. */
export interface NamedSpec {
  readonly name: string;
  readonly spec: string;
}

/**
 * Splits `NAME=SPEC`; without a name, it is that of {@linkcode modelName}.
 *
 * @throws {UserError} When the name is not fit for a file's.
 */
export function namedSpec(text: string): NamedSpec {
  const [, given, spec = text] = /^([^=/:+]+)=(.+)$/.exec(text) ?? [];
  const name = given ?? modelName(spec);
  if (/^\w[\w.+-]*$/.test(name)) return { name, spec };
  throw new UserError(
    `"${name}" cannot be the name of a model: files are called by it`,
    "write NAME=SPEC with a name of letters, digits, dots, dashes and underscores",
  );
}

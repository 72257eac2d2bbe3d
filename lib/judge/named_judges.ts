import { UserError } from "../error.ts";

/** A judge as a command line names it. */
export interface NamedJudge {
  /** What tables and figures call it; null for the name that it has by its spec. */
  readonly name: string | null;
  readonly spec: string;
}

/**
 * Splits `NAME=SPEC` of each judge. A name ends before the first colon, so that the settings of
 * `served:URL,model=NAME` are none.
 *
 * @throws {UserError} When a name is empty or given twice.
 *
 * @example
 * ```ts
 * import { namedJudges } from "./named_judges.ts";
 * namedJudges(["before=run:runs/a#base", "longer"]); // names "before" and null
 * ```
 */
export function namedJudges(texts: readonly string[]): NamedJudge[] {
  const judges = texts.map((text): NamedJudge => {
    const [, name, spec] = /^([^:=]*)=(.*)$/s.exec(text) ?? [];
    return spec === undefined ? { name: null, spec: text } : { name: name.trim(), spec };
  });
  for (const [i, { name, spec }] of judges.entries()) {
    if (name === null) continue;
    if (name === "" || spec === "") {
      throw new UserError(`the judge "${texts[i]}" lacks a part`, "write NAME=JUDGE");
    }
    if (judges.slice(0, i).some((earlier) => earlier.name === name)) throw sameName(name);
  }
  return judges;
}

/** The error of two judges that tables could not tell apart. */
export function sameName(name: string): UserError {
  return new UserError(`two judges are called "${name}"`, "write NAME=JUDGE for one of them");
}

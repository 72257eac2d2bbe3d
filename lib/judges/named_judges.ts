import { UserError } from "../base/error.ts";

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
 * @throws {UserError} When a name is empty, or two judges have the same name or, without one, the same spec.
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
    if (name !== null && (name === "" || spec === "")) {
      throw new UserError(`the judge "${texts[i]}" lacks a part`, "write NAME=JUDGE");
    }
  }
  refuseSameNames(judges);
  return judges;
}

/**
 * The judges with the baseline judge after them, unless one of them is that judge. The default one also gives way
 * to a judge of its name.
 *
 * @param asked As a command line names it; `"none"` for none. @default "longer"
 * @throws {UserError} When the baseline judge asked for has the name of another judge.
 */
export function withBaselineJudge(judges: readonly NamedJudge[], asked?: string): NamedJudge[] {
  if (asked === "none") return [...judges];
  const [beside] = namedJudges([asked ?? "longer"]);
  const has = judges.some((judge) => judge.spec === beside.spec);
  if (has || (asked === undefined && judges.some((judge) => nameOf(judge) === nameOf(beside)))) {
    return [...judges];
  }
  const all = [...judges, beside];
  refuseSameNames(all);
  return all;
}

/** What a judge is called as long as no short name is known for it. */
export function nameOf({ name, spec }: NamedJudge): string {
  return name ?? spec;
}

/** Refuses judges of one name in tables, before any of them has judged. */
function refuseSameNames(judges: readonly NamedJudge[]): void {
  const names = judges.map(nameOf);
  const again = names.find((name, i) => names.indexOf(name) < i);
  if (again === undefined) return;
  throw new UserError(`two judges are called "${again}"`, "write NAME=JUDGE for one of them");
}

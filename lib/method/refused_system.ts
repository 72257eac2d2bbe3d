import { TemplateRefusal } from "../text/mod.ts";

/**
 * Makes a judge's question with its system turn, or, where the model's chat template takes none, without it: the turn
 * is this project's own and says nothing that the question does not say.
 *
 * @param make The question with a system turn, or without one.
 * @param log Gets one line where the turn is left out.
 * @throws {TemplateRefusal} When the template refuses the question without the turn too.
 */
export function withSystemTurn<T>(
  system: string | null,
  make: (system: string | undefined) => T,
  log: (line: string) => void,
): T {
  if (system === null) return make(undefined);
  try {
    return make(system);
  } catch (error) {
    if (!(error instanceof TemplateRefusal) || !error.hasSystem) throw error;
    const made = make(undefined);
    log(
      `the model's chat template takes no system turn (${error.reason}): the judge is asked without ` +
        "judge.system, as with --set judge.system=null",
    );
    return made;
  }
}

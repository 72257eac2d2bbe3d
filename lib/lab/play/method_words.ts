import { partsInWords } from "../../method/method_table.ts";
import { hasBeta, ruleOf, studyMethod } from "../study/methods.ts";
import { PLAY_METHODS, type PlayMethod } from "./settings.ts";

/** A method as the reader chooses it. */
export interface MethodWords {
  readonly name: PlayMethod;
  readonly samples: string;
  readonly ranks: string;
  readonly loss: string;
  /** Whether its loss has a beta to set. */
  readonly hasBeta: boolean;
  readonly source: string;
}

/** The page's methods in the words of the table of methods. */
export function methodsInWords(): MethodWords[] {
  return PLAY_METHODS.map((name) => {
    const method = studyMethod(name);
    const rule = ruleOf(name);
    return {
      name,
      ...partsInWords(method),
      ...(rule && { ranks: `a rule: the ${rule} answer` }),
      hasBeta: hasBeta(method),
      source: method.source,
    };
  });
}

import { type MethodName, METHODS } from "../../method/mod.ts";
import { COUNTED } from "./counted.ts";
import { CONTROLS, type StudyMethod } from "./methods.ts";

/** Methods that the order desk cannot play, and why. */
export const NOT_PLAYED = {
  "oaif": "its judge would be the separate one: the computation of separate-judge-dpo",
  "offline-dpo-soft": "the data set's labels have no probabilities: the computation of offline-dpo",
  "self-rewarding": "the model gives no points",
  "sr-ipo": "its prompt has words that the model does not know",
  "sso-generator":
    "what it trains makes pairs for another run, and its prompts have words that the model does not know",
} as const satisfies Partial<Record<MethodName, string>>;

/** The other rows of the table of methods. */
const REPORTED: readonly StudyMethod[] = (Object.keys(METHODS) as MethodName[])
  .filter((name) => !COUNTED.includes(name) && !(name in NOT_PLAYED));

/** Every row of the league. */
export const ROWS: readonly StudyMethod[] = [...COUNTED, ...REPORTED];

/** Whether a row is a control: a rule or a coin in a judge's place. */
export const isControl = (row: string) => row in CONTROLS || row === "raft-coin";

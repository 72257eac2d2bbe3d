import { type MethodName, METHODS } from "../../method/mod.ts";
import { CONTROLS, type StudyMethod } from "./methods.ts";

/** Rows that a claim counts, in the order of the claims' families: these are run first. */
export const COUNTED: readonly StudyMethod[] = [
  "self-judge",
  "off-policy-dpo",
  "relabelled-dpo",
  "offline-dpo",
  "raft-2",
  "reward-model-dpo",
  "dpo-coin",
  "raft-coin",
  "oracle-dpo",
  "dpo-shorter",
  "dpo-politer",
  "raft-shorter",
  "raft-politer",
  "self-judge-moving",
  "self-judge-refreshed",
  "separate-judge-dpo",
  "d2po",
  "d2po-self",
  "self-judge-soft",
  "sr-dpo",
  "sso",
  "lol",
];

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

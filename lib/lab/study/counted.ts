import type { StudyMethod } from "./methods.ts";

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

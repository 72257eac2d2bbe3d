/** SELF-JUDGE under the JSFT judge with some labels more: of its own policy's answers, or of the data set's. @module */
import type { Method } from "../../method/mod.ts";

/** The stage that leaves each one's judge, see `FRESH_LABELS`. */
const JUDGES = {
  "self-judge-fresh-own": "fresh-self-judge",
  "self-judge-fresh-data": "fresh-data",
} as const;

const control = (labelled: string) => ({
  ...{ samples: "policy", candidates: 2, ranker: "given", loss: "sigmoid" } as const,
  source: `control: SELF-JUDGE once more, its judge with fresh labels of ${labelled}`,
});

/** Rows beside hard labels, at one setting with them. */
export const FRESH_CONTROLS = {
  "self-judge-fresh-own": control("SELF-JUDGE's answers"),
  "self-judge-fresh-data": control("the data set's"),
} as const satisfies Record<keyof typeof JUDGES, Method>;

/** The stage that leaves a control's judge; null of other methods. */
export const freshJudgeOf = (name: string): string | null =>
  Object.hasOwn(JUDGES, name) ? JUDGES[name as keyof typeof JUDGES] : null;

/** Stages of such judges. */
export const FRESH_JUDGES: readonly string[] = Object.values(JUDGES);

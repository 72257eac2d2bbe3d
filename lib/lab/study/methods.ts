import { type Method, type MethodName, METHODS } from "../../method/mod.ts";
import { methodIdentity } from "../../run/method_identity.ts";
import { FRESH_CONTROLS, freshJudgeOf } from "./fresh_controls.ts";
import { LABEL_CONTROLS } from "./label_controls.ts";
import { TOLD_CONTROLS, toldOf } from "./told_controls.ts";

const ON_POLICY = { samples: "policy", candidates: 2, ranker: "given" } as const;
const CONTROL = "control: what the loop does under a rule in place of a judge";

/** Rules that rank in place of a judge, each by a row of DPO and one of RAFT. */
export const RULES = ["shorter", "politer"] as const;
/** Name of a rule. */
export type Rule = typeof RULES[number];

/** Rows that make sense only where the truth is known: controls. */
export const CONTROLS = {
  "dpo-coin": { ...ON_POLICY, ranker: "chance", loss: "sigmoid", source: CONTROL },
  "dpo-shorter": { ...ON_POLICY, loss: "sigmoid", source: CONTROL },
  "dpo-politer": { ...ON_POLICY, loss: "sigmoid", source: CONTROL },
  "raft-shorter": { ...ON_POLICY, loss: "sft", source: CONTROL },
  "raft-politer": { ...ON_POLICY, loss: "sft", source: CONTROL },
  ...LABEL_CONTROLS,
  ...TOLD_CONTROLS,
  ...FRESH_CONTROLS,
} as const satisfies Record<string, Method>;

/** A method of the table or a control. */
export type StudyMethod = MethodName | keyof typeof CONTROLS;

/**
 * A row of the league: a method, or a method once more with another setting, "METHOD@WHICH": "@0" to "@3" are the
 * settings tried, "@judge" the one that the judge's win rate chose where that is another.
 */
export type StudyRow = StudyMethod | `${StudyMethod}@${string}`;

/** The method of a row. */
export const methodOf = (row: StudyRow): StudyMethod => row.split("@")[0] as StudyMethod;

/** A method or control by name. */
export function studyMethod(name: StudyMethod): Method {
  return name in CONTROLS ? CONTROLS[name as keyof typeof CONTROLS] : METHODS[name as MethodName];
}

/** The rule that a control ranks by. */
export function ruleOf(name: StudyMethod): Rule | null {
  return RULES.find((rule) => name in CONTROLS && name.endsWith(`-${rule}`)) ?? null;
}

/** What a result of a method depends on. */
export function studyMethodIdentity(name: StudyMethod) {
  if (!(name in CONTROLS)) return methodIdentity(name);
  const { source: _, ...identity } = CONTROLS[name as keyof typeof CONTROLS];
  const told = toldOf(name)?.habit;
  const judge = freshJudgeOf(name);
  return { ...identity, rule: ruleOf(name), ...(told && { told }), ...(judge && { judge }) };
}

/**
 * Whether a loss has a beta that is tuned. ORPO's lambda and the beta of a policy gradient's KL ("sft" here) are held at the
 * run's; SimPO and SLiC have none of the run's.
 */
export function hasBeta({ loss, parameters }: Method): boolean {
  return !["sft", "simpo", "orpo", "slic"].includes(loss) && parameters?.beta === undefined;
}

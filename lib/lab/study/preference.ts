import { type PolicyMeasure, preferenceStage } from "../../run/stages/preference.ts";
import type { LanguageModel, WithModel } from "../../model/mod.ts";
import { freshJudgeOf } from "./fresh_controls.ts";
import { Course, policyMeter, startPoint, validationOf } from "./policy_meter.ts";
import {
  hasBeta,
  methodOf,
  ruleOf,
  type StudyMethod,
  studyMethod,
  studyMethodIdentity,
  type StudyRow,
} from "./methods.ts";
import { studyRanker } from "./rankers.ts";
import type { RowSetting, Setting, StudyConfig } from "./config.ts";
import type { StudyContext, StudyStage } from "./stage.ts";
import { truthOf } from "./study_session.ts";

/** Stages whose results rankers are made from, beside JSFT. */
const NEEDED: Readonly<Record<string, string>> = {
  "separate": "judge-only",
  "reward-model": "reward-model",
  "given": "judge-only",
};

/** The setting that a row is trained with. */
export function settingOf(
  { tuned, preference: { learningRate, beta } }: Pick<StudyConfig, "tuned" | "preference">,
  row: StudyRow,
): RowSetting {
  return tuned?.[row] ?? { learningRate, beta };
}

/** How a row is trained: the study's settings, with the row's own in their place. */
const trainingOf = (config: Pick<StudyConfig, "tuned" | "preference">, row: StudyRow) => ({
  ...config.preference,
  ...settingOf(config, row),
});

/**
 * Trains the JSFT model by a method, and measures it against the true reward on the way.
 *
 * @param options.stage Name of the stage. @default the row's
 * @param options.roundSteps Steps whose pairs are made at once, see `RoundLoop`. @default 1
 * @param options.also Stages that it needs besides. @default none
 */
export function methodStage(
  row: StudyRow,
  { stage = row, roundSteps = 1, also = [] }: {
    stage?: string;
    roundSteps?: number;
    also?: readonly string[];
  } = {},
): StudyStage {
  const name = methodOf(row);
  const { samples, ranker, loss, source } = studyMethod(name);
  const other = freshJudgeOf(name) ?? (ruleOf(name) === null ? NEEDED[ranker] : undefined);
  return preferenceStage({
    name: stage,
    title:
      `answers from the ${samples}, ranked by ${
        ruleOf(name) ?? `the ${ranker}`
      }, ${loss} loss (${source})` + (roundSteps === 1 ? "" : `, in rounds of ${roundSteps} steps`),
    needs: ["jsft", ...other ? [other] : [], ...also],
    config: ({ preference, tuned, heldOut, prompts, refreshEvery }) => ({
      preference: trainingOf({ preference, tuned }, row),
      ...{ heldOut, prompts, method: studyMethodIdentity(name) },
      ...(ranker === "refreshed" && { refreshEvery }),
      ...(roundSteps !== 1 && { roundSteps }),
    }),
    start: "jsft",
    method: () => ({ ...studyMethod(name), name }),
    settings: ({ config, session: { world: { limits } } }) => ({
      ...trainingOf(config, row),
      ...{ topK: 0, maxNewTokens: limits.maxNewTokens, batchRows: limits.batchRows },
      microBatchTokens: limits.batchTokens,
      ...{ roundSteps, checkpointEvery: 50 },
    }),
    pairs: async ({ session }) => (await session.pairs()).train,
    labelled: async ({ session }) => (await session.pairs()).train,
    ranker: (ranker, parts, context) => studyRanker(ranker, parts, { ...context, row }),
    gold: ({ session }) => Promise.resolve({ compare: truthOf(session.world) }),
    measure: (context, policy) =>
      courseOfReward(context, { ...policy, ...trainingOf(context.config, row), stage }),
  });
}

/** The stage that keeps a method's model at the step that is best on validation prompts. */
export const bestOf = (method: string) => `${method}-best`;

/** Methods whose best model is kept, for what is made of it later. */
const KEPT: ReadonlySet<string> = new Set(["self-judge"]);

/** Follows the policy in training against fixed answers of the JSFT model, on the same prompts each time. */
async function courseOfReward(
  { session, folder }: Pick<StudyContext, "session" | "folder">,
  { model, reference, stage, steps, evaluateEvery }: {
    model: LanguageModel;
    reference: WithModel;
    stage: string;
    steps: number;
    evaluateEvery: number;
  },
): Promise<PolicyMeasure> {
  const meter = await policyMeter(session, reference);
  const course = await Course.open(folder);
  const { truth } = validationOf;
  if (!course.has(0)) await course.add(await startPoint(session, () => meter(model, 0)));
  return {
    async after(step): Promise<Record<string, number>> {
      if (step % evaluateEvery !== 0 && step !== steps) return {};
      const before = course.points.filter((point) => point.step > 0 && point.step < step);
      const measured = await meter(model, step);
      // Kept before the point is written: after a stop between the two the step is measured again.
      const best = before.every((point) => truth(point) < truth(measured.point));
      if (KEPT.has(stage) && best) await session.save(model, bestOf(stage));
      await course.add(measured);
      const { reward, kl } = measured.point;
      return { reward, kl };
    },
    finish() {
      const { points } = course;
      return Promise.resolve({ start: points[0], end: points.at(-1) });
    },
  };
}

/** Methods as rows, each from the JSFT model. */
export const methodStages = (rows: readonly StudyRow[]): readonly StudyStage[] =>
  rows.map((row) => methodStage(row));

/**
 * Settings that a method is tried with: the same number for each, see data/results/claims/protocol.md.
 *
 * @param count 4: two rates by two betas where the loss has the run's beta, else four rates; 2: two rates.
 */
export function settingsToTry(
  name: StudyMethod,
  { learningRate, beta }: Setting,
  count: 2 | 4 = 4,
): Setting[] {
  if (count === 2) return [1, 2].map((faster) => ({ learningRate: faster * learningRate, beta }));
  return hasBeta(studyMethod(name))
    ? [1, 3].flatMap((times) =>
      [1, 2].map((faster) => ({ learningRate: faster * learningRate, beta: times * beta }))
    )
    : [0.5, 1, 2, 4].map((faster) => ({ learningRate: faster * learningRate, beta }));
}

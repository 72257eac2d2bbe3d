import * as tf from "@tensorflow/tfjs";
import {
  checkRounds,
  type LoopPrompt,
  type Method,
  methodNamed,
  type PreferenceConfig,
  PreferenceLoop,
  type Ranker,
  RoundLoop,
  type StepLog,
  stepsPerEpoch,
} from "../../method/mod.ts";
import { type LanguageModel, trainable, type WithModel } from "../../model/mod.ts";
import { isPair, judgedPairsIn, type Pair, promptsIn, useOf } from "../../preference/mod.ts";
import { ADAMW_DEFAULTS } from "../../tensor/mod.ts";
import { costsOf } from "../costs.ts";
import { methodIdentity } from "../method_identity.ts";
import type { RunConfig } from "../config.ts";
import type { RunContext, RunStage } from "../pipeline.ts";
import { writePairs } from "../pairs_artefact.ts";
import { FileMemory } from "../pair_memory.ts";
import { givenRanker } from "../given_judge.ts";
import { rankerOf, type RankerParts } from "../rankers.ts";
import { FileRounds } from "../round_files.ts";
import type { Session } from "../session.ts";
import type { Seeded, Stage, StageContext, StageResult } from "../stage.ts";
import { recordsOf } from "./data.ts";
import { trainingStage } from "./training.ts";

/** Settings of preference training as a stage has them. */
export interface PreferenceSettings extends Omit<PreferenceConfig, "seed"> {
  /** Optimiser steps; null: as many as the epochs have. */
  readonly steps: number | null;
  /** Passes over the prompts, where steps is null. @default 1 */
  readonly epochs?: number;
  readonly learningRate: number;
  /** Steps whose pairs are made at once, by the policy as it is at the first of them; see `RoundLoop`. @default 1 */
  readonly roundSteps?: number;
  /** @default "constant" */
  readonly schedule?: "constant" | "cosine";
  readonly warmup: number;
  /** @default AdamW's own, see `ADAMW_DEFAULTS` */
  readonly clipNorm?: number;
  readonly checkpointEvery: number;
  /** @default "none" */
  readonly recompute?: "none" | "layers";
}

/** Measures the policy in training. */
export interface PolicyMeasure {
  /** After a step: more numbers for its log. */
  after(step: number): Promise<Record<string, number>>;
  /** After the last step: what the stage leaves for the summary. */
  finish(): Promise<StageResult>;
}

/** A stage that trains the model of another stage on preferences. */
export interface PreferenceStage<C extends Seeded, S extends Session>
  extends Omit<Stage<C, S>, "run"> {
  /** Stage of the model it starts from, which is its reference and, for most methods, its judge. */
  readonly start: string;
  readonly method: (config: C) => { readonly name: string } & Method;
  readonly settings: (context: StageContext<C, S>) => PreferenceSettings;
  readonly pairs: (context: StageContext<C, S>) => Promise<readonly LoopPrompt[]>;
  /** Most tokens of a prompt with its answer. @default the session's */
  readonly maxTokens?: (config: C) => number;
  /** @default the run's seed */
  readonly dropoutSeed?: (config: C) => number;
  /** The data set's labelled pairs, of which a discriminator learns first. */
  readonly labelled: (context: StageContext<C, S>) => Promise<readonly Pair[]>;
  /** @default those that every run has */
  readonly ranker?: (
    ranker: Method["ranker"],
    parts: RankerParts<S>,
    context: StageContext<C, S>,
  ) => Promise<Ranker | null>;
  /** Who gives gold labels, to a method that asks for some. @default the judge that the settings name */
  readonly gold?: (context: StageContext<C, S>) => Promise<Ranker>;
  /** The measuring hook. @default nothing is measured */
  readonly measure?: (
    context: StageContext<C, S>,
    policy: { model: LanguageModel; reference: WithModel },
  ) => Promise<PolicyMeasure>;
}

/** A method's head at its start: all zeros. */
function zeroHead({ name, rows }: NonNullable<Method["head"]>, { config }: LanguageModel) {
  return new Map<string, tf.Tensor>([[name, tf.keep(tf.zeros([rows, config.hiddenSize]))]]);
}

/** A stage of preference training by a method of the table. */
export function preferenceStage<C extends Seeded, S extends Session>(
  stage: PreferenceStage<C, S>,
): Stage<C, S> {
  const { name, title, needs, config: configOf, start } = stage;
  return trainingStage({
    name,
    title,
    needs,
    config: configOf,
    async plan(context) {
      const { config, session, folder } = context;
      const settings = stage.settings(context);
      const { name: methodName, ...method } = stage.method(config);
      const { roundSteps = 1, checkpointEvery } = settings;
      checkRounds(method, { name: methodName, roundSteps });
      const model = await session.modelToTrain({ stage: name, start });
      const reference = await session.referenceOf(model, start);
      const encoder = await session.encoder(stage.maxTokens?.(config));
      const parts: RankerParts<S> = {
        ...{ session, model, reference, encoder, folder, seed: config.seed },
        cacheFile: `${folder}/cache.jsonl`,
        parameters: method.parameters,
        microBatchTokens: settings.microBatchTokens,
        labelled: () => stage.labelled(context),
      };
      const ranker = await (stage.ranker?.(method.ranker, parts, context) ??
        rankerOf(method.ranker, parts));
      const gold = method.gold
        ? await (stage.gold?.(context) ?? givenRanker("gold", parts))
        : undefined;
      const head = method.head && zeroHead(method.head, model);
      const measure = await stage.measure?.(context, { model, reference });
      const pairs = await stage.pairs(context);
      const steps = stepsOf(settings, pairs.length);
      const loop = {
        ...{ method, model, reference, ranker, gold, head, pairs, encoder },
        config: { ...settings, seed: config.seed },
        memory: new FileMemory(`${folder}/memory.jsonl`),
      };
      return {
        model,
        parameters: head && trainable(model, { also: [head] }),
        data: roundSteps === 1 ? new PreferenceLoop(loop) : new RoundLoop(loop, {
          ...{ roundSteps, steps },
          rounds: new FileRounds(`${folder}/rounds`, { roundSteps, checkpointEvery }),
        }),
        steps,
        schedule: {
          learningRate: settings.learningRate,
          shape: settings.schedule ?? "constant",
          warmup: settings.warmup,
        },
        optimizer: {
          kind: "adamw",
          ...ADAMW_DEFAULTS,
          ...(settings.clipNorm !== undefined && { clipNorm: settings.clipNorm }),
        },
        checkpointEvery,
        recompute: settings.recompute,
        dropoutSeed: stage.dropoutSeed?.(config),
        show: (row) => ({
          // A step without pairs has no loss; where labels rank there is no judge.
          loss: row.loss?.toFixed(3) ?? "-",
          ...measure ? {} : {
            margin: row.rewardMargin?.toFixed(3) ?? "-",
            accuracy: row.rewardAccuracy?.toFixed(2) ?? "-",
            consistent: row.judgeConsistent?.toFixed(2) ?? "-",
          },
          // Measured now and then, where the truth is known: it says more than all of these.
          ...(row.reward !== undefined && { "true reward": row.reward.toFixed(3) }),
        }),
        measure: measure && ((step) => measure.after(step)),
        result: async (rows) =>
          measure
            ? { ...await measure.finish(), costs: costsOf(rows) }
            : { method: methodName, steps, ...summaryOf(rows), ...costsOf(rows) },
        dispose: () => {
          ranker?.dispose?.();
          gold?.dispose?.();
          for (const weights of head?.values() ?? []) weights.dispose();
        },
      };
    },
  });
}

/** Optimiser steps of preference training on so many prompts. */
export function stepsOf(
  { steps, epochs = 1, batchSize }: Pick<PreferenceSettings, "steps" | "epochs" | "batchSize">,
  prompts: number,
): number {
  return steps ??
    Math.max(1, Math.round(stepsPerEpoch(prompts, { batchSize, last: "dropped" }) * epochs));
}

/** What a run's self-training asks: prompts, or for a method on the data set's answers its pairs. */
export async function selfJudgePrompts(context: RunContext): Promise<readonly LoopPrompt[]> {
  const records = await recordsOf(context, "train");
  const { samples, given } = methodNamed(context.config.selfJudge.method);
  if (samples === "dataset" || given === "answers") {
    // What one principle prefers may be worse in all else: nothing to move the policy to.
    return judgedPairsIn(records).filter((pair) => useOf(pair) === "both");
  }
  // Self-training's prompts are those that judgments were learned on, and of demonstrations (the authors' code).
  return promptsIn(records.filter((record) => !isPair(record) || useOf(record) !== "answers"));
}

/** Most tokens of a prompt with its sampled answer: where what is too long loses its start, those of a whole pair. */
export function sampledTokens({ chat, data, selfJudge }: Readonly<RunConfig>): number {
  return chat.overflow === "truncate-start"
    ? data.maxTokens
    : data.maxTokens + selfJudge.maxNewTokens;
}

/** The self-judging loop of a run: the policy answers, the judge it started from ranks, DPO learns; or a relative of it. */
export const selfJudgeStage: RunStage = leavingPairs(preferenceStage({
  name: "self-judge",
  title: "on-policy self-training: sample two answers, judge them, learn from the ranking",
  needs: ["data", "jsft"],
  config: ({ selfJudge: { ranker, gold, roundSteps, ...selfJudge } }) => ({
    // Where no other judge is named, nor rounds, the identity is that of runs from before there were any.
    selfJudge: {
      ...selfJudge,
      ...(roundSteps !== 1 && { roundSteps }),
      ...(ranker !== null && { ranker }),
      ...(gold !== null && { gold }),
    },
    method: methodIdentity(selfJudge.method),
  }),
  start: "jsft",
  method: ({ selfJudge: { method } }) => ({ ...methodNamed(method), name: method }),
  settings: ({ config: { selfJudge, memory } }) => ({ ...selfJudge, recompute: memory.recompute }),
  pairs: selfJudgePrompts,
  labelled: async (context) =>
    judgedPairsIn(await recordsOf(context, "train")).filter((pair) => useOf(pair) === "both"),
  maxTokens: sampledTokens,
  dropoutSeed: ({ seed }) => seed + 1, // other masks than in JSFT
}));

/** A stage that also leaves the pairs it learned from as a data set. */
export function leavingPairs(stage: RunStage): RunStage {
  return {
    ...stage,
    async run(context) {
      const { method, roundSteps } = context.config.selfJudge;
      const { samples, ranker, loss, source } = methodNamed(method);
      context.log(
        `method ${method}: answers from the ${samples}, ranked by the ${ranker}, ${loss} loss (${source})` +
          (roundSteps === 1 ? "" : `, in rounds of ${roundSteps} steps`),
      );
      const result = await stage.run(context);
      const pairs = await writePairs(context);
      if (pairs > 0) context.log(`${pairs} pairs in ${context.folder}/pairs`);
      if (result.pairs === 0) {
        const { identical, undecided, skippedPrompts } = result;
        context.log(
          "warning: no pair was learned from, so the policy is the model that it started from: " +
            `${identical} prompts whose answers were equal, ${undecided} on which the ranker was undecided, ` +
            `${skippedPrompts} too long` +
            (result.withoutPoints === undefined
              ? ""
              : `, ${result.withoutPoints} answers to which the model gave no points`),
        );
      }
      return result;
    },
  };
}

/**
 * Sums of what was skipped, and means over the first and last quarter of the steps; null where no step
 * has the number.
 */
export function summaryOf(rows: readonly StepLog[]): Record<string, number | null> {
  const sum = (name: string) => rows.reduce((total, row) => total + (row[name] ?? 0), 0);
  const quarter = Math.max(1, Math.floor(rows.length / 4));
  const mean = (some: readonly StepLog[], name: string) => {
    const with_ = some.filter((row) => row[name] !== undefined);
    if (with_.length === 0) return null;
    return with_.reduce((total, row) => total + row[name], 0) / with_.length;
  };
  const ends = (name: string) => ({
    [`${name}First`]: mean(rows.slice(0, quarter), name),
    [`${name}Last`]: mean(rows.slice(-quarter), name),
  });
  return {
    pairs: sum("pairs"),
    identical: sum("identical"),
    undecided: sum("undecided"),
    skippedPrompts: sum("skippedPrompts"),
    ...Object.fromEntries(
      ["withoutPoints", "withoutQuality"]
        .filter((name) => rows.some((row) => row[name] !== undefined))
        .map((name) => [name, sum(name)]),
    ),
    ...ends("loss"),
    ...ends("rewardMargin"),
    ...ends("rewardAccuracy"),
    ...ends("logProbChosen"),
    ...ends("chosenTokens"),
    ...ends("rejectedTokens"),
    judgeConsistent: mean(rows, "judgeConsistent"),
    judgeFirstPosition: mean(rows, "judgeFirstPosition"),
    secondsSampling: sum("secondsSampling"),
    secondsJudging: sum("secondsJudging"),
  };
}

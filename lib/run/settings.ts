import { z } from "zod";
import { type Method, METHODS } from "../method/mod.ts";
import { LINEAR_MODULES } from "../model/mod.ts";
import { FROZEN_DTYPES } from "../tensor/mod.ts";
import { PAIR_FORMATS } from "../preference/mod.ts";

const count = z.int().min(1);
const share = z.number().min(0).max(1);

/** Rankers that a run has: its own judge, frozen or moving, the labels, a judge that is named, one that
 * learns beside the policy, a coin, nobody. */
export const RUN_RANKERS: readonly Method["ranker"][] = [
  "judge",
  "policy",
  "labels",
  "given",
  "discriminator",
  "dpo-discriminator",
  "chance",
  "none",
];

/** Methods whose ranker every run has. */
const RUN_METHODS = Object.entries(METHODS)
  .filter(([, { ranker }]) => RUN_RANKERS.includes(ranker))
  .map(([name]) => name);

/** What a stage trains. */
const tuning = z.strictObject({
  mode: z.enum(["lora", "full"]).describe('"lora" trains an adapter, "full" every weight'),
  r: count.describe("rank of the adapter"),
  alpha: z.number().positive().describe("the adapter is scaled by alpha / r"),
  dropout: z.number().min(0).max(0.9).describe("dropout before the adapter, in training"),
  targetModules: z.array(z.enum(LINEAR_MODULES)).min(1).describe("linear maps that get an adapter"),
});

/** One source of training data. */
const source = z.strictObject({
  source: z.string().min(1).describe("a local file, or the name of a known set"),
  use: z.enum(["both", "answers", "judgments"]).default("both").describe(
    "what it teaches: to answer, to judge, or both",
  ),
  format: z.enum(PAIR_FORMATS as unknown as [string, ...string[]]).nullable().default(null)
    .describe("how the file is written; null: told from the file"),
});

/** Every setting of a run with its meaning, one object a stage. `align --help` is printed from it. */
export const SETTINGS = z.strictObject({
  seed: z.int().min(0).describe("everything random follows from it"),
  model: z.string().min(1).describe("a local folder or file, or a name on the Hugging Face Hub"),
  frozenDtype: z.enum(FROZEN_DTYPES).describe(
    "how weights that are not trained are stored; two bytes a number halve their memory and round them",
  ),
  chat: z.strictObject({
    template: z.string().min(1).nullable().describe(
      "chat template: a Jinja file or a preset's name; null: the tokenizer's own",
    ),
    system: z.string().nullable().describe(
      "system turn of dialogues that have none, where answers are learned and sampled; null: none",
    ),
    text: z.enum(["parts", "whole"]).describe(
      '"parts": prompt and answer become tokens apart, as they are sampled; "whole": the dialogue as one text',
    ),
    bos: z.enum(["template", "tokenizer", "prompts", "always"]).describe(
      'start token: where the template writes it; before prompts to answer and to judge, if the tokenizer puts one before a text ("tokenizer": the authors) or in any case ("prompts"); "always": before answers learned too',
    ),
    turns: z.enum(["last", "all"]).describe("assistant turns learned of a dialogue"),
    overflow: z.enum(["leave-out", "truncate-start"]).describe(
      "a dialogue over data.maxTokens is left out and counted, or loses its start (the authors)",
    ),
    endCutAnswers: z.boolean().describe("an answer cut at its limit still learns to end there"),
    endRationale: z.boolean().describe("a judgment learns to end after its rationale"),
  }).describe("how dialogues become tokens"),
  data: z.strictObject({
    sources: z.array(source).min(1).describe("what is learned from, each with its use"),
    onBadLine: z.enum(["fail", "skip"]).describe(
      'at a record that cannot be used: "skip" reports and counts it',
    ),
    ratings: z.enum(["mean", "principles"]).describe(
      "rated answers (UltraFeedback): pairs by their mean rating, or by each principle's own",
    ),
    ratingTies: z.enum(["longer", "shorter", "random"]).describe(
      "the answer to imitate among those rated best",
    ),
    train: count.nullable().describe("pairs to train on; null: all but the held-out ones"),
    heldOut: count.describe("pairs held out, of other prompts, to measure the judge on"),
    maxTokens: count.describe("longest prompt and answer together, in tokens"),
  }),
  judge: z.strictObject({
    principles: z.array(z.string()).min(1).nullable().describe(
      "principles judged by, each with a template of its own; null: that of the data",
    ),
    principlesFile: z.string().nullable().describe(
      "a JSON file of principles, as data/principles.json, in place of that one",
    ),
    system: z.string().nullable().describe(
      "system turn of a judge prompt that names none; null: the chat template's own",
    ),
    maxTokens: count.describe("longest judge prompt in tokens"),
    overflow: z.enum(["truncate", "refuse"]).describe("what to do with a longer one"),
    batchTokens: count.describe("tokens run through the model at once"),
    demonstrations: z.int().min(0).default(0).describe(
      "judged pairs shown before each question, for a judge that was not trained; fewer where a prompt would be over judge.maxTokens",
    ),
    demonstrationsFile: z.string().nullable().default(null).describe(
      "the labelled pairs that they are drawn from",
    ),
  }),
  jsft: z.strictObject({
    tuning,
    batchSize: count.describe("examples a step"),
    epochs: z.number().positive().describe("passes over the training data"),
    learningRate: z.number().positive().describe("after warm-up"),
    schedule: z.enum(["cosine", "constant"]).describe("of the learning rate"),
    warmup: share.describe("share of the steps in which the rate rises"),
    weighting: z.enum(["token", "example"]).describe(
      '"token": all target tokens alike (the authors); "example": see judgeWeight',
    ),
    judgeWeight: share.describe(
      "with \"example\": weight of the judgments' mean against the answers' mean",
    ),
    kinds: z.array(z.enum(["answer", "judgment"])).min(1).describe(
      "what is learned: both make JSFT, one alone SFT or a judge",
    ),
    rationale: z.boolean().describe(
      "learn the evaluations of pairs that carry them, after the decision",
    ),
    decisionWeight: share.nullable().describe(
      'with "example" and a rationale: a judgment\'s weight on its decision; null: all tokens alike',
    ),
    batching: z.enum(["bucketed", "packed"]).describe("rows of like lengths, or filled rows"),
    microBatchTokens: count.describe("tokens run through the model at once"),
    clipNorm: z.number().min(0).describe("largest norm of the gradient; 0: no limit"),
    weightDecay: z.number().min(0).describe("of AdamW"),
    checkpointEvery: count.describe("steps between checkpoints"),
    evaluateEvery: z.int().min(0).describe("steps between evaluations; 0: at the end only"),
    evaluatePairs: count.describe("held-out pairs of an evaluation"),
  }).refine(
    ({ decisionWeight, rationale, weighting }) =>
      decisionWeight === null || (rationale && weighting === "example"),
    {
      path: ["decisionWeight"],
      message: 'it works with jsft.rationale true and jsft.weighting "example" only',
    },
  ),
  selfJudge: z.strictObject({
    method: z.enum(RUN_METHODS as [string, ...string[]]).describe("an entry of the methods' table"),
    ranker: z.string().min(1).nullable().default(null).describe(
      "the judge of a method that is ranked by another model (oaif), as --ranker names it",
    ),
    gold: z.string().min(1).nullable().default(null).describe(
      "the judge that gives gold labels to a method that asks for some (d2po, d2po-dpo, d2po-self)",
    ),
    tuning,
    steps: count.nullable().describe("optimiser steps; null: as many as the epochs have"),
    epochs: z.number().positive().describe("passes over the training prompts, where steps is null"),
    batchSize: count.describe("prompts a step"),
    roundSteps: count.default(1).describe(
      "steps whose answers are sampled and judged at once by the policy as it is; then one learns from each batch",
    ),
    beta: z.number().positive().describe("of the preference loss"),
    learningRate: z.number().positive().describe("after warm-up"),
    schedule: z.enum(["cosine", "constant"]).describe("of the learning rate"),
    warmup: share.describe("share of the steps in which the rate rises"),
    temperature: z.number().min(0).describe("of sampling"),
    topK: z.int().min(0).describe("likeliest tokens that may be drawn; 0: all"),
    topP: z.number().gt(0).max(1).describe("share of the probability that may be drawn"),
    maxNewTokens: count.describe("longest answer sampled"),
    identical: z.enum(["skip", "keep"]).describe(
      'two equal samples: left out, or a pair that moves nothing and counts in the mean ("keep", the authors)',
    ),
    undecided: z.enum(["skip", "second"]).describe(
      'a tie or an unanswered pair: left out, or decided by its scores however small, equal ones for the second answer ("second", the authors)',
    ),
    batchRows: count.describe("answers sampled at once"),
    microBatchTokens: count.describe("tokens run through the model at once"),
    clipNorm: z.number().min(0).describe("largest norm of the gradient; 0: no limit"),
    checkpointEvery: count.describe("steps between checkpoints"),
  }),
  tournament: z.strictObject({
    prompts: count.describe("held-out prompts answered"),
    candidates: z.array(count).min(1).describe("sizes; the largest is the number of samples drawn"),
    samples: count.describe("prompts shown before and after"),
  }),
  memory: z.strictObject({
    recompute: z.enum(["none", "layers"]).describe(
      'in training: "layers" computes a layer\'s activations anew in the backward pass, for less memory and a third more time',
    ),
  }).describe("what no result depends on"),
  compile: z.boolean().default(true).describe(
    "whether steps run as one TensorFlow function each; faster, with the same bits",
  ),
});

/** Settings of a whole run. */
export type RunSettings = z.infer<typeof SETTINGS>;

/** A setting as `--help` shows it. */
export interface SettingLine {
  /** "jsft.tuning.r". */
  readonly name: string;
  /** What it does. */
  readonly meaning: string;
  /** Its words, where it takes one of a few. */
  readonly words: readonly string[];
}

/** The value of a setting by its name, in nested settings that may lack it. */
export function settingAt(values: unknown, name: string): unknown {
  return name.split(".").reduce<unknown>(
    (value, key) => (value as Record<string, unknown> | null | undefined)?.[key],
    values,
  );
}

/** All settings with their meanings, in the order of the schema. */
export function settingLines(): SettingLine[] {
  const walk = (type: z.ZodType, name: string): SettingLine[] => {
    const inner = type instanceof z.ZodNullable ? type.unwrap() as z.ZodType : type;
    if (inner instanceof z.ZodObject) {
      return Object.entries(inner.shape).flatMap(([key, field]) =>
        walk(field as z.ZodType, name ? `${name}.${key}` : key)
      );
    }
    const words = inner instanceof z.ZodEnum ? inner.options.map(String) : [];
    return [{ name, meaning: type.description ?? inner.description ?? "", words }];
  };
  return walk(SETTINGS, "");
}

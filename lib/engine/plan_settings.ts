/** Sizes of a run, for its plan. @module */
import { UserError } from "../base/error.ts";

/** Sizes of a run; defaults are the paper's run on HH-RLHF with Llama-2-7B, 8 GPUs shared in turns. */
export interface PlanSettings {
  parameters: number;
  layers: number;
  hidden: number;
  intermediate: number;
  /** Width of keys and of values: `hidden`, or less with grouped queries. */
  keyWidth: number;
  /** Of the adapter of each stage. */
  rank: number;
  /** Pairs of the data set, and how often self-training goes through their prompts. */
  pairs: number;
  epochs: number;
  /** Pairs an optimiser step. */
  batch: number;
  /** Steps by one version of the policy: `selfJudge.roundSteps`. */
  steps: number;
  /** 1: the next round is sampled while this one trains: `rounds.ahead`. */
  ahead: number;
  /** Answers a prompt. */
  samples: number;
  promptTokens: number;
  /** Mean length of an answer; lengths are taken as exponentially distributed, cut at `answerLimit`. */
  answerTokens: number;
  answerLimit: number;
  /** What the judge's question adds to prompt and answers. */
  questionTokens: number;
  /** GPUs that serve, and that train: the same ones in turns when `shared` is 1. */
  serveGpus: number;
  trainGpus: number;
  shared: number;
  /** GPUs of one server. */
  tensorParallel: number;
  /** 1: weights are split over the trainer's GPUs (fsdp). */
  sharded: number;
  /** Seconds to write an adapter and load it on every server. Assumption. */
  publishSeconds: number;
  /** Tokens/s of one server's request that is alone; 0: by `RATES`. */
  decodeAlone: number;
  /** Tokens/s of one server when it is full; 0: by `RATES`. */
  decodeFull: number;
  /** Tokens/s of a GPU; 0: by `RATES`. */
  prefill: number;
  train: number;
}

/** The paper's run: helpful-base of HH-RLHF by the authors' configurations, lengths assumed. */
export const PAPER_RUN: Readonly<PlanSettings> = {
  ...{ parameters: 6.74e9, layers: 32, hidden: 4096, intermediate: 11008, keyWidth: 4096, rank: 8 },
  ...{ pairs: 43_835, epochs: 3, batch: 64, steps: 1, ahead: 0, samples: 2 },
  ...{ promptTokens: 200, answerTokens: 128, answerLimit: 768, questionTokens: 100 },
  ...{ serveGpus: 8, trainGpus: 8, shared: 1, tensorParallel: 1, sharded: 0, publishSeconds: 1 },
  ...{ decodeAlone: 0, decodeFull: 0, prefill: 0, train: 0 },
};

/** Llama-2-70B on 1,000 GPUs: 60 servers of 8 GPUs and 256 that train; the rest spare. Its rates are measured ones. */
export const LARGE_RUN: Readonly<PlanSettings> = {
  ...PAPER_RUN,
  ...{ parameters: 69e9, layers: 80, hidden: 8192, intermediate: 28_672, keyWidth: 1024 },
  ...{ batch: 1024, answerTokens: 256, serveGpus: 480, trainGpus: 256, shared: 0, sharded: 1 },
  tensorParallel: 8,
  publishSeconds: 2,
  decodeAlone: 30, // assumption
  decodeFull: 2 * 1683, // LMDeploy's page: 1,683 on 4 GPUs; assumption: twice that on 8
  train: 410 / 2, // llm-foundry's page: 410 a GPU on 64; assumption: TRL does half
};

const MAY_BE_ZERO = ["ahead", "shared", "sharded", "publishSeconds", "questionTokens"];
const BY_RATES = ["decodeAlone", "decodeFull", "prefill", "train"];

/** Settings as they are. @throws {UserError} Naming one that is out of range or does not go with another. */
export function checkedSettings(s: Readonly<PlanSettings>): Readonly<PlanSettings> {
  for (const [name, value] of Object.entries(s)) {
    const zero = [...MAY_BE_ZERO, ...BY_RATES].includes(name);
    if (!Number.isFinite(value) || value < 0 || (value === 0 && !zero)) {
      throw new UserError(`${name} is ${value}`, `make it a number ${zero ? "from" : "above"} 0`);
    }
  }
  const refuse = (problem: string, remedy: string): never => {
    throw new UserError(problem, remedy);
  };
  if (s.samples < 2) refuse(`samples is ${s.samples}`, "a pair takes at least 2 answers a prompt");
  if (s.serveGpus % s.tensorParallel !== 0) {
    refuse(
      `serveGpus ${s.serveGpus} are not servers of tensorParallel ${s.tensorParallel}`,
      "make it a multiple",
    );
  }
  if (s.shared && s.serveGpus !== s.trainGpus) {
    refuse(
      `shared is 1, but serveGpus is ${s.serveGpus} and trainGpus ${s.trainGpus}`,
      "give both the same number, or shared=0 for GPUs of their own",
    );
  }
  if (s.shared && s.ahead) {
    refuse(
      "ahead is 1 with shared GPUs",
      "sampling and training at once take GPUs of their own: shared=0",
    );
  }
  if (s.answerTokens > s.answerLimit) {
    refuse(
      `answerTokens ${s.answerTokens} is over answerLimit ${s.answerLimit}`,
      "raise the limit",
    );
  }
  return s;
}

/**
 * Settings with some replaced, as `--set name=value` gives them.
 *
 * @throws {UserError} Naming what is not a setting or not a number.
 */
export function planSettings(
  sets: readonly string[],
  base: Readonly<PlanSettings> = PAPER_RUN,
): PlanSettings {
  const settings = { ...base };
  for (const set of sets) {
    const [, name, value] = /^([^=]*)=(.+)$/.exec(set) ?? [];
    if (name === undefined || !(name in base)) {
      throw new UserError(
        `--set ${set} names no setting of the plan`,
        `give name=value; names: ${Object.keys(base).join(", ")}`,
      );
    }
    if (Number.isNaN(Number(value))) {
      throw new UserError(`--set ${set}: ${value} is not a number`, "give one, such as 64 or 7e9");
    }
    settings[name as keyof PlanSettings] = Number(value);
  }
  return settings;
}

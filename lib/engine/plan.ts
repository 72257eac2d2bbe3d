/** What a run costs on engines before it is paid: tokens, time a round by part, GPU hours, memory. @module */
import { UserError } from "../base/error.ts";
import { checkedSettings, PAPER_RUN, type PlanSettings } from "./plan_settings.ts";

/**
 * Public measurements of one A100-80G in bfloat16, with Llama-2-7B or a model like it. What is not measured is marked
 * as an assumption. Rates of other models are these by the ratio of parameters.
 */
export const RATES = {
  /** Parameters of the model that was measured: Llama-2-7B. */
  parameters: 6.74e9,
  /** Tokens/s of a request that is alone: LMDeploy 0.2.0, docs/en/benchmark/a100_fp16.md. */
  decodeAlone: 100,
  /** Tokens/s in all when `decodeFullAt` requests run at once, on ShareGPT: the same page. */
  decodeFull: 3387,
  decodeFullAt: 256,
  /** Tokens/s of prompts. Assumption: 43 % of the 312 TFLOPS of an A100, 2 operations a parameter. */
  prefill: 10_000,
  /**
   * Tokens/s of a training step with LoRA. MPT-7B at 2,048 tokens under FSDP does 4,641 on 8 A100-80G
   * (mosaicml/llm-foundry, scripts/train/benchmarking). Assumption: TRL does half of that.
   */
  train: 2300,
  /** Assumption: how many times faster a reference pass is than a step. */
  referenceFactor: 3,
} as const;

/** Parts of a round. */
export type Part = "sampling" | "judging" | "training" | "reference" | "publishing";

/** What {@linkcode planRun} gives. */
export interface Plan {
  readonly settings: Readonly<PlanSettings>;
  /** Tokens of the whole run; of sampling only those that are made. */
  readonly tokens: Readonly<Record<"jsft" | Exclude<Part, "publishing">, number>>;
  /** GPU hours if no GPU ever waited. */
  readonly busyGpuHours: Readonly<Record<"jsft" | Exclude<Part, "publishing">, number>>;
  /** Seconds of one round by part, one after the other. */
  readonly seconds: Readonly<Record<Part, number>>;
  /** Of sampling: what the longest answer takes alone. No number of GPUs makes it less. */
  readonly longestSeconds: number;
  readonly roundSeconds: number;
  readonly rounds: number;
  /** Of self-training. */
  readonly hours: number;
  readonly gpuHours: number;
  readonly jsftHours: number;
  /** What takes most of a round, and what makes it less. */
  readonly bottleneck: string;
  readonly memory: {
    /** GB of weights on a GPU that serves, and on one that trains. */
    readonly serving: number;
    readonly training: number;
    /**
     * MB of one version of the adapter as every server's processes open it: JSFT's and the policy's, ranks together, in
     * float32. What the trainer leaves is half of it.
     */
    readonly adapter: number;
    /** MB that a request's keys and values take at full length. */
    readonly request: number;
  };
}

/**
 * The cost of a run by its sizes. A model on paper: factors of two are to be expected, from lengths alone.
 *
 * Sampling waits for the longest answer. A server's time for a token grows linearly with the requests that run, as
 * `alone + n * slope` by two measured points, so that n answers take `alone * longest + slope * tokens`, as they end one
 * by one.
 *
 * @example
 * ```ts
 * import { planRun } from "./plan.ts";
 * import { PAPER_RUN } from "./plan_settings.ts";
 * planRun({ ...PAPER_RUN, steps: 8 }).bottleneck; // "training: more GPUs that train, up to a pair each"
 * ```
 */
export function planRun(settings: Readonly<PlanSettings> = PAPER_RUN): Plan {
  const s = checkedSettings(settings);
  const scale = RATES.parameters / s.parameters;
  const replicas = s.serveGpus / s.tensorParallel;
  const prefill = s.prefill || RATES.prefill * scale;
  const train = s.train || RATES.train * scale;
  // Assumption: split over GPUs, half of what their memory would give is left.
  const alone = s.decodeAlone ||
    RATES.decodeAlone * scale * (s.tensorParallel > 1 ? s.tensorParallel / 2 : 1);
  const full = s.decodeFull || RATES.decodeFull * scale * s.tensorParallel;

  const question = s.promptTokens + 2 * s.answerTokens + s.questionTokens;
  const orders = 2 * (s.samples - 1); // a knock-out, each match in both orders
  const perPair = {
    sampling: s.samples * s.answerTokens,
    judging: orders * question,
    training: 2 * (s.promptTokens + s.answerTokens),
    reference: 2 * (s.promptTokens + s.answerTokens),
  };
  const trained = s.pairs * s.epochs;
  const tokens = {
    jsft: s.pairs * (2 * question + s.promptTokens + s.answerTokens), // both orders, and the chosen answer
    sampling: trained * perPair.sampling,
    judging: trained * perPair.judging,
    training: trained * perPair.training,
    reference: trained * perPair.reference,
  };
  const rate = {
    jsft: train,
    sampling: full / s.tensorParallel,
    judging: prefill,
    training: train,
    reference: RATES.referenceFactor * train,
  };
  const busy = Object.fromEntries(
    Object.entries(tokens).map(([part, n]) => [part, n / rate[part as keyof typeof rate] / 3600]),
  ) as Plan["busyGpuHours"];

  const pairs = s.batch * s.steps;
  const answers = pairs * s.samples;
  // A server's seconds for a token of each of n requests: base + n * slope.
  const slope = (RATES.decodeFullAt / full - 1 / alone) / (RATES.decodeFullAt - 1);
  if (slope < 0) {
    throw new UserError(
      `decodeFull ${full.toFixed(0)} is more than ${RATES.decodeFullAt} requests at decodeAlone ${
        alone.toFixed(0)
      }`,
      "give both as tokens/s of one server: alone for one request, full for all together",
    );
  }
  const base = 1 / alone - slope;
  const longestSeconds = base * longestAnswer(answers, s.answerTokens, s.answerLimit);
  const onOne = Math.ceil(answers / replicas) * s.answerTokens;
  const each = s.steps * Math.ceil(s.batch / s.trainGpus); // pairs of the GPU that has most
  const seconds: Record<Part, number> = {
    sampling: longestSeconds + slope * onOne,
    judging: pairs * perPair.judging / (s.serveGpus * prefill),
    training: each * perPair.training / train,
    reference: each * perPair.reference / rate.reference,
    publishing: s.publishSeconds,
  };
  const serving = seconds.sampling + seconds.judging + seconds.publishing;
  const learning = seconds.training + seconds.reference;
  const roundSeconds = s.ahead ? Math.max(serving, learning) : serving + learning;
  const rounds = Math.ceil(trained / pairs);
  const hours = rounds * roundSeconds / 3600;
  const gpus = s.shared ? s.serveGpus : s.serveGpus + s.trainGpus;
  return {
    settings: s,
    tokens,
    busyGpuHours: busy,
    seconds,
    longestSeconds,
    roundSeconds,
    rounds,
    hours,
    gpuHours: hours * gpus,
    jsftHours: busy.jsft / s.trainGpus,
    bottleneck: bottleneck(s, seconds, longestSeconds),
    memory: memoryOf(s),
  };
}

/** The expected length of the longest of n answers, of lengths exponential with a mean and cut at a limit. */
function longestAnswer(n: number, mean: number, limit: number): number {
  const width = limit / 2000; // the integral of P(longest > length), by the middle of each strip
  let sum = 0;
  for (let at = width / 2; at < limit; at += width) sum += 1 - (1 - Math.exp(-at / mean)) ** n;
  return sum * width;
}

function bottleneck(s: PlanSettings, seconds: Plan["seconds"], longest: number): string {
  const learning = seconds.training + seconds.reference;
  const parts = Object.entries({
    sampling: seconds.sampling,
    judging: seconds.judging,
    training: learning,
    publishing: seconds.publishing,
  });
  const [part] = parts.reduce((most, entry) => entry[1] > most[1] ? entry : most);
  const more = {
    sampling: longest > seconds.sampling / 2
      ? "the longest answer: no number of GPUs makes it shorter; more pairs a policy (selfJudge.roundSteps), " +
        "rounds.ahead 1, or runs beside each other do"
      : "more servers",
    judging: "more servers",
    training: s.trainGpus < s.batch
      ? "more GPUs that train, up to a pair each"
      : "a pair each already: no more GPUs help at this batch",
    publishing: "a faster shared folder, or fewer servers",
  };
  return `${part}: ${more[part as keyof typeof more]}`;
}

function memoryOf(s: PlanSettings): Plan["memory"] {
  const bytes = 2; // bfloat16
  // A and B of query, output, key, value, and the three of the MLP; both stages' ranks, see PolicyVersions.
  const stacked = 2 * s.rank * s.layers *
    (2 * (2 * s.hidden) + 2 * (s.hidden + s.keyWidth) + 3 * (s.hidden + s.intermediate));
  const weights = s.parameters * bytes / 1e9;
  return {
    serving: weights / s.tensorParallel,
    training: s.sharded ? weights / s.trainGpus : weights,
    adapter: stacked * 4 / 1e6, // saveAdapter writes float32
    request: 2 * s.layers * s.keyWidth * (s.promptTokens + s.answerLimit) * bytes / 1e6,
  };
}

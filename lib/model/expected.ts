import type { Machine } from "../tensor/mod.ts";
import type { ModelConfig } from "./config.ts";
import {
  type ExpectedMemory,
  expectedMemory,
  parameterCounts,
  type Residents,
  trainedSize,
  type Workload,
} from "./memory.ts";

/** What a stage of a run does, for {@linkcode expectedStages}. */
export interface PlannedStage extends Residents {
  readonly stage: string;
  readonly workloads: readonly Workload[];
}

/** What one kind of work of a stage will need. */
export interface ExpectedRow {
  readonly stage: string;
  readonly work: Workload["work"];
  readonly memory: ExpectedMemory;
  /** Seconds; loading, saving and tokens beside it are not counted. */
  readonly seconds: number;
}

/**
 * Memory and time of the stages of a run, before anything is loaded: a stage needs the largest memory of its rows
 * and the sum of their times.
 *
 * @param machine As {@linkcode measureMachine} finds it.
 *
 * @example
 * ```ts ignore
 * const rows = expectedStages(await readConfig("my-model"), [{
 *   stage: "jsft",
 *   tuning: { r: 8, dropout: 0.1, targetModules: LINEAR_MODULES },
 *   frozenDtype: "bfloat16",
 *   workloads: [{ work: "train", rows: 2, length: 2048, learned: 1024, steps: 500, recompute: "layers" }],
 * }], await measureMachine());
 * rows[0].memory.bytes / 1e9; // GB
 * ```
 */
export function expectedStages(
  config: ModelConfig,
  stages: readonly PlannedStage[],
  machine: Machine,
): ExpectedRow[] {
  return stages.flatMap(({ stage, workloads, ...residents }) =>
    workloads.map((workload): ExpectedRow => ({
      stage,
      work: workload.work,
      memory: expectedMemory(config, residents, workload),
      seconds: expectedTime(config, residents, { workload, machine }),
    }))
  );
}

/**
 * Seconds of one kind of work: its products at the machine's speed of products, and the numbers that all other ops
 * read and write at its speed of memory. A forward pass has 2 operations a weight and token, a backward pass 2 more for
 * the gradient of the input and 2 for that of a trained weight: 6 N D in all, 4 N D under an adapter.
 *
 * A guess of the order of magnitude: `data/results/memory.csv` has it beside measured times.
 */
export function expectedTime(
  config: ModelConfig,
  { tuning }: Pick<Residents, "tuning">,
  { workload, machine }: { workload: Workload; machine: Machine },
): number {
  const seconds = ({ flops, bytes }: Cost) => flops / machine.flops + bytes / machine.bandwidth;
  if (workload.work === "sample") {
    const { rows, prompt, newTokens, batches } = workload;
    const prefill = forwardCost(config, { rows, length: prompt, head: rows });
    const token = decodeCost(config, { rows, cached: prompt + newTokens / 2 });
    return batches * (seconds(prefill) + newTokens * seconds(token));
  }
  const { rows, length } = workload;
  if (workload.work === "score") {
    return workload.batches * seconds(forwardCost(config, { rows, length, head: workload.scored }));
  }
  const { learned, steps, parts = 1, recompute = "none" } = workload;
  const forward = forwardCost(config, { rows, length, head: learned });
  const layers = forwardCost(config, { rows, length, head: 0 });
  const trained = trainedSize(config, tuning);
  const N = rows * length;
  // A trained weight costs 4 more a token where it is the model's, 6 in all where it is the adapter's.
  const own = tuning === "full"
    ? 2 * parameterCounts(config).linear * N +
      2 * config.vocabSize * config.hiddenSize * learned
    : 6 * trained * N;
  const passes = {
    flops: 2 * forward.flops + attentionFlops(config, rows, length) + own,
    bytes: 3 * forward.bytes,
  };
  const again = recompute === "layers" ? seconds(layers) : 0;
  const step = seconds({ flops: 0, bytes: 4 * 25 * trained });
  return steps * (parts * (seconds(passes) + again) + step);
}

interface Cost {
  readonly flops: number;
  readonly bytes: number;
}

/** Scores and mixed values: two products of T x T for each head; masked positions are computed too. */
function attentionFlops(
  { layers, heads, headDim }: ModelConfig,
  rows: number,
  length: number,
): number {
  return layers * rows * 4 * length ** 2 * heads * headDim;
}

/** Numbers that elementwise ops of a layer read and write for a token, and for a pair of positions of a head. */
function forwardCost(
  config: ModelConfig,
  { rows, length, head }: { rows: number; length: number; head: number },
): Cost {
  const { layers, hiddenSize: C, intermediateSize: F, heads, kvHeads, headDim, vocabSize: V } =
    config;
  const N = rows * length;
  const token = 20 * C + 17 * heads * headDim + 13 * kvHeads * headDim + 8 * F;
  const pair = 7 * rows * heads * length ** 2;
  return {
    flops: 2 * parameterCounts(config).linear * N + attentionFlops(config, rows, length) +
      2 * V * C * head,
    bytes: 4 * (layers * (N * token + pair) + 3 * V * head),
  };
}

/** One token of each row: all weights and the cache are read once. */
function decodeCost(
  config: ModelConfig,
  { rows, cached }: { rows: number; cached: number },
): Cost {
  const { vocabSize: V, hiddenSize: C, layers, kvHeads, headDim, heads } = config;
  const weights = parameterCounts(config).linear + V * C;
  return {
    flops: rows * (2 * weights + 4 * layers * cached * heads * headDim),
    bytes: 4 * (weights + 2 * layers * rows * cached * kvHeads * headDim + 3 * rows * V),
  };
}

/**
 * Stages as the Python trainer reads them, and what this project's own trainer makes of the same ids, adapter and
 * learning rates.
 */
import assert from "node:assert/strict";
import { readJsonl, writeJsonFile, writeJsonl } from "../lib/base/files.ts";
import {
  type Example,
  preferenceBatches,
  type PreferenceLoss,
  type StepLog,
  supervisedBatches,
} from "../lib/method/mod.ts";
import { type LanguageModel, loadAdapter, sequenceLogProbs, trainable } from "../lib/model/mod.ts";
import { ADAMW_DEFAULTS, learningRate, type ScheduleConfig } from "../lib/tensor/mod.ts";
import { trainLogged, underReference } from "./tiny_method.ts";

/** A pair of answers as token ids. */
export interface IdPair {
  readonly prompt: readonly number[];
  readonly chosen: readonly number[];
  readonly rejected: readonly number[];
  /** @default 1, a hard label */
  readonly label?: number;
}

/** What is learned from, step by step. */
export type Lesson =
  & { readonly schedule: ScheduleConfig }
  & (
    | { readonly kind: "dpo"; readonly loss: PreferenceLoss; readonly steps: readonly IdPair[][] }
    | { readonly kind: "sft"; readonly steps: readonly Example[][] }
  );

/** A stage's folder with its settings, and all its batches. */
export interface Stage {
  readonly folder: string;
  readonly model: string;
  readonly start: string;
  readonly lesson: Lesson;
  /** Fields of `train.json` beside the usual ones. */
  readonly settings?: Record<string, unknown>;
}

const BETA = 0.1;

const sequences = ({ prompt, chosen, rejected }: IdPair) =>
  [chosen, rejected].map((answer): Example => ({
    kind: "answer",
    ids: [...prompt, ...answer],
    from: prompt.length,
  }));

/** Writes a stage's folder. @returns the path of its `train.json` */
export async function writeStage(
  { folder, model, start, lesson, settings = {} }: Stage,
): Promise<string> {
  const { kind, steps, schedule } = lesson;
  const rates = steps.map((_, step) => learningRate(schedule, { step, steps: steps.length }));
  const roundSteps = Number(settings.roundSteps ?? (kind === "sft" ? steps.length : 2));
  await writeJsonFile(`${folder}/train.json`, {
    ...{
      format: 1,
      name: "tiny",
      kind,
      folder,
      model,
      revision: null,
      under: null,
      start,
      dropout: 0,
    },
    ...(kind === "dpo" && { loss: lesson.loss, beta: BETA }),
    ...{ steps: steps.length, roundSteps, rates, seed: 7 },
    ...{ optimizer: ADAMW_DEFAULTS, dtype: "float32", microBatch: 1, gradientCheckpointing: false },
    ...{ checkpointEvery: 1, sharding: "none", gpus: false, workers: 1, placement: "PACK" },
    ...{ threads: 1, maxFailures: 0, stage: "tiny stage", idleSeconds: 600 },
    ...settings,
  });
  for (let first = 0; first < steps.length; first += roundSteps) {
    const number = String(first / roundSteps + 1).padStart(6, "0");
    const rows = kind === "dpo"
      ? steps.slice(first, first + roundSteps).flatMap((pairs, i) =>
        pairs.map(({ prompt, chosen, rejected, label }) => ({
          ...{ step: first + i + 1, prompt_ids: prompt, chosen_ids: chosen },
          ...(label !== undefined && { label }),
          ...{ rejected_ids: rejected, sampled_logps: [-1, -2], pair: "ignored" },
        }))
      )
      : steps.slice(first, first + roundSteps).flatMap((examples, i) =>
        examples.map(({ ids, from }) => ({
          ...{ step: first + i + 1, input_ids: ids },
          labels: ids.map((id, at) => at < from ? -100 : id),
        }))
      );
    await Deno.mkdir(`${folder}/rounds/${number}`, { recursive: true });
    await writeJsonl(`${folder}/rounds/${number}/batch.jsonl`, rows);
  }
  return `${folder}/train.json`;
}

/** What this project's trainer logs on a lesson; the model's adapter is trained. */
export async function ownTraining(model: LanguageModel, lesson: Lesson): Promise<StepLog[]> {
  const { kind, steps, schedule } = lesson;
  return await trainLogged({
    model,
    steps: steps.length,
    schedule,
    prepare: async (step) => {
      if (kind === "sft") {
        const options = { batching: "bucketed", microBatchTokens: 512 } as const;
        return {
          parts: supervisedBatches(steps[step], { weighting: { mode: "token" }, ...options }),
        };
      }
      const pairs = steps[step].map((pair) => {
        const [chosen, rejected] = sequences(pair);
        return { chosen, rejected, ...(pair.label !== undefined && { label: pair.label }) };
      });
      const options = { loss: lesson.loss, parameters: { beta: BETA }, microBatchTokens: 1024 };
      return { parts: preferenceBatches(await underReference(model, pairs), options) };
    },
  });
}

/** Summed log-probabilities of pairs' answers, [chosen, rejected] each. */
export async function logProbsOf(
  model: LanguageModel,
  pairs: readonly IdPair[],
): Promise<number[][]> {
  const sums = await sequenceLogProbs(model, pairs.flatMap(sequences));
  return pairs.map((_, i) => [sums[2 * i], sums[2 * i + 1]]);
}

/** Values of an adapter's weights, by name. */
export async function adapterValues(model: LanguageModel): Promise<Map<string, Float32Array>> {
  const { names, tensors } = trainable(model);
  const values = await Promise.all(tensors().map((tensor) => tensor.data()));
  return new Map(names.map((name, i) => [name, values[i] as Float32Array]));
}

/** Values of an adapter in a folder. */
export async function savedValues(
  folder: string,
  model: LanguageModel,
): Promise<Map<string, Float32Array>> {
  const adapter = await loadAdapter(folder, model.config);
  const values = new Map<string, Float32Array>();
  for (const [name, tensor] of adapter.parameters) {
    values.set(name, await tensor.data() as Float32Array);
  }
  adapter.dispose();
  return values;
}

/** How far two trainings from one start are apart: the largest difference, their largest moves, the moves' cosine. */
export function compareMoves(
  [start, a, b]: readonly Map<string, Float32Array>[],
): { largest: number; moves: [number, number]; cosine: number } {
  assert.deepEqual([...a.keys()].sort(), [...b.keys()].sort());
  let [largest, first, second, dot, aa, bb] = [0, 0, 0, 0, 0, 0];
  for (const [name, from] of start) {
    const [x, y] = [a.get(name)!, b.get(name)!];
    assert.equal(x.length, y.length, name);
    from.forEach((value, i) => {
      const [p, q] = [x[i] - value, y[i] - value];
      largest = Math.max(largest, Math.abs(p - q));
      first = Math.max(first, Math.abs(p));
      second = Math.max(second, Math.abs(q));
      dot += p * q;
      aa += p * p;
      bb += q * q;
    });
  }
  return { largest, moves: [first, second], cosine: dot / Math.sqrt(aa * bb) };
}

/** A number that both trainers tell of a step. */
export interface Compared {
  readonly quantity: string;
  readonly step: number;
  readonly here: number;
  readonly trl: number;
}

/** What both tell of a training, step by step. */
export async function comparedLogs(own: readonly StepLog[], folder: string): Promise<Compared[]> {
  const lines = await trainerLog(folder);
  assert.deepEqual(lines.map(({ step }) => step), own.map(({ step }) => step));
  const names = Object.entries(TOLD).filter(([, name]) => name in own[0]);
  return own.flatMap((log, i) =>
    names.map(([name, here]) => {
      const trl = lines[i][name];
      assert.ok(Number.isFinite(trl), `${folder}: ${name} of step ${log.step}`);
      return { quantity: here, step: log.step, here: log[here], trl };
    })
  );
}

/** TRL's names of numbers, and ours. */
const TOLD = {
  "loss": "loss",
  "grad_norm": "gradientNorm",
  "learning_rate": "learningRate",
  "logps/chosen": "logProbChosen",
  "logps/rejected": "logProbRejected",
  "rewards/margins": "rewardMargin",
  "rewards/accuracies": "rewardAccuracy",
};

/** The last line of each step in a stage's `trainer.jsonl`. */
export async function trainerLog(folder: string): Promise<Record<string, number>[]> {
  const lines = await readJsonl<Record<string, number>>(`${folder}/trainer.jsonl`);
  return [...new Map(lines.map((line) => [line.step, line])).values()];
}

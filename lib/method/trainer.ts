import * as tf from "@tensorflow/tfjs";
import { UserError } from "../base/error.ts";
import {
  type CheckpointTarget,
  type LanguageModel,
  restoreCheckpoint,
  saveCheckpoint,
  type Trainable,
  trainable,
} from "../model/mod.ts";
import {
  compile,
  learningRate,
  type Optimizer,
  type OptimizerConfig,
  optimizerFor,
  type Recompute,
  type ScheduleConfig,
  Tape,
} from "../tensor/mod.ts";
import type { MicroBatch } from "./objective.ts";

/** What a training run logs for a step. */
export interface StepLog {
  /** Counted from 1. */
  step: number;
  learningRate: number;
  /** Norm of the gradient before clipping; 0 for a step with nothing to learn from. */
  gradientNorm: number;
  /** Tokens run through the model in training, filling not counted. */
  tokens: number;
  /** Wall time of the step, in seconds. */
  seconds: number;
  [metric: string]: number;
}

/** What a step trains on. */
export interface StepBatch {
  /** The parts of the batch; none where there is nothing to learn. */
  readonly parts: readonly MicroBatch[];
  /** Numbers for the step's log. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** Where batches come from: `SupervisedData`, `PreferenceLoop`. */
export interface BatchSource<Batch extends StepBatch = StepBatch> {
  /**
   * The batch of a step, counted from 0. It must depend on the step and the weights alone, so that a resumed run
   * sees what an unbroken one would.
   */
  batch(step: number): Promise<Batch>;
}

/** Who hears of a training run, and may end it. */
export interface TrainingLog<Batch extends StepBatch = StepBatch> {
  /** Training starts or resumes, with so many steps already taken. */
  start?(done: number): Promise<void> | void;
  step?(log: StepLog, batch: Batch): Promise<void> | void;
  /** Asked after each step; true saves a checkpoint and ends the run. */
  stopping?(): boolean;
}

/** What {@linkcode train} needs. */
export interface TrainOptions<Batch extends StepBatch = StepBatch> {
  readonly model: LanguageModel;
  /** What is trained; `trainable(model, { also })` for weights beside the model's. @default the adapter, or all weights */
  readonly parameters?: Trainable;
  readonly data: BatchSource<Batch>;
  readonly steps: number;
  readonly schedule: ScheduleConfig;
  readonly optimizer: OptimizerConfig;
  /** Seeds the adapter's dropout, with the step. */
  readonly seed: number;
  /** What the backward pass computes anew instead of keeping. @default "none" */
  readonly recompute?: Recompute;
  /** Where to save, and every how many steps. */
  readonly checkpoint?: CheckpointTarget & { readonly every: number };
  readonly log?: TrainingLog<Batch>;
}

/**
 * Trains what is trainable in a model (its adapter, or all weights), from the last checkpoint if there is
 * one.
 *
 * @returns the steps taken in all; fewer than asked if stopped
 */
export async function train<Batch extends StepBatch>(
  options: TrainOptions<Batch>,
): Promise<number> {
  const { model, data, steps, schedule, checkpoint, log } = options;
  const { parameters = trainable(model) } = options;
  const values = parameters.tensors();
  const named = parameters.names.map((name, i) => ({ name, shape: values[i].shape }));
  const optimizer = optimizerFor(named, options.optimizer);
  const gradients = compile(gradientsOf, { name: "the gradient of a training step" });
  try {
    const state = { parameters, optimizer };
    const done = checkpoint ? await restoreCheckpoint(checkpoint, state) : 0;
    await log?.start?.(done);
    for (let step = done; step < steps; step++) {
      const started = performance.now();
      const batch = await data.batch(step);
      const rate = learningRate(schedule, { step, steps });
      const result = await update(batch.parts, {
        ...options,
        ...{ parameters, gradients, optimizer, rate, step },
      });
      await log?.step?.({
        step: step + 1,
        learningRate: rate,
        ...result,
        ...batch.metrics,
        tokens: batch.parts.reduce((sum, part) => sum + part.tokens, 0),
        seconds: (performance.now() - started) / 1000,
      }, batch);
      // After the log: a run killed in between repeats the step, and its line is never missing.
      const stop = log?.stopping?.() ?? false;
      const last = step + 1 === steps;
      if (checkpoint && (stop || last || (step + 1) % checkpoint.every === 0)) {
        await saveCheckpoint(checkpoint, { ...state, step: step + 1 });
      }
      if (stop && !last) return step + 1;
    }
    return steps;
  } finally {
    optimizer.dispose();
    gradients.dispose();
  }
}

/** One optimiser step on the sum of the parts' gradients; returns the summed metrics. */
async function update(
  parts: readonly MicroBatch[],
  { model, parameters, gradients: gradientsOfPart, optimizer, rate, step, seed, recompute }: {
    model: LanguageModel;
    parameters: Trainable;
    gradients: typeof gradientsOf;
    optimizer: Optimizer;
    rate: number;
    step: number;
    seed: number;
    recompute?: Recompute;
  },
): Promise<{ gradientNorm: number } & Record<string, number>> {
  let gradients: tf.Tensor[] | null = null;
  const metrics = new Map<string, tf.Scalar[]>();
  for (const [index, part] of parts.entries()) {
    // Distinct for every part of every step, and the same when a resumed run repeats the step.
    const dropoutSeed = (seed * 1_000_003 + step * 1009 + index) % 0x7fff_ffff;
    const found = gradientsOfPart(part, { model, parameters, dropoutSeed, recompute });
    for (const [name, value] of Object.entries(found.metrics)) {
      metrics.set(name, [...metrics.get(name) ?? [], value]);
    }
    gradients = gradients ? summed(gradients, found.gradients) : found.gradients;
  }
  let gradientNorm = 0;
  if (gradients) {
    const { updated, norm } = optimizer.step(parameters.tensors(), gradients, rate, {
      free: true,
    });
    parameters.replace(updated);
    gradients.forEach((g) => g.dispose());
    gradientNorm = (await norm.data())[0];
    norm.dispose();
    if (!Number.isFinite(gradientNorm)) {
      throw new UserError(
        `step ${step + 1}: the norm of the gradient is ${gradientNorm}`,
        step === 0
          ? "check the model's weights: some are NaN or infinite, or so large that a sum overflows"
          : "lower the learning rate and start the stage anew with --fresh",
      );
    }
  }
  const totals: Record<string, number> = {};
  for (const [name, values] of metrics) {
    totals[name] = (await Promise.all(values.map((v) => v.data())))
      .reduce((sum, [value]) => sum + value, 0);
    values.forEach((v) => v.dispose());
  }
  if (!Number.isFinite(totals.loss ?? 0)) {
    throw new UserError(
      `step ${step + 1}: the loss is ${totals.loss}`,
      step === 0
        ? "check the model's weights: some are NaN or infinite"
        : "lower the learning rate and start the stage anew with --fresh",
    );
  }
  return { ...totals, gradientNorm };
}

/** Gradients of one micro-batch with respect to the parameters, and its metrics. Frees the batch's mask. */
export function gradientsOf(
  { batch, objective }: MicroBatch,
  { model, parameters, dropoutSeed, recompute }: {
    model: LanguageModel;
    parameters: Trainable;
    dropoutSeed?: number;
    recompute?: Recompute;
  },
): { gradients: tf.Tensor[]; metrics: Record<string, tf.Scalar> } {
  const watched = parameters.tensors();
  const tape = new Tape(watched, { recompute });
  try {
    const output = objective.output(model, batch, { tape, dropoutSeed });
    const { outputGradient, metrics } = objective.gradient(output);
    const gradients = tape.gradients(output, outputGradient, watched);
    outputGradient.dispose();
    return { gradients, metrics };
  } finally {
    tape.dispose();
    batch.mask?.dispose();
  }
}

function summed(into: tf.Tensor[], more: tf.Tensor[]): tf.Tensor[] {
  return into.map((sum, i) => {
    const total = tf.add(sum, more[i]);
    sum.dispose();
    more[i].dispose();
    return total;
  });
}

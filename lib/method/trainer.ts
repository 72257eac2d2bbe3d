import * as tf from "@tensorflow/tfjs";
import { UserError } from "../base/error.ts";
import { followingLogProbs, type LanguageModel, type Trainable, trainable } from "../model/mod.ts";
import { type Optimizer, type OptimizerConfig, optimizerFor, Tape } from "../tensor/mod.ts";
import { type CheckpointTarget, restoreCheckpoint, saveCheckpoint } from "../model/checkpoint.ts";
import type { MicroBatch } from "./microbatch.ts";
import { learningRate, type ScheduleConfig } from "../tensor/schedule.ts";

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

/** What {@linkcode train} needs. */
export interface TrainOptions {
  model: LanguageModel;
  steps: number;
  schedule: ScheduleConfig;
  optimizer: OptimizerConfig;
  /** Seeds the adapter's dropout, with the step. */
  seed: number;
  /**
   * The parts of one step's batch and numbers for its log. It must depend on the step and the weights
   * alone, so that a resumed run sees what an unbroken one would. No parts: nothing to learn here.
   */
  prepare: (step: number) => Promise<{ parts: MicroBatch[]; metrics?: Record<string, number> }>;
  /** Where to save, and every how many steps. */
  checkpoint?: CheckpointTarget & { every: number };
  /** Told when training starts or goes on, with the steps already taken. */
  onStart?: (done: number) => Promise<void> | void;
  onStep?: (log: StepLog) => Promise<void> | void;
  /** Asked after each step; true saves a checkpoint and returns. */
  shouldStop?: () => boolean;
}

/**
 * Trains what is trainable in a model (its adapter, or all weights), from the last checkpoint if there is
 * one.
 *
 * @returns the steps taken in all; fewer than asked if stopped
 */
export async function train(options: TrainOptions): Promise<number> {
  const { model, steps, schedule, checkpoint } = options;
  const parameters = trainable(model);
  const values = parameters.tensors();
  const named = parameters.names.map((name, i) => ({ name, shape: values[i].shape }));
  const optimizer = optimizerFor(named, options.optimizer);
  try {
    const state = { parameters, optimizer };
    const done = checkpoint ? await restoreCheckpoint(checkpoint, state) : 0;
    await options.onStart?.(done);
    for (let step = done; step < steps; step++) {
      const started = performance.now();
      const { parts, metrics = {} } = await options.prepare(step);
      const rate = learningRate(schedule, { step, steps });
      const result = await update(parts, { ...options, parameters, optimizer, rate, step });
      await options.onStep?.({
        step: step + 1,
        learningRate: rate,
        ...result,
        ...metrics,
        tokens: parts.reduce((sum, part) => sum + part.tokens, 0),
        seconds: (performance.now() - started) / 1000,
      });
      // After the log: a run killed in between repeats the step, and its line is never missing.
      const stop = options.shouldStop?.() ?? false;
      const last = step + 1 === steps;
      if (checkpoint && (stop || last || (step + 1) % checkpoint.every === 0)) {
        await saveCheckpoint(checkpoint, { ...state, step: step + 1 });
      }
      if (stop && !last) return step + 1;
    }
    return steps;
  } finally {
    optimizer.dispose();
  }
}

/** One optimiser step on the sum of the parts' gradients; returns the summed metrics. */
async function update(
  parts: readonly MicroBatch[],
  { model, parameters, optimizer, rate, step, seed }: {
    model: LanguageModel;
    parameters: Trainable;
    optimizer: Optimizer;
    rate: number;
    step: number;
    seed: number;
  },
): Promise<{ gradientNorm: number } & Record<string, number>> {
  let gradients: tf.Tensor[] | null = null;
  const metrics = new Map<string, tf.Scalar[]>();
  for (const [index, part] of parts.entries()) {
    // Distinct for every part of every step, and the same when a resumed run repeats the step.
    const dropoutSeed = (seed * 1_000_003 + step * 1009 + index) % 0x7fff_ffff;
    const found = gradientsOf(part, { model, parameters, dropoutSeed });
    for (const [name, value] of Object.entries(found.metrics)) {
      metrics.set(name, [...metrics.get(name) ?? [], value]);
    }
    gradients = gradients ? summed(gradients, found.gradients) : found.gradients;
  }
  let gradientNorm = 0;
  if (gradients) {
    const { updated, norm } = optimizer.step(parameters.tensors(), gradients, rate);
    parameters.replace(updated);
    gradients.forEach((g) => g.dispose());
    gradientNorm = (await norm.data())[0];
    norm.dispose();
    if (!Number.isFinite(gradientNorm)) {
      throw new UserError(
        `step ${step + 1}: the norm of the gradient is ${gradientNorm}`,
        "lower the learning rate and start the stage anew with --fresh",
      );
    }
  }
  const totals: Record<string, number> = {};
  for (const [name, values] of metrics) {
    totals[name] = (await Promise.all(values.map((v) => v.data())))
      .reduce((sum, [value]) => sum + value, 0);
    values.forEach((v) => v.dispose());
  }
  return { ...totals, gradientNorm };
}

/** Gradients of one micro-batch with respect to the parameters, and its metrics. Frees the batch's mask. */
export function gradientsOf(
  { batch, at, output, objective }: MicroBatch,
  { model, parameters, dropoutSeed }: {
    model: LanguageModel;
    parameters: Trainable;
    dropoutSeed?: number;
  },
): { gradients: tf.Tensor[]; metrics: Record<string, tf.Scalar> } {
  const watched = parameters.tensors();
  const tape = new Tape(watched);
  try {
    const found = output?.(model, { tape, dropoutSeed }) ??
      followingLogProbs(model, batch, { at, tape, dropoutSeed });
    const { seed, metrics } = objective(found as tf.Tensor1D);
    const shaped = tf.reshape(seed, found.shape);
    const gradients = tape.gradients(found, shaped, watched);
    seed.dispose();
    shaped.dispose();
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

/** How the learning rate moves over a run. */
export interface ScheduleConfig {
  /** Rate after warm-up. */
  learningRate: number;
  /** "cosine" falls towards 0, which a step after the last would have; "constant" stays. */
  shape: "cosine" | "constant";
  /** Share of the steps in which the rate rises linearly from 0. */
  warmup: number;
}

/**
 * Learning rate of a step, as `transformers` computes it (`get_cosine_schedule_with_warmup`,
 * `get_constant_schedule_with_warmup`).
 *
 * @param at.step Counted from 0.
 */
export function learningRate(
  { learningRate, shape, warmup }: ScheduleConfig,
  { step, steps }: { step: number; steps: number },
): number {
  const rising = Math.ceil(warmup * steps);
  if (step < rising) return learningRate * step / Math.max(1, rising);
  if (shape === "constant") return learningRate;
  const progress = (step - rising) / Math.max(1, steps - rising);
  return learningRate * 0.5 * (1 + Math.cos(Math.PI * progress));
}

import { Rng } from "../base/random.ts";

/** How items are put into batches: every pass over them (an epoch) is a fresh seeded shuffle. */
export interface BatchOrder {
  /** Names the random stream, so that two stages of a run do not shuffle alike. */
  readonly name: string;
  readonly batchSize: number;
  readonly seed: number;
  /** The items left at the end of an epoch make a short batch, or sit it out. */
  readonly last: "short" | "dropped";
}

/** Steps of one epoch, at least 1. */
export function stepsPerEpoch(
  count: number,
  { batchSize, last }: Pick<BatchOrder, "batchSize" | "last">,
): number {
  const steps = count / batchSize;
  return Math.max(1, last === "short" ? Math.ceil(steps) : Math.floor(steps));
}

/** The items of a step, counted from 0; they depend on the step alone, so that a resumed run sees the same. */
export function batchOf<T>(step: number, items: readonly T[], order: BatchOrder): T[] {
  const perEpoch = stepsPerEpoch(items.length, order);
  const epoch = Math.floor(step / perEpoch);
  const shuffled = Rng.named(order.seed, `${order.name}/epoch/${epoch}`).shuffle(items);
  const start = (step % perEpoch) * order.batchSize;
  return shuffled.slice(start, start + order.batchSize);
}

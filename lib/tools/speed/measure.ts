/** One repetition of one side. */
export interface Repetition {
  /** Wall time in seconds. */
  readonly seconds: number;
  /** Work done, in the unit of the case. */
  readonly items: number;
}

/** Something that can do the work once and say how long it took. */
export type Side = () => Promise<Repetition>;

/** Options of {@linkcode interleave}. */
export interface InterleaveOptions {
  /** Repetitions of each side that count. */
  readonly reps: number;
  /** Repetitions of each side before, which do not count: kernels load, caches fill. @default 1 */
  readonly warmups?: number;
  /** Told before each repetition. */
  readonly onRepetition?: (side: number, round: number) => void;
}

/**
 * Runs the sides in turns, so that whatever else the machine does meets all of them alike.
 *
 * Round r starts with side r mod n: no side always comes after the same other one.
 *
 * @returns for each side its rates in items per second, one a round
 */
export async function interleave(
  sides: readonly Side[],
  { reps, warmups = 1, onRepetition = () => {} }: InterleaveOptions,
): Promise<number[][]> {
  const rates: number[][] = sides.map(() => []);
  for (let round = -warmups; round < reps; round++) {
    for (let i = 0; i < sides.length; i++) {
      const side = (Math.max(round, 0) + i) % sides.length;
      onRepetition(side, round);
      const { seconds, items } = await sides[side]();
      if (round >= 0) rates[side].push(items / seconds);
    }
  }
  return rates;
}

/** Middle value and range of a list of numbers. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Middle value, smallest and largest.
 *
 * @example
 * ```ts
 * import { spread } from "./measure.ts";
 * spread([3, 1, 2]); // { median: 2, low: 1, high: 3 }
 * ```
 */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  if (n === 0) throw new RangeError("no values to summarise");
  const median = (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2;
  return { median, low: sorted[0], high: sorted[n - 1] };
}

/** Ratios of two sides round by round: what the machine did in that minute falls out. */
export function ratios(ours: readonly number[], theirs: readonly number[]): number[] {
  return ours.map((rate, round) => rate / theirs[round]);
}

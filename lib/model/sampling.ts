import { UserError } from "../base/error.ts";
import type { Rng } from "../base/random.ts";

/** How the next token is drawn from the model's distribution. */
export interface SamplingConfig {
  /** Divides the logits; 0 means greedy: always the likeliest token. */
  temperature: number;
  /** Draw among the k likeliest tokens; 0 means all. */
  topK: number;
  /** Draw among the likeliest tokens that together hold this probability; 1 means all. */
  topP: number;
}

/** The paper's sampling settings. */
export const SAMPLING_DEFAULTS: SamplingConfig = { temperature: 1, topK: 0, topP: 0.9 };

/** @throws {UserError} naming the first setting that is out of range */
export function checkSampling({ temperature, topK, topP }: SamplingConfig): void {
  const check = (ok: boolean, problem: string, range: string) => {
    if (!ok) throw new UserError(`sampling: ${problem}`, `choose ${range}`);
  };
  check(
    temperature >= 0 && Number.isFinite(temperature),
    `temperature is ${temperature}`,
    "0 or more",
  );
  check(Number.isInteger(topK) && topK >= 0, `topK is ${topK}`, "a whole number, 0 for all tokens");
  check(topP > 0 && topP <= 1, `topP is ${topP}`, "a number above 0 and at most 1");
}

/**
 * Draws a token from one row of probabilities (already divided by temperature).
 *
 * The filters come in the order of `transformers`: top-k first, then the smallest set of the likeliest tokens
 * whose probability, renormalised after top-k, reaches `topP`. Among equals at the border lower ids stay.
 *
 * @throws {UserError} if they are no probabilities: NaN, as NaN or infinite logits give
 */
export function drawToken(
  probabilities: Float32Array,
  { temperature, topK, topP }: SamplingConfig,
  rng: Rng,
): number {
  const p = probabilities;
  const mass = sum(p);
  if (Number.isNaN(mass)) {
    throw new UserError(
      "sampling: the probabilities of the next token are NaN",
      "check the checkpoint: weights that diverged in training, or that are infinite, give NaN",
    );
  }
  if (temperature === 0 || topK === 1) return argmax(p);
  const u = rng.uniform();
  let kept: Kept = { above: 0, border: [], mass };
  if (topK > 0) kept = likeliest(p, { count: topK });
  if (topP < 1) kept = likeliest(p, { mass: topP * kept.mass });
  return inverse(p, kept, u * kept.mass);
}

/** Tokens that survive a filter: those in buckets from `above` on, and those of `border`. */
interface Kept {
  readonly above: number;
  readonly border: readonly number[];
  /** Their probability together. */
  readonly mass: number;
}

/**
 * Buckets by the upper 16 bits of a float32: for positive numbers, larger bits mean a larger number.
 * A probability above 1, by a rounding, still has its bucket.
 */
const BUCKETS = 1 << 15;

// Reused from draw to draw, and zero between them: clearing them all costs more than filling. Neighbours in
// the vocabulary go to one each, because adding to the same number twice in a row waits for the first.
const even = new Float64Array(BUCKETS);
const odd = new Float64Array(BUCKETS);

/**
 * The shortest run of tokens, from the likeliest down, of so many tokens or so much probability.
 *
 * Sorting a vocabulary costs more than the draw is worth. One pass over buckets of almost equal
 * probability finds the bucket in which the limit falls; only that bucket is sorted.
 */
function likeliest(p: Float32Array, limit: { count: number } | { mass: number }): Kept {
  const counted = "count" in limit;
  const least = counted ? limit.count : limit.mass;
  const bits = new Uint32Array(p.buffer, p.byteOffset, p.length);
  let [lowest, highest] = [BUCKETS - 1, 0];
  for (let i = 0; i < p.length; i++) {
    const bucket = bits[i] >>> 16;
    (i & 1 ? odd : even)[bucket] += counted ? 1 : p[i];
    if (bucket < lowest) lowest = bucket;
    if (bucket > highest) highest = bucket;
  }
  let [bucket, held] = [highest, 0];
  while (bucket > lowest && held + even[bucket] + odd[bucket] < least) {
    held += even[bucket] + odd[bucket];
    bucket--;
  }
  even.fill(0, lowest, highest + 1);
  odd.fill(0, lowest, highest + 1);

  const border: number[] = [];
  let mass = 0;
  for (let i = 0; i < p.length; i++) {
    const own = bits[i] >>> 16;
    if (own === bucket) border.push(i);
    else if (own > bucket) mass += p[i];
  }
  border.sort((a, b) => p[b] - p[a] || a - b);
  let taken = 0;
  while (taken < border.length && held < least) {
    const token = border[taken++];
    held += counted ? 1 : p[token];
    mass += p[token];
  }
  border.length = taken;
  return { above: bucket + 1, border, mass };
}

/** The token at which the running sum of the kept probabilities passes `target`. */
function inverse(p: Float32Array, { above, border }: Kept, target: number): number {
  const bits = new Uint32Array(p.buffer, p.byteOffset, p.length);
  let cumulative = 0;
  let last = 0;
  for (let i = 0; i < p.length; i++) {
    if (bits[i] >>> 16 < above) continue;
    if (p[i] > 0) last = i;
    cumulative += p[i];
    if (cumulative > target) return i;
  }
  for (const i of border) {
    if (p[i] > 0) last = i;
    cumulative += p[i];
    if (cumulative > target) return i;
  }
  return last; // rounding left the target a hair above the sum
}

function sum(p: Float32Array): number {
  let total = 0;
  for (let i = 0; i < p.length; i++) total += p[i];
  return total;
}

function argmax(p: Float32Array): number {
  let best = 0;
  for (let i = 1; i < p.length; i++) if (p[i] > p[best]) best = i;
  return best;
}

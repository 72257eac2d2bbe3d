import { UserError } from "../error.ts";
import type { Rng } from "../random.ts";

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
 */
export function drawToken(
  probabilities: Float32Array,
  { temperature, topK, topP }: SamplingConfig,
  rng: Rng,
): number {
  if (temperature === 0 || topK === 1) return argmax(probabilities);
  const u = rng.uniform();
  if (topK === 0 && topP === 1) return inverse(probabilities, null, u * sum(probabilities));

  const nucleus = likeliest(probabilities, topK, topP);
  const mass = nucleus.reduce((total, token) => total + probabilities[token], 0);
  return inverse(probabilities, nucleus, u * mass);
}

/** Buckets by the upper 16 bits of a float32: for positive numbers, larger bits mean a larger number. */
const BUCKETS = 1 << 15;

// Reused from draw to draw: allocating them costs more than filling them.
const bucketMass = new Float64Array(BUCKETS);
const bucketCount = new Uint32Array(BUCKETS);

/**
 * The tokens that survive top-k and top-p.
 *
 * Sorting a vocabulary costs more than the draw is worth. One pass over buckets of almost equal
 * probability finds the bucket in which the limit falls; only that bucket is sorted.
 */
function likeliest(p: Float32Array, topK: number, topP: number): number[] {
  const byCount = topK > 0 ? largest(p, null, (_, count) => count >= topK) : null;
  if (topP === 1 && byCount) return byCount;
  const limit = topP * (byCount ? byCount.reduce((m, i) => m + p[i], 0) : sum(p));
  return largest(p, byCount, (mass) => mass >= limit);
}

/**
 * The shortest run of tokens from the likeliest down for which `enough(mass, count)` holds.
 *
 * @param among Restricts the choice; null means the whole vocabulary.
 */
function largest(
  p: Float32Array,
  among: readonly number[] | null,
  enough: (mass: number, count: number) => boolean,
): number[] {
  const bits = new Uint32Array(p.buffer, p.byteOffset, p.length);
  const n = among?.length ?? p.length;
  const mass = bucketMass.fill(0);
  const count = bucketCount.fill(0);
  for (let j = 0; j < n; j++) {
    const i = among ? among[j] : j;
    mass[bits[i] >>> 16] += p[i];
    count[bits[i] >>> 16]++;
  }
  let [bucket, massAbove, countAbove] = [BUCKETS - 1, 0, 0];
  while (bucket > 0 && !enough(massAbove + mass[bucket], countAbove + count[bucket])) {
    massAbove += mass[bucket];
    countAbove += count[bucket];
    bucket--;
  }
  const chosen: number[] = [];
  const border: number[] = [];
  for (let j = 0; j < n; j++) {
    const i = among ? among[j] : j;
    const at = bits[i] >>> 16;
    if (at > bucket) chosen.push(i);
    else if (at === bucket) border.push(i);
  }
  border.sort((a, b) => p[b] - p[a] || a - b);
  for (const i of border) {
    if (enough(massAbove, countAbove)) break;
    chosen.push(i);
    massAbove += p[i];
    countAbove++;
  }
  return chosen;
}

/** The token at which the running sum of probabilities passes `target`. */
function inverse(p: Float32Array, tokens: number[] | null, target: number): number {
  const count = tokens?.length ?? p.length;
  let cumulative = 0;
  let last = 0;
  for (let i = 0; i < count; i++) {
    const token = tokens ? tokens[i] : i;
    if (p[token] > 0) last = token;
    cumulative += p[token];
    if (cumulative > target) return token;
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

import { createHash } from "node:crypto";

const SIZE = 624;
const SHIFT = 397;

/**
 * Whether AlpacaEval showed `output_2` first when it had this instruction annotated.
 *
 * Its annotators draw the position by a seed made of the instruction alone, and the published annotations do
 * not keep it: `random.Random("is_switched_outputs" + instruction + "0").choices([False, True])`, with 0
 * the annotators' seed. Source: `RandomSwitchTwoColumnsProcessor` in
 * https://github.com/tatsu-lab/alpaca_eval/blob/main/src/alpaca_eval/processors.py (0.6.6).
 *
 * @example
 * ```ts
 * import { isSwitched } from "./alpaca_positions.ts";
 * isSwitched("What are the names of some famous actors that started their careers on Broadway?");
 * ```
 */
export function isSwitched(instruction: string): boolean {
  return pythonRandom(`is_switched_outputs${instruction}0`) >= 0.5;
}

/**
 * The first number of `random.Random(text).random()` in Python 3: the text and its SHA-512 as one
 * large integer seed the Mersenne Twister by array (Matsumoto and Nishimura 1998; CPython's
 * `Lib/random.py` and `_randommodule.c`). pure-rand's twister takes 32-bit seeds only;
 * `@stdlib/random-base-mt19937` takes arrays, and brings 186 other packages.
 */
export function pythonRandom(text: string): number {
  const bytes = new TextEncoder().encode(text);
  const digest = createHash("sha512").update(bytes).digest();
  const state = seeded(words(Uint8Array.of(...bytes, ...digest)));
  const [a, b] = [output(state, 0) >>> 5, output(state, 1) >>> 6];
  return (a * 2 ** 26 + b) / 2 ** 53;
}

/** A big-endian integer as 32-bit words, the least significant first. */
function words(bytes: Uint8Array): number[] {
  const first = bytes.findIndex((byte) => byte !== 0);
  const kept = first < 0 ? [0] : [...bytes.subarray(first)];
  const list: number[] = [];
  for (let end = kept.length; end > 0; end -= 4) {
    list.push(kept.slice(Math.max(0, end - 4), end).reduce((word, byte) => (word << 8 | byte), 0));
  }
  return list;
}

/** The twister's state after seeding by an array. */
function seeded(key: readonly number[]): Int32Array {
  const state = new Int32Array(SIZE);
  state[0] = 19650218;
  const mixed = (i: number) => state[i - 1] ^ state[i - 1] >>> 30;
  for (let i = 1; i < SIZE; i++) state[i] = Math.imul(1812433253, mixed(i)) + i;
  let i = 1;
  const step = () => {
    if (++i < SIZE) return;
    state[0] = state[SIZE - 1];
    i = 1;
  };
  for (let k = 0; k < Math.max(SIZE, key.length); k++) {
    const j = k % key.length;
    state[i] = (state[i] ^ Math.imul(mixed(i), 1664525)) + key[j] + j;
    step();
  }
  for (let k = 1; k < SIZE; k++) {
    state[i] = (state[i] ^ Math.imul(mixed(i), 1566083941)) - i;
    step();
  }
  state[0] = 0x80000000 | 0;
  return state;
}

/** Output `at` of the first round, for `at` small enough that no word of that round is read back. */
function output(state: Int32Array, at: number): number {
  const joined = (state[at] & 0x80000000) | (state[at + 1] & 0x7fffffff);
  let y = state[at + SHIFT] ^ joined >>> 1 ^ (state[at + 1] & 1 ? 0x9908b0df : 0);
  y ^= y >>> 11;
  y ^= y << 7 & 0x9d2c5680;
  y ^= y << 15 & 0xefc60000;
  return (y ^ y >>> 18) >>> 0;
}

import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/**
 * Seeded random numbers.
 *
 * The generator is xoroshiro128+ of `pure-rand`. A stream is derived from a seed and a name, so that
 * two parts of a run never share numbers and adding a draw in one does not shift the other.
 *
 * @example
 * ```ts
 * import { Rng } from "./random.ts";
 * const rng = Rng.named(7, "split");
 * rng.shuffle(["a", "b", "c"]);
 * ```
 */
export class Rng {
  #generator: ReturnType<typeof xoroshiro128plus>;

  private constructor(generator: ReturnType<typeof xoroshiro128plus>) {
    this.#generator = generator;
  }

  /** The stream that belongs to `name` under `seed`. */
  static named(seed: number, name: string): Rng {
    return new Rng(xoroshiro128plus(hash32(`${seed}/${name}`)));
  }

  /** A number in [0, 1) with 32 random bits. */
  uniform(): number {
    return (this.#generator.next() >>> 0) / 0x1_0000_0000;
  }

  /** A whole number in [0, n). */
  int(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** A shuffled copy (Fisher-Yates); the argument is left as it is. */
  shuffle<T>(list: readonly T[]): T[] {
    const copy = [...list];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [copy[i], copy[j]] = [copy[j], copy[i]];
    }
    return copy;
  }
}

/**
 * FNV-1a, 32 bits, with the finaliser of MurmurHash3: FNV-1a alone gives names that differ in their last
 * character nearly the same upper bits, which are the stream's first number.
 */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return hash ^ hash >>> 16;
}

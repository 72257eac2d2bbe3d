import { UserError } from "../error.ts";
import { Rng } from "../random.ts";
import type { Turn } from "../text/chat.ts";
import type { Pair } from "./pair.ts";

/** How to split. */
export interface SplitOptions {
  /** Pairs to hold out: a share of them when between 0 and 1, a number of them from 1 on. */
  readonly heldOut: number;
  /** Another seed draws other prompts. */
  readonly seed: number;
}

/**
 * Splits pairs into a training and a held-out side such that no prompt is on both.
 *
 * Prompts are drawn one by one until their pairs are at least as many as asked. Which prompts those
 * are depends on the seed and the set of prompts alone, not on the order of the pairs; each side keeps
 * the order it was given in.
 *
 * @throws {UserError} `heldOut` is not a share or a count, or would leave nothing to train on.
 *
 * @example
 * ```ts
 * import { splitByPrompt } from "./split.ts";
 * const pairs = ["a", "b", "c", "d"].map((content) => ({
 *   id: content, prompt: [{ role: "user" as const, content }], chosen: "yes", rejected: "no", source: "demo",
 * }));
 * const { train, heldOut } = splitByPrompt(pairs, { heldOut: 0.25, seed: 1 });
 * console.log(train.length, heldOut.length); // 3 1
 * ```
 */
export function splitByPrompt(
  pairs: readonly Pair[],
  { heldOut, seed }: SplitOptions,
): { readonly train: Pair[]; readonly heldOut: Pair[] } {
  if (!(heldOut > 0 && (heldOut < 1 || Number.isInteger(heldOut)))) {
    throw new UserError(
      `heldOut is ${heldOut}`,
      "give a share between 0 and 1 or a whole number of pairs",
    );
  }
  const target = heldOut < 1 ? Math.max(1, Math.round(heldOut * pairs.length)) : heldOut;
  const counts = new Map<string, number>();
  for (const { prompt } of pairs) {
    const key = promptKey(prompt);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const drawn = new Set<string>();
  let taken = 0;
  for (const key of Rng.named(seed, "split by prompt").shuffle([...counts.keys()].sort())) {
    if (taken >= target) break;
    drawn.add(key);
    taken += counts.get(key)!;
  }
  if (drawn.size === counts.size) {
    throw new UserError(
      `heldOut is ${heldOut}, but there are ${pairs.length} pairs with ${counts.size} different prompts: ` +
        "nothing would be left to train on",
      "hold out fewer, or give more pairs",
    );
  }
  const sides = Object.groupBy(
    pairs,
    ({ prompt }) => drawn.has(promptKey(prompt)) ? "heldOut" : "train",
  );
  return { train: sides.train ?? [], heldOut: sides.heldOut ?? [] };
}

/** Text that two prompts share exactly when their turns are the same. */
export function promptKey(prompt: readonly Turn[]): string {
  return JSON.stringify(prompt.map(({ role, content }) => [role, content]));
}

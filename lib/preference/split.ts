import { createHash } from "node:crypto";
import { UserError } from "../base/error.ts";
import type { Turn } from "../text/chat.ts";

/** How to split. */
export interface SplitOptions {
  /** Records to hold out: a share of them when between 0 and 1, a number of them from 1 on. */
  readonly heldOut: number;
  /** Another seed draws other prompts. */
  readonly seed: number;
}

/**
 * Splits pairs, or other records with a prompt, into a training and a held-out side such that no prompt is on both.
 *
 * Every prompt has its own place, a hash of the seed and the prompt, and those with the lowest places are
 * held out until their pairs are at least as many as asked. So a prompt's place does not depend on which others
 * are there: of a set and a part of it, one is a longer list in the same order. Each side keeps the order it was
 * given in.
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
export function splitByPrompt<T extends { readonly prompt: readonly Turn[] }>(
  pairs: readonly T[],
  { heldOut, seed }: SplitOptions,
): { readonly train: T[]; readonly heldOut: T[] } {
  if (!(heldOut > 0 && (heldOut < 1 || Number.isInteger(heldOut)))) {
    throw new UserError(
      `heldOut is ${heldOut}`,
      "give a share between 0 and 1 or a whole number of pairs",
    );
  }
  const target = heldOut < 1 ? Math.max(1, Math.round(heldOut * pairs.length)) : heldOut;
  const counts = new Map<string, number>();
  for (const { prompt } of pairs) {
    const key = splitKey(prompt);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const drawn = new Set<string>();
  let taken = 0;
  const places = new Map([...counts.keys()].map((key) => [key, splitPlace(key, seed)]));
  for (const key of [...counts.keys()].sort((a, b) => places.get(a)! < places.get(b)! ? -1 : 1)) {
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
    ({ prompt }) => drawn.has(splitKey(prompt)) ? "heldOut" : "train",
  );
  return { train: sides.train ?? [], heldOut: sides.heldOut ?? [] };
}

/**
 * The place of a prompt among all prompts under a seed, as hexadecimal digits to be sorted by.
 *
 * @param key As {@linkcode splitKey} gives it.
 */
function splitPlace(key: string, seed: number): string {
  return createHash("sha256").update(`split by prompt/${seed}/${key}`).digest("hex");
}

/** Text that two prompts share exactly when their turns are the same. */
export function promptKey(prompt: readonly Turn[]): string {
  return JSON.stringify(prompt.map(({ role, content }) => [role, content]));
}

/**
 * Text that two prompts share when they ask the same: {@linkcode promptKey} without system turns and without blanks
 * around a turn, in which two sources of one prompt may differ.
 */
export function splitKey(prompt: readonly Turn[]): string {
  return promptKey(
    prompt.filter(({ role }) => role !== "system")
      .map(({ role, content }) => ({ role, content: content.trim() })),
  );
}

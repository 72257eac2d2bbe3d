/** Settings of {@linkcode memoised}. */
export interface MemoOptions {
  /** Most token ids kept; the memo is emptied before it would hold more. @default 4_000_000 */
  readonly maxIds?: number;
}

/** What one kept text costs beside its ids, so that short texts do not pile up without bound. */
const ENTRY = 16;

/**
 * `encode`, which encodes a text once however many ask for it: one answer is learned, judged in both
 * positions, under every principle and in every match. Each call gives a new array.
 *
 * @example
 * ```ts
 * import { memoised } from "./memo.ts";
 * const encode = memoised((text) => [...text].map((c) => c.codePointAt(0)!));
 * encode("ab"); // [97, 98]
 * ```
 */
export function memoised(
  encode: (text: string) => readonly number[],
  { maxIds = 4_000_000 }: MemoOptions = {},
): (text: string) => number[] {
  const kept = new Map<string, readonly number[]>();
  let size = 0;
  return (text) => {
    let ids = kept.get(text);
    if (!ids) {
      ids = encode(text);
      const cost = ids.length + ENTRY;
      if (size + cost > maxIds) {
        kept.clear();
        size = 0;
      }
      if (cost <= maxIds) {
        kept.set(text, ids);
        size += cost;
      }
    }
    return ids.slice();
  };
}

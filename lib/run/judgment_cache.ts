import { createHash } from "node:crypto";
import { UserError } from "../base/error.ts";
import { type KeptAnswers, keptAnswers } from "../base/kept_answers.ts";
import { isProbability, type JudgmentStore, type LabelProbabilities } from "../method/mod.ts";

/**
 * The judgments that a judge gave before, by content, so that nothing is judged twice.
 *
 * The key is a hash of the model's fingerprint, the label ids and the prompt's token ids. With a
 * path, every new entry is also a line of a JSONL file, and a later run finds it there. A last line
 * torn by a kill is cut off when the file is opened ({@linkcode repaired} says so).
 *
 * @example
 * ```ts
 * import { JudgmentCache } from "./judgment_cache.ts";
 * const cache = JudgmentCache.open({ fingerprint: "jsft-step-400" }); // in memory: no path
 * ```
 */
export class JudgmentCache implements JudgmentStore {
  readonly #fingerprint: string;
  readonly #kept: KeptAnswers<LabelProbabilities>;

  private constructor(fingerprint: string, kept: KeptAnswers<LabelProbabilities>) {
    this.#fingerprint = fingerprint;
    this.#kept = kept;
  }

  /**
   * A cache in memory, or with `path` one that continues a file.
   *
   * `fingerprint` names the model: it must change whenever its weights do.
   *
   * @throws {UserError} When a whole line of the file is not an entry, naming file and line.
   */
  static open(options: { fingerprint: string; path?: string }): JudgmentCache {
    if (options.fingerprint === "") {
      throw new UserError(
        "a judgment cache has an empty fingerprint",
        "pass a text that changes when the judge's weights do, such as a hash of its checkpoint",
      );
    }
    const kept = keptAnswers<LabelProbabilities>({
      path: options.path,
      write: ({ a, b }) => ({ a, b }),
      read: ({ a, b }) => isProbability(a) && isProbability(b) ? { a, b } : undefined,
      what: "a stored judgment",
    });
    return new JudgmentCache(options.fingerprint, kept);
  }

  /** Look-ups that found an entry, and that did not, since the cache was made. */
  get counts(): KeptAnswers<LabelProbabilities>["counts"] {
    return this.#kept.counts;
  }

  /** Whether a torn last line was cut off when the file was opened. */
  get repaired(): boolean {
    return this.#kept.repaired;
  }

  /** Entries held, of all fingerprints. */
  get size(): number {
    return this.#kept.size;
  }

  /** The key of one question to the judge. */
  key(prompt: readonly number[], labelIds: readonly [number, number]): string {
    return createHash("sha256")
      .update(this.#fingerprint)
      .update(Int32Array.of(0, ...labelIds))
      .update(Int32Array.from(prompt))
      .digest("base64url")
      .slice(0, 32);
  }

  /** The stored answer, counted as a hit or a miss. */
  get(key: string): LabelProbabilities | undefined {
    return this.#kept.get(key);
  }

  /** Stores answers, and appends them to the file in one write. */
  add(entries: readonly (readonly [string, LabelProbabilities])[]): void {
    this.#kept.add(entries);
  }
}

import { createHash } from "node:crypto";
import { UserError } from "../base/error.ts";
import { type KeptAnswers, keptAnswers } from "../base/kept_answers.ts";
import { isProbability, type JudgmentStore, type LabelProbabilities } from "../method/mod.ts";

/** The judgments that a judge gave before, by content, so that nothing is judged twice. */
export type JudgmentCache = JudgmentStore & KeptAnswers<LabelProbabilities>;

/**
 * A cache in memory, or with `path` one that resumes from a JSONL file, a line an entry; a last line torn by a kill
 * is cut off.
 *
 * A key is a hash of the model's fingerprint, the label ids and the prompt's token ids.
 *
 * @param options.fingerprint Names the model: it must change whenever its weights do.
 * @param options.keeps Whether an answer is kept, and taken from the file. @default all are
 * @throws {UserError} When a whole line of the file is not an entry, naming file and line.
 *
 * @example
 * ```ts
 * import { judgmentCache } from "./judgment_cache.ts";
 * const cache = judgmentCache({ fingerprint: "jsft-step-400" }); // in memory: no path
 * ```
 */
export function judgmentCache(
  { fingerprint, path, keeps }: {
    fingerprint: string;
    path?: string;
    keeps?: (positions: LabelProbabilities) => boolean;
  },
): JudgmentCache {
  if (fingerprint === "") {
    throw new UserError(
      "a judgment cache has an empty fingerprint",
      "pass a text that changes when the judge's weights do, such as a hash of its checkpoint",
    );
  }
  const kept = keptAnswers<LabelProbabilities>({
    path,
    keeps,
    write: ({ a, b }) => ({ a, b }),
    read: ({ a, b }) => isProbability(a) && isProbability(b) ? { a, b } : undefined,
    what: "a stored judgment",
  });
  const key: JudgmentStore["key"] = (prompt, labelIds) =>
    createHash("sha256")
      .update(fingerprint)
      .update(Int32Array.of(0, ...labelIds))
      .update(Int32Array.from(prompt))
      .digest("base64url")
      .slice(0, 32);
  return { ...kept, key };
}

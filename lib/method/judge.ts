import { UserError } from "../base/error.ts";
import { isProbability, JudgmentCache } from "./cache.ts";
import {
  combineScores,
  type Comparison,
  type Judgment,
  type LabelProbabilities,
  LEAST_LABEL_PROBABILITY,
  type PrincipleScores,
} from "./judgment.ts";
import type { JudgeTemplate } from "./template.ts";

/** What a judge needs from a language model. */
export interface TokenScorer {
  /** Probability of each of `tokens` as next token after each prompt; rows in the order of `prompts`. */
  probabilities(
    prompts: readonly (readonly number[])[],
    tokens: readonly number[],
  ): Promise<number[][]>;
}

/** Settings of a {@linkcode PairwiseJudge}. */
export interface PairwiseJudgeOptions {
  readonly scorer: TokenScorer;
  /** One template a principle. */
  readonly templates: readonly JudgeTemplate[];
  /**
   * Where judgments are kept; its fingerprint must be that of the scorer's model. Without one,
   * nothing is remembered from call to call, which is right for a judge whose weights move.
   */
  readonly cache?: JudgmentCache;
  /** Most prompt tokens handed to the scorer at once, after which judgments are kept; 65,536. */
  readonly batchTokens?: number;
  /** Below this P(A) + P(B) a judgment counts as unanswered; 0.01. */
  readonly leastLabelProbability?: number;
}

/** How far a call to {@linkcode PairwiseJudge.compare} has come, in prompts put to the model. */
export interface JudgeProgress {
  readonly done: number;
  readonly total: number;
}

/**
 * A language model as judge of pairs: each comparison is asked in both orders, once a principle, and
 * read off the next token's probabilities of the two labels, as they are (SELF-JUDGE).
 */
export class PairwiseJudge {
  /** Comparisons judged, those without an answer, and prompts that went to the model. */
  readonly counts = { judged: 0, unanswered: 0, scored: 0 };
  readonly #options: PairwiseJudgeOptions;

  /** @throws {UserError} When there is no template, or templates differ in their label ids. */
  constructor(options: PairwiseJudgeOptions) {
    const [template, ...others] = options.templates;
    if (!template) {
      throw new UserError("a judge has no principle", 'pass one template at least, say "overall"');
    }
    const odd = others.find((other) => `${other.labelIds}` !== `${template.labelIds}`);
    if (odd) {
      throw new UserError(
        `the principles "${template.principle.name}" and "${odd.principle.name}" read different ` +
          `label tokens, ${template.labelIds} and ${odd.labelIds}`,
        "give all principles the same labels and verdicts that end alike",
      );
    }
    this.#options = options;
  }

  /** The templates judged by; their counts say what was cut from prompts. */
  get templates(): readonly JudgeTemplate[] {
    return this.#options.templates;
  }

  /**
   * Judges comparisons; the judgments come in their order.
   *
   * Judging `(second, first)` gives the mirror image of judging `(first, second)`, exactly.
   *
   * @throws {UserError} When the model's probabilities are not numbers in [0, 1].
   */
  readonly compare = async (
    comparisons: readonly Comparison[],
    options: { readonly onProgress?: (progress: JudgeProgress) => void } = {},
  ): Promise<Judgment[]> => {
    const { templates, leastLabelProbability = LEAST_LABEL_PROBABILITY } = this.#options;
    const [{ labelIds }] = templates;
    const cache = this.#options.cache ?? JudgmentCache.open({ fingerprint: "one call" });
    const asked = new Map<string, { prompt: number[]; positions?: LabelProbabilities }>();
    const ask = (prompt: number[]): string => {
      const key = cache.key(prompt, labelIds);
      if (!asked.has(key)) asked.set(key, { prompt, positions: cache.get(key) });
      return key;
    };
    const keys = comparisons.map(({ prompt, first, second }) =>
      templates.map((template) => ({
        principle: template.principle.name,
        forward: ask(template.prompt(prompt, first, second)),
        backward: ask(template.prompt(prompt, second, first)),
      }))
    );

    await this.#score(asked, (entries, progress) => {
      cache.add(entries);
      options.onProgress?.(progress);
    });
    const positions = (key: string) => asked.get(key)!.positions!;
    const judgments = keys.map((scores) =>
      combineScores(
        scores.map(({ principle, forward, backward }): PrincipleScores => ({
          principle,
          forward: positions(forward),
          backward: positions(backward),
        })),
        { leastLabelProbability },
      )
    );
    this.counts.judged += judgments.length;
    this.counts.unanswered += judgments.filter((judgment) => !judgment.answered).length;
    return judgments;
  };

  /** Fills in the positions that the cache did not have; tells of each chunk as it is done. */
  async #score(
    asked: Map<string, { prompt: number[]; positions?: LabelProbabilities }>,
    onChunk: (entries: [string, LabelProbabilities][], progress: JudgeProgress) => void,
  ): Promise<void> {
    const { scorer, templates: [{ labelIds }], batchTokens = 65_536 } = this.#options;
    // Like lengths together waste no padding; the longest first, so that memory peaks at once.
    const missing = [...asked].filter(([, { positions }]) => !positions)
      .sort(([, a], [, b]) => b.prompt.length - a.prompt.length);
    for (let start = 0; start < missing.length;) {
      const size = Math.max(1, Math.floor(batchTokens / missing[start][1].prompt.length));
      const chunk = missing.slice(start, start + size);
      const rows = await scorer.probabilities(chunk.map(([, { prompt }]) => prompt), labelIds);
      const entries = chunk.map(([key, question], row): [string, LabelProbabilities] => {
        const [a, b] = rows[row] ?? [];
        if (!isProbability(a) || !isProbability(b)) {
          throw new UserError(
            `the judge's model gave P(A) = ${a} and P(B) = ${b}, which are not probabilities`,
            "check the checkpoint: weights that diverged in training give NaN; lower the learning rate",
          );
        }
        question.positions = { a, b };
        return [key, question.positions];
      });
      this.counts.scored += chunk.length;
      start += chunk.length;
      onChunk(entries, { done: start, total: missing.length });
    }
  }
}

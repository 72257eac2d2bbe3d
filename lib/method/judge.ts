import { UserError } from "../base/error.ts";
import { nextTokenProbabilities, type WithModel } from "../model/mod.ts";
import {
  combineScores,
  type Comparison,
  type Judge,
  type Judgment,
  type LabelProbabilities,
  LEAST_LABEL_PROBABILITY,
  type PrincipleScores,
} from "./judgment.ts";
import type { JudgeQuestion } from "./template.ts";

/** What a judge needs from a language model. */
export interface TokenScorer {
  /** Probability of each of `tokens` as next token after each prompt; rows in the order of `prompts`. */
  probabilities(
    prompts: readonly (readonly number[])[],
    tokens: readonly number[],
  ): Promise<number[][]>;
}

/**
 * A language model as what a judge needs: with `withAdapterOff(model)` the judge is the same weights without the
 * adapter.
 *
 * @param options.batchTokens Tokens run through the model at once, filling included. @default 2048
 */
export function modelScorer(
  judged: WithModel,
  { batchTokens = 2048 }: { batchTokens?: number } = {},
): TokenScorer {
  return {
    probabilities: (prompts, tokens) =>
      judged((model) => nextTokenProbabilities(model, prompts, { tokens, batchTokens })),
  };
}

/** Where judgments are kept from call to call. */
export interface JudgmentStore {
  /** The key of one question to the judge; it must change whenever the judge's weights do. */
  key(prompt: readonly number[], labelIds: readonly [number, number]): string;
  get(key: string): LabelProbabilities | undefined;
  add(entries: readonly (readonly [string, LabelProbabilities])[]): void;
}

/** Settings of a {@linkcode PairwiseJudge}. */
export interface PairwiseJudgeOptions {
  readonly scorer: TokenScorer;
  /** One per principle. */
  readonly templates: readonly JudgeQuestion[];
  /** @default none: nothing is remembered from call to call, which is right for a judge whose weights move */
  readonly cache?: JudgmentStore;
  /** Most prompt tokens handed to the scorer at once, after which judgments are kept. @default 65,536 */
  readonly batchTokens?: number;
  /** Below this P(A) + P(B) a judgment counts as unanswered. @default 0.01 */
  readonly leastLabelProbability?: number;
}

/** How far a call to {@linkcode PairwiseJudge.compare} has come, in prompts put to the model; told from 0 on. */
export interface JudgeProgress {
  readonly done: number;
  readonly total: number;
}

/** A question to the model and, once it is known, what it answered. */
interface Asked {
  readonly prompt: number[];
  found?: LabelProbabilities;
}

/** Whether a value is a number in [0, 1], with room for the rounding of a softmax in float32. */
export function isProbability(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= 1 + 1e-5;
}

/**
 * A language model as judge of pairs: each comparison is asked in both positions, once per principle, and
 * read off the next token's probabilities of the two labels, as they are (SELF-JUDGE).
 */
export class PairwiseJudge implements Pick<Judge, "compare" | "promptsFor"> {
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
  get templates(): readonly JudgeQuestion[] {
    return this.#options.templates;
  }

  /** Prompts that comparisons take: both positions, once per principle. */
  readonly promptsFor = (comparisons: readonly Comparison[]): number =>
    comparisons.reduce((sum, one) => sum + 2 * this.#templatesFor(one).length, 0);

  /** The template of the principle that a comparison names, or all. */
  #templatesFor({ principle }: Comparison): readonly JudgeQuestion[] {
    const { templates } = this.#options;
    const own = templates.filter((template) => template.principle.name === principle);
    return own.length > 0 ? own : templates;
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
    const { templates: [{ labelIds }], leastLabelProbability = LEAST_LABEL_PROBABILITY } =
      this.#options;
    const { cache } = this.#options;
    const asked = new Map<string, Asked>();
    const ask = (prompt: number[]): string => {
      const key = cache?.key(prompt, labelIds) ?? prompt.join();
      if (!asked.has(key)) asked.set(key, { prompt, found: cache?.get(key) });
      return key;
    };
    const keys = comparisons.map((comparison) =>
      this.#templatesFor(comparison).map((template) => ({
        principle: template.principle.name,
        forward: ask(template.prompt(comparison.prompt, comparison.first, comparison.second)),
        backward: ask(template.prompt(comparison.prompt, comparison.second, comparison.first)),
      }))
    );

    await this.#score(asked, (entries, progress) => {
      if (entries.length > 0) cache?.add(entries);
      options.onProgress?.(progress);
    });
    const found = (key: string) => asked.get(key)!.found!;
    const judgments = keys.map((scores) =>
      combineScores(
        scores.map(({ principle, forward, backward }): PrincipleScores => ({
          principle,
          forward: found(forward),
          backward: found(backward),
        })),
        { leastLabelProbability },
      )
    );
    this.counts.judged += judgments.length;
    this.counts.unanswered += judgments.filter((judgment) => !judgment.answered).length;
    return judgments;
  };

  /** Asks the model what the cache does not have; tells of each chunk as it is done. */
  async #score(
    asked: Map<string, Asked>,
    onChunk: (entries: [string, LabelProbabilities][], progress: JudgeProgress) => void,
  ): Promise<void> {
    const { scorer, templates: [{ labelIds }], batchTokens = 65_536 } = this.#options;
    // In the order asked, so that what shares a dialogue or an answer reaches the model in one call.
    const missing = [...asked].filter(([, { found }]) => !found);
    onChunk([], { done: 0, total: missing.length });
    for (let start = 0; start < missing.length;) {
      let end = start;
      for (let tokens = 0; end < missing.length; end++) {
        tokens += missing[end][1].prompt.length;
        if (tokens > batchTokens && end > start) break;
      }
      const chunk = missing.slice(start, end);
      const rows = await scorer.probabilities(chunk.map(([, { prompt }]) => prompt), labelIds);
      const entries = chunk.map(([key, question], row): [string, LabelProbabilities] => {
        const [a, b] = rows[row] ?? [];
        if (!isProbability(a) || !isProbability(b)) {
          throw new UserError(
            `the judge's model gave P(A) = ${a} and P(B) = ${b}, which are not probabilities`,
            "check the checkpoint: weights that diverged in training give NaN; lower the learning rate",
          );
        }
        question.found = { a, b };
        return [key, question.found];
      });
      this.counts.scored += chunk.length;
      start += chunk.length;
      onChunk(entries, { done: start, total: missing.length });
    }
  }
}

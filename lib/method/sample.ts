import {
  generate,
  type GenerateOptions,
  type Generation,
  type LanguageModel,
} from "../model/mod.ts";
import { type AnswerEncoder, conventionsOf } from "./encoder.ts";

/** An answer that a model drew, as text for a judge and as tokens to learn from. */
export interface SampledAnswer {
  readonly text: string;
  /** Prompt and answer; the end token that the model drew belongs to it where it chose to end. */
  readonly ids: readonly number[];
  /** Index of the answer's first token. */
  readonly from: number;
  /** "stop": the model ended its answer. "length": it was cut. */
  readonly end: "stop" | "length";
}

/**
 * Draws answers to prompts and decodes them.
 *
 * @param prompts Token ids up to where the answer begins, see `encodePrompt`.
 * @returns for every prompt its `samples` answers
 *
 * @example
 * ```ts ignore
 * const prompts = [encodePrompt([{ role: "user", content: "Hello" }], encoder)];
 * const [[answer]] = await sampleAnswers(model, prompts, { encoder, maxNewTokens: 40, seed: 7 });
 * answer.text;
 * ```
 */
export async function sampleAnswers(
  model: LanguageModel,
  prompts: readonly (readonly number[])[],
  { encoder, ...options }:
    & { encoder: Pick<AnswerEncoder, "tokenizer" | "conventions"> }
    & Omit<GenerateOptions, "stopIds">,
): Promise<SampledAnswer[][]> {
  const { endIds } = encoder.tokenizer;
  const drawn = await generate(model, prompts, { ...options, stopIds: endIds });
  return decodedAnswers(drawn, prompts, encoder);
}

/** Tokens that were drawn after prompts, as answers. */
export function decodedAnswers(
  drawn: readonly (readonly Generation[])[],
  prompts: readonly (readonly number[])[],
  encoder: Pick<AnswerEncoder, "tokenizer" | "conventions">,
): SampledAnswer[][] {
  const { tokenizer } = encoder;
  const { text: form } = conventionsOf(encoder);
  return drawn.map((answers, i) =>
    answers.map(({ ids, end, endId }): SampledAnswer => {
      // Rows that pad an embedding have no token, and none of their text either.
      const known = ids.filter((id) => id < tokenizer.size);
      const text = tokenizer.decode(known, { skipSpecial: true });
      return {
        text: form === "whole" ? text : text.trim(),
        ids: [...prompts[i], ...ids, ...(endId === null ? [] : [endId])],
        from: prompts[i].length,
        end,
      };
    })
  );
}

/** Tokens of an answer alone, its end token not counted. */
export function answerLength({ ids, from, end }: SampledAnswer): number {
  return ids.length - from - Number(end === "stop");
}

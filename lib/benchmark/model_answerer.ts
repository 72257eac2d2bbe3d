import { conventionsOf, encodePrompt, OUR_CONVENTIONS } from "../method/mod.ts";
import { UserError } from "../base/error.ts";
import { Rng } from "../base/random.ts";
import type { AskedModel } from "../run/mod.ts";
import type { Answerer, Reply } from "./answering.ts";

/**
 * What shapes the draw beside the temperature: FastChat leaves it to `transformers`, whose `generate` keeps the 50
 * likeliest tokens and no nucleus unless a model says otherwise
 * (https://huggingface.co/docs/transformers/main_classes/text_generation, `top_k`, `top_p`).
 */
const BENCHMARK_SAMPLING = { topK: 50, topP: 1 } as const;

/** How {@linkcode modelAnswerer} writes answers. */
export interface AnswererOptions {
  readonly name: string;
  readonly maxNewTokens: number;
  readonly seed: number;
  /** Dialogues answered together. */
  readonly rows: number;
}

/**
 * A model as answerer: its chat template and conventions, and the sampling of `transformers`.
 *
 * @throws {UserError} When it answers, if a dialogue fills the model's context.
 */
export async function modelAnswerer(
  language: Pick<
    AskedModel,
    "asked" | "contextTokens" | "contextText" | "tokenizer" | "chat" | "conventions" | "origin"
  >,
  { name, maxNewTokens, seed, rows }: AnswererOptions,
): Promise<Answerer> {
  const { asked, contextTokens, tokenizer: { endIds } } = language;
  const conventions = JSON.stringify(conventionsOf(language));
  return {
    name,
    rows,
    settings: {
      model: language.origin,
      weights: await asked.fingerprint(),
      maxNewTokens,
      seed,
      ...(endIds.length > 1 && { ends: endIds.join(" ") }),
      ...(conventions !== JSON.stringify(OUR_CONVENTIONS) && { conventions }),
      ...BENCHMARK_SAMPLING,
    },
    answer: async (dialogues, { temperature, streams }): Promise<Reply[]> => {
      const prompts = dialogues.map((turns) => encodePrompt(turns, language));
      const full = prompts.findIndex(({ length }) => length >= contextTokens);
      if (full >= 0) {
        throw new UserError(
          `question ${streams[full].replace("/", ", turn ")}: ${
            prompts[full].length
          } tokens fill the ` +
            `context of ${name}, ${language.contextText}`,
          "lower --max-new-tokens, so that earlier answers leave room, or take another model",
        );
      }
      const answers = await asked.sample(prompts, {
        ...BENCHMARK_SAMPLING,
        encoder: language,
        temperature,
        maxNewTokens,
        seed: Rng.named(seed, "benchmark").int(0x7fff_ffff),
        streams,
        batchRows: rows,
      });
      return answers.map(([{ text, end }]) => ({ text, end }));
    },
  };
}

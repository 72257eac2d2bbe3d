/**
 * vLLM's requests and replies, as token ids both ways.
 *
 * Text is never read: one in six sampled answers encodes to other ids than were drawn. `prompt_logprobs` is never asked
 * for: with adapters it ends vLLM 0.32's engine.
 *
 * Source: https://docs.vllm.ai/en/stable/serving/openai_compatible_server.html
 */
import { z } from "zod";
import { Fault } from "../judges/served/mod.ts";

/** What is asked of a model: answers to one prompt. */
export interface AnswerRequest {
  /** Token ids up to where the answer begins. */
  readonly prompt: readonly number[];
  /** Answers drawn. */
  readonly n: number;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  /** 0: all tokens. @default 0 */
  readonly topK?: number;
  readonly seed: number;
  /** Tokens that end an answer, and the only ones that do. */
  readonly stopIds: readonly number[];
}

/** An answer as its tokens. */
export interface DrawnAnswer {
  /** The end token is the last where the model drew one. */
  readonly ids: readonly number[];
  /** Natural logarithms of each token's probability at temperature 1, before top-k and top-p. */
  readonly logProbs: readonly number[];
  /** Whether the model ended it; else it was cut at `maxTokens`. */
  readonly ended: boolean;
}

/** Where answers and labels are asked for. */
export const COMPLETIONS = "v1/completions";

/** What a server's own `generation_config.json` would otherwise fill in. */
const PLAIN = {
  ...{ min_p: 0, repetition_penalty: 1, presence_penalty: 0, frequency_penalty: 0 },
  ...{ add_special_tokens: false, return_token_ids: true, return_tokens_as_token_ids: true },
};

/** The request for answers of a model. */
export function answersBody(model: string, request: AnswerRequest): Record<string, unknown> {
  const { prompt, n, maxTokens, temperature, topP, topK = 0, seed, stopIds } = request;
  return {
    ...{ model, prompt, n, max_tokens: maxTokens, temperature, top_p: topP, top_k: topK, seed },
    ...PLAIN,
    logprobs: 0, // of the drawn token alone
    // The end tokens of the run's tokenizer, not those of the server's configuration.
    ...{ stop_token_ids: stopIds, ignore_eos: true },
  };
}

/** The request for the probabilities of labels as next token. */
export function labelsBody(
  model: string,
  prompt: readonly number[],
  labelIds: readonly number[],
): Record<string, unknown> {
  return {
    ...{ model, prompt, max_tokens: 1, temperature: 1, top_p: 1, top_k: 0 },
    ...PLAIN,
    // Without a seed, which the drawn token is not worth: with one, vLLM 0.32 on a CPU ends where prompts are split over
    // two batches ("CPU Generator does not use offset").
    ...{ logprobs: 1, logprob_token_ids: labelIds, ignore_eos: true },
  };
}

const ids = z.array(z.int().min(0));
const choice = z.object({
  index: z.int().min(0),
  finish_reason: z.string().nullish(),
  token_ids: ids.nullish(),
  prompt_token_ids: ids.nullish(),
  logprobs: z.object({
    token_logprobs: z.array(z.number().nullable()),
    top_logprobs: z.array(z.record(z.string(), z.number().nullable()).nullable()).nullish(),
  }).nullish(),
});
const replySchema = z.object({ choices: z.array(choice).min(1) });
type Choice = z.output<typeof choice>;

/** Drawn answers of a reply. @throws {Fault} When it lacks any of what was asked for, or holds anything else. */
export function answersIn(reply: unknown, request: AnswerRequest): DrawnAnswer[] {
  const { prompt, n, maxTokens, stopIds } = request;
  const choices = choicesOf(reply, prompt);
  if (choices.length !== n || choices.some(({ index }, i) => index !== i)) {
    throw new Fault("garbled", `${choices.length} answers came where ${n} were asked for`);
  }
  return choices.map((found) => {
    const { finish_reason: reason, token_ids = [] } = found;
    const drawn = token_ids!;
    const logProbs = found.logprobs?.token_logprobs ?? [];
    if (drawn.length === 0 || drawn.length > maxTokens || logProbs.length !== drawn.length) {
      throw new Fault(
        "garbled",
        `an answer has ${drawn.length} tokens and ${logProbs.length} log-probabilities`,
      );
    }
    const ended = stopIds.includes(drawn.at(-1)!);
    if (reason !== (ended ? "stop" : "length") && !(ended && reason === "length")) {
      throw new Fault("garbled", `an answer ended for the reason ${JSON.stringify(reason)}`);
    }
    return { ids: drawn, logProbs: logProbs.map(logProbability), ended };
  });
}

/** Probabilities of labels in a reply. @throws {Fault} When one is missing. */
export function labelsIn(
  reply: unknown,
  prompt: readonly number[],
  labelIds: readonly number[],
): number[] {
  const [found] = choicesOf(reply, prompt);
  const listed = found.logprobs?.top_logprobs?.[0] ?? {};
  return labelIds.map((id) => {
    const value = listed[`token_id:${id}`];
    if (value === undefined) {
      throw new Fault("setup", `the reply lacks the log-probability of token ${id}`, {
        remedy:
          "use a vLLM that knows logprob_token_ids (0.32 does), without a proxy that drops it",
      });
    }
    return Math.exp(logProbability(value));
  });
}

/** The choices in their order, of a server that read the prompt as it was sent. */
function choicesOf(reply: unknown, prompt: readonly number[]): Choice[] {
  const parsed = replySchema.safeParse(reply);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0];
    throw new Fault("garbled", `the reply's ${path.join(".") || "form"} is not vLLM's: ${message}`);
  }
  const choices = parsed.data.choices.toSorted((one, other) => one.index - other.index);
  if (choices.some(({ token_ids }) => !token_ids) || !choices[0].prompt_token_ids) {
    throw new Fault("setup", "the reply has no token ids", {
      remedy: "use a vLLM that knows return_token_ids (0.32 does), without a proxy that drops it",
    });
  }
  const read = choices[0].prompt_token_ids;
  if (read.length !== prompt.length || read.some((id, i) => id !== prompt[i])) {
    throw new Fault("setup", `the server read ${read.length} tokens, ${prompt.length} were sent`, {
      remedy: "start it without an option that cuts or adds to prompts",
    });
  }
  return choices;
}

/** A number that a logarithm of a probability may be, with room for rounding. */
function logProbability(value: number | null): number {
  if (value === null || !(value <= 1e-4)) {
    throw new Fault(
      "garbled",
      `a log-probability is ${value}: the model's numbers are no longer any`,
    );
  }
  return value;
}

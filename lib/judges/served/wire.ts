import { z } from "zod";
import type { LabelProbabilities } from "../../method/judgment.ts";
import { Fault } from "./fault.ts";
import { parseVerdict } from "./verdict.ts";
import type { ServedApi } from "./api.ts";
import type { ServedPrompt } from "./wording.ts";

/** What an answer says of the two labels. */
export interface ServedReading {
  readonly positions: LabelProbabilities;
  /**
   * Most probability that a label may have which is not in the server's list and so counts as 0: not more
   * than the least of the list, nor than what the list leaves over.
   */
  readonly unseen: number;
}

/** Settings of {@linkcode wire}. */
export interface WireOptions {
  readonly api: ServedApi;
  readonly model: string;
  /** Most likely tokens asked for. */
  readonly top: number;
  /** Whether a token must be the label to the blank, or may have blanks around it. */
  readonly match: "exact" | "trimmed";
  /** Most tokens of a reply in words. */
  readonly maxReplyTokens: number;
  /** Fields put over those of the request; null takes a field out. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** How an API is spoken. */
export interface Wire {
  readonly path: string;
  request(prompt: ServedPrompt): Record<string, unknown>;
  /** @throws {Fault} When the answer has another form, or lacks log-probabilities. */
  read(reply: unknown): ServedReading;
}

type Token = { readonly token: string; readonly logprob: number };

const Completion = z.object({
  choices: z.tuple([z.object({
    logprobs: z.object({
      tokens: z.array(z.string()).nullish(),
      // Each a map from token to log-probability; the first token of the reply is the verdict.
      top_logprobs: z.array(z.record(z.string(), z.number()).nullable()).nullish(),
    }).nullish(),
  })], z.unknown()),
});

const TopToken = z.object({ token: z.string(), logprob: z.number() });

const Chat = z.object({
  choices: z.tuple([z.object({
    message: z.object({ content: z.string().nullish() }).nullish(),
    finish_reason: z.string().nullish(),
    logprobs: z.object({
      content: z.array(z.object({ token: z.string().nullish(), top_logprobs: z.array(TopToken) }))
        .nullish(),
    }).nullish(),
  })], z.unknown()),
});

/**
 * An API's requests and answers.
 *
 * Log-probabilities are asked for at temperature 1, since some servers give them after the temperature:
 * at 1 both are the model's own, and what is sampled is not read. In words the temperature is 0.
 *
 * Sources: https://platform.openai.com/docs/api-reference/completions and .../chat
 */
export function wire(options: WireOptions): Wire {
  const { api, model, top } = options;
  const request = (fields: Record<string, unknown>) =>
    Object.fromEntries(
      Object.entries({ model, ...fields, ...options.body }).filter(([, value]) => value !== null),
    );
  if (api === "completions") {
    return {
      path: "completions",
      request: (prompt) =>
        request({
          prompt: "text" in prompt ? prompt.text : undefined,
          max_tokens: 1,
          temperature: 1,
          logprobs: top,
        }),
      read: (reply) => {
        const { logprobs } = parsed(Completion, reply).choices[0];
        const list = logprobs?.top_logprobs?.[0];
        if (!list) throw noLogProbs(api);
        const tokens = Object.entries(list).map(([token, logprob]) => ({ token, logprob }));
        return reading(tokens, [" A", " B"], options.match, logprobs?.tokens?.[0]);
      },
    };
  }
  const messages = (prompt: ServedPrompt) => "messages" in prompt ? prompt.messages : undefined;
  if (api === "chat") {
    return {
      path: "chat/completions",
      request: (prompt) =>
        request({
          messages: messages(prompt),
          max_tokens: 1,
          temperature: 1,
          logprobs: true,
          top_logprobs: top,
        }),
      read: (reply) => {
        const [choice] = parsed(Chat, reply).choices;
        const first = choice.logprobs?.content?.[0];
        const list = first?.top_logprobs;
        if (choice.finish_reason === "content_filter" && !list?.length) return NEITHER;
        if (!list?.length) throw noLogProbs(api);
        return reading(list, ["A", "B"], options.match, first?.token);
      },
    };
  }
  return {
    path: "chat/completions",
    request: (prompt) =>
      request({
        messages: messages(prompt),
        max_tokens: options.maxReplyTokens,
        temperature: 0,
      }),
    read: (reply) => {
      const [choice] = parsed(Chat, reply).choices;
      const verdict = parseVerdict(choice.message?.content ?? "");
      if (verdict === null) return NEITHER;
      return { positions: verdict === "A" ? { a: 1, b: 0 } : { a: 0, b: 1 }, unseen: 0 };
    },
  };
}

const NEITHER: ServedReading = { positions: { a: 0, b: 0 }, unseen: 0 };

function parsed<T>(schema: z.ZodType<T>, reply: unknown): T {
  const result = schema.safeParse(reply);
  if (result.success) return result.data;
  const [{ path, message }] = result.error.issues;
  throw new Fault("garbled", `the answer's field ${path.join(".") || "(all)"}: ${message}`);
}

function noLogProbs(api: ServedApi): Fault {
  return new Fault("setup", `the server gives no log-probabilities over the API "${api}"`, {
    remedy:
      "start it so that it does (llama-cpp-python: --logits_all true), or take another api; " +
      '"text" needs none',
  });
}

/** Adds up the probability on each label; tokens that differ in blanks alone are one under "trimmed". */
function reading(
  tokens: readonly Token[],
  labels: readonly [string, string],
  match: "exact" | "trimmed",
  sampled: string | null | undefined,
): ServedReading {
  const bare = (text: string) => match === "trimmed" ? text.trim() : text;
  const labelProbability = (label: string) =>
    tokens.filter(({ token }) => bare(token) === bare(label))
      .map(({ logprob }) => probability(logprob));
  const [a, b] = labels.map(labelProbability);
  const sum = (values: readonly number[]) => values.reduce((total, p) => total + p, 0);
  const seen = a.length > 0 && b.length > 0;
  const rest = 1 - sum(tokens.map(({ logprob }) => probability(logprob)));
  // Some servers add the sampled token to the list, however unlikely it is.
  const likely = tokens.filter(({ token }) => token !== sampled);
  const least = Math.min(...likely.map(({ logprob }) => probability(logprob)));
  return {
    positions: { a: Math.min(1, sum(a)), b: Math.min(1, sum(b)) },
    unseen: seen ? 0 : Math.max(0, Math.min(rest, least)),
  };
}

function probability(logprob: number): number {
  // Room for rounding in float16; more than that is no log-probability.
  if (logprob > 1e-2) {
    throw new Fault("garbled", `a log-probability of ${logprob} is above 0`);
  }
  return Math.exp(Math.min(0, logprob));
}

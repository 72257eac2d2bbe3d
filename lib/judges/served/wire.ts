import { type LabelProbabilities, LEAST_LABEL_PROBABILITY } from "../../method/judgment.ts";
import { isRecord } from "./body_fault.ts";
import { Fault } from "./fault.ts";
import { type ListedToken, listedTokens } from "./listed.ts";
import { type Reply, replyOf, shown } from "./reply.ts";
import { afterThoughts } from "./thoughts.ts";
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
  /** What was listed or written, where that is hardly either label. */
  readonly unread?: string;
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

/** What a verdict in words comes to. */
export const POSITIONS: Readonly<Record<"A" | "B" | "tie", LabelProbabilities>> = {
  A: { a: 1, b: 0 },
  B: { a: 0, b: 1 },
  tie: { a: 0.5, b: 0.5 },
};

/** How an API is spoken. */
export interface Wire {
  readonly path: string;
  request(prompt: ServedPrompt): Record<string, unknown>;
  /** @throws {Fault} When the answer has another form, or lacks log-probabilities. */
  read(reply: unknown): ServedReading;
}

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
      read: (reply) => reading(reply, { ...options, labels: [" A", " B"] }),
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
      read: (reply) => reading(reply, { ...options, labels: ["A", "B"] }),
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
    read: (answer) => {
      const { text, cut } = replyOf(answer);
      const verdict = parseVerdict(text, { cut });
      if (verdict !== null) return { positions: POSITIONS[verdict], unseen: 0 };
      if (cut) {
        throw new Fault(
          "cut",
          `the reply was cut at ${options.maxReplyTokens} tokens before a verdict`,
          {
            remedy: "raise maxReplyTokens; models that reason need hundreds, often thousands",
          },
        );
      }
      return { positions: { a: 0, b: 0 }, unseen: 0, unread: shown(text) };
    },
  };
}

function noLogProbs(api: ServedApi, logprobs: unknown): Fault {
  const what = isRecord(logprobs) ? ` of any but the sampled token (${shown(logprobs)})` : "";
  return new Fault(
    "setup",
    `the server gives no log-probabilities over the API "${api}"${what}`,
    {
      remedy:
        "start it so that it does (llama-cpp-python: --logits_all true), or take another api; " +
        '"text" needs none',
    },
  );
}

/** Adds up the probability on each label; tokens that differ in blanks alone are one under "trimmed". */
function reading(
  answer: unknown,
  { api, match, labels }: WireOptions & { readonly labels: readonly [string, string] },
): ServedReading {
  const { logprobs } = firstToken(answer);
  const list = listedTokens(logprobs);
  if (list === null || list.tokens.length === 0) throw noLogProbs(api, logprobs);
  const { tokens, sampled } = list;
  const bare = (text: string) => match === "trimmed" ? text.trim() : text;
  const labelProbability = (label: string) =>
    tokens.filter(({ token }) => bare(token) === bare(label)).map(({ probability }) => probability);
  const [a, b] = labels.map(labelProbability);
  const sum = (values: readonly number[]) => values.reduce((total, p) => total + p, 0);
  const seen = a.length > 0 && b.length > 0;
  const rest = 1 - sum(tokens.map(({ probability }) => probability));
  // Some servers add the sampled token to the list, however unlikely it is.
  const likely = tokens.filter(({ token }) => token !== sampled);
  const least = Math.min(...likely.map(({ probability }) => probability));
  return {
    positions: { a: Math.min(1, sum(a)), b: Math.min(1, sum(b)) },
    unseen: seen ? 0 : Math.max(0, Math.min(rest, least)),
    ...(sum([...a, ...b]) < LEAST_LABEL_PROBABILITY && { unread: unreadList(tokens, match) }),
  };
}

/** A reply of one token; one that is thoughts shows that no verdict is the first token. */
function firstToken(answer: unknown): Reply {
  try {
    return replyOf(answer);
  } catch (error) {
    if (!(error instanceof Fault) || error.kind !== "cut") throw error;
    throw new Fault(
      "setup",
      "the model thinks before it replies, so that no verdict is its first token",
      {
        remedy: "take api=text and a maxReplyTokens of some thousands, or turn its thoughts off",
      },
    );
  }
}

/** What was listed, where that is no label, and what would read it. */
function unreadList(tokens: readonly ListedToken[], match: WireOptions["match"]): string {
  const likeliest = [...tokens].sort((one, other) => other.probability - one.probability).slice(
    0,
    5,
  );
  const list = likeliest.map(({ token, probability }) =>
    `${JSON.stringify(token)} ${probability.toPrecision(2)}`
  ).join(", ");
  const hint = match === "exact" && tokens.some(({ token }) => /^\s*[AB]\s*$/.test(token))
    ? "; match=trimmed reads labels with other blanks around them"
    : afterThoughts(likeliest[0].token) === null
    ? "; the model thinks first: take api=text with a maxReplyTokens of some thousands"
    : "";
  return list + hint;
}

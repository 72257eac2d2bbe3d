import { isRecord } from "./body_fault.ts";
import { Fault } from "./fault.ts";
import { shown } from "./reply.ts";

/** One of the likeliest first tokens, as text. */
export interface ListedToken {
  readonly token: string;
  readonly probability: number;
}

/**
 * The likeliest first tokens in an answer's `logprobs`, in the form of the chat API (`content[0].top_logprobs`, a list of
 * objects) or of completions (`top_logprobs[0]`, a map from text to log-probability): llama.cpp answers completions in
 * the first form, llama-cpp-python chats in the second. Null where there is no list.
 *
 * Tokens that a server lists as pieces of its vocabulary ("▁A" of SentencePiece, "ĠA" of byte-level BPE) are the texts
 * that they stand for.
 *
 * @throws {Fault} Where a log-probability is none, or tokens are listed as numbers.
 */
export function listedTokens(
  logprobs: unknown,
): { readonly tokens: readonly ListedToken[]; readonly sampled: string | null } | null {
  if (!isRecord(logprobs)) return null;
  const { content, tokens, top_logprobs } = logprobs;
  const first = Array.isArray(content) ? content[0] : undefined;
  const entry = isRecord(first) ? first : {};
  const list = [entry.top_logprobs, Array.isArray(top_logprobs) ? top_logprobs[0] : undefined]
    .find((value) => Array.isArray(value) ? value.length > 0 : isRecord(value));
  if (list === undefined) return null;
  const pairs: [unknown, unknown][] = Array.isArray(list)
    ? list.map((one) => isRecord(one) ? [one.token, one.logprob] : [undefined, undefined])
    : Object.entries(list as Record<string, unknown>);
  const found = pairs.map(([token, logprob]): ListedToken => {
    if (typeof token !== "string") {
      throw new Fault("garbled", `the list of tokens has another form (${shown(list)})`);
    }
    if (/^token_id:\d+$/.test(token)) {
      throw new Fault("setup", `the server lists tokens as numbers (${shown(token)})`, {
        remedy:
          "start it so that it lists their texts (vLLM: without --return-tokens-as-token-ids)",
      });
    }
    return { token: textOfPiece(token), probability: probability(logprob) };
  });
  const sampled = entry.token ?? (Array.isArray(tokens) ? tokens[0] : undefined);
  return { tokens: found, sampled: typeof sampled === "string" ? textOfPiece(sampled) : null };
}

/** The text of a vocabulary's piece: "▁" and "Ġ" stand for a blank, "Ċ" for the end of a line. */
function textOfPiece(token: string): string {
  return token.replace(/[▁Ġ]/g, " ").replace(/Ċ/g, "\n");
}

/** Null stands for a token that cannot come: JSON has no name for minus infinity. */
function probability(logprob: unknown): number {
  if (logprob === null) return 0;
  // Room for rounding in float16; more than that is no log-probability.
  if (typeof logprob !== "number" || logprob > 1e-2) {
    throw new Fault(
      "garbled",
      `a log-probability of ${shown(logprob)} is ${
        typeof logprob === "number" ? "above 0" : "no number"
      }`,
    );
  }
  return Math.exp(Math.min(0, logprob));
}

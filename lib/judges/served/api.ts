/**
 * The ways to ask: `completions` with `logprobs`, `chat` with `logprobs` and `top_logprobs`, or `text`, a
 * chat whose reply is read as words, for servers without log-probabilities.
 */
export const SERVED_APIS = ["completions", "chat", "text"] as const;
/** One of {@linkcode SERVED_APIS}. */
export type ServedApi = typeof SERVED_APIS[number];

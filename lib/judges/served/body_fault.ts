import { type Fault, faultOfStatus } from "./fault.ts";

/** What a server says of an error in a body, in any of the forms in use. */
export interface BodyError {
  readonly message: string;
  /** A status, 429, or a word, "insufficient_quota". */
  readonly code?: unknown;
  /** Least time to wait that the body names, in ms. */
  readonly retryAfter?: number;
}

/** Statuses by words that servers give in the place of one. */
const STATUSES: readonly (readonly [RegExp, number])[] = [
  [/rate.?limit|too.?many|quota|resource_exhausted|throttl/i, 429],
  [/api.?key|auth|permission/i, 401],
  [/billing|payment|credit/i, 402],
  [/not.?found|unexpected endpoint|unknown (?:url|endpoint|route)|unknown_url/i, 404],
  [/timeout|timed.?out/i, 408],
  [/invalid|bad.?request|context_length|unprocessable|unsupported|validation/i, 400],
];

/**
 * Whether a body tells of an error and of nothing else: with status 200, routers send so what their upstream said, and
 * some servers answer a wrong address.
 *
 * Forms: `{"error": {...} | "..."}`, `{"object": "error", ...}`, `{"success": false, "errors": [...]}`,
 * `{"error_code", "error_msg"}`, and `{"detail"}` or `{"message"}` without choices; each also in a list of one.
 */
export function isErrorBody(reply: unknown): boolean {
  const body = Array.isArray(reply) && reply.length === 1 ? reply[0] : reply;
  if (!isRecord(body)) return false;
  if (body.error) return true;
  if (Array.isArray(body.choices) && body.choices.length > 0) return false;
  return body.object === "error" || body.success === false ||
    ["error_code", "error_msg", "errors"].some((name) => body[name] !== undefined) ||
    (body.choices === undefined &&
      [body.detail, body.message].some((value) => typeof value === "string"));
}

/** What an error without a status of its own means, by its code or, where that is none, by its words. */
export function faultOfError(
  error: BodyError,
  more: { retryAfter?: number; request?: unknown } = {},
): Fault {
  const { message, code } = error;
  const number = Number(code);
  const words = typeof code === "string" ? `${code} ${message}` : message;
  const status = Number.isInteger(number) && number >= 400 && number < 600
    ? number
    : STATUSES.find(([pattern]) => pattern.test(words))?.[1] ?? 500;
  return faultOfStatus(status, message, {
    code,
    retryAfter: more.retryAfter ?? error.retryAfter,
    request: more.request,
    problem: `an error in an answer of status 200 (${message})`,
  });
}

/** The message and code in an error's body. @param text What is quoted where it names no message. */
export function errorIn(reply: unknown, text: string): BodyError {
  const body = Array.isArray(reply) ? reply[0] : reply;
  if (!isRecord(body)) return { message: text, retryAfter: waitIn(text) };
  const listed = Array.isArray(body.errors) ? body.errors[0] : body.errors;
  const inner = body.error ?? listed ?? body;
  const error: Record<string, unknown> = isRecord(inner) ? inner : { message: inner };
  const said = [error.message, error.detail, error.error_msg, error.msg, body.message, body.detail]
    .find((value) => typeof value === "string" && value !== "");
  const upstream = isRecord(error.metadata) ? error.metadata.raw : undefined;
  const message = said === undefined
    ? text
    : typeof upstream === "string" && !String(said).includes(upstream)
    ? `${said}: ${upstream}`
    : String(said);
  const code = [error.code, error.error_code, error.status, error.type, body.code, body.type]
    .find((value) => typeof value === "number" || (typeof value === "string" && value !== ""));
  return { message, code, retryAfter: waitIn(text) };
}

/** A time to wait that a body names: Google's `"retryDelay": "34s"`, "Please try again in 7.66s" of Groq and OpenAI. */
function waitIn(text: string): number | undefined {
  const [, number, unit] =
    /"retryDelay"\s*:\s*"([\d.]+)(s)"|try again in ([\d.]+)\s*(ms|s)\b/i.exec(text)?.filter(
      Boolean,
    ) ?? [];
  return number === undefined
    ? undefined
    : Number(number) * (unit.toLowerCase() === "ms" ? 1 : 1000);
}

/** Whether a value is an object with fields. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

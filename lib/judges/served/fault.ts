import { UserError } from "../../base/error.ts";

/**
 * What went wrong with a request:
 *
 * | kind | cause | tried again |
 * |---|---|---|
 * | `busy` | status 429 | yes, unless the quota is used up or the wait is too long |
 * | `server` | status 408, 409, 425 or from 500 on | yes |
 * | `network` | refused, reset or cut connection | yes |
 * | `timeout` | no whole answer in time | yes |
 * | `garbled` | an answer that is not JSON, or not of the form the API has | yes |
 * | `refused` | another status from 400 on: this one request is not accepted | no |
 * | `setup` | wrong key, address, model or API: no request can succeed | no |
 */
export type FaultKind =
  | "busy"
  | "server"
  | "network"
  | "timeout"
  | "garbled"
  | "refused"
  | "setup";

/** One attempt that failed; inside the client only. */
export class Fault extends Error {
  override name = "Fault";
  /** Whether another attempt may succeed. */
  readonly again: boolean;
  /** Least time to wait before it, in ms, where the server says so. */
  readonly retryAfter?: number;
  readonly remedy?: string;

  constructor(
    readonly kind: FaultKind,
    message: string,
    more: { again?: boolean; retryAfter?: number; remedy?: string } = {},
  ) {
    super(message);
    this.again = more.again ?? (kind !== "refused" && kind !== "setup");
    this.retryAfter = more.retryAfter;
    this.remedy = more.remedy;
  }
}

/** A request given up: it cannot succeed, or failed as often as the settings allow. */
export class ServedError extends UserError {
  override name = "ServedError";
  constructor(readonly kind: FaultKind, problem: string, remedy: string) {
    super(problem, remedy);
  }
}

const REMEDIES: Readonly<Record<FaultKind, string>> = {
  busy: "run the same command again later, or lower concurrency; what was judged is kept",
  server: "see the server's log, then run the same command again; what was judged is kept",
  network:
    "check that the server runs and the address is right, then run the same command again; what was judged is kept",
  timeout: "raise timeoutMs or lower concurrency, then run the same command again",
  garbled: "check that the address is that of an OpenAI-compatible server, often ending in /v1",
  refused: 'shorten the pair or lower maxCharacters, or set onFailure to "unanswered"',
  setup: "correct the judge's settings",
};

/** The error that a user sees when no further attempt is made. */
export function givenUp(fault: Fault, { url, attempts }: { url: string; attempts: number }) {
  const tries = attempts > 1 ? `, ${attempts} times` : "";
  return new ServedError(
    fault.kind,
    `${url}: ${fault.message}${tries}`,
    fault.remedy ?? REMEDIES[fault.kind],
  );
}

/** What an answer with a status other than 2xx means. `message` is what the server says of it. */
export function faultOfStatus(
  status: number,
  message: string,
  more: { code?: unknown; retryAfter?: number } = {},
): Fault {
  const problem = `status ${status}${message === "" ? "" : ` (${message})`}`;
  const { retryAfter } = more;
  if (status === 429) {
    // OpenAI's code for an account without money: waiting does not help.
    // https://platform.openai.com/docs/guides/error-codes
    const spent = more.code === "insufficient_quota";
    const remedy = spent ? "add to the account's quota, or use another key" : undefined;
    return new Fault("busy", problem, { again: !spent, retryAfter, remedy });
  }
  if (status === 408 || status === 409 || status === 425 || status >= 500) {
    return new Fault("server", problem, { retryAfter });
  }
  const remedy = status === 401 || status === 403
    ? "check the key in the environment variable that keyVariable names"
    : status === 404
    ? "check the address (often ending in /v1), the model's name, and that the server has this API"
    : status < 400
    ? "give the address that the server redirects to; keys are not sent on to another one"
    : undefined;
  return new Fault(remedy === undefined ? "refused" : "setup", problem, { remedy });
}

/**
 * How long the server asks to wait, in ms: `retry-after-ms`, or `Retry-After` in seconds or as a date
 * (RFC 9110, section 10.2.3); undefined where it does not say.
 */
export function retryAfter(headers: Headers, now: number): number | undefined {
  const exact = headers.get("retry-after-ms");
  if (exact !== null && /^\d+(\.\d+)?$/.test(exact.trim())) return Number(exact);
  const text = headers.get("retry-after")?.trim();
  if (!text) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

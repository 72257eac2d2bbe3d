import { UserError } from "../../base/error.ts";
import { type FaultKind, LASTING } from "./fault_kind.ts";
import { refusalOf, REFUSED_TURNS, WITHOUT_SYSTEM } from "./refusal.ts";

/** One attempt that failed; inside the client only. */
export class Fault extends Error {
  override name = "Fault";
  /** Whether another attempt may succeed. */
  readonly again: boolean;
  /** Least time to wait before it, in ms, where the server says so. */
  readonly retryAfter?: number;
  readonly remedy?: string;
  /** The answer's status, where that is what failed. */
  readonly status?: number;

  constructor(
    readonly kind: FaultKind,
    message: string,
    more: { again?: boolean; retryAfter?: number; remedy?: string; status?: number } = {},
  ) {
    super(message);
    this.again = more.again ?? !LASTING.includes(kind);
    this.retryAfter = more.retryAfter;
    this.remedy = more.remedy;
    this.status = more.status;
  }
}

/** A request given up: it cannot succeed, or failed as often as the settings allow. */
export class ServedError extends UserError {
  override name = "ServedError";
  constructor(readonly kind: FaultKind, problem: string, remedy: string, readonly fault?: Fault) {
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
  refused:
    'change what the server does not accept by "body" in a .json file of settings, or leave such pairs ' +
    "unanswered with onFailure=unanswered",
  cut: "raise maxReplyTokens; models that reason need hundreds",
  withheld: "another server may judge it",
  empty: "see the server's log, then run the same command again; what was judged is kept",
  setup: "correct the judge's settings",
};

/** The error that a user sees when no further attempt is made. */
export function givenUp(fault: Fault, { url, attempts }: { url: string; attempts: number }) {
  const tries = attempts > 1 ? `, ${attempts} times` : "";
  return new ServedError(
    fault.kind,
    `${url}: ${fault.message}${tries}`,
    fault.remedy ?? REMEDIES[fault.kind],
    fault,
  );
}

/**
 * What an answer with a status other than 2xx means. `message` is what the server says of it.
 *
 * @param more.request The request's body, whose numbers a remedy may be about.
 * @param more.problem What is wrong, where that is not the status.
 */
export function faultOfStatus(
  status: number,
  message: string,
  more: { code?: unknown; retryAfter?: number; request?: unknown; problem?: string } = {},
): Fault {
  const problem = more.problem ?? `status ${status}${message === "" ? "" : ` (${message})`}`;
  const { retryAfter } = more;
  if (status === 429) {
    // OpenAI's code for an account without money: waiting does not help.
    // https://platform.openai.com/docs/guides/error-codes
    const spent = more.code === "insufficient_quota";
    const remedy = spent ? "add to the account's quota, or use another key" : undefined;
    return new Fault("busy", problem, { again: !spent, retryAfter, remedy, status });
  }
  // llama.cpp's servers give status 500 where a chat template refuses the turns.
  if (status === 500 && REFUSED_TURNS.test(message)) {
    return new Fault("setup", problem, { remedy: WITHOUT_SYSTEM, status });
  }
  if (status === 408 || status === 409 || status === 425 || status >= 500) {
    return new Fault("server", problem, { retryAfter, status });
  }
  const refusal = [400, 403, 413, 422].includes(status)
    ? refusalOf(`${more.code ?? ""} ${message}`, more.request)
    : null;
  if (refusal !== null && (status !== 403 || refusal.kind === "withheld")) {
    return new Fault(refusal.kind, problem, { remedy: refusal.remedy, status });
  }
  const remedy = status === 401 || status === 403
    ? "check the key in the environment variable that keyVariable names"
    : status === 402
    ? "add to the account's credit, or use another key"
    : status === 404 || status === 405
    ? "check the address (often ending in /v1), the model's name, and that the server has this API"
    : status < 400
    ? "give the address that the server redirects to; keys are not sent on to another one"
    : undefined;
  return new Fault(remedy === undefined ? "refused" : "setup", problem, { remedy, status });
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

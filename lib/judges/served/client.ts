import pLimit from "p-limit";
import pRetry from "p-retry";
import { passByProxy } from "../../base/loopback.ts";
import { netRefusal } from "../../base/net_permission.ts";
import { Rng } from "../../base/random.ts";
import { UserError } from "../../base/error.ts";
import { parseBody } from "./body.ts";
import { errorIn, faultOfError, isErrorBody } from "./body_fault.ts";
import { Fault, faultOfStatus, givenUp, retryAfter } from "./fault.ts";
import type { FaultKind } from "./fault_kind.ts";

/** Settings of a {@linkcode ServedClient}. */
export interface ClientOptions {
  /** Address of the API, such as `http://127.0.0.1:8000/v1`. */
  readonly url: string;
  /** The API key. @default none */
  readonly key?: string;
  /** The header that carries it, "Bearer KEY" in `authorization`, else the key alone. @default "authorization" */
  readonly keyHeader?: string;
  /** Requests under way at once. @default 4 */
  readonly concurrency?: number;
  /** Most ms until an answer is there as a whole. @default 60_000 */
  readonly timeoutMs?: number;
  /** Further attempts after the first. @default 6 */
  readonly retries?: number;
  /** Mean wait before the second attempt is 3/4 of this, in ms, and doubles each time. @default 1000 */
  readonly backoffMs?: number;
  /** Longest wait before an attempt, in ms; a server that asks for more is given up. @default 120_000 */
  readonly maxWaitMs?: number;
  /** Of the jitter in the waits. @default 0 */
  readonly seed?: number;
  readonly fetch?: typeof fetch;
  readonly sleep?: (ms: number) => Promise<void>;
  /** The time in ms since 1970. */
  readonly now?: () => number;
}

/** How one request is asked. */
export interface AskOptions {
  /** What the answer's body is; "text" may be empty. @default "json" */
  readonly form?: "json" | "text";
  /** Most ms until the answer is there as a whole. @default the client's own */
  readonly timeoutMs?: number;
}

/** What a client has done so far. */
export interface ClientCounts {
  /** Requests sent, attempts counted one by one. */
  requests: number;
  /** Requests answered as they should be. */
  answers: number;
  /** Failed attempts by kind. */
  readonly faults: Partial<Record<FaultKind, number>>;
}

/**
 * Asks an OpenAI-compatible server: so many requests at once, each tried again after a growing, jittered
 * wait. When the server names a time to wait (`Retry-After`), all requests wait for it.
 *
 * p-limit bounds the requests and p-retry counts the attempts. The waits are our own: `openai` and `ky` heed
 * `Retry-After` for the one request that got it, wait by a timer that no test can replace, and take an answer
 * of the wrong form for a good one. The key is in no message: it is cut out of what servers say.
 *
 * @example
 * ```ts
 * import { ServedClient } from "./client.ts";
 * const client = new ServedClient({ url: "http://127.0.0.1:8000/v1", key: Deno.env.get("MY_KEY") });
 * const models = () => client.ask("models", undefined, (reply) => reply);
 * ```
 */
export class ServedClient {
  readonly counts: ClientCounts = { requests: 0, answers: 0, faults: {} };
  /** Where requests go, without a slash at the end. */
  readonly url: string;
  readonly #key?: string;
  readonly #keyHeader: string;
  readonly #options: Required<
    Pick<ClientOptions, "timeoutMs" | "retries" | "backoffMs" | "maxWaitMs" | "sleep" | "now">
  >;
  readonly #fetch: typeof fetch;
  readonly #limit: ReturnType<typeof pLimit>;
  readonly #rng: Rng;
  /** Time before which no request starts, as a server asked. */
  #notBefore = 0;

  /** @throws {UserError} When the key cannot be sent in a header; the message does not quote it. */
  constructor(options: ClientOptions) {
    if (options.key !== undefined && !/^[\x21-\x7e]+$/.test(options.key)) {
      throw new UserError(
        "the API key is empty or has blanks or line ends in it",
        "set its environment variable to the key alone",
      );
    }
    this.url = options.url.replace(/\/+$/, "");
    if (options.fetch === undefined) passByProxy(this.url);
    this.#key = options.key;
    this.#keyHeader = (options.keyHeader ?? "authorization").toLowerCase();
    this.#options = {
      timeoutMs: options.timeoutMs ?? 60_000,
      retries: options.retries ?? 6,
      backoffMs: options.backoffMs ?? 1000,
      maxWaitMs: options.maxWaitMs ?? 120_000,
      sleep: options.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms))),
      now: options.now ?? Date.now,
    };
    this.#fetch = options.fetch ?? fetch;
    this.#limit = pLimit(options.concurrency ?? 4);
    this.#rng = Rng.named(options.seed ?? 0, "served/backoff");
  }

  /**
   * Sends `body` as JSON (GET without one) and gives what `read` makes of the answer's JSON, or of its text where the
   * options say so. A {@linkcode Fault} that `read` throws is treated like one of the connection.
   *
   * @throws {ServedError} When the request cannot succeed, or failed `retries` + 1 times.
   */
  ask<T>(
    path: string,
    body: unknown,
    read: (reply: unknown) => T,
    options: AskOptions = {},
  ): Promise<T> {
    return this.#limit(async () => {
      let attempts = 0;
      try {
        return await pRetry((attempt) => {
          attempts = attempt;
          return this.#attempt(path, body, read, options);
        }, {
          retries: this.#options.retries,
          minTimeout: 0,
          onFailedAttempt: async ({ error, attemptNumber, retriesLeft }) => {
            if (!(error instanceof Fault)) return;
            this.counts.faults[error.kind] = (this.counts.faults[error.kind] ?? 0) + 1;
            if (error.again && retriesLeft > 0) await this.#wait(error, attemptNumber);
          },
          shouldRetry: ({ error }) => error instanceof Fault && error.again,
        });
      } catch (error) {
        throw error instanceof Fault ? givenUp(error, { url: this.url, attempts }) : error;
      }
    });
  }

  async #attempt<T>(
    path: string,
    body: unknown,
    read: (reply: unknown) => T,
    { form = "json", timeoutMs = this.#options.timeoutMs }: AskOptions,
  ): Promise<T> {
    const { sleep, now } = this.#options;
    while (this.#notBefore > now()) await sleep(this.#notBefore - now());
    this.counts.requests++;
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeoutMs);
    let response: Response;
    let text: string;
    try {
      response = await this.#fetch(`${this.url}/${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: this.#headers(),
        ...(body !== undefined && { body: JSON.stringify(body) }),
        // Followed blindly, a redirect would carry the key to another server.
        redirect: "manual",
        signal: abort.signal,
      });
      text = await response.text();
    } catch (error) {
      throw this.#faultOfFetch(error, abort.signal.aborted ? timeoutMs : undefined);
    } finally {
      clearTimeout(timer);
    }
    const reply = form === "text" && response.ok ? text : parseBody(text);
    const wait = retryAfter(response.headers, now());
    const told = errorIn(reply, text);
    const error = { ...told, message: this.#clean(told.message) };
    if (!response.ok) {
      throw faultOfStatus(response.status, error.message, {
        code: error.code,
        retryAfter: wait ?? error.retryAfter,
        request: body,
      });
    }
    if (reply === undefined) {
      throw new Fault("garbled", `the answer is not JSON ("${this.#clean(text)}")`);
    }
    if (isErrorBody(reply)) throw faultOfError(error, { retryAfter: wait, request: body });
    const value = this.#read(reply, read);
    this.counts.answers++;
    return value;
  }

  /** What an answer says; a fault in it is told without the key, and with the answer where its form is another. */
  #read<T>(reply: unknown, read: (reply: unknown) => T): T {
    try {
      return read(reply);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const { kind, again, retryAfter, remedy } = error;
      throw new Fault(kind, this.#clean(error.message), { again, retryAfter, remedy });
    }
  }

  /** Waits before the next attempt, or gives up where the server asks for too long a wait. */
  async #wait(fault: Fault, attempt: number): Promise<void> {
    const { backoffMs, maxWaitMs, sleep, now } = this.#options;
    const jitter = this.#rng.uniform();
    if (fault.retryAfter === undefined) {
      const most = Math.min(maxWaitMs, backoffMs * 2 ** (attempt - 1));
      return await sleep(most * (1 + jitter) / 2);
    }
    if (fault.retryAfter > maxWaitMs) {
      const seconds = Math.ceil(fault.retryAfter / 1000);
      throw new Fault(fault.kind, `${fault.message}, and asks to wait ${seconds} s`, {
        again: false,
        remedy: "run the same command again after that time, or raise maxWaitMs",
      });
    }
    // Later than asked by a little, each time another: else all who were told the same return at once.
    this.#notBefore = Math.max(this.#notBefore, now() + fault.retryAfter + backoffMs * jitter);
  }

  #headers(): Headers {
    const headers = new Headers({ "content-type": "application/json", accept: "application/json" });
    if (this.#key !== undefined) {
      const bearer = this.#keyHeader === "authorization";
      headers.set(this.#keyHeader, bearer ? `Bearer ${this.#key}` : this.#key);
    }
    return headers;
  }

  #faultOfFetch(error: unknown, waited: number | undefined): Fault {
    if (waited !== undefined) {
      return new Fault("timeout", `no answer within ${waited / 1000} s`);
    }
    const refused = netRefusal(this.url, error);
    if (refused !== null) {
      return new Fault("setup", this.#clean(refused.problem), { remedy: refused.remedy });
    }
    const reason = this.#clean(error instanceof Error ? error.message : String(error));
    return new Fault("network", `no connection (${reason})`);
  }

  /** One short line of another's text, without the key. */
  #clean(text: string): string {
    const secret = this.#key === undefined ? text : text.replaceAll(this.#key, "[key]");
    const line = secret.replace(/\s+/g, " ").trim();
    return line.length > 300 ? `${line.slice(0, 300)}...` : line;
  }
}

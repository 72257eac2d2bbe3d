/** Files over HTTP: whole or not at all, with an end to waiting. */
import { UserError } from "./error.ts";
import { writeWhole } from "./files.ts";

/** Settings of {@linkcode download}. */
export interface DownloadOptions {
  /** Hears what is fetched. */
  readonly log?: (line: string) => void;
  /** Replaces the global fetch, in tests. */
  readonly fetch?: typeof fetch;
  /**
   * Longest wait for a response, or for more of it, in milliseconds.
   * @default 20_000
   */
  readonly timeoutMs?: number;
  /** What the user can do when it fails, as an imperative clause. */
  readonly remedy: string;
}

/**
 * Fetches a file of a size that memory holds; `target` is written whole or not at all. (The Hub's large files are
 * fetched in parts, by `downloadHubFile`.)
 *
 * @throws {UserError} The server refuses, or the connection breaks or stalls.
 */
export async function download(
  url: string,
  target: string,
  { log = () => {}, fetch: fetcher = fetch, timeoutMs = 20_000, remedy }: DownloadOptions,
): Promise<void> {
  log(`fetching ${url}`);
  const guard = new StallGuard(timeoutMs);
  try {
    const response = await guard.wrap(fetcher)(url);
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`status ${response.status}`);
    }
    await writeWhole(target, new Uint8Array(await response.arrayBuffer()));
  } catch (error) {
    if (error instanceof UserError) throw error; // the disk
    throw new UserError(`${url} could not be fetched: ${describeFailure(error)}`, remedy, {
      cause: error,
    });
  } finally {
    guard.stop();
  }
}

/** Says in a few words what a failed request means. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("statusCode" in error) { // @huggingface/hub's HubApiError
    const { statusCode } = error;
    return statusCode === 401 || statusCode === 404
      ? `not found, or not open to everyone (HTTP ${statusCode})`
      : `HTTP ${statusCode}`;
  }
  // Deno's own message begins with the whole URL, which says nothing about why.
  const cause = error.cause instanceof Error
    ? `: ${error.cause.message.replace(/^error sending request for url \(.*?\): /, "")}`
    : "";
  return error.message + cause;
}

/** Aborts requests that say nothing for too long; a slow download that still receives continues. */
export class StallGuard {
  #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #responses: Response[] = [];

  constructor(private readonly timeoutMs: number) {}

  /** A fetch under this guard. */
  wrap(inner: typeof fetch): typeof fetch {
    return async (input, init) => {
      this.alive();
      const response = await inner(input, { ...init, signal: this.#controller.signal });
      this.alive();
      this.#responses.push(response);
      return response;
    };
  }

  /** Something came: the wait starts again. */
  alive(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.#controller.abort(new Error(`no answer for ${this.timeoutMs / 1000} seconds`)),
      this.timeoutMs,
    );
  }

  /** Ends the wait, and cancels responses of which only the headers were read. */
  stop(): void {
    clearTimeout(this.#timer);
    for (const { body, bodyUsed } of this.#responses.splice(0)) {
      if (!bodyUsed) body?.cancel().catch(() => {}); // a cut connection cancels with an error
    }
  }
}

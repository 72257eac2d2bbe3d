import { openServedJudge, type ServedJudgeOptions, servedSpec } from "../lib/judges/served/mod.ts";
import type { Comparison } from "../lib/method/judgment.ts";
import { principlesNamed } from "../lib/method/principle.ts";
import { user } from "./judge_fakes.ts";

/** What a fault server does with one request; `undefined` lets it answer as it should. */
export type Fault = (request: { body: string; signal: AbortSignal }) =>
  | Response
  | Promise<Response>
  | undefined;

/** A request as the server saw it. */
export interface Seen {
  readonly path: string;
  readonly body: string;
  readonly headers: Headers;
}

/**
 * A server of the OpenAI kind that prefers the longer answer, after the faults that are put to it, one a
 * request. It is closed at the end of the block that it is declared in by `await using`.
 */
export class FaultServer {
  readonly seen: Seen[] = [];
  /** Most requests that were under way at once. */
  busiest = 0;
  /** Milliseconds until an answer. */
  delay = 0;
  readonly url: string;
  readonly #faults: Fault[];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #underWay = 0;

  constructor(...faults: Fault[]) {
    this.#faults = faults;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {}, onError: () => new Response(null) },
      (request) => this.#answer(request),
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}/v1`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const body = await request.text();
    this.seen.push({ path: new URL(request.url).pathname, body, headers: request.headers });
    this.busiest = Math.max(this.busiest, ++this.#underWay);
    try {
      if (this.delay > 0) await new Promise((resolve) => setTimeout(resolve, this.delay));
      const faulty = await this.#faults.shift()?.({ body, signal: request.signal });
      return faulty ?? Response.json(reply(JSON.parse(body)));
    } finally {
      this.#underWay--;
    }
  }
}

/** The right answer to a request, by the API that it uses. */
// deno-lint-ignore no-explicit-any
export function reply(body: any): unknown {
  const text: string = body.prompt ?? body.messages.at(-1).content;
  const { a, b } = longer(text);
  const list = (labels: string[]) => ({
    [labels[0]]: Math.log(a),
    [labels[1]]: Math.log(b),
    "\n": Math.log(0.05),
  });
  if (body.prompt !== undefined) {
    const top = list([" A", " B"]);
    return { choices: [{ text: " A", logprobs: { tokens: [" A"], top_logprobs: [top] } }] };
  }
  const message = { role: "assistant", content: a > b ? "A" : "B" };
  if (!body.logprobs) return { choices: [{ message, finish_reason: "stop" }] };
  const top_logprobs = Object.entries(list(["A", "B"]))
    .map(([token, logprob]) => ({ token, logprob }));
  return { choices: [{ message, logprobs: { content: [{ token: "A", top_logprobs }] } }] };
}

/** The judge's rule: a lead of the longer answer and a small one of the first position. */
export function longer(text: string): { a: number; b: number } {
  const [, a, b] = text.match(/Answer A:\n([^]*?)\n\nAnswer B:\n([^]*?)\n\n/)!;
  const share = 0.9 / (1 + Math.exp((b.length - a.length) / 7 - 0.2));
  return { a: share, b: 0.9 - share };
}

/** As many different comparisons as wanted. */
export function comparisons(count: number): Comparison[] {
  return Array.from({ length: count }, (_, i) => ({
    prompt: [user(`Question ${i}?`)],
    first: `answer ${i}.` + "x".repeat(i % 7),
    second: `reply ${i}.` + "y".repeat(i % 5),
  }));
}

/** A judge on a fault server whose waits take no time and are taken down. */
export async function judgeAt(
  server: { url: string },
  spec: Record<string, unknown> = {},
  options: Partial<ServedJudgeOptions> = {},
) {
  const waits: number[] = [];
  let clock = 1_700_000_000_000;
  const judge = await openServedJudge(
    servedSpec({ url: server.url, model: "m", api: "completions", ...spec }),
    {
      principles: principlesNamed(["overall"]),
      now: () => clock,
      sleep: (ms) => {
        waits.push(ms);
        clock += ms;
        return Promise.resolve();
      },
      ...options,
    },
  );
  return { ...judge, waits };
}

/** A server with vLLM's endpoints, for faults that a real one cannot be made to give. */
import { clusterOf } from "../lib/engine/mod.ts";

/** A request as the server saw it. */
export interface Seen {
  readonly path: string;
  // deno-lint-ignore no-explicit-any
  readonly body: any;
  readonly key: string | null;
}

/** What the server does with one request to `/v1/completions`; undefined lets it answer as it should. */
export type Fault = (seen: Seen) => Response | Promise<Response> | undefined;

/** Gives the same answers to the same requests; closed at the end of the block that declares it by `await using`. */
export class FakeVllm {
  readonly seen: Seen[] = [];
  readonly adapters = new Map<string, string>();
  readonly faults: Fault[] = [];
  healthy = true;
  /** The server's own tokens of a text. */
  tokenize = (text: string): number[] => [...text].map((letter) => letter.codePointAt(0)!);
  /** What an adapter does to every log-probability. */
  shift = (_model: string): number => 0;
  maxLength = 2048;
  /** What it says to an adapter that is to be loaded; undefined loads it. */
  refuseAdapter = (_path: string): Response | undefined => undefined;
  /** Ms until a completion. */
  delay = 0;
  /** Most completions under way at once. */
  busiest = 0;
  readonly url: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #underWay = 0;

  constructor(port = 0) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port, onListen() {} },
      (request) => this.#answer(request),
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  /** Requests to a path. */
  count(path: string): number {
    return this.seen.filter((seen) => seen.path === path).length;
  }

  async #answer(request: Request): Promise<Response> {
    const text = await request.text();
    const path = new URL(request.url).pathname;
    const body = text === "" ? null : JSON.parse(text);
    const seen = { path, body, key: request.headers.get("authorization") };
    this.seen.push(seen);
    if (path === "/health") return new Response(null, { status: this.healthy ? 200 : 503 });
    if (path === "/version") return Response.json({ version: "0.32.0" });
    if (path === "/v1/models") return Response.json({ data: this.#models() });
    if (path === "/v1/load_lora_adapter") return this.#load(body);
    if (path === "/v1/unload_lora_adapter") {
      if (this.adapters.delete(body.lora_name)) return new Response("Success: removed.");
      return refusal(404, `The lora adapter '${body.lora_name}' cannot be found.`);
    }
    if (path === "/tokenize") {
      if (body.model !== "base") return refusal(404, "The model does not exist.");
      return Response.json({ tokens: this.tokenize(body.prompt) });
    }
    if (path !== "/v1/completions") return Response.json({ detail: "Not Found" }, { status: 404 });
    this.busiest = Math.max(this.busiest, ++this.#underWay);
    try {
      if (this.delay > 0) await new Promise((resolve) => setTimeout(resolve, this.delay));
      const faulty = await this.faults.shift()?.(seen);
      if (faulty) return faulty;
      if (body.model !== "base" && !this.adapters.has(body.model)) {
        return refusal(404, `The model \`${body.model}\` does not exist.`);
      }
      return Response.json({ choices: choices(body, this.shift(body.model)) });
    } finally {
      this.#underWay--;
    }
  }

  #models(): unknown[] {
    const base = { id: "base", root: "/models/base", max_model_len: this.maxLength };
    return [base, ...[...this.adapters].map(([id, root]) => ({ id, root, parent: "base" }))];
  }

  #load({ lora_name: name, lora_path: path }: Record<string, string>): Response {
    if (this.adapters.has(name)) {
      return refusal(400, `The lora adapter '${name}' has already been loaded. If you want ...`);
    }
    const refused = this.refuseAdapter(path);
    if (refused) return refused;
    this.adapters.set(name, path);
    return new Response(`Success: LoRA adapter '${name}' added successfully.`);
  }
}

/** An error as vLLM writes it. */
export function refusal(status: number, message: string): Response {
  return Response.json({ error: { message, type: "Error", code: status } }, { status });
}

/** The choices of an answer as they should be: tokens that follow from the prompt, the seed and the place. */
// deno-lint-ignore no-explicit-any
export function choices(body: any, shift = 0): any[] {
  const { prompt, n = 1, seed = 0, max_tokens, logprob_token_ids: labels, stop_token_ids } = body;
  return Array.from({ length: n }, (_, index) => {
    const length = labels ? 1 : Math.min(max_tokens, 3);
    const ids = Array.from({ length }, (_, i) => 10 + (prompt[0] + seed + index + i) % 50);
    const ended = !labels && max_tokens > 3;
    if (ended) ids.push(stop_token_ids[0]);
    const listed = Object.fromEntries(
      (labels ?? []).map((id: number, i: number) => [
        `token_id:${id}`,
        labels.length === 1 ? -0.5 : Math.log((i + 1) / 10) + shift,
      ]),
    );
    return {
      ...{ index, text: "", finish_reason: ended ? "stop" : "length" },
      ...{ token_ids: ids, prompt_token_ids: prompt },
      logprobs: {
        token_logprobs: ids.map((_, i) => -0.5 - i / 8),
        top_logprobs: ids.map((id, i) => ({ [`token_id:${id}`]: -0.5, ...(i === 0 && listed) })),
      },
    };
  });
}

/** A cluster of these servers. */
export function clusterAt(
  urls: readonly string[],
  serve: Record<string, unknown> = {},
  more: Record<string, unknown> = {},
) {
  return clusterOf({
    serve: { servers: urls, baseModel: "base", dtype: "float32", outageMs: 60_000, ...serve },
    train: { launcher: { kind: "torchrun" }, python: "/usr/bin/python3", dtype: "float32" },
    storage: { here: "/shared", there: "/shared" },
    ...more,
  });
}

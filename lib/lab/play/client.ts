/// <reference lib="dom" />
/** The page's side of the engine: what the page carries is unpacked and handed to a thread of its own. @module */
import { proxy, type Remote, transfer, wrap } from "comlink";
import type { OnToken, PlayApi } from "./api.ts";
import type { Engine } from "./browser/engines.ts";
import type { Carried } from "./build.ts";
import type { PlayData } from "./session.ts";
import type { PlayModel } from "./settings.ts";
import type { engine as Worked } from "./worker.ts";

/** The engine, started. */
export interface Client {
  readonly api: Remote<PlayApi>;
  readonly engine: Engine;
  /** Held-out requests. */
  readonly requests: readonly string[];
  readonly pairs: PlayData["pairs"];
  readonly model: PlayModel;
  /** Ends the engine's thread. */
  readonly close: () => void;
}

/**
 * Starts the engine with one of the page's models.
 *
 * @param options.engine One engine of the browser. @default the first that it has
 */
export async function openClient(
  model: PlayModel,
  { engine: asked }: { engine?: Engine } = {},
): Promise<Client> {
  const script = new Blob([await unpacked("engine")], { type: "text/javascript" });
  const thread = new Worker(URL.createObjectURL(script));
  const worker = wrap<typeof Worked>(thread);
  const [weights, wasm, text] = await Promise.all([model, "wasm", "data"].map(unpacked));
  const { configs, pairs, requests }: Carried = JSON.parse(new TextDecoder().decode(text));
  const engine = await worker.start(transfer(wasm, [wasm.buffer]), asked);
  const api = await worker.open(
    transfer({ config: configs[model], pairs, requests, weights }, [weights.buffer]),
  ) as unknown as Remote<PlayApi>;
  return { api, engine, model, pairs, requests, close: () => thread.terminate() };
}

/** A function that the engine's thread may call. */
export const heard = (onToken: OnToken): OnToken => proxy(onToken);

/** What a script element of the page carries, gzipped and in base64. */
async function unpacked(id: string): Promise<Uint8Array<ArrayBuffer>> {
  const text = document.getElementById(id)!.textContent!;
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

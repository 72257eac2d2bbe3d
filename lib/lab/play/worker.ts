/** The page's engine, in a thread of its own. @module */
import { expose, proxy } from "comlink";
import { useCompiledSteps } from "../../tensor/mod.ts";
import { PlayApi } from "./api.ts";
import { startBrowserEngine } from "./browser/backend.ts";
import type { Engine } from "./browser/engines.ts";
import type { PlayData } from "./session.ts";

/** What the page starts the engine with. */
export const engine = {
  /** Starts an engine of the browser. @returns which */
  async start(wasm: Uint8Array<ArrayBuffer>, asked?: Engine): Promise<Engine> {
    useCompiledSteps(false); // they are native TensorFlow's
    return await startBrowserEngine({ wasm, asked });
  },
  async open(data: PlayData): Promise<PlayApi> {
    return proxy(await PlayApi.open(data));
  },
};

expose(engine);

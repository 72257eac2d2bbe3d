/**
 * What stands for `lib/tensor/backend.ts` in the page's bundle: the engine is the browser's.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-webgpu";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { UserError } from "../../../base/error.ts";
import { type Engine, ENGINES } from "./engines.ts";

/**
 * Starts the first engine that the browser has.
 *
 * @param options.wasm The WebAssembly program of tfjs, the one with SIMD.
 * @param options.asked One engine and no other.
 * @throws {UserError} when there is none
 */
export async function startBrowserEngine(
  { wasm, asked }: { wasm: Uint8Array<ArrayBuffer>; asked?: Engine },
): Promise<Engine> {
  const program = URL.createObjectURL(new Blob([wasm], { type: "application/wasm" }));
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false); // its threads need headers that a file has not
  // tfjs wants all three; where a browser has no SIMD this one fails, and the next engine is taken.
  setWasmPaths({
    "tfjs-backend-wasm.wasm": program,
    "tfjs-backend-wasm-simd.wasm": program,
    "tfjs-backend-wasm-threaded-simd.wasm": program,
  });
  for (const engine of asked ? [asked] : ENGINES) {
    try {
      if (await tf.setBackend(engine)) {
        await tf.ready();
        return engine;
      }
    } catch {
      // The next one.
    }
  }
  throw new UserError(
    `this browser does not run ${asked ?? "any of " + ENGINES.join(", ")}`,
    "choose another engine, or open the page in another browser",
  );
}

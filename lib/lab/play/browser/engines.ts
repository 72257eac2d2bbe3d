/** Engines of a browser, the fastest for a model of this size first. */
export const ENGINES = ["wasm", "webgpu", "webgl", "cpu"] as const;
/** One of {@linkcode ENGINES}. */
export type Engine = typeof ENGINES[number];

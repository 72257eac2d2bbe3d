/** The native binding as compiled steps see it, and whether they can be used on this machine. */
import process from "node:process";
import * as tf from "@tensorflow/tfjs";
import { UserError } from "../../base/error.ts";

/** Numbers of a tensor on the host. */
export type Values = Float32Array | Int32Array | Uint8Array;

/** An attribute of an op as tfjs gives it. */
export interface Attribute {
  readonly name: string;
  /** TF_AttrType. */
  readonly type: number;
  readonly value: unknown;
}

/** A tensor's TF_DataType and shape. */
export interface TensorType {
  readonly dtype: number;
  readonly shape: readonly number[];
}

/** What the binding answers of an op's output. */
export interface Info {
  id: number;
  dtype: number;
  shape: number[];
}

/** The four calls in which every kernel of tfjs-node ends, and what `lib/tools/setup/functions.cc` adds. */
export interface Binding {
  executeOp(name: string, attrs: Attribute[], inputs: number[], outputs: number): Info[];
  createTensor(shape: number[], dtype: number, values: Values): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Values;
  opDef(name: string): Uint8Array;
  addFunction(def: Uint8Array): void;
  removeFunction(name: string): void;
  reserveIds(count: number): number;
  /** The TF_DataType, then the shape. */
  describeTensor(id: number): number[];
  renameTensor(from: number, to: number): void;
  runFunction(
    name: string,
    inputs: Int32Array,
    outputs: Int32Array,
    config: Uint8Array,
  ): void;
}

/** tfjs-node's backend: every kernel reads its binding anew, so that another can stand in for a while. */
export interface NativeBackend {
  binding: Binding;
}

/** Whether steps are compiled, and if not, why. */
export interface CompiledSteps {
  readonly on: boolean;
  /** Why not; empty where they are on. */
  readonly reason: string;
  /** What would turn them on; empty where they are, or where somebody turned them off. */
  readonly fix: string;
}

let wanted = true;

/**
 * Turns compiled steps on or off for this process, as a setting does. `SELF_JUDGE_COMPILE=off` wins over it.
 *
 * @param on @default true, before the first call
 */
export function useCompiledSteps(on: boolean): void {
  wanted = on;
}

const MODES = ["on", "off", "log"];

/** `SELF_JUDGE_COMPILE`: "on" (default), "off", or "log", which says what is recorded and built. */
export function compileMode(): string {
  const mode = process.env.SELF_JUDGE_COMPILE || "on";
  if (MODES.includes(mode)) return mode;
  throw new UserError(
    `SELF_JUDGE_COMPILE="${mode}" is unknown`,
    `set it to one of ${MODES.join(", ")}, or not at all`,
  );
}

/**
 * Whether steps are compiled in this process. The engine must have been started.
 *
 * @throws {UserError} for another value of `SELF_JUDGE_COMPILE` than "on", "off" and "log"
 */
export function compiledSteps(): CompiledSteps {
  const off = (reason: string, fix = ""): CompiledSteps => ({ on: false, reason, fix });
  if (compileMode() === "off") return off("turned off by SELF_JUDGE_COMPILE");
  if (!wanted) return off("turned off by the settings");
  if (tf.getBackend() !== "tensorflow") {
    return off(`the backend is ${tf.getBackend()}, not native TensorFlow`, "deno task setup");
  }
  const { binding } = tf.backend() as unknown as NativeBackend;
  if (typeof binding.runFunction !== "function") {
    return off(
      "the binding in place was not built here, or before there were any",
      "deno task setup",
    );
  }
  return { on: true, reason: "", fix: "" };
}

/** What one run of a step did, call by call. */
import type { Attribute, TensorType, Values } from "./native.ts";

/** Where an op's input comes from: an op before it, host memory, or a tensor from before the step. */
export type Ref =
  | { readonly kind: "op"; readonly op: number; readonly out: number }
  | { readonly kind: "host"; readonly index: number }
  | { readonly kind: "external"; readonly index: number };

/** An op that was executed. */
export interface OpCall {
  readonly name: string;
  readonly attrs: readonly Attribute[];
  readonly inputs: readonly Ref[];
  readonly outputs: readonly TensorType[];
  /** Number of its first output among all tensors that the step made. */
  readonly slot: number;
}

/** A tensor that was made of host memory: a batch's ids, a scalar, the shape that a reshape asks for. */
export interface HostTensor extends TensorType {
  /** Null for a long one, which is an argument from the start. */
  values: Values | null;
  /** Whether it decides an axis or the like: then it is a constant for good. */
  rigid: boolean;
  /** True: an argument of the function, for it is not the same in every run. False: a constant in it. */
  fed: boolean;
  readonly slot: number;
}

/** A tensor from before the step: a weight, a moment. */
export interface External extends TensorType {
  /** One that decides a shape or an axis is a constant of the function: its values, and the only id it may have. */
  pinned?: { readonly id: number; readonly values: Values };
}

/** An op's output that outlives the step. */
export interface Result {
  readonly op: number;
  readonly out: number;
}

/** A step as it was recorded; the arguments of its function are the externals that are not pinned, then fed hosts. */
export interface Recording {
  readonly ops: OpCall[];
  readonly hosts: HostTensor[];
  readonly externals: External[];
  /** Tensors that the step made. */
  slots: number;
  results: readonly Result[];
  /** Why it cannot be compiled; empty where it can. */
  refused: string;
  /** Whether tensors of host memory outlive the step, as weights do at their first use. */
  uploads: boolean;
  /** Name of the registered function, if there is one that fits `fed` and `results`. */
  function: string | null;
}

/** Dtype and shape of what a reference names. */
export function typeOf({ ops, hosts, externals }: Recording, ref: Ref): TensorType {
  if (ref.kind === "op") return ops[ref.op].outputs[ref.out];
  return ref.kind === "host" ? hosts[ref.index] : externals[ref.index];
}

/** Whether two lists of numbers are the same, 0 and -0 told apart. */
export function same(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

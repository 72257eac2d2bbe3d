import type { Recording, Ref } from "./recording.ts";

/**
 * Why a write in place (`InplaceUpdate`) of a step cannot be compiled; empty where all can.
 *
 * The op writes to the memory of its first input whoever else reads it. In a function, where ops run as soon as they
 * have their inputs and constants are kept from run to run, that is safe of a tensor only that was there before the
 * step (a constant would be changed for good) and that the step touches nowhere else (a reader might come before
 * the write or after it). Reshapes of it share its memory.
 */
export function unsafeWrite({ ops, results }: Recording): string {
  const readers = new Map<string, number>();
  const key = (ref: Ref) => `${ref.kind}/${ref.kind === "op" ? `${ref.op}/${ref.out}` : ref.index}`;
  const count = (ref: Ref) => readers.set(key(ref), (readers.get(key(ref)) ?? 0) + 1);
  for (const { inputs } of ops) inputs.forEach(count);
  for (const { op, out } of results) count({ kind: "op", op, out });
  for (const { name, inputs } of ops) {
    if (name !== "InplaceUpdate") continue;
    let target = inputs[0];
    for (;;) {
      if (readers.get(key(target))! > 1) return "it writes in place to a tensor that it also reads";
      if (target.kind !== "op" || ops[target.op].name !== "Reshape") break;
      target = ops[target.op].inputs[0];
    }
    if (target.kind !== "external") return "it writes in place to a tensor that it made";
  }
  return "";
}

import { unsafeWrite } from "./in_place.ts";
import type { Attribute, Binding, Info, Values } from "./native.ts";
import { isAmong, OP_RULES } from "./op_rules.ts";
import { type OpCall, type Recording, type Ref, same, typeOf } from "./recording.ts";

/** Host tensors of more bytes are arguments from the start: a batch's ids, its mask. */
const LONG = 1024;

/** Writes down what a step does while it is executed op by op. */
export class Recorder {
  readonly #recording: Recording = {
    ops: [],
    hosts: [],
    externals: [],
    slots: 0,
    results: [],
    refused: "",
    uploads: false,
    function: null,
  };
  readonly #refs = new Map<number, Ref>();
  readonly #dead = new Set<number>();

  constructor(readonly native: Binding) {}

  /** An op was executed on the tensors of these ids. */
  op(
    name: string,
    attrs: readonly Attribute[],
    ids: readonly number[],
    infos: readonly Info[],
  ): void {
    const { ops } = this.#recording;
    const call: OpCall = {
      name,
      attrs,
      inputs: ids.map((id) => this.#refOf(id)),
      outputs: infos.map(({ dtype, shape }) => ({ dtype, shape: [...shape] })),
      slot: this.#recording.slots,
    };
    this.#recording.slots += infos.length;
    ops.push(call);
    infos.forEach(({ id }, out) => this.#refs.set(id, { kind: "op", op: ops.length - 1, out }));
    if (!this.#recording.refused) this.#recording.refused = this.#check(call, ids);
  }

  /** A tensor was made of host memory. */
  host(id: number, shape: readonly number[], dtype: number, values: Values): void {
    const { hosts } = this.#recording;
    if (!ArrayBuffer.isView(values)) this.refuse("it makes a tensor of text");
    const slot = this.#recording.slots++;
    // A copy, for its owner may write to it; of long ones, which become arguments, at the end where it is needed at all.
    const kept = values.byteLength > LONG ? values : values.slice?.() ?? values;
    hosts.push({ shape: [...shape], dtype, values: kept, rigid: false, fed: false, slot });
    this.#refs.set(id, { kind: "host", index: hosts.length - 1 });
  }

  delete(id: number): void {
    this.#dead.add(id);
  }

  /** A tensor was read. Only one that the step computed matters. */
  read(id: number): void {
    if (this.#refs.get(id)?.kind === "op") this.refuse("it reads a tensor that it computed");
  }

  /** The step cannot be compiled. */
  refuse(why: string): void {
    this.#recording.refused ||= why;
  }

  /** The recording of the whole step. */
  finish(): Recording {
    const recording = this.#recording;
    const results: { op: number; out: number }[] = [];
    for (const [id, ref] of this.#refs) {
      if (this.#dead.has(id)) continue;
      if (ref.kind === "op") results.push({ op: ref.op, out: ref.out });
      else if (ref.kind === "host") recording.uploads = true;
    }
    recording.results = results;
    recording.refused ||= unsafeWrite(recording);
    for (const host of recording.hosts) {
      host.fed = !host.rigid && (host.values?.byteLength ?? 0) > LONG;
      host.values = host.fed ? null : host.values?.slice?.() ?? null; // its owner may write to it
    }
    return recording;
  }

  #refOf(id: number): Ref {
    let ref = this.#refs.get(id);
    if (!ref) {
      const [dtype, ...shape] = this.native.describeTensor(id);
      const { externals } = this.#recording;
      externals.push({ dtype, shape });
      this.#refs.set(id, ref = { kind: "external", index: externals.length - 1 });
    }
    return ref;
  }

  /** Why an op cannot be compiled; empty where it can. */
  #check({ name, attrs, inputs, outputs }: OpCall, ids: readonly number[]): string {
    const { hosts, externals } = this.#recording;
    const rule = OP_RULES.get(name);
    if (!rule) return `it uses the op ${name}, of which no shape rule is known`;
    for (const [i, ref] of inputs.entries()) {
      if (!isAmong(rule.structural, i, inputs.length)) continue;
      if (ref.kind === "op") return `a computed tensor decides what ${name} does`;
      if (ref.kind === "host") hosts[ref.index].rigid ||= !isAmong(rule.varying, i, inputs.length);
      else {externals[ref.index].pinned ??= {
          id: ids[i],
          values: this.native.tensorDataSync(ids[i]),
        };}
    }
    const shapes = rule.shapes({
      shape: (i) => typeOf(this.#recording, inputs[i]).shape,
      values: (i) => {
        const ref = inputs[i];
        if (ref.kind === "host") return hosts[ref.index].values;
        return ref.kind === "external" ? externals[ref.index].pinned?.values ?? null : null;
      },
      attr: (name) => attrs.find((attr) => attr.name === name)?.value,
      inputs: inputs.length,
      outputs: outputs.length,
    });
    const agree = shapes?.length === outputs.length &&
      outputs.every(({ shape }, i) => same(shape, shapes[i]));
    return agree ? "" : `the shapes that ${name} gave are not those of its rule`;
  }
}

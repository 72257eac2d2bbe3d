import type { Attribute, Binding, Info, Values } from "./native.ts";
import { OP_RULES } from "./op_rules.ts";
import { type OpCall, type Recording, type Ref, type Result, same } from "./recording.ts";

/** A call of the binding that was answered and not executed. */
export type Call =
  | {
    readonly kind: "op";
    readonly name: string;
    readonly attrs: Attribute[];
    readonly inputs: number[];
    readonly outputs: number;
    /** Promised id of its first output; the others follow. */
    first?: number;
  }
  | {
    readonly kind: "host";
    readonly shape: number[];
    readonly dtype: number;
    readonly values: Values;
    first?: number;
  }
  | { readonly kind: "delete"; readonly id: number };

/** Follows a run of a step along a recording: answers its calls without executing any. */
export class Replay {
  /** Why the last call was not taken. */
  why = "";
  /** Host tensors of this run that the recording has as constants and that are not the same now. */
  readonly newlyFed = new Set<number>();
  #op = 0;
  #host = 0;
  /** Tensors answered so far: the slot of the next one. */
  #next = 0;
  /** Ids of the externals, by their number. */
  readonly #externals: number[] = [];
  readonly #externalShapes: (readonly number[])[] = [];
  /** Of the tensors of this run, by slot. */
  readonly #shapes: (readonly number[])[] = [];
  readonly #values: (Values | undefined)[] = [];
  readonly #dead = new Set<number>();
  #call!: OpCall;
  /** The current call as its rule sees it. */
  readonly #rule = {
    inputs: 0,
    outputs: 0,
    shape: (i: number) => this.#shapeOf(this.#call.inputs[i]),
    values: (i: number) => this.#valuesOf(this.#call.inputs[i]),
    attr: (name: string) => this.#call.attrs.find((attr) => attr.name === name)?.value,
  };

  /** @param base The first of the ids that were reserved for this run. */
  constructor(
    readonly recording: Recording,
    readonly base: number,
    readonly native: Binding,
  ) {}

  /** What the call gives, or null if it is not the recording's next one; the replay is over then. */
  take(call: Call): Info[] | null {
    if (call.kind === "op") return this.#takeOp(call);
    if (call.kind === "host") return this.#takeHost(call);
    this.#dead.add(call.id - this.base);
    return [];
  }

  /** Whether all that was recorded has happened. */
  get complete(): boolean {
    const { ops, hosts } = this.recording;
    return this.#op === ops.length && this.#host === hosts.length;
  }

  /** Whether an id is that of a tensor of this run. */
  owns(id: number): boolean {
    return id >= this.base && id < this.base + this.recording.slots;
  }

  /** Values of a tensor that this run made of host memory. */
  hostValues(id: number): Values | undefined {
    return this.#values[id - this.base];
  }

  /** Outputs that are still there, and their ids. */
  alive(): { results: Result[]; ids: number[] } {
    const results: Result[] = [];
    const ids: number[] = [];
    this.recording.ops.forEach(({ outputs, slot }, op) =>
      outputs.forEach((_, out) => {
        if (this.#dead.has(slot + out)) return;
        results.push({ op, out });
        ids.push(this.base + slot + out);
      })
    );
    return { results, ids };
  }

  /** Makes the fed host tensors and runs the function; the tensors of `outputs` are there afterwards. */
  run(outputs: readonly number[], config: Uint8Array): void {
    const { externals, hosts } = this.recording;
    const made: number[] = [];
    try {
      hosts.forEach((host, i) => host.fed && made.push(this.#make(i)));
      const inputs = [...this.#externals.filter((_, i) => !externals[i].pinned), ...made];
      const ids = Int32Array.from(outputs);
      this.native.runFunction(this.recording.function!, Int32Array.from(inputs), ids, config);
    } finally {
      for (const id of made) this.native.deleteTensor(id);
    }
  }

  /** Makes the tensors of host memory that outlive the step. */
  keepHosts(): void {
    this.recording.hosts.forEach(({ slot }, i) => {
      if (!this.#dead.has(slot)) this.native.renameTensor(this.#make(i), this.base + slot);
    });
  }

  #make(host: number): number {
    const { slot, dtype } = this.recording.hosts[host];
    return this.native.createTensor([...this.#shapes[slot]], dtype, this.#values[slot]!);
  }

  #no(why: string): null {
    this.why = why;
    return null;
  }

  #takeOp(now: Extract<Call, { kind: "op" }>): Info[] | null {
    const call = this.recording.ops[this.#op];
    const known = call && call.name === now.name && call.outputs.length === now.outputs &&
      call.inputs.length === now.inputs.length && sameAttributes(call.attrs, now.attrs);
    if (!known) return this.#no(`op ${this.#op} is ${now.name}, was ${call?.name ?? "none"}`);
    if (call.slot !== this.#next) return this.#no(`op ${this.#op} comes before a host tensor`);
    for (let i = 0; i < now.inputs.length; i++) {
      if (!this.#agrees(call.inputs[i], now.inputs[i])) {
        return this.#no(`input ${i} of op ${this.#op}, ${call.name}, is another tensor`);
      }
    }
    this.#call = call;
    this.#rule.inputs = call.inputs.length;
    this.#rule.outputs = call.outputs.length;
    const shapes = OP_RULES.get(call.name)!.shapes(this.#rule);
    if (!shapes) return this.#no(`the inputs of op ${this.#op}, ${call.name}, do not fit`);
    this.#op++;
    this.#next += shapes.length;
    const first = this.base + call.slot;
    return shapes.map((shape, out) => {
      this.#shapes[call.slot + out] = shape;
      return { id: first + out, dtype: call.outputs[out].dtype, shape: [...shape] };
    });
  }

  /** Whether the tensor of an id is the one that was recorded; notes an external at its first use. */
  #agrees(ref: Ref, id: number): boolean {
    const { ops, hosts, externals } = this.recording;
    if (ref.kind === "op") return id === this.base + ops[ref.op].slot + ref.out;
    if (ref.kind === "host") return id === this.base + hosts[ref.index].slot;
    if (this.#externals[ref.index] !== undefined) return this.#externals[ref.index] === id;
    if (this.owns(id)) return false;
    const { dtype, pinned } = externals[ref.index];
    if (pinned && pinned.id !== id) return false;
    const [type, ...shape] = this.native.describeTensor(id);
    if (type !== dtype) return false;
    this.#externals[ref.index] = id;
    this.#externalShapes[ref.index] = shape;
    return true;
  }

  #takeHost({ shape, dtype, values }: Extract<Call, { kind: "host" }>): Info[] | null {
    const index = this.#host;
    const host = this.recording.hosts[index];
    if (!host || host.dtype !== dtype || !ArrayBuffer.isView(values)) {
      return this.#no(`host tensor ${index} is of another type`);
    }
    // At the same place among the ops: only so is its id the same in every recording that began alike.
    if (host.slot !== this.#next) return this.#no(`host tensor ${index} comes before an op`);
    const unchanged = host.fed || (same(host.shape, shape) && same(host.values!, values));
    if (!unchanged && host.rigid) return this.#no(`host tensor ${index} decides something else`);
    if (!unchanged) this.newlyFed.add(index);
    this.#host++;
    this.#next++;
    this.#shapes[host.slot] = [...shape];
    this.#values[host.slot] = values;
    return [{ id: this.base + host.slot, dtype, shape }];
  }

  #shapeOf(ref: Ref): readonly number[] {
    const { ops, hosts } = this.recording;
    if (ref.kind === "external") return this.#externalShapes[ref.index];
    return this.#shapes[ref.kind === "op" ? ops[ref.op].slot + ref.out : hosts[ref.index].slot];
  }

  #valuesOf(ref: Ref): Values | null {
    const { hosts, externals } = this.recording;
    if (ref.kind === "host") return this.#values[hosts[ref.index].slot]!;
    return ref.kind === "external" ? externals[ref.index].pinned?.values ?? null : null;
  }
}

function sameAttributes(a: readonly Attribute[], b: readonly Attribute[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i].name !== b[i].name) return false;
    const [x, y] = [a[i].value, b[i].value];
    if (!Object.is(x, y) && !(Array.isArray(x) && Array.isArray(y) && same(x, y))) return false;
  }
  return true;
}

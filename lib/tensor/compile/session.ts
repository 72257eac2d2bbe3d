import { functionDef } from "./function_def.ts";
import type { Attribute, Binding, Info, Values } from "./native.ts";
import type { Recording, Result } from "./recording.ts";
import { Recorder } from "./recorder.ts";
import { type Call, Replay } from "./replay.ts";

/**
 * A ConfigProto that keeps TensorFlow's graph optimiser (Grappler) out: graph_options.rewrite_options.
 * disable_meta_optimizer. It joins and reorders products, so that a step's numbers would depend on whether it was
 * compiled; without it they are the same to the last bit, and no slower.
 */
const AS_WRITTEN = Uint8Array.of(0x52, 5, 0x52, 3, 0x98, 1, 1);

let functions = 0;

/** How a run of a step ended. */
export type Outcome =
  | { readonly kind: "replayed"; readonly recording: Recording; readonly built: boolean }
  | { readonly kind: "recorded"; readonly recording: Recording; readonly why: string };

/**
 * One run of a step, with a binding that stands in for tfjs-node's: it follows a recording as far as it can, and
 * where it cannot, executes what was put off and records.
 */
export class Session {
  readonly binding: Binding;
  #replay: Replay | null = null;
  #recorder: Recorder | null = null;
  /** Calls that were answered and not executed. */
  #log: Call[] = [];
  #why = "";
  readonly #base: number;

  constructor(readonly native: Binding, readonly recordings: readonly Recording[]) {
    this.#base = native.reserveIds(Math.max(0, ...recordings.map(({ slots }) => slots)));
    if (recordings.length > 0) this.#replay = new Replay(recordings[0], this.#base, native);
    else this.#recorder = new Recorder(native);
    this.binding = Object.create(native, {
      executeOp: { value: this.#executeOp.bind(this) },
      createTensor: { value: this.#createTensor.bind(this) },
      deleteTensor: { value: this.#deleteTensor.bind(this) },
      tensorDataSync: { value: this.#read.bind(this) },
    });
  }

  /** The step is done: runs its function, or closes its recording. */
  end(): Outcome {
    if (this.#replay) {
      const replay = this.#replay.complete ? this.#replay : this.#other((other) => other.complete);
      if (replay) {
        this.#replay = replay;
        try {
          return this.#flush(replay);
        } catch (error) {
          this.#fallBack("its function failed");
          this.#recorder!.refuse(`TensorFlow refuses its function: ${(error as Error).message}`);
        }
      } else this.#fallBack("the step ended early");
    }
    return { kind: "recorded", recording: this.#recorder!.finish(), why: this.#why };
  }

  /** The step threw: what it leaves behind must be real tensors, which its caller can dispose of. */
  abandon(): void {
    if (this.#replay) this.#fallBack("the step threw");
  }

  #executeOp(name: string, attrs: Attribute[], inputs: number[], outputs: number): Info[] {
    const found = this.#take({ kind: "op", name, attrs, inputs, outputs });
    if (found) return found;
    const infos = this.native.executeOp(name, attrs, inputs, outputs);
    this.#recorder!.op(name, attrs, inputs, infos);
    return infos;
  }

  #createTensor(shape: number[], dtype: number, values: Values): number {
    // A copy: what is answered now is used at the step's end, and the memory is its owner's, who may write to it.
    const kept = this.#replay && ArrayBuffer.isView(values) ? values.slice() : values;
    const found = this.#take({ kind: "host", shape, dtype, values: kept });
    if (found) return found[0].id;
    const id = this.native.createTensor(shape, dtype, values);
    this.#recorder!.host(id, shape, dtype, values);
    return id;
  }

  #deleteTensor(id: number): void {
    if (this.#take({ kind: "delete", id })) return;
    this.#recorder!.delete(id);
    this.native.deleteTensor(id);
  }

  #read(id: number): Values {
    if (this.#replay?.owns(id)) {
      const values = this.#replay.hostValues(id);
      if (values) return values.slice();
      this.#fallBack("a read");
    }
    this.#recorder?.read(id);
    return this.native.tensorDataSync(id);
  }

  /** The answer to a call from the recording, or from another that began alike; null where none fits. */
  #take(call: Call): Info[] | null {
    if (!this.#replay) return null;
    let infos = this.#replay.take(call);
    if (!infos) {
      const { why } = this.#replay;
      const other = this.#other((other) => (infos = other.take(call)) !== null);
      if (!other) {
        this.#fallBack(why);
        return null;
      }
      this.#replay = other;
    }
    if (call.kind !== "delete") call.first = infos![0]?.id;
    this.#log.push(call);
    return infos;
  }

  /** Another recording that takes every call so far and then `accepts`. */
  #other(accepts: (replay: Replay) => boolean): Replay | null {
    for (const recording of this.recordings) {
      if (recording === this.#replay!.recording) continue;
      const replay = new Replay(recording, this.#base, this.native);
      if (this.#log.every((call) => replay.take(call)) && accepts(replay)) return replay;
    }
    return null;
  }

  /** Executes, in their order, the calls that were put off, and records from here on. */
  #fallBack(why: string): void {
    this.#why = why;
    this.#replay = null;
    const recorder = this.#recorder = new Recorder(this.native);
    const log = this.#log;
    this.#log = [];
    let done = 0;
    try {
      for (; done < log.length; done++) this.#execute(log[done], recorder);
    } catch (error) {
      // Ids that were promised and will never be computed: something that can be disposed of.
      for (const call of log.slice(done)) {
        if (call.kind === "delete") this.native.deleteTensor(call.id);
        else this.#fill(call);
      }
      throw error;
    }
  }

  #execute(call: Call, recorder: Recorder): void {
    const { native } = this;
    if (call.kind === "delete") {
      recorder.delete(call.id);
      native.deleteTensor(call.id);
    } else if (call.kind === "host") {
      native.renameTensor(native.createTensor(call.shape, call.dtype, call.values), call.first!);
      recorder.host(call.first!, call.shape, call.dtype, call.values);
    } else {
      const { name, attrs, inputs, outputs, first } = call;
      const infos = native.executeOp(name, attrs, inputs, outputs);
      infos.forEach(({ id }, out) => native.renameTensor(id, first! + out));
      recorder.op(name, attrs, inputs, infos.map((info, out) => ({ ...info, id: first! + out })));
    }
  }

  #fill(call: Exclude<Call, { kind: "delete" }>): void {
    const [float, nan] = [1, Float32Array.of(NaN)];
    for (let out = 0; out < (call.kind === "op" ? call.outputs : 1); out++) {
      this.native.renameTensor(this.native.createTensor([], float, nan), call.first! + out);
    }
  }

  /** Builds the function where there is none that fits, runs it, and lets go of what the step let go of. */
  #flush(replay: Replay): Outcome {
    const { recording } = replay;
    const { results, ids } = replay.alive();
    const build = ids.length > 0 && !this.#fits(replay, results);
    if (build) {
      forget(recording, this.native);
      for (const host of replay.newlyFed) recording.hosts[host].fed = true;
      recording.results = results;
      const name = `compiled_step_${functions++}`;
      this.native.addFunction(functionDef(name, recording, this.native));
      recording.function = name;
    }
    if (ids.length > 0) replay.run(ids, AS_WRITTEN);
    replay.keepHosts();
    this.#replay = null;
    for (const call of this.#log) {
      if (call.kind === "delete" && !replay.owns(call.id)) this.native.deleteTensor(call.id);
    }
    return { kind: "replayed", recording, built: build };
  }

  /** Whether the function there is has the right arguments and results. */
  #fits({ recording, newlyFed }: Replay, results: readonly Result[]): boolean {
    return recording.function !== null && newlyFed.size === 0 &&
      results.length === recording.results.length &&
      results.every(({ op, out }, i) => {
        const known = recording.results[i];
        return op === known.op && out === known.out;
      });
  }
}

/** Removes the function of a recording from TensorFlow. */
export function forget(recording: Recording, native: Binding): void {
  if (recording.function !== null) native.removeFunction(recording.function);
  recording.function = null;
}

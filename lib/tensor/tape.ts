import * as tf from "@tensorflow/tfjs";

/** What an op tells the tape about itself. */
interface OpRecord {
  inputs: tf.Tensor[];
  output: tf.Tensor;
  saved: tf.Tensor[];
  pullback: Pullback;
}

/** A part of a model that is computed again in the backward pass; answers gradients by tensor id. */
interface SegmentRecord {
  output: tf.Tensor;
  saved: readonly tf.Tensor[];
  backward(dy: tf.Tensor): Map<number, tf.Tensor>;
}

/**
 * Gradient of one op: receives the gradient of its output and returns one gradient per input.
 * `wanted(i)` says whether input i leads to a watched tensor; an unwanted gradient may be null.
 */
export type Pullback = (dy: tf.Tensor, wanted: (input: number) => boolean) => (tf.Tensor | null)[];

/**
 * What a tape keeps of the layers of a model for the backward pass.
 *
 * - "none": every activation; nothing is computed twice
 * - "layers": the input of each layer alone; the backward pass computes the layer again. Memory falls from all layers'
 *   activations to one layer's; the layers are computed forwards twice: a third more products when all weights are
 *   trained, half as many more under an adapter.
 */
export type Recompute = "none" | "layers";

/**
 * Reverse-mode differentiation over the fused ops of this room.
 *
 * It differs from tfjs' own tape in two ways that decide the cost of a training step. It frees every
 * activation as soon as the backward pass is done with it, and it never computes the gradient of a frozen
 * weight: under LoRA that is most of the model.
 *
 * An op's output belongs to the tape once recorded; inputs that no op on the tape produced (weights, data)
 * stay the caller's.
 *
 * @example
 * ```ts
 * const tape = new Tape([w]);
 * const y = linear(x, w, { tape });
 * const [dw] = tape.gradients(y, tf.onesLike(y), [w]); // y and everything before it is disposed
 * ```
 */
export class Tape {
  #watched: readonly tf.Tensor[];
  #tracked = new Set<number>();
  #records: (OpRecord | SegmentRecord)[] = [];
  #held: tf.Tensor[] = [];
  readonly #recompute: Recompute;

  /**
   * @param watched Tensors whose gradients will be asked for.
   * @param options.recompute What {@linkcode Tape.segment} does. @default "none"
   */
  constructor(
    watched: Iterable<tf.Tensor>,
    { recompute = "none" }: { recompute?: Recompute } = {},
  ) {
    this.#watched = [...watched];
    for (const tensor of this.#watched) this.#tracked.add(tensor.id);
    this.#recompute = recompute;
  }

  /** Whether a gradient flows to `tensor`. */
  tracks(tensor: tf.Tensor): boolean {
    return this.#tracked.has(tensor.id);
  }

  /**
   * Note an op. Call it only when one of `inputs` is tracked.
   *
   * @param op.saved Extra tensors that the pullback reads; the tape disposes of them after it.
   * @returns the output, now kept by the tape
   */
  record<T extends tf.Tensor>(op: OpRecord & { output: T }): T {
    for (const tensor of [op.output, ...op.saved]) tf.keep(tensor);
    this.#tracked.add(op.output.id);
    this.#records.push(op);
    return op.output;
  }

  /**
   * A part of a model, such as a layer. A tape that recomputes keeps `x` and the result only, and runs the part
   * again in the backward pass; any other records it like its ops one by one.
   *
   * `run` must do the same both times (dropout draws its masks from a seed). What it reads beside `x` must be
   * watched or constant: no gradient flows to other activations.
   *
   * Source: gradient checkpointing, https://arxiv.org/abs/1604.06174.
   *
   * @example
   * ```ts ignore
   * const y = tape.segment(x, (x, tape) => linear(x, w, { tape }));
   * ```
   */
  segment<T extends tf.Tensor>(x: T, run: (x: T, tape: Tape) => T): T {
    if (this.#recompute === "none") return run(x, this);
    const recorded = <R>(use: (y: T, tape: Tape) => R): R => {
      const tape = new Tape(this.tracks(x) ? [...this.#watched, x] : this.#watched);
      try {
        return use(tf.tidy(() => run(x, tape)), tape);
      } finally {
        tape.dispose();
      }
    };
    const [output, tracked] = recorded((y, tape) => [tf.keep(tf.clone(y)), tape.tracks(y)]);
    if (!tracked) return this.hold(output);
    this.#tracked.add(output.id);
    const backward = (dy: tf.Tensor) => recorded((y, tape) => tape.#backward(y, dy));
    this.#records.push({ output, saved: [], backward });
    return output;
  }

  /** Keep a tensor that a pullback will read, such as an output no gradient flows to, until the end. */
  hold<T extends tf.Tensor>(tensor: T): T {
    this.#held.push(tensor);
    return tf.keep(tensor);
  }

  /**
   * Gradients of `<output, outputGradient>` with respect to `targets`; a target without influence gets zeros.
   * Uses the tape up: afterwards it holds nothing. Every target is asked for once.
   */
  gradients(
    output: tf.Tensor,
    outputGradient: tf.Tensor,
    targets: readonly tf.Tensor[],
  ): tf.Tensor[] {
    const gradient = this.#backward(output, outputGradient);
    const found = targets.map((target) => {
      const sum = gradient.get(target.id);
      gradient.delete(target.id);
      return sum ?? tf.zerosLike(target);
    });
    for (const unasked of gradient.values()) unasked.dispose();
    return found;
  }

  /** Gradients with respect to all that flows from outside the tape, by tensor id. Uses the tape up. */
  #backward(output: tf.Tensor, outputGradient: tf.Tensor): Map<number, tf.Tensor> {
    const gradient = new Map<number, tf.Tensor>([[output.id, tf.keep(tf.clone(outputGradient))]]);
    const flow = (id: number, dx: tf.Tensor) => {
      const sum = gradient.get(id);
      gradient.set(id, sum ? tf.keep(tf.add(sum, dx)) : dx);
      if (sum) {
        sum.dispose();
        dx.dispose();
      }
    };
    for (const record of this.#records.reverse()) {
      const { output, saved } = record;
      const dy = gradient.get(output.id);
      if (dy) {
        if ("backward" in record) {
          for (const [id, dx] of record.backward(dy)) flow(id, dx);
        } else {
          const { inputs, pullback } = record;
          const wanted = (i: number) => this.tracks(inputs[i]);
          let dxs: (tf.Tensor | null)[] = [];
          tf.tidy(() => {
            dxs = pullback(dy, wanted).map((dx, i) => dx && wanted(i) ? tf.keep(dx) : null);
          });
          dxs.forEach((dx, i) => dx && flow(inputs[i].id, dx));
        }
        dy.dispose();
        gradient.delete(output.id);
      }
      for (const tensor of [output, ...saved]) tensor.dispose();
    }
    this.#records = [];
    this.dispose();
    return gradient;
  }

  /** Free what the tape holds without a backward pass (after an error, for example). */
  dispose(): void {
    for (const { output, saved } of this.#records) {
      for (const tensor of [output, ...saved]) tensor.dispose();
    }
    for (const tensor of this.#held) tensor.dispose();
    this.#records = [];
    this.#held = [];
  }
}

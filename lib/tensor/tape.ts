import * as tf from "@tensorflow/tfjs";

/** What an op tells the tape about itself. */
interface OpRecord {
  inputs: tf.Tensor[];
  output: tf.Tensor;
  saved: tf.Tensor[];
  pullback: Pullback;
}

/**
 * Gradient of one op: receives the gradient of its output and returns one gradient per input.
 * `wanted(i)` says whether input i leads to a watched tensor; an unwanted gradient may be null.
 */
export type Pullback = (dy: tf.Tensor, wanted: (input: number) => boolean) => (tf.Tensor | null)[];

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
  #tracked = new Set<number>();
  #records: OpRecord[] = [];
  #held: tf.Tensor[] = [];

  /** @param watched Tensors whose gradients will be asked for. */
  constructor(watched: Iterable<tf.Tensor>) {
    for (const tensor of watched) this.#tracked.add(tensor.id);
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
    const gradient = new Map<number, tf.Tensor>([[output.id, tf.keep(tf.clone(outputGradient))]]);
    const flow = (tensor: tf.Tensor, dx: tf.Tensor) => {
      const sum = gradient.get(tensor.id);
      gradient.set(tensor.id, sum ? tf.keep(tf.add(sum, dx)) : dx);
      if (sum) {
        sum.dispose();
        dx.dispose();
      }
    };
    for (const { inputs, output, saved, pullback } of this.#records.reverse()) {
      const dy = gradient.get(output.id);
      if (dy) {
        const wanted = (i: number) => this.tracks(inputs[i]);
        let dxs: (tf.Tensor | null)[] = [];
        tf.tidy(() => {
          dxs = pullback(dy, wanted).map((dx, i) => dx && wanted(i) ? tf.keep(dx) : null);
        });
        dxs.forEach((dx, i) => dx && flow(inputs[i], dx));
        dy.dispose();
        gradient.delete(output.id);
      }
      for (const tensor of [output, ...saved]) tensor.dispose();
    }
    this.#records = [];
    this.dispose();
    const found = targets.map((target) => {
      const sum = gradient.get(target.id);
      gradient.delete(target.id);
      return sum ?? tf.zerosLike(target);
    });
    for (const unasked of gradient.values()) unasked.dispose();
    return found;
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

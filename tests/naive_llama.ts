/** A Llama and a DPO loss as the papers write them, in tfjs alone, so that tfjs can differentiate them. */
import * as tf from "@tensorflow/tfjs";
import { type LanguageModel, type ModelConfig, trainable } from "../lib/model/mod.ts";

/** Tensors by name: the weights and, where there is an adapter, its matrices. */
type Tensors = (name: string) => tf.Tensor;

/** Sum of the log-probabilities of ids[from..], each given all before it. One sequence, no batch. */
function logProb(
  ids: readonly number[],
  from: number,
  model: { config: ModelConfig; of: Tensors },
) {
  const { config: c, of } = model;
  const [T, D] = [ids.length, c.headDim];
  const norm = (x: tf.Tensor, name: string) => {
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), c.rmsEps));
    return tf.mul(tf.mul(x, scale), of(`${name}.weight`));
  };
  const linear = (x: tf.Tensor, name: string) =>
    tf.matMul(x as tf.Tensor2D, of(`${name}.weight`) as tf.Tensor2D, false, true);
  const angle = tf.outerProduct(
    tf.range(0, T),
    tf.tensor1d(Array.from({ length: D / 2 }, (_, i) => c.ropeTheta ** (-2 * i / D))),
  );
  const [cos, sin] = [tf.cos(angle), tf.sin(angle)]; // T, D / 2
  const rotated = (x: tf.Tensor) => { // T, D
    const [a, b] = tf.split(x, 2, 1);
    return tf.concat(
      [tf.sub(tf.mul(a, cos), tf.mul(b, sin)), tf.add(tf.mul(b, cos), tf.mul(a, sin))],
      1,
    );
  };
  const ahead = tf.mul(tf.sub(1, tf.linalg.bandPart(tf.ones([T, T]), -1, 0)), -1e9);
  let x: tf.Tensor = tf.gather(of("model.embed_tokens.weight"), tf.tensor1d([...ids], "int32"));
  for (let layer = 0; layer < c.layers; layer++) {
    const at = `model.layers.${layer}`;
    const h = norm(x, `${at}.input_layernorm`);
    const heads = (name: string, count: number) =>
      tf.split(linear(h, `${at}.self_attn.${name}`), count, 1);
    const [q, k, v] = [
      heads("q_proj", c.heads),
      heads("k_proj", c.kvHeads),
      heads("v_proj", c.kvHeads),
    ];
    const mixed = q.map((query, i) => {
      const group = Math.floor(i / (c.heads / c.kvHeads));
      const scores = tf.matMul(rotated(query), rotated(k[group]), false, true);
      return tf.matMul(tf.softmax(tf.add(tf.div(scores, Math.sqrt(D)), ahead)), v[group]);
    });
    x = tf.add(x, linear(tf.concat(mixed, 1), `${at}.self_attn.o_proj`));
    const g = norm(x, `${at}.post_attention_layernorm`);
    const gate = linear(g, `${at}.mlp.gate_proj`);
    const inner = tf.mul(tf.mul(gate, tf.sigmoid(gate)), linear(g, `${at}.mlp.up_proj`));
    x = tf.add(x, linear(inner, `${at}.mlp.down_proj`));
  }
  const embedding = c.tieEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight";
  const logits = tf.matMul(norm(x, "model.norm"), of(embedding), false, true); // T, V
  const next = tf.oneHot(tf.tensor1d(ids.slice(from), "int32"), c.vocabSize);
  const before = tf.slice(tf.logSoftmax(logits), [from - 1, 0], [T - from, -1]);
  return tf.sum(tf.mul(before, next));
}

/** A sequence and where its answer begins. */
interface Sequence {
  ids: readonly number[];
  from: number;
}

/**
 * Mean DPO loss of pairs (https://arxiv.org/abs/2305.18290, eq. 7), the reference being the model without
 * its adapter, and its gradient with respect to the adapter, in the order of `trainable`.
 */
export function naiveDpo(
  model: LanguageModel,
  pairs: readonly { chosen: Sequence; rejected: Sequence }[],
  { beta }: { beta: number },
): { loss: number; gradient: number[] } {
  const parameters = trainable(model);
  const { alpha, r } = model.adapter!.config;
  return tf.tidy(() => {
    const base: Tensors = (name) => model.weights.get(name)!;
    const loss = (...values: tf.Tensor[]) => {
      const adapted: Tensors = (name) => {
        const [a, b] = ["lora_A", "lora_B"].map((part) =>
          values[parameters.names.indexOf(name.replace(/weight$/, `${part}.weight`))]
        );
        if (!a) return base(name);
        return tf.add(base(name), tf.mul(tf.matMul(b as tf.Tensor2D, a as tf.Tensor2D), alpha / r));
      };
      const ratio = ({ ids, from }: Sequence) =>
        tf.sub(
          logProb(ids, from, { config: model.config, of: adapted }),
          logProb(ids, from, { config: model.config, of: base }),
        );
      const losses = pairs.map(({ chosen, rejected }) =>
        tf.neg(tf.log(tf.sigmoid(tf.mul(tf.sub(ratio(chosen), ratio(rejected)), beta))))
      );
      return tf.mean(tf.stack(losses));
    };
    const tensors = parameters.tensors();
    const gradients = tf.grads(loss)(tensors);
    return {
      loss: loss(...tensors).dataSync()[0],
      gradient: gradients.flatMap((g) => [...g.dataSync()]),
    };
  });
}

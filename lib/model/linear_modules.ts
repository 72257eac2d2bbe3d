/** Linear layers of a block, by the names Hugging Face gives them. */
export const LINEAR_MODULES = [
  "q_proj",
  "k_proj",
  "v_proj",
  "o_proj",
  "gate_proj",
  "up_proj",
  "down_proj",
] as const;

/** Name of a linear layer of a block. */
export type LinearModule = typeof LINEAR_MODULES[number];

/** The linear layers of attention. */
export const ATTENTION_MODULES = LINEAR_MODULES.slice(0, 4);
/** The linear layers of the feed-forward part. */
export const MLP_MODULES = LINEAR_MODULES.slice(4);

/** Where a linear layer sits: "model.layers.3.self_attn.q_proj". */
export function modulePath(layer: number, module: LinearModule): string {
  const part = MLP_MODULES.includes(module) ? "mlp" : "self_attn";
  return `model.layers.${layer}.${part}.${module}`;
}

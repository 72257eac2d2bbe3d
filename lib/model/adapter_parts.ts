import { adapterRecord, type BaseWeights } from "./adapter_record.ts";
import type { ModelConfig } from "./config.ts";
import type { LoraAdapter } from "./lora.ts";
import { loadAdapter } from "./peft.ts";
import { splitAdapter } from "./stack_adapters.ts";

/**
 * Reads an adapter as `loadAdapter` does, taken apart into the updates of the stages that trained it, first stage
 * first: with all but the last folded into the weights, those are what the last stage started from. One without a
 * record is one part.
 */
export async function loadAdapterParts(
  folder: string,
  model: ModelConfig,
  { base }: { base?: BaseWeights } = {},
): Promise<LoraAdapter[]> {
  const stack = await loadAdapter(folder, model, { base });
  const parts = (await adapterRecord(folder))?.parts ?? [];
  if (parts.length < 2) return [stack];
  try {
    return await splitAdapter(model, { stack, parts });
  } finally {
    stack.dispose();
  }
}

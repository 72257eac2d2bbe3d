/** The model room: a decoder and the families it comes in, its weights, its adapters, and what it can be asked. @module */
export * from "./batch.ts";
export * from "./checkpoint.ts";
export * from "./config.ts";
export type { FamilyName } from "./families.ts";
export * from "./with_model.ts";
export * from "./generate.ts";
export * from "./language_model.ts";
export * from "./load.ts";
export { LINEAR_MODULES, type LinearModule } from "./linear_modules.ts";
export * from "./lora.ts";
export * from "./peft.ts";
export * from "./safetensors.ts";
export * from "./sampling.ts";
export * from "./save.ts";
export * from "./score.ts";
export * from "./trainable.ts";
export * from "./weight_source.ts";
export * from "./weights.ts";

/** The model room: a Llama-family decoder, its weights, its adapters, and what it can be asked. @module */
export * from "./batch.ts";
export * from "./config.ts";
export * from "./frozen.ts";
export * from "./generate.ts";
export * from "./llama.ts";
export * from "./lora.ts";
export * from "./peft.ts";
export * from "./safetensors.ts";
export * from "./sampling.ts";
export * from "./save.ts";
export * from "./score.ts";
export * from "./trainable.ts";
export * from "./weights.ts";

export * from "./adamw.ts";
export * from "./attention.ts";
export * from "./backend.ts";
export * from "./kernels.ts";
export * from "./muon.ts";
export * from "./ops.ts";
export * from "./optimizer.ts";
export * from "./tape.ts";

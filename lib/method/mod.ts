/** SELF-JUDGE: what is learned, how answers are judged, and the loop that learns from its own judgments. @module */
export * from "./batch_order.ts";
export * from "./example.ts";
export * from "./judge.ts";
export * from "./judgment.ts";
export * from "./loop.ts";
export * from "./losses.ts";
export * from "./methods.ts";
export * from "./objective.ts";
export * from "./preference.ts";
export * from "./principle.ts";
export * from "./sample.ts";
export * from "./supervised.ts";
export * from "./template.ts";
export * from "./tournament.ts";
export * from "./trainer.ts";

/** The judge room: pairs of answers put to a model, in both orders, and what comes of it. @module */
export * from "./cache.ts";
export * from "./judge.ts";
export * from "./judgment.ts";
export * from "./model_scorer.ts";
export * from "./null_judges.ts";
export * from "./principle.ts";
export * from "./report.ts";
export * from "./template.ts";
export * from "./tournament.ts";

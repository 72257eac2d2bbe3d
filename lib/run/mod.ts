/** Runs of SELF-JUDGE on a real model: settings, models by name, where models and data come from. @module */
export * from "./config.ts";
export * from "./discriminator.ts";
export { locateModelFiles, locateWholeModel, type ModelFiles } from "./model_files.ts";
export * from "./open_model.ts";
export * from "./source.ts";
export type { AnswerRequest, StageModel } from "./stage_model.ts";
export * from "./versions.ts";

/** Judges of every kind, by name: models, runs, reward models, recorded verdicts, servers. @module */
export * from "./alpaca_seats.ts";
export * from "./grade_template.ts";
export * from "./kinds.ts";
export * from "./model_kinds.ts";
export * from "./recorded.ts";
export * from "./reward_model.ts";
export * from "./reward_training.ts";

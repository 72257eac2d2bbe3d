/** Judges of every kind, by name: models, runs, reward models, recorded verdicts, servers. @module */
export * from "./alpaca_positions.ts";
export * from "./grade_template.ts";
export * from "./model_grade.ts";
export * from "./pointwise.ts";
export * from "./recorded.ts";
export * from "./reward_model.ts";
export * from "./reward_training.ts";

/** Judges of every kind, by name: models, runs, reward models, recorded verdicts, servers. @module */
export * from "./alpaca_positions.ts";
export * from "./implicit_reward.ts";
export * from "./model_grade.ts";
export * from "./pointwise.ts";
export * from "./recorded.ts";
export * from "./reward_model.ts";

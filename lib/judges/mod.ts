/** Judges of every kind, by name: models, runs, reward models, recorded verdicts, servers. @module */
export * from "./alpaca_positions.ts";
export * from "./annotate.ts";
export * from "./discriminator.ts";
export * from "./implicit_reward.ts";
export * from "./model_grade.ts";
export * from "./named_judges.ts";
export * from "./open_judge.ts";
export * from "./opened_judge.ts";
export * from "./pointwise.ts";
export * from "./recorded.ts";
export * from "./reward_model.ts";

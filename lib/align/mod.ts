/** The align room: supervised and preference training, as data about who samples, who orders, which loss. @module */
export * from "./checkpoint.ts";
export * from "./example.ts";
export * from "./losses.ts";
export * from "./methods.ts";
export * from "./microbatch.ts";
export * from "./preference_step.ts";
export * from "./reward_model.ts";
export * from "./schedule.ts";
export * from "./trainer.ts";

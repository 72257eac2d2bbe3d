/** The same run on engines that others maintain: answers and verdicts from vLLM, training by TRL on Ray. @module */
export * from "./environment.ts";
export * from "./align.ts";
export * from "./fleet.ts";
export * from "./fleet_adapter.ts";
export * from "./fleet_model.ts";
export * from "./launch/launcher.ts";
export * from "./open_served.ts";
export { endLocalRay, LocalRay, type LocalRayOptions } from "./local_ray.ts";
export { type Plan, planRun } from "./plan.ts";
export { LARGE_RUN, PAPER_RUN, type PlanSettings, planSettings } from "./plan_settings.ts";
export { planText } from "./plan_text.ts";
export type { FleetAdapter, ServerModel } from "./replica.ts";
export * from "./settings.ts";
export type { AnswerRequest as FleetRequest, DrawnAnswer } from "./vllm_wire.ts";
export { TrainerJobs, type TrainerJobsOptions } from "./trainer_jobs.ts";

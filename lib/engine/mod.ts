/** The same run on engines that others maintain: answers and verdicts from vLLM, training by TRL on Ray. @module */
export { endLocalRay, LocalRay, type LocalRayOptions } from "./local_ray.ts";
export * from "./settings.ts";

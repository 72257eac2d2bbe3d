/** The same run on engines that others maintain: answers and verdicts from vLLM, training by TRL on Ray. @module */
export * from "./settings.ts";

/** What notebooks display with: outputs, progress, resumable tables, settings. */
export { check, type Exercise, numbers, type NumbersExercise } from "./check.ts";
export { html, markdown, show, Shown, svg } from "./display.ts";
export { escapeHtml, formatNumber } from "./html_table.ts";
export { dpoPicture } from "./dpo_picture.ts";
export { inReach } from "./in_reach.ts";
export { kept } from "./kept.ts";
export { methodPicture } from "./method_picture.ts";
export { notebook } from "./notebook_config.ts";
export { each, type Job, progress } from "./progress.ts";
export { type Interval, intervalText, reading, type ReadingWords } from "./reading.ts";
export { resultTable } from "./result_table.ts";
export { rows } from "./resume.ts";
export { showTokens, tokenStrips } from "./tokens.ts";
export { verdictPicture } from "./verdict_picture.ts";

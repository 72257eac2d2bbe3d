/** Numbers with their intervals: the judge report, win rates raw and length-controlled, models compared. @module */
export * from "./annotations.ts";
export * from "./baseline_judges.ts";
export * from "./calibration.ts";
export * from "./calibration_interval.ts";
export * from "./compare.ts";
export * from "./evidence.ts";
export * from "./kappa.ts";
export * from "./length_control.ts";
export * from "./measure_judge.ts";
export { type MeasureName, MEASURES } from "./measures.ts";
export * from "./report.ts";
export * from "./report_text.ts";
export * from "./resample.ts";
export * from "./round_robin.ts";
export * from "./statistics.ts";
export * from "./unanswered.ts";
export * from "./win_rate.ts";
export { csvRow, winRateTable } from "./win_rate_table.ts";

/** The evaluation room: win rates, raw and length-controlled, and models compared on the same instructions. */
export {
  type ComparedItem,
  type ComparisonFile,
  readComparisons,
  type ReadComparisonsOptions,
} from "./annotations.ts";
export { compareModels, type ModelComparison, notComparable } from "./compare.ts";
export { describeFinding, type Finding } from "./findings.ts";
export { type LengthCase, type LengthControlled, lengthControlled } from "./length_control.ts";
export type { Rate } from "./rate.ts";
export { csvRow, winRateTable } from "./table.ts";
export { type LongerJudge, type WinRate, winRate, type WinRateOptions } from "./win_rate.ts";

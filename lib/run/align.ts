import type { RunConfig } from "./config.ts";
import { RunFolder } from "./run_folder.ts";
import type { RunStage } from "./pipeline.ts";
import { dataStage } from "./stages/data.ts";
import { jsftStage } from "./stages/jsft.ts";
import { judgeAfterStage, judgeBeforeStage } from "./stages/judge.ts";
import { selfJudgeStage } from "./stages/preference.ts";
import { tournamentStage } from "./stages/tournament.ts";

/** The pipeline of `deno task align`: SELF-JUDGE on a real model and real preferences, in order. */
export const ALIGN_STAGES: readonly RunStage[] = [
  dataStage,
  judgeBeforeStage,
  jsftStage,
  judgeAfterStage,
  selfJudgeStage,
  tournamentStage,
];

/** The run folder of such a run. @param options.contents See {@linkcode contentsNamedIn}. */
export function alignFolder(
  path: string,
  options: { contents: ReadonlyMap<string, string> },
): RunFolder<Readonly<RunConfig>> {
  return new RunFolder(path, ALIGN_STAGES, options);
}

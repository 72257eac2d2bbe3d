import { onPolicyPairsStage } from "./on_policy_pairs.ts";
import { answersStage, jsftJudgeStage, otherJudgesStage } from "./reports.ts";
import type { StudyStage } from "./stage.ts";
import { SUPERVISED } from "./supervised.ts";
import { tournamentStage } from "./tournament.ts";

/** Stages of every league: what methods start from, the judges, and what is measured of SELF-JUDGE. */
export const LEAGUE_STAGES: readonly StudyStage[] = [
  ...SUPERVISED,
  jsftJudgeStage,
  otherJudgesStage,
  answersStage,
  onPolicyPairsStage,
  tournamentStage,
];

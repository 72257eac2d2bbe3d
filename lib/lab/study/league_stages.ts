import type { StudyConfig } from "./config.ts";
import { onPolicyPairsStage } from "./on_policy_pairs.ts";
import { answersStage, jsftJudgeStage, otherJudgesStage } from "./reports.ts";
import type { StudyStage } from "./stage.ts";
import { SUPERVISED, WEIGHTED } from "./supervised.ts";
import { tournamentStage } from "./tournament.ts";

/**
 * Stages of every league: what methods start from, the judges, and what is measured of SELF-JUDGE. JSFT with half of its
 * loss on judgments stands beside the study's own where that weighs every token alike.
 */
export function leagueStages(
  { supervised: { judgeWeight } }: Pick<StudyConfig, "supervised">,
): readonly StudyStage[] {
  const variants = judgeWeight === undefined ? [WEIGHTED] : [];
  return [
    ...SUPERVISED.filter(({ name }) => name !== WEIGHTED || variants.includes(name)),
    jsftJudgeStage,
    otherJudgesStage(variants),
    answersStage(variants),
    onPolicyPairsStage,
    tournamentStage,
  ];
}

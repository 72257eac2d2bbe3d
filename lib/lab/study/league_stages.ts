import type { StudyConfig } from "./config.ts";
import { onPolicyPairsStage } from "./on_policy_pairs.ts";
import { answersStage, jsftJudgeStage, otherJudgesStage } from "./reports.ts";
import type { StudyStage } from "./stage.ts";
import { SUPERVISED, WEIGHTED } from "./supervised.ts";
import { tournament } from "./tournament.ts";

/**
 * Stages of every league: what methods start from, the judges, and what is measured of SELF-JUDGE.
 *
 * @param options.weighted Whether JSFT with half of its loss on judgments stands beside the study's own. @default where
 *   the latter weighs every token alike
 */
export function leagueStages(
  { supervised: { judgeWeight } }: Pick<StudyConfig, "supervised">,
  { weighted = judgeWeight === undefined }: { weighted?: boolean } = {},
): readonly StudyStage[] {
  const variants = weighted ? [WEIGHTED] : [];
  return [
    ...SUPERVISED.filter(({ name }) => name !== WEIGHTED || variants.includes(name)),
    jsftJudgeStage,
    otherJudgesStage(variants),
    answersStage(variants),
    onPolicyPairsStage,
    tournament(["reward model", "truth"]),
  ];
}

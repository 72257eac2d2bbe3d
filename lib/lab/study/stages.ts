import { withNeeds } from "../../run/stage.ts";
import type { StudyConfig } from "./config.ts";
import { LONG_RUNS, methodStages, noisySelfJudge, PREFERENCE } from "./preference.ts";
import { onPolicyPairsStage } from "./on_policy_pairs.ts";
import {
  answersStage,
  jsftJudgeStage,
  noisyJudgesStage,
  otherJudgesStage,
  policiesStage,
  variantJudgesStage,
} from "./reports.ts";
import type { StudyStage } from "./stage.ts";
import { noisyJsft, SUPERVISED, VARIANTS } from "./supervised.ts";
import { tournamentStage } from "./tournament.ts";

/** The stages that the claims with these numbers need and no others, each after those it needs. */
export function stagesFor(
  claims: readonly number[],
  { noise, controls }: Omit<StudyConfig, "seed">,
): readonly StudyStage[] {
  const noisyPolicies = noise.map(({ temperature, pairs }) => noisySelfJudge(temperature, pairs));
  const noisyJudges = noisyJudgesStage(noise);
  const policies = policiesStage(controls);
  const selfJudge = PREFERENCE.filter(({ name }) => name === "self-judge");
  const asked: Record<number, readonly StudyStage[]> = {
    1: [jsftJudgeStage, otherJudgesStage, answersStage],
    2: [policies],
    3: [answersStage, policies, onPolicyPairsStage],
    4: [tournamentStage],
    5: [jsftJudgeStage, variantJudgesStage],
    6: LONG_RUNS,
    7: [...selfJudge, ...noisyPolicies, jsftJudgeStage, noisyJudges],
  };
  const all: readonly StudyStage[] = [
    ...SUPERVISED,
    jsftJudgeStage,
    otherJudgesStage,
    answersStage,
    ...PREFERENCE,
    ...methodStages(controls),
    policies,
    onPolicyPairsStage,
    tournamentStage,
    ...VARIANTS,
    variantJudgesStage,
    ...LONG_RUNS,
    ...noise.map(({ temperature, pairs }) => noisyJsft(temperature, pairs)),
    ...noisyPolicies,
    noisyJudges,
  ];
  return withNeeds(claims.flatMap((claim) => asked[claim]), all);
}

import type { StudyConfig } from "./config.ts";
import { LONG_RUNS, noisySelfJudge, PREFERENCE, RAFT_2 } from "./preference.ts";
import { ownPairsStage } from "./own_pairs.ts";
import { rejectionStage } from "./rejection.ts";
import {
  answersStage,
  judgesStage,
  noisyJudgesStage,
  policiesStage,
  variantJudgesStage,
} from "./reports.ts";
import { noisyJsft, type StudyStage, SUPERVISED, VARIANTS } from "./supervised.ts";

/** The stages that the claims with these numbers need, each after those it needs. */
export function stagesFor(
  claims: readonly number[],
  { noise }: Omit<StudyConfig, "seed">,
): readonly StudyStage[] {
  const named = (...names: string[]) => (stage: StudyStage) => names.includes(stage.name);
  const selfJudge = PREFERENCE.filter(named("self-judge"));
  const parts: Record<number, readonly StudyStage[]> = {
    1: [...SUPERVISED, judgesStage, answersStage],
    2: [...PREFERENCE, policiesStage],
    3: [...PREFERENCE, RAFT_2, answersStage, policiesStage, ownPairsStage],
    4: [...selfJudge, rejectionStage],
    5: [...VARIANTS, judgesStage, variantJudgesStage],
    6: LONG_RUNS,
    7: [
      ...selfJudge,
      ...noise.flatMap(({ temperature, pairs }) => [
        noisyJsft(temperature, pairs),
        noisySelfJudge(temperature, pairs),
      ]),
      noisyJudgesStage(noise),
    ],
  };
  const wanted = [...SUPERVISED, ...claims.flatMap((claim) => parts[claim])];
  const names = new Set<string>();
  return wanted.filter(({ name }) => !names.has(name) && names.add(name));
}

import type { StudyConfig } from "./config.ts";
import { LONG_RUNS, noisySelfJudge, PREFERENCE } from "./preference.ts";
import { rejectionStage } from "./rejection.ts";
import { judgesStage, noisyJudgesStage, policiesStage, variantJudgesStage } from "./reports.ts";
import { noisyJsft, type StudyStage, SUPERVISED, VARIANTS } from "./supervised.ts";

/** The stages that the claims with these numbers need, each after those it needs. */
export function stagesFor(
  claims: readonly number[],
  { noise }: Omit<StudyConfig, "seed">,
): readonly StudyStage[] {
  const noisy = noise.temperatures.flatMap((temperature) =>
    noise.pairs.map((pairs) => [temperature, pairs] as const)
  );
  const named = (...names: string[]) => (stage: StudyStage) => names.includes(stage.name);
  const parts: Record<number, readonly StudyStage[]> = {
    1: [...SUPERVISED, judgesStage],
    2: [...PREFERENCE, policiesStage],
    3: [...PREFERENCE, policiesStage],
    4: [...PREFERENCE.filter(named("self-judge")), rejectionStage],
    5: [...VARIANTS, variantJudgesStage],
    6: LONG_RUNS,
    7: [
      ...noisy.flatMap(([t, n]) => [noisyJsft(t, n), noisySelfJudge(t, n)]),
      noisyJudgesStage(noisy),
    ],
  };
  const wanted = [...SUPERVISED, ...claims.flatMap((claim) => parts[claim])];
  const names = new Set<string>();
  return wanted.filter(({ name }) => !names.has(name) && names.add(name));
}

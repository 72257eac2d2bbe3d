/** Staleness: what SELF-JUDGE loses where pairs were made some steps before they are learned from. @module */
import { rewardAtKl } from "./league_rows.ts";
import { mean } from "./measure.ts";
import { chosenPoint, type HeldOutAnswers, type RewardPoint } from "./policy_meter.ts";
import { methodStage } from "./preference.ts";
import type { StudyStage } from "./stage.ts";
import type { Items } from "./items.ts";

/** Steps of a round; 1 is SELF-JUDGE itself. */
const ROUNDS = [1, 4, 16] as const;

/** The stage of rounds of so many steps. */
const roundsStage = (roundSteps: number) =>
  roundSteps === 1 ? "self-judge" : `rounds-${roundSteps}`;

/** SELF-JUDGE in rounds, with the settings that were chosen for it step by step. */
export const STALENESS: readonly StudyStage[] = ROUNDS.filter((k) => k > 1).map((roundSteps) =>
  methodStage("self-judge", {
    ...{ stage: roundsStage(roundSteps), roundSteps },
    also: ["self-judge"], // what it is compared with
  })
);

/** A measurement of SELF-JUDGE in rounds. */
export interface StalenessRow extends RewardPoint {
  /** Steps of a round. */
  readonly k: number;
  /** Mean age of the pairs, in steps. */
  readonly age: number;
  /** Whether the run's validation prompts choose this step. */
  readonly chosen: 0 | 1;
}

/** A finished run's measurements, by the steps of its rounds. */
export interface RoundsRun {
  readonly k: number;
  readonly points: readonly RewardPoint[];
  readonly heldOut: readonly HeldOutAnswers[];
}

/**
 * The runs of one base and seed; none until all of them are finished, so that kept rows stay whole.
 *
 * @param read What a stage left; null where it is not finished.
 */
export async function roundsRuns(
  read: (stage: string) => Promise<Omit<RoundsRun, "k"> | null>,
): Promise<RoundsRun[]> {
  const all = await Promise.all(
    ROUNDS.map(async (k) => ({ k, left: await read(roundsStage(k)) })),
  );
  const whole = all.flatMap(({ k, left }) => left === null ? [] : [{ k, ...left }]);
  return whole.length === all.length ? whole : [];
}

/** How many steps old the pairs are that steps learn from, in the mean: the last round may be shorter. */
const meanAge = (k: number, steps: number) =>
  mean(Array.from({ length: steps }, (_, step) => step % k));

/** Rows of the table. */
export function stalenessRows(runs: readonly RoundsRun[]): StalenessRow[] {
  return runs.flatMap(({ k, points }) => {
    const { step } = chosenPoint(points, "truth");
    return points.map((point): StalenessRow => ({
      ...{ k, age: meanAge(k, points.at(-1)!.step), chosen: point.step === step ? 1 : 0 },
      ...point,
    }));
  });
}

/**
 * What the family of contrasts compares: rewards on held-out prompts at the step that validation prompts chose, at the
 * last one, and at equal KL: the smallest of the three runs' largest.
 */
export function stalenessItems(runs: readonly RoundsRun[]): Items {
  const items: Record<string, readonly number[]> = {};
  if (!runs.some(({ k }) => k === 1)) return items;
  const kl = Math.min(...runs.map(({ points }) => Math.max(...points.map((point) => point.kl))));
  for (const { k, points, heldOut } of runs) {
    const at = (wanted: number) => heldOut.find(({ step }) => step === wanted)!.rewards;
    items[`staleness/chosen/${k}`] = at(chosenPoint(points, "truth").step);
    items[`staleness/last/${k}`] = at(points.at(-1)!.step);
    const equal = rewardAtKl(points, kl);
    if (equal !== null) items[`staleness/equal KL/${k}`] = [equal];
  }
  return items;
}

/** Staleness: what SELF-JUDGE loses where pairs were made some steps before they are learned from. @module */
import { methodStage } from "./preference.ts";
import type { StudyStage } from "./stage.ts";

/** Steps of the rounds that are compared, beside 1, which is SELF-JUDGE itself. */
const ROUNDS = [4, 16] as const;

/** The stage of a round's length. */
const roundsStage = (steps: number) => steps === 1 ? "self-judge" : `rounds-${steps}`;

/** SELF-JUDGE in rounds, with the settings that were chosen for it step by step. */
export const STALENESS: readonly StudyStage[] = ROUNDS.map((roundSteps) =>
  methodStage("self-judge", {
    ...{ stage: roundsStage(roundSteps), roundSteps },
    also: ["self-judge"], // what it is compared with
  })
);

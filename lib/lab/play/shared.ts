import type { Client } from "./client.ts";
import type { LearnedStep } from "./learning.ts";
import type { PlayPoint } from "./meter.ts";
import type { LearningSettings } from "./settings.ts";

/** What the parts of the page share. */
export interface Shared {
  readonly client: Client;
  /** The request that is asked. */
  readonly request: string;
  readonly setRequest: (request: string) => void;
  /** The two answers on screen. */
  readonly answers: readonly [string, string];
  readonly setAnswers: (answers: readonly [string, string]) => void;
  readonly settings: LearningSettings;
  readonly setSettings: (settings: LearningSettings) => void;
  /** Steps that the policy has learned. */
  readonly steps: readonly LearnedStep[];
  readonly setSteps: (change: (steps: readonly LearnedStep[]) => readonly LearnedStep[]) => void;
  readonly points: readonly PlayPoint[];
  readonly setPoints: (change: (points: readonly PlayPoint[]) => readonly PlayPoint[]) => void;
}

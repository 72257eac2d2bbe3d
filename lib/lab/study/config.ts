import type { StudyRow } from "./methods.ts";

/** A setting that is tuned. */
export interface Setting {
  readonly learningRate: number;
  /** For losses whose beta is the run's. */
  readonly beta: number;
}

/** What a row is trained with in place of the study's. */
export interface RowSetting extends Setting {
  /** @default the study's */
  readonly steps?: number;
  /** Steps from one measurement to the next. @default the study's */
  readonly evaluateEvery?: number;
}

/** Settings of one run (a base and a seed) of the study. */
export interface StudyConfig {
  /** Which pairs are drawn, their order in training, and every sample follow from it. */
  readonly seed: number;
  /** Folder or name of the base model. */
  readonly base: string;
  /** A hash of the base's weights and the world's pairs: what was made from others is not gone on from. */
  readonly world?: string;
  /** Pairs to train on, drawn from those of the world. */
  readonly pairs: number;
  /** Held-out pairs that judges are measured on. */
  readonly heldOut: number;
  /** Training of SFT, JSFT, judges and the reward model. */
  readonly supervised: {
    readonly steps: number;
    /** Pairs a step; each gives an answer and two judgments where both are learned. */
    readonly batchSize: number;
    readonly learningRate: number;
    readonly warmup: number;
    /** Share of JSFT's loss that judgments have. @default every target token alike, the paper's loss */
    readonly judgeWeight?: number;
  };
  /** Training on preferences. */
  readonly preference: Setting & {
    readonly steps: number;
    /** Prompts a step. */
    readonly batchSize: number;
    readonly warmup: number;
    readonly temperature: number;
    readonly topP: number;
    /** Steps between measurements of the policy. */
    readonly evaluateEvery: number;
  };
  /** How many settings each method is tuned with. @default 4 */
  readonly settings?: 2 | 4;
  /** Settings in place of those, by row. */
  readonly tuned?: Readonly<Partial<Record<StudyRow, RowSetting>>>;
  /** Prompts that policies are measured on. */
  readonly prompts: {
    /** To choose settings and steps by. */
    readonly validation: number;
    /** To report on. */
    readonly heldOut: number;
    /** The first held-out ones, for what costs more: the whole distribution, the judge's win rate. */
    readonly whole: number;
  };
  /** Self-rejection: held-out prompts, and sizes of the tournament. */
  readonly tournament: { readonly prompts: number; readonly candidates: readonly number[] };
  /** Steps after which a "refreshed" judge is renewed. */
  readonly refreshEvery: number;
}

/** The order desk: what the protocol (data/results/claims/protocol.md) says. */
export const DESK: Omit<StudyConfig, "seed"> = {
  base: "data/world/base",
  pairs: 4000,
  heldOut: 1000,
  supervised: { steps: 250, batchSize: 32, learningRate: 6e-4, warmup: 0.05 },
  preference: {
    steps: 100,
    batchSize: 32,
    beta: 0.1,
    learningRate: 1e-4,
    warmup: 0.1,
    temperature: 1,
    topP: 0.9,
    evaluateEvery: 20,
  },
  prompts: { validation: 150, heldOut: 300, whole: 150 },
  tournament: { prompts: 150, candidates: [1, 2, 4, 8, 16] },
  refreshEvery: 25,
};

/** What a reader waits for: fewer held-out prompts, and steps up to where most methods are best. */
const SMALL: Omit<StudyConfig, "seed"> = {
  ...DESK,
  heldOut: 500,
  preference: { ...DESK.preference, steps: 60 },
  prompts: { validation: 100, heldOut: 150, whole: 50 },
  tournament: { ...DESK.tournament, prompts: 64 },
};

/** Sizes of a single run. */
export const STUDY_SCALES = {
  smoke: {
    ...SMALL,
    pairs: 64,
    heldOut: 16,
    supervised: { ...SMALL.supervised, steps: 20, batchSize: 8 },
    preference: { ...SMALL.preference, steps: 2, batchSize: 3, evaluateEvery: 1 },
    prompts: { validation: 3, heldOut: 4, whole: 3 },
    tournament: { prompts: 3, candidates: [1, 4] },
    refreshEvery: 1,
  },
  small: SMALL,
  full: DESK,
} as const satisfies Record<string, Omit<StudyConfig, "seed">>;

/** Name of a size. */
export type StudyScale = keyof typeof STUDY_SCALES;

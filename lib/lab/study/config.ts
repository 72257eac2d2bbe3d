import type { MethodName } from "../../method/mod.ts";
import { LABEL_TEMPERATURE } from "../world/preference.ts";

/** Settings of one seed of the study of the paper's claims in the order desk's world. */
export interface StudyConfig {
  /** Which pairs are drawn, their order in training, and every sample follow from it. */
  readonly seed: number;
  /** Folder of the base model. */
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
    /** Weight of the judgments' mean loss against the answers'. */
    readonly judgeWeight: number;
  };
  /** Training on preferences. */
  readonly preference: {
    readonly steps: number;
    /** Prompts a step. */
    readonly batchSize: number;
    readonly beta: number;
    readonly learningRate: number;
    readonly warmup: number;
    readonly temperature: number;
    readonly topP: number;
    /** Steps between measurements of the policy. */
    readonly evaluateEvery: number;
    /** Requests of such a measurement. */
    readonly evaluateRequests: number;
  };
  /** Methods trained beside the claims' own, to tell what is behind a result. */
  readonly controls: readonly MethodName[];
  /** Held-out requests on which finished policies are measured. */
  readonly requests: number;
  /** Self-rejection: held-out requests, and sizes of the tournament. */
  readonly tournament: { readonly requests: number; readonly candidates: readonly number[] };
  /** Long runs, past the peak. */
  readonly long: {
    readonly steps: number;
    readonly learningRate: number;
    /** Steps after which the "refreshed" judge is renewed. */
    readonly refreshEvery: number;
  };
  /** JSFT and SELF-JUDGE on labels of other temperatures, or on fewer pairs, than those of the world. */
  readonly noise: readonly { readonly temperature: number; readonly pairs: number }[];
}

/**
 * The methods compared with one another, all from the same JSFT model. RAFT draws four answers per prompt, and two, as
 * many as SELF-JUDGE does.
 */
export const COMPARED: readonly MethodName[] = [
  "self-judge",
  "off-policy-dpo",
  "relabelled-dpo",
  "offline-dpo",
  "raft",
  "reward-model-dpo",
  "oracle-dpo",
  "raft-2",
];

/** Judges of the long runs. */
export const LONG: readonly MethodName[] = [
  "self-judge",
  "self-judge-moving",
  "self-judge-refreshed",
  "separate-judge-dpo",
];

const FULL: Omit<StudyConfig, "seed"> = {
  base: "data/world/base",
  pairs: 4000,
  heldOut: 500,
  supervised: { steps: 250, batchSize: 32, learningRate: 6e-4, warmup: 0.05, judgeWeight: 0.5 },
  preference: {
    steps: 80,
    batchSize: 32,
    beta: 0.1,
    learningRate: 1e-4,
    warmup: 0.1,
    temperature: 1,
    topP: 0.9,
    evaluateEvery: 20,
    evaluateRequests: 128,
  },
  controls: ["raft-coin"], // how far does RAFT get without a judge?
  requests: 300,
  tournament: { requests: 128, candidates: [1, 2, 4, 8, 16] },
  long: { steps: 150, learningRate: 3e-4, refreshEvery: 30 },
  noise: [
    { temperature: 0, pairs: 4000 },
    { temperature: 2, pairs: 4000 },
    { temperature: LABEL_TEMPERATURE, pairs: 500 },
  ],
};

/** What a reader waits for: fewer steps, at a higher rate, and fewer held-out requests; the same data. */
const SMALL: Omit<StudyConfig, "seed"> = {
  ...FULL,
  supervised: { ...FULL.supervised, steps: 150 },
  preference: {
    ...FULL.preference,
    steps: 50,
    learningRate: 1.5e-4,
    evaluateEvery: 10,
    evaluateRequests: 64,
  },
  controls: [],
  requests: 200,
  tournament: { ...FULL.tournament, requests: 64 },
};

/** Sizes of the study: settings, how many seeds, and which claims. */
export const STUDY_SCALES = {
  smoke: {
    seeds: 1,
    claims: [1, 2, 3, 4, 5, 6, 7],
    config: {
      ...SMALL,
      pairs: 64,
      heldOut: 16,
      supervised: { ...SMALL.supervised, steps: 20, batchSize: 8 },
      preference: {
        ...SMALL.preference,
        steps: 2,
        batchSize: 3,
        evaluateEvery: 1,
        evaluateRequests: 4,
      },
      controls: FULL.controls,
      requests: 4,
      tournament: { requests: 3, candidates: [1, 4] },
      long: { ...SMALL.long, steps: 2, refreshEvery: 1 },
      noise: [{ temperature: 2, pairs: 16 }],
    },
  },
  small: { seeds: 1, claims: [1, 2, 3, 4], config: SMALL },
  full: { seeds: 5, claims: [1, 2, 3, 4, 5, 6, 7], config: FULL },
} as const satisfies Record<
  string,
  { seeds: number; claims: readonly number[]; config: Omit<StudyConfig, "seed"> }
>;

/** Name of a size. */
export type StudyScale = keyof typeof STUDY_SCALES;

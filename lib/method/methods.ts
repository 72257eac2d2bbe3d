import { UserError } from "../base/error.ts";
import type { Turn } from "../text/mod.ts";
import type { PreferenceLoss } from "./losses.ts";

/** A way to train on preferences: who samples from which prompt, who ranks, which pairs, which loss. */
export interface Method {
  /**
   * - "policy": the model being trained, at every step (on-policy)
   * - "start": the model it started from (off-policy)
   * - "dataset": nobody; the answers are the data set's two
   */
  readonly samples: "policy" | "start" | "dataset";
  /** Answers to a prompt; more than two play a knockout, and the loser of its final is the rejected one. */
  readonly candidates: number;
  /**
   * - "judge": the model it started from, as judge
   * - "labels": the data set, which can rank only its own two
   * - "policy": the model being trained, as judge (moving)
   * - "refreshed": a copy of it as judge, renewed every some steps
   * - "separate": another judge, trained on judgments alone
   * - "reward-model": a separate Bradley-Terry model
   * - "truth": the true reward, where a world has one
   * - "chance": a seeded coin, as a control
   */
  readonly ranker:
    | "judge"
    | "labels"
    | "policy"
    | "refreshed"
    | "separate"
    | "reward-model"
    | "truth"
    | "chance";
  /**
   * What a pair's label is: 1 ("hard"), or the ranker's J(chosen, rejected) ("soft"). Where principles vote, the
   * majority names the chosen answer and J can lie below 1/2: the loss then leans to the other one, as J does.
   * @default "hard"
   */
  readonly labels?: "hard" | "soft";
  /** A tie is left out, or learned from with the label 1/2. An unanswered pair is no tie and always left out. @default "skip" */
  readonly ties?: "skip" | "half";
  /** What is asked of the sampler, and what the answers are learned from. @default the prompt itself */
  readonly prompts?: {
    readonly asked?: (prompt: readonly Turn[]) => readonly Turn[];
    readonly learned?: (prompt: readonly Turn[]) => readonly Turn[];
  };
  /** A preference loss, or "sft": the log-likelihood of the chosen answer alone. */
  readonly loss: PreferenceLoss | "sft";
  /** Numbers of the loss: its own beta, or others that it reads. @default none, beta is the run's */
  readonly parameters?: Readonly<Record<string, number>>;
  /** Where the method is from. */
  readonly source: string;
}

const SELF_JUDGE = "SELF-JUDGE, https://arxiv.org/abs/2402.11253";

/** On-policy DPO, from which the relatives below differ in one thing or two. */
const ON_POLICY = { samples: "policy", candidates: 2, loss: "sigmoid" } as const;
const FROM_DATA = { samples: "dataset", candidates: 2, ranker: "labels" } as const;

/** Every method by name. A relative of SELF-JUDGE is an entry here, not another trainer. */
export const METHODS = {
  "self-judge": { ...ON_POLICY, ranker: "judge", source: SELF_JUDGE },
  "self-judge-ipo": { ...ON_POLICY, ranker: "judge", loss: "ipo", source: SELF_JUDGE },
  "self-judge-hinge": { ...ON_POLICY, ranker: "judge", loss: "hinge", source: SELF_JUDGE },
  "self-judge-moving": {
    ...ON_POLICY,
    ranker: "policy",
    source: `the judge of ${SELF_JUDGE}, not frozen`,
  },
  "self-judge-refreshed": {
    ...ON_POLICY,
    ranker: "refreshed",
    source: "Self-Rewarding Language Models, https://arxiv.org/abs/2401.10020, in small iterations",
  },
  "off-policy-dpo": { ...ON_POLICY, samples: "start", ranker: "judge", source: SELF_JUDGE },
  "relabelled-dpo": { ...FROM_DATA, ranker: "judge", loss: "sigmoid", source: SELF_JUDGE },
  "separate-judge-dpo": {
    ...ON_POLICY,
    ranker: "separate",
    source: "OAIF, https://arxiv.org/abs/2402.04792",
  },
  "reward-model-dpo": {
    ...ON_POLICY,
    ranker: "reward-model",
    source: "OAIF, https://arxiv.org/abs/2402.04792, with a reward model as annotator",
  },
  "oracle-dpo": {
    ...ON_POLICY,
    ranker: "truth",
    source: "upper reference: DPO on the true reward",
  },
  "raft": {
    samples: "policy",
    candidates: 4,
    ranker: "judge",
    loss: "sft",
    source: "RAFT, https://arxiv.org/abs/2304.06767, the best by knockout",
  },
  "raft-2": {
    samples: "policy",
    candidates: 2,
    ranker: "judge",
    loss: "sft",
    source: "RAFT, https://arxiv.org/abs/2304.06767, with as many samples as SELF-JUDGE draws",
  },
  "raft-coin": {
    samples: "policy",
    candidates: 2,
    ranker: "chance",
    loss: "sft",
    source: "control: RAFT's sampling without a judge",
  },
  "offline-dpo": { ...FROM_DATA, loss: "sigmoid", source: "DPO, https://arxiv.org/abs/2305.18290" },
  "offline-ipo": { ...FROM_DATA, loss: "ipo", source: "IPO, https://arxiv.org/abs/2310.12036" },
} as const satisfies Record<string, Method>;

/** Name of a method. */
export type MethodName = keyof typeof METHODS;

/** The method of that name. @throws {UserError} listing the names there are */
export function methodNamed(name: string): Method {
  if (Object.hasOwn(METHODS, name)) return METHODS[name as MethodName];
  throw new UserError(
    `there is no method "${name}"`,
    `choose one of ${Object.keys(METHODS).join(", ")}`,
  );
}

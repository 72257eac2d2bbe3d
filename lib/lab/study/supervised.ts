import {
  addScoreHead,
  joinHead,
  pointwiseJudge,
  RewardData,
  rewardExamples,
  rewardGrade,
  scoreHead,
} from "../../judges/mod.ts";
import {
  type BatchOrder,
  type BatchSource,
  credit,
  type Example,
  jsftExamples,
  pairComparison,
  SupervisedData,
  type Weighting,
} from "../../method/mod.ts";
import { type LanguageModel, trainable } from "../../model/mod.ts";
import type { Pair } from "../../preference/mod.ts";
import { trainingCostsOf } from "../../run/costs.ts";
import { heldOutNumbers } from "../../run/stages/jsft.ts";
import { type TrainingStage, trainingStage } from "../../run/stages/training.ts";
import { ADAMW_DEFAULTS } from "../../tensor/mod.ts";
import { VIEWS } from "../world/reward.ts";
import type { StudyConfig } from "./config.ts";
import { mean } from "./measure.ts";
import { sizedName, type StudySession } from "./study_session.ts";
import type { StudyContext, StudyStage } from "./stage.ts";

/** What a model is trained on, as far as it can be written down: part of what the stage is made from. */
interface TrainingData {
  readonly kinds: readonly Example["kind"][];
  /** @default every target token alike, the paper's loss */
  readonly weighting?: Weighting;
  readonly principles?: readonly string[];
  readonly rationale?: boolean;
  /** So many times the pairs a step. */
  readonly batches?: number;
}

/** Validation pairs that a training is measured on, and how often. */
const VALIDATION = { pairs: 128, every: 50 } as const;

/** A training with other than the study's number of pairs, or of every weight. */
export interface TrainingSize {
  /** The first so many of the seed's pairs. */
  readonly pairs: number;
  /** Passes over the pairs at most. @default {@linkcode MOST_PASSES} */
  readonly passes?: number;
  /** Rate of a training of every weight, where others train an adapter. */
  readonly whole?: number;
}

/** Passes over a few pairs at most. */
export const MOST_PASSES = 8;

/** The pairs and the settings of a training: as many steps as any, or the most passes where that is less. */
export function sized(
  { pairs, supervised }: Pick<StudyConfig, "pairs" | "supervised">,
  size?: TrainingSize,
): Pick<StudyConfig, "pairs" | "supervised"> {
  if (size === undefined) return { pairs, supervised };
  const { steps, batchSize, learningRate } = supervised;
  const { passes = MOST_PASSES } = size;
  const most = Math.max(1, Math.floor(passes * size.pairs / batchSize));
  return {
    pairs: size.pairs,
    supervised: {
      ...supervised,
      steps: Math.min(steps, most),
      learningRate: size.whole ?? learningRate,
    },
  };
}

/** What a stage that trains the base is. */
interface Training {
  readonly title: string;
  readonly data?: TrainingData;
  readonly size?: TrainingSize;
}

/** What it trains on, and beside the model. */
type Work =
  & {
    readonly data: BatchSource;
    /** Its own numbers of validation pairs, where those of a language model are not its. */
    readonly validate?: () => Promise<Record<string, number>>;
  }
  & Pick<
    Awaited<ReturnType<TrainingStage<StudyConfig, StudySession>["plan"]>>,
    "parameters" | "finish" | "dispose"
  >;

/** Supervised training of the base on answers, judgments or both. */
function supervised(
  name: string,
  title: string,
  { size, ...data }: TrainingData & Pick<Training, "size">,
): StudyStage {
  return trainedFromBase(name, { title, data, size }, async ({ session, config }) => {
    const templates = await session.templates(data.principles);
    const encoder = await session.encoder();
    const whole = session.config.judge.principles[0];
    const groups = (await pairsOf(session, { ...data, size })).map((pair) =>
      jsftExamples([pair], {
        encoder,
        // A pair without a principle is labelled by the whole reward.
        templates: templates.filter(({ principle }) =>
          principle.name === (pair.principle ?? whole)
        ),
        kinds: data.kinds,
        rationale: data.rationale,
      }).examples
    );
    const { judgeWeight } = config.supervised;
    const usual: Weighting = judgeWeight === undefined || data.kinds.length < 2
      ? { mode: "token" }
      : { mode: "example", judgeWeight };
    const { batches = 1, weighting = usual } = data;
    return {
      data: new SupervisedData(groups, {
        order: pairOrder(config.seed, batches * config.supervised.batchSize),
        weighting,
        layout: { batching: "bucketed", microBatchTokens: session.world.limits.batchTokens },
      }),
    };
  });
}

/** How pairs are put into steps. */
function pairOrder(seed: number, batchSize: number): BatchOrder {
  return { name: "study", batchSize, seed, last: "dropped" };
}

/** The pairs that training data is made of. */
async function pairsOf(
  session: StudySession,
  { principles, size }: Pick<TrainingData, "principles"> & Pick<Training, "size">,
): Promise<readonly Pair[]> {
  const train = (await session.pairs()).train.slice(0, size?.pairs);
  return principles ? [...train, ...await session.principlePairs()] : train;
}

/** A stage that trains the base. */
function trainedFromBase(
  name: string,
  { title, data, size }: Training,
  work: (context: StudyContext, model: LanguageModel) => Promise<Work>,
): StudyStage {
  return trainingStage({
    name,
    title,
    needs: [],
    config: ({ base, world, pairs, supervised }) => ({
      base,
      ...(world !== undefined && { world }),
      ...sized({ pairs, supervised }, size),
      ...(data && { data }),
    }),
    async plan(context) {
      const { session, config } = context;
      const { supervised } = sized(config, size);
      const held = data && await validation(context, data);
      const model = await session.modelToTrain({ stage: name, start: "base" });
      const { validate, ...rest } = await work(context, model);
      const numbers = validate ?? (() => held ? heldOutNumbers(model, held, context) : {});
      return {
        model,
        ...rest,
        steps: supervised.steps,
        schedule: { ...supervised, shape: "cosine" },
        optimizer: { kind: "adamw", ...ADAMW_DEFAULTS },
        checkpointEvery: 50,
        show: ({ loss }) => ({ loss: loss.toFixed(3) }),
        measure: async (step) =>
          step % VALIDATION.every === 0 || step === supervised.steps ? await numbers() : {},
        result: (rows) => ({ loss: rows.at(-1)!.loss, costs: trainingCostsOf(rows) }),
      };
    },
  });
}

/** What a training is measured on while it goes on: validation pairs' chosen answers and verdicts, what it learns of both. */
async function validation(
  { session }: StudyContext,
  { kinds }: TrainingData,
): Promise<{ heldOut: readonly Pair[]; answers: readonly Example[] }> {
  const pairs = (await session.pairs()).validation.slice(0, VALIDATION.pairs);
  const { examples } = jsftExamples(pairs, {
    encoder: await session.encoder(),
    templates: [],
    kinds: ["answer"],
  });
  return {
    heldOut: kinds.includes("judgment") ? pairs : [],
    answers: kinds.includes("answer") ? examples : [],
  };
}

const BOTH: TrainingData = { kinds: ["answer", "judgment"] };

/** JSFT's variant with half of its loss on judgments. */
export const WEIGHTED = "jsft-weighted";

/** Every stage that starts from the base and the labels alone. */
export const SUPERVISED: readonly StudyStage[] = [
  supervised("sft", "SFT: the chosen answers alone", { kinds: ["answer"] }),
  supervised("jsft", "JSFT: chosen answers and judgments", BOTH),
  supervised(WEIGHTED, "JSFT with half of its loss on judgments", {
    ...BOTH,
    weighting: { mode: "example", judgeWeight: 0.5 },
  }),
  supervised("judge-only", "judgments alone", { kinds: ["judgment"] }),
  rewardModel("reward-model", "a separate Bradley-Terry reward model"),
];

/**
 * A reward model of the base. With an adapter the head is apart and trained together with it; at the end both are put
 * into the weights, which are saved whole: a reward model is read the same way however it was trained.
 */
function rewardModel(name: string, title: string, size?: TrainingSize): StudyStage {
  return trainedFromBase(name, { title, size }, async ({ session, config }, model) => {
    const pairs = (await session.pairs()).validation.slice(0, VALIDATION.pairs);
    const { batchTokens } = session.world.limits;
    const head = model.adapter ? scoreHead(model.config) : undefined;
    if (!head) addScoreHead(model);
    const examples = rewardExamples(await pairsOf(session, { size }), await session.encoder());
    return {
      data: new RewardData(examples, {
        order: pairOrder(config.seed, config.supervised.batchSize),
        microBatchTokens: batchTokens,
        head,
      }),
      validate: async () => {
        const grade = rewardGrade(model, await session.encoder(), { batchTokens, head });
        const judgments = await pointwiseJudge(name, grade).compare(pairs.map(pairComparison));
        return { heldOutJudgeAccuracy: mean(judgments.map((one) => credit(one))) };
      },
      ...(head && {
        parameters: trainable(model, { also: [head] }),
        finish: () => joinHead(model, head),
        dispose: () => {
          for (const weights of head.values()) weights.dispose();
          session.forget(); // they are no longer those of the base
        },
      }),
    };
  });
}

/** Kinds of judges that a curve of judge quality compares. */
export const CURVE_KINDS = ["jsft", "judge-only", "reward-model"] as const;
/** One of them. */
export type CurveKind = typeof CURVE_KINDS[number];

/** A judge of a kind trained on another number of pairs than the study's. */
export function sizedTraining(kind: CurveKind, size: TrainingSize): StudyStage {
  const { pairs, whole } = size;
  const name = sizedName(kind, { pairs, whole: whole !== undefined });
  const title = `${kind} on ${pairs} pairs${whole === undefined ? "" : ", every weight trained"}`;
  switch (kind) {
    case "jsft":
      return supervised(name, title, { ...BOTH, size });
    case "judge-only":
      return supervised(name, title, { kinds: ["judgment"], size });
    case "reward-model":
      return rewardModel(name, title, size);
  }
}

const PRINCIPLES: TrainingData = { ...BOTH, principles: ["overall", ...VIEWS] };
const RATIONALE: TrainingData = { ...BOTH, rationale: true };

/**
 * JSFT with principles, and with rationales after the decision. Each once more with some of what it takes from
 * plain JSFT given back: as many questions about the whole beside them, half of a judgment's weight for its decision.
 */
export const VARIANTS: readonly StudyStage[] = [
  supervised(
    "jsft-principles",
    "JSFT with half its judgments asked from one point of view",
    PRINCIPLES,
  ),
  supervised(
    "jsft-principles-beside",
    "JSFT with as many judgments from one point of view besides",
    { ...PRINCIPLES, batches: 2 },
  ),
  supervised("jsft-rationale", "JSFT with a rationale after each decision", RATIONALE),
  supervised(
    "jsft-rationale-decision",
    "JSFT with a rationale after each decision, which has half the weight",
    { ...RATIONALE, weighting: { mode: "example", judgeWeight: 0.5, decisionWeight: 0.5 } },
  ),
];

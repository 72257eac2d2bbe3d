import { addScoreHead, RewardData, rewardExamples } from "../../judges/mod.ts";
import {
  type BatchOrder,
  type BatchSource,
  type Example,
  jsftExamples,
  SupervisedData,
  type Weighting,
} from "../../method/mod.ts";
import type { LanguageModel } from "../../model/mod.ts";
import type { Pair } from "../../preference/mod.ts";
import { trainingCostsOf } from "../../run/costs.ts";
import { heldOutNumbers } from "../../run/stages/jsft.ts";
import { trainingStage } from "../../run/stages/training.ts";
import { ADAMW_DEFAULTS } from "../../tensor/mod.ts";
import { VIEWS } from "../world/reward.ts";
import type { StudySession } from "./study_session.ts";
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

/** Supervised training of the base on answers, judgments or both. */
function supervised(name: string, title: string, data: TrainingData): StudyStage {
  return trainedFromBase(name, { title, data }, async ({ session, config }) => {
    const templates = await session.templates(data.principles);
    const encoder = await session.encoder();
    const whole = session.config.judge.principles[0];
    const groups = (await pairsOf(session, data)).map((pair) =>
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
    const { batches = 1, weighting = { mode: "token" } } = data;
    return new SupervisedData(groups, {
      order: pairOrder(config.seed, batches * config.supervised.batchSize),
      weighting,
      layout: { batching: "bucketed", microBatchTokens: config.limits.batchTokens },
    });
  });
}

/** How pairs are put into steps. */
function pairOrder(seed: number, batchSize: number): BatchOrder {
  return { name: "study", batchSize, seed, last: "dropped" };
}

/** The pairs that training data is made of. */
async function pairsOf(
  session: StudySession,
  { principles }: TrainingData,
): Promise<readonly Pair[]> {
  const { train } = await session.pairs();
  return principles ? [...train, ...await session.principlePairs()] : train;
}

/** A stage that trains the base. @param change Of the base, before it is trained */
function trainedFromBase(
  name: string,
  { title, data }: { title: string; data?: TrainingData },
  batches: (context: StudyContext) => Promise<BatchSource>,
  change: (model: LanguageModel) => void = () => {},
): StudyStage {
  return trainingStage({
    name,
    title,
    needs: [],
    config: ({ base, world, pairs, supervised }) => ({
      base,
      ...(world !== undefined && { world }),
      pairs,
      supervised,
      ...(data && { data }),
    }),
    async plan(context) {
      const { session, config: { supervised } } = context;
      const source = await batches(context);
      const held = data && await validation(context, data);
      const model = await session.modelToTrain({ stage: name, start: "base" });
      change(model);
      return {
        model,
        data: source,
        steps: supervised.steps,
        schedule: { ...supervised, shape: "cosine" },
        optimizer: { kind: "adamw", ...ADAMW_DEFAULTS },
        checkpointEvery: 50,
        show: ({ loss }) => ({ loss: loss.toFixed(3) }),
        measure: async (step) =>
          held && (step % VALIDATION.every === 0 || step === supervised.steps)
            ? await heldOutNumbers(model, held, context)
            : {},
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

/** Every stage that starts from the base and the labels alone. */
export const SUPERVISED: readonly StudyStage[] = [
  supervised("sft", "SFT: the chosen answers alone", { kinds: ["answer"] }),
  supervised("jsft", "JSFT: chosen answers and judgments", BOTH),
  supervised("jsft-weighted", "JSFT with half of its loss on judgments", {
    ...BOTH,
    weighting: { mode: "example", judgeWeight: 0.5 },
  }),
  supervised("judge-only", "judgments alone", { kinds: ["judgment"] }),
  trainedFromBase(
    "reward-model",
    { title: "a separate Bradley-Terry reward model" },
    async ({ session, config }) => {
      const { train } = await session.pairs();
      return new RewardData(rewardExamples(train, await session.encoder()), {
        order: pairOrder(config.seed, config.supervised.batchSize),
        microBatchTokens: config.limits.batchTokens,
      });
    },
    addScoreHead,
  ),
];

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

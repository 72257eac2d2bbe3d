import { Rng } from "../../base/random.ts";
import { addScoreHead, RewardData, rewardExamples } from "../../judges/mod.ts";
import {
  type BatchOrder,
  type BatchSource,
  type Example,
  jsftExamples,
  SupervisedData,
} from "../../method/mod.ts";
import type { LanguageModel } from "../../model/mod.ts";
import type { Pair } from "../../preference/mod.ts";
import { trainingCostsOf } from "../../run/costs.ts";
import { trainingStage } from "../../run/stages/training.ts";
import { ADAMW_DEFAULTS } from "../../tensor/mod.ts";
import { LABEL_TEMPERATURE, prefersFirst } from "../world/preference.ts";
import { VIEWS } from "../world/reward.ts";
import { BATCH_TOKENS, type DeskSession, requestOf } from "./session.ts";
import type { StudyContext, StudyStage } from "./stage.ts";

/** What a model is trained on, as far as it can be written down: part of what the stage is made from. */
interface TrainingData {
  readonly kinds: readonly Example["kind"][];
  readonly principles?: readonly string[];
  readonly rationale?: boolean;
  /** Share of a judgment's weight on its decision, before its rationale. */
  readonly decisionWeight?: number;
  /** So many times the pairs a step. */
  readonly batches?: number;
  /** Other labels than the world's, and fewer pairs. */
  readonly labels?: { readonly temperature: number; readonly pairs: number };
}

/** Supervised training of the base on answers, judgments or both. */
function supervised(name: string, title: string, data: TrainingData): StudyStage {
  return trainedFromBase(name, { title, data }, async ({ session, config }) => {
    const templates = await session.templates(data.principles);
    const encoder = await session.encoder();
    const groups = (await pairsOf(session, data)).map((pair) =>
      jsftExamples([pair], {
        encoder,
        // A pair without a principle is labelled by the whole reward.
        templates: templates.filter(({ principle }) =>
          principle.name === (pair.principle ?? "overall")
        ),
        kinds: data.kinds,
        rationale: data.rationale,
      }).examples
    );
    const { decisionWeight, batches = 1 } = data;
    const { batchSize, judgeWeight } = config.supervised;
    return new SupervisedData(groups, {
      order: pairOrder(config.seed, batches * batchSize),
      weighting: { mode: "example", judgeWeight, decisionWeight },
      layout: { batching: "bucketed", microBatchTokens: BATCH_TOKENS },
    });
  });
}

/** How pairs are put into steps. */
function pairOrder(seed: number, batchSize: number): BatchOrder {
  return { name: "study", batchSize, seed, last: "dropped" };
}

/** The pairs that training data is made of. */
async function pairsOf(
  session: DeskSession,
  { principles, labels }: TrainingData,
): Promise<readonly Pair[]> {
  const { train } = await session.pairs();
  if (principles) return [...train, ...await session.principlePairs()];
  return labels ? relabelled(train.slice(0, labels.pairs), labels.temperature, session) : train;
}

/** Pairs labelled anew; as they are at the temperature of the world. */
function relabelled(
  pairs: readonly Pair[],
  temperature: number,
  { study: { seed } }: DeskSession,
): readonly Pair[] {
  if (temperature === LABEL_TEMPERATURE) return pairs;
  const rng = Rng.named(seed, "study/labels");
  return pairs.map((pair): Pair => {
    const answers = { request: requestOf(pair), first: pair.chosen, second: pair.rejected };
    return prefersFirst(answers, rng, { temperature })
      ? pair
      : { ...pair, chosen: pair.rejected, rejected: pair.chosen };
  });
}

/** A stage that trains every weight of the base. @param change Of the base, before it is trained */
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
        result: (rows) => ({ loss: rows.at(-1)!.loss, costs: trainingCostsOf(rows) }),
      };
    },
  });
}

/** Name of the JSFT stage on fewer or otherwise labelled pairs. */
export const noisyName = (temperature: number, pairs: number) => `jsft-t${temperature}-n${pairs}`;

/** JSFT on the first `pairs` pairs; labelled anew, where the temperature is not the world's. */
export function noisyJsft(temperature: number, pairs: number): StudyStage {
  return supervised(
    noisyName(temperature, pairs),
    `JSFT on ${pairs} pairs labelled at temperature ${temperature}`,
    { ...BOTH, labels: { temperature, pairs } },
  );
}

const BOTH: TrainingData = { kinds: ["answer", "judgment"] };

/** Every stage that starts from the base and the labels alone. */
export const SUPERVISED: readonly StudyStage[] = [
  supervised("sft", "SFT: the chosen answers alone", { kinds: ["answer"] }),
  supervised("jsft", "JSFT: chosen answers and judgments", BOTH),
  supervised("judge-only", "judgments alone", { kinds: ["judgment"] }),
  trainedFromBase(
    "reward-model",
    { title: "a separate Bradley-Terry reward model" },
    async ({ session, config }) => {
      const { train } = await session.pairs();
      return new RewardData(rewardExamples(train, await session.encoder()), {
        order: pairOrder(config.seed, config.supervised.batchSize),
        microBatchTokens: BATCH_TOKENS,
      });
    },
    addScoreHead,
  ),
];

const PRINCIPLES: TrainingData = { ...BOTH, principles: ["overall", ...VIEWS] };
const RATIONALE: TrainingData = { ...BOTH, rationale: true };

/**
 * JSFT with principles, and with rationales after the decision. Each once more with some of what it takes from
 * plain JSFT given back: as many questions about the whole (of half the weight each), half of a judgment's
 * weight for its decision (plain: all).
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
    { ...RATIONALE, decisionWeight: 0.5 },
  ),
];

import { addScoreHead, rewardBatches, rewardExamples } from "../../judges/mod.ts";
import {
  type Example,
  jsftExamples,
  type MicroBatch,
  supervisedBatches,
} from "../../method/mod.ts";
import { type LanguageModel, saveModel } from "../../model/mod.ts";
import type { Pair } from "../../preference/mod.ts";
import { Rng } from "../../base/random.ts";
import type { Stage } from "../../run/stage.ts";
import { trainStage } from "../../run/stages/training.ts";
import { ADAMW_DEFAULTS } from "../../tensor/mod.ts";
import { LABEL_TEMPERATURE, prefersFirst } from "../world/preference.ts";
import { VIEWS } from "../world/reward.ts";
import { BATCH_TOKENS, type DeskSession } from "./session.ts";
import type { StudyConfig } from "./config.ts";

/** A stage of the study. */
export type StudyStage = Stage<StudyConfig, DeskSession>;

/** What a model is taught. */
interface Lessons {
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
function supervised(name: string, title: string, lessons: Lessons): StudyStage {
  return trained(name, { title, lessons }, async (session) => {
    const { supervised } = session.config;
    const pairs = await pairsOf(session, lessons);
    const templates = session.templates(lessons.principles);
    const { decisionWeight, batches = 1 } = lessons;
    const batchSize = batches * supervised.batchSize;
    return (step) => {
      const some = pairsOfStep(step, { pairs, batchSize, seed: session.config.seed });
      const examples = some.flatMap((pair) =>
        jsftExamples([pair], {
          encoder: session.encoder,
          // A pair without a principle is labelled by the whole reward.
          templates: templates.filter(({ principle }) =>
            principle.name === (pair.principle ?? "overall")
          ),
          // The better answer by one point of view is no answer to imitate.
          kinds: pair.principle ? ["judgment"] : lessons.kinds,
          rationale: lessons.rationale,
        }).examples
      );
      return supervisedBatches(examples, {
        weighting: { mode: "example", judgeWeight: supervised.judgeWeight, decisionWeight },
        batching: "bucketed",
        microBatchTokens: BATCH_TOKENS,
      });
    };
  });
}

/** The pairs that lessons are made of. */
async function pairsOf(
  session: DeskSession,
  { principles, labels }: Lessons,
): Promise<readonly Pair[]> {
  const { train } = await session.pairs();
  if (principles) return [...train, ...await session.principlePairs()];
  return labels ? relabelled(train.slice(0, labels.pairs), labels.temperature, session) : train;
}

/** Pairs labelled anew; as they are at the temperature of the world. */
function relabelled(
  pairs: readonly Pair[],
  temperature: number,
  { config: { seed } }: DeskSession,
): readonly Pair[] {
  if (temperature === LABEL_TEMPERATURE) return pairs;
  const rng = Rng.named(seed, "study/labels");
  return pairs.map((pair): Pair => {
    const answers = { order: pair.prompt[0].content, first: pair.chosen, second: pair.rejected };
    return prefersFirst(answers, rng, { temperature })
      ? pair
      : { ...pair, chosen: pair.rejected, rejected: pair.chosen };
  });
}

/**
 * A stage that trains every weight of the base on what `prepare` makes of each step.
 *
 * @param what.lessons What it is taught, as far as that can be written down: part of what the stage is made from.
 */
function trained(
  name: string,
  { title, lessons }: { title: string; lessons?: Lessons },
  prepare: (session: DeskSession) => Promise<(step: number) => MicroBatch[]>,
  change: (model: LanguageModel) => void = () => {},
): StudyStage {
  return {
    name,
    title,
    needs: [],
    config: ({ base, world, pairs, supervised }) => ({
      base,
      ...(world !== undefined && { world }),
      pairs,
      supervised,
      ...(lessons && { lessons }),
    }),
    async run(context) {
      const { session, config: { supervised, seed } } = context;
      const parts = await prepare(session);
      const model = await session.load("base");
      try {
        change(model);
        const rows = await trainStage(context, {
          name,
          model,
          steps: supervised.steps,
          seed,
          schedule: { ...supervised, shape: "cosine" },
          optimizer: { kind: "adamw", ...ADAMW_DEFAULTS },
          checkpointEvery: 50,
          identity: { name, supervised, lessons },
          prepare: (step) => Promise.resolve({ parts: parts(step) }),
          show: ({ loss }) => ({ loss: loss.toFixed(3) }),
        });
        await saveModel(model, `${context.folder}/model`);
        return { loss: rows.at(-1)!.loss };
      } finally {
        model.dispose();
      }
    },
  };
}

/** The pairs of a step: every pass over them is a fresh seeded shuffle. */
function pairsOfStep(
  step: number,
  { pairs, batchSize, seed }: { pairs: readonly Pair[]; batchSize: number; seed: number },
): Pair[] {
  const perEpoch = Math.max(1, Math.floor(pairs.length / batchSize));
  const order = Rng.named(seed, `study/epoch/${Math.floor(step / perEpoch)}`).shuffle(pairs);
  const start = (step % perEpoch) * batchSize;
  return order.slice(start, start + batchSize);
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

const BOTH: Lessons = { kinds: ["answer", "judgment"] };

/** Every stage that starts from the base and the labels alone. */
export const SUPERVISED: readonly StudyStage[] = [
  supervised("sft", "SFT: the chosen answers alone", { kinds: ["answer"] }),
  supervised("jsft", "JSFT: chosen answers and judgments", BOTH),
  supervised("judge-only", "judgments alone", { kinds: ["judgment"] }),
  trained(
    "reward-model",
    { title: "a separate Bradley-Terry reward model" },
    async (session) => {
      const { train } = await session.pairs();
      return (step) =>
        rewardBatches(
          rewardExamples(
            pairsOfStep(step, {
              pairs: train,
              ...session.config.supervised,
              seed: session.config.seed,
            }),
            session.encoder,
          ),
          { microBatchTokens: BATCH_TOKENS },
        );
    },
    addScoreHead,
  ),
];

const PRINCIPLES: Lessons = { ...BOTH, principles: ["overall", ...VIEWS] };
const RATIONALE: Lessons = { ...BOTH, rationale: true };

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

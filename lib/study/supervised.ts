import {
  addScoreHead,
  type Example,
  jsftExamples,
  type MicroBatch,
  rewardBatches,
  rewardExamples,
  supervisedBatches,
} from "../align/mod.ts";
import { type Llama, saveModel } from "../model/mod.ts";
import type { Pair } from "../preference/mod.ts";
import { Rng } from "../random.ts";
import type { Stage } from "../run/stage.ts";
import { trainStage } from "../run/stages/training.ts";
import { ADAMW_DEFAULTS } from "../tensor/mod.ts";
import { LABEL_TEMPERATURE, prefersFirst } from "../world/preference.ts";
import { VIEWS } from "../world/reward.ts";
import { BATCH_TOKENS, type StudyBench } from "./bench.ts";
import type { StudyConfig } from "./config.ts";

/** A stage of the study. */
export type StudyStage = Stage<StudyConfig, StudyBench>;

/** What a model is taught, and from which pairs. */
interface Lessons {
  readonly title: string;
  readonly kinds: readonly Example["kind"][];
  readonly principles?: readonly string[];
  readonly rationale?: boolean;
  /** Share of a judgment's weight on its decision, before its rationale. */
  readonly decisionWeight?: number;
  /** So many times the pairs a step. */
  readonly batches?: number;
  /** The pairs; those of the seed unless said. */
  readonly pairs?: (bench: StudyBench) => Promise<readonly Pair[]>;
}

/** Supervised training of the base on answers, judgments or both. */
function supervised(name: string, lessons: Lessons): StudyStage {
  return trained(name, lessons.title, async (bench) => {
    const { supervised } = bench.config;
    const pairs = await (lessons.pairs?.(bench) ?? bench.pairs().then(({ train }) => train));
    const templates = bench.templates(lessons.principles);
    const { decisionWeight, batches = 1 } = lessons;
    const batchSize = batches * supervised.batchSize;
    return (step) => {
      const some = pairsOfStep(step, { pairs, batchSize, seed: bench.config.seed });
      const examples = some.flatMap((pair) =>
        jsftExamples([pair], {
          encoder: bench.encoder,
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

/** A stage that trains every weight of the base on what `prepare` makes of each step. */
function trained(
  name: string,
  title: string,
  prepare: (bench: StudyBench) => Promise<(step: number) => MicroBatch[]>,
  change: (model: Llama) => void = () => {},
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
    }),
    async run(context) {
      const { bench, config: { supervised, seed } } = context;
      const parts = await prepare(bench);
      const model = await bench.load("base");
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
          identity: { name, supervised },
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

/** JSFT on the first `count` pairs; labelled anew, where the temperature is not the world's. */
export function noisyJsft(temperature: number, count: number): StudyStage {
  return supervised(noisyName(temperature, count), {
    title: `JSFT on ${count} pairs labelled at temperature ${temperature}`,
    kinds: ["answer", "judgment"],
    pairs: async (bench) => {
      const rng = Rng.named(bench.config.seed, "study/labels");
      const { train } = await bench.pairs();
      const some = train.slice(0, count);
      return temperature === LABEL_TEMPERATURE ? some : some.map((pair): Pair => {
        const answers = {
          order: pair.prompt[0].content,
          first: pair.chosen,
          second: pair.rejected,
        };
        return prefersFirst(answers, rng, { temperature })
          ? pair
          : { ...pair, chosen: pair.rejected, rejected: pair.chosen };
      });
    },
  });
}

/** Every stage that starts from the base and the labels alone. */
export const SUPERVISED: readonly StudyStage[] = [
  supervised("sft", { title: "SFT: the chosen answers alone", kinds: ["answer"] }),
  supervised("jsft", {
    title: "JSFT: chosen answers and judgments",
    kinds: ["answer", "judgment"],
  }),
  supervised("judge-only", { title: "judgments alone", kinds: ["judgment"] }),
  trained("reward-model", "a separate Bradley-Terry reward model", async (bench) => {
    const { train } = await bench.pairs();
    return (step) =>
      rewardBatches(
        rewardExamples(
          pairsOfStep(step, { pairs: train, ...bench.config.supervised, seed: bench.config.seed }),
          bench.encoder,
        ),
        { microBatchTokens: BATCH_TOKENS },
      );
  }, addScoreHead),
];

const PRINCIPLES: Lessons = {
  title: "JSFT with half its judgments asked from one point of view",
  kinds: ["answer", "judgment"],
  principles: ["overall", ...VIEWS],
  pairs: async (bench) => [...(await bench.pairs()).train, ...await bench.principlePairs()],
};

const RATIONALE: Lessons = {
  title: "JSFT with a rationale after each decision",
  kinds: ["answer", "judgment"],
  rationale: true,
};

/**
 * JSFT with principles, and with rationales after the decision. Each once more with some of what it takes from
 * plain JSFT given back: as many questions about the whole (of half the weight each), half of a judgment's
 * weight for its decision (plain: all).
 */
export const VARIANTS: readonly StudyStage[] = [
  supervised("jsft-principles", PRINCIPLES),
  supervised("jsft-principles-beside", {
    ...PRINCIPLES,
    title: "JSFT with as many judgments from one point of view besides",
    batches: 2,
  }),
  supervised("jsft-rationale", RATIONALE),
  supervised("jsft-rationale-decision", {
    ...RATIONALE,
    title: "JSFT with a rationale after each decision, which has half the weight",
    decisionWeight: 0.5,
  }),
];

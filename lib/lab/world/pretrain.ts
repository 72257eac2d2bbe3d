/** Pretraining of the world's base model, on answers of every quality and reading exercises. @module */
import type { StepLog } from "../../method/mod.ts";
import { nextTokenProbabilities } from "../../model/mod.ts";
import type { LanguageModel } from "../../model/mod.ts";
import { Rng } from "../../base/random.ts";
import type { Reporter } from "../../run/stage.ts";
import { trainLogged } from "../../run/stages/training.ts";
import { MUON_DEFAULTS } from "../../tensor/mod.ts";
import { answerExercise, comparisonExercise } from "./exercises.ts";
import { exerciseBatch, idsOf } from "./exercise_batch.ts";
import { PARTS } from "./desk.ts";
import { type View, VIEWS } from "./reward.ts";
import { NUMBERS, SPECIAL } from "./words.ts";

/** Points of view that a base's lessons may teach, by their number. */
export const TAUGHT: Readonly<Record<number, readonly View[]>> = {
  0: [],
  2: ["completeness", "manners"],
  5: VIEWS,
};

/** Exercises of a step by kind, with the kind's share of the loss; a base that is taught no view reads no pairs. */
const kindsOf = (views: readonly View[]) =>
  views.length === 0 ? [{ draw: answerExercise, count: 24, share: 1 }] : [
    { draw: answerExercise, count: 16, share: 0.25 },
    { draw: (rng: Rng) => comparisonExercise(rng, { views }), count: 24, share: 0.75 },
  ];

const OPTIMIZER = { kind: "muon", ...MUON_DEFAULTS, adamwRate: 0.7 } as const;

/** How a base is trained. */
export const PRETRAINING = { steps: 3000, learningRate: 3e-3, warmup: 0.02 } as const;

/** The parts of a pretraining step: fresh exercises every time, nothing is seen twice. */
function pretrainingStep(step: number, { seed, views }: { seed: number; views: readonly View[] }) {
  const rng = Rng.named(seed, `lessons/${step}`);
  return kindsOf(views).map(({ draw, count, share }) =>
    exerciseBatch(Array.from({ length: count }, () => draw(rng)), share)
  );
}

/**
 * Share of right answers to the questions of fresh exercises, by question and by count, on answers as the data
 * set has them, without marks; all are asked after what was asked before them, as in training.
 */
export async function exerciseAccuracy(
  model: LanguageModel,
  { views, exercises = 200, seed = 0 }: {
    views: readonly View[];
    exercises?: number;
    seed?: number;
  },
): Promise<Record<string, number>> {
  if (views.length === 0) return {};
  const rng = Rng.named(seed, "exercises held out");
  const asked = Array.from(
    { length: exercises },
    () => comparisonExercise(rng, { views, plain: true }),
  ).flatMap((exercise) =>
    exercise.words.flatMap((word, at) => {
      const before = exercise.words.slice(0, at);
      const question = before.lastIndexOf("which");
      if (["A", "B", "same"].includes(word) && before.at(-1) === "answer") {
        return [{ name: before.slice(question, -2).join(" "), before, word }];
      }
      const review = before.lastIndexOf("review");
      const counted = review > question && before.lastIndexOf(SPECIAL.end) < review &&
        at > review + 2 && (at - review) % 2 === 0;
      return counted ? [{ name: `review ${before.at(-1)}`, before, word }] : [];
    })
  );
  const choices = [...NUMBERS, "A", "B", "same", "polite", "rude", "plain", "good", "bad"];
  const rows = await nextTokenProbabilities(model, asked.map(({ before }) => idsOf(before)), {
    tokens: idsOf(choices),
    batchTokens: 4096,
  });
  const right = new Map<string, number[]>();
  asked.forEach(({ name, word }, i) => {
    const best = choices[rows[i].indexOf(Math.max(...rows[i]))];
    right.set(name, [...right.get(name) ?? [], Number(best === word)]);
  });
  return Object.fromEntries(
    [...right].map(([name, hits]) => [name, hits.reduce((a, b) => a + b, 0) / hits.length]),
  );
}

/** Trains a fresh model; a training done before is only loaded. */
export async function pretrain(
  model: LanguageModel,
  { steps, seed, views, folder, reporter }: {
    steps: number;
    seed: number;
    views: readonly View[];
    folder: string;
    reporter: Reporter;
  },
): Promise<StepLog[]> {
  const { learningRate, warmup } = PRETRAINING;
  const identity = {
    ...{ seed, steps, learningRate, views, parts: PARTS },
    optimizer: OPTIMIZER,
    kinds: kindsOf(views).map(({ count, share }) => [count, share]),
  };
  return await trainLogged(
    {
      ...{ name: "base", folder, config: { seed }, identity: JSON.stringify(identity) },
      ...reporter,
    },
    {
      model,
      data: { batch: (step) => Promise.resolve({ parts: pretrainingStep(step, { seed, views }) }) },
      steps,
      schedule: { learningRate, shape: "cosine", warmup },
      optimizer: OPTIMIZER,
      checkpointEvery: 250,
      show: ({ answerLoss, comparisonLoss }) => ({
        answers: answerLoss.toFixed(3),
        ...(comparisonLoss !== undefined && { comparisons: comparisonLoss.toFixed(3) }),
      }),
      measure: async (step) =>
        step % 500 === 0 || step === steps
          ? await exerciseAccuracy(model, { views, exercises: 40 })
          : {},
    },
  );
}

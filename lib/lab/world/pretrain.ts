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
import { NUMBERS, SPECIAL } from "./words.ts";

/** Exercises of a step by kind, with the kind's share of the loss. */
const KINDS = [
  { draw: answerExercise, count: 16, share: 0.25 },
  { draw: comparisonExercise, count: 24, share: 0.75 },
] as const;

const OPTIMIZER = { kind: "muon", ...MUON_DEFAULTS, adamwRate: 0.7 } as const;

/** A stretch of pretraining with its own schedule; the next starts from its weights. */
interface Phase {
  readonly name: string;
  readonly steps: number;
  /** Peak learning rate. */
  readonly rate: number;
  /** From this share of its steps on, some questions join several views. */
  readonly jointFrom: number;
  /** Whether mistaken things may be others of the request. */
  readonly doubled: boolean;
}

/** First to tell ordered things from others, then also first mentions from later ones. */
export const PHASES: readonly Phase[] = [
  { name: "strays", steps: 3000, rate: 3e-3, jointFrom: 0.6, doubled: false },
  { name: "doubled", steps: 1000, rate: 2e-3, jointFrom: 0, doubled: true },
];

/** The parts of a pretraining step: fresh exercises every time, nothing is seen twice. */
function pretrainingStep(
  step: number,
  { seed, joint, doubled }: { seed: number; joint: boolean; doubled: boolean },
) {
  const rng = Rng.named(seed, `lessons/${doubled ? "doubled/" : ""}${step}`);
  return KINDS.map(({ draw, count, share }) =>
    exerciseBatch(Array.from({ length: count }, () => draw(rng, { joint, doubled })), share)
  );
}

/**
 * Share of right answers to the questions of fresh exercises, by question and by count, on answers as the data
 * set has them, without marks; all are asked after what was asked before them, as in training.
 */
export async function exerciseAccuracy(
  model: LanguageModel,
  { exercises = 200, seed = 0, joint = false }: {
    exercises?: number;
    seed?: number;
    joint?: boolean;
  } = {},
): Promise<Record<string, number>> {
  const rng = Rng.named(seed, "exercises held out");
  const asked = Array.from(
    { length: exercises },
    () => comparisonExercise(rng, { joint, plain: true }),
  ).flatMap((exercise) =>
    exercise.words.flatMap((word, at) => {
      const before = exercise.words.slice(0, at);
      const question = before.lastIndexOf("which");
      if (["A", "B", "same"].includes(word) && before.at(-1) === "answer") {
        const asked = before.slice(question, -2).join(" ");
        return [{ name: joins(asked) ? "several at once" : asked, before, word }];
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

/** One phase, from the model as it is; a phase done before is only loaded. */
export async function pretrain(
  model: LanguageModel,
  { steps, rate, jointFrom, doubled, seed, folder, reporter }: Phase & {
    seed: number;
    folder: string;
    reporter: Reporter;
  },
): Promise<StepLog[]> {
  const identity = {
    ...{ seed, steps, rate, jointFrom },
    optimizer: OPTIMIZER,
    kinds: KINDS.map(({ count, share }) => [count, share]),
    ...(doubled && { doubled }),
  };
  return await trainLogged(
    {
      name: doubled ? "base, things named twice" : "base, things not ordered",
      folder,
      config: { seed },
      identity: JSON.stringify(identity),
      ...reporter,
    },
    {
      model,
      data: {
        batch: (step) => {
          const joint = step >= Math.round(jointFrom * steps);
          return Promise.resolve({ parts: pretrainingStep(step, { seed, joint, doubled }) });
        },
      },
      steps,
      schedule: { learningRate: rate, shape: "cosine", warmup: 0.02 },
      optimizer: OPTIMIZER,
      checkpointEvery: 250,
      show: (row) => ({
        answers: row.answerLoss.toFixed(3),
        comparisons: row.comparisonLoss.toFixed(3),
      }),
      measure: async (step) =>
        step % 500 === 0 || step === steps ? await exerciseAccuracy(model, { exercises: 40 }) : {},
    },
  );
}

/** Whether a question asks from more than one point of view. */
const joins = (question: string) => / and /.test(question);

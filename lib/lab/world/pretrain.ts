/**
 * Trains the world's base model on answers of every quality and on reading exercises, without any
 * preference, and puts it under data/world/base.
 *
 *     deno task pretrain
 *
 * @module
 */
import { Command } from "commander";
import type { StepLog } from "../../method/mod.ts";
import { nextTokenProbabilities, saveModel } from "../../model/mod.ts";
import type { Llama } from "../../model/mod.ts";
import { Rng } from "../../base/random.ts";
import { runCommand, stopOnInterrupt } from "../../cli/command.ts";
import { makeFolder, writeCsv, writeWhole } from "../../base/files.ts";
import { duration } from "../../base/progress.ts";
import { trainStage } from "../../run/stages/training.ts";
import { versions } from "../../run/versions.ts";
import { MUON_DEFAULTS, startEngine } from "../../tensor/mod.ts";
import { freshModel } from "./base_model.ts";
import { answerLesson, comparisonLesson } from "./exercises.ts";
import { worldLanguage } from "./language.ts";
import { idsOf, lessonBatch } from "./lesson_batch.ts";
import { NUMBERS, SPECIAL } from "./words.ts";

/** Lessons of a step by kind, with the kind's share of the loss. */
const KINDS = [
  { draw: answerLesson, count: 16, share: 0.25 },
  { draw: comparisonLesson, count: 24, share: 0.75 },
] as const;

const OPTIMIZER = { kind: "muon", ...MUON_DEFAULTS, adamwRate: 0.7 } as const;

/** A stretch of pretraining with its own schedule; the next goes on from its weights. */
interface Phase {
  readonly name: string;
  readonly steps: number;
  /** Peak learning rate. */
  readonly rate: number;
  /** From this share of its steps on, some questions join several views. */
  readonly jointFrom: number;
  /** Whether mistaken things may be others of the order. */
  readonly doubled: boolean;
}

/** First to tell ordered things from others, then also first mentions from later ones. */
export const PHASES: readonly Phase[] = [
  { name: "strays", steps: 3000, rate: 3e-3, jointFrom: 0.6, doubled: false },
  { name: "doubled", steps: 1000, rate: 2e-3, jointFrom: 0, doubled: true },
];

/** The parts of a pretraining step: fresh lessons every time, nothing is seen twice. */
function pretrainingStep(
  step: number,
  { seed, joint, doubled }: { seed: number; joint: boolean; doubled: boolean },
) {
  const rng = Rng.named(seed, `lessons/${doubled ? "doubled/" : ""}${step}`);
  return KINDS.map(({ draw, count, share }) =>
    lessonBatch(Array.from({ length: count }, () => draw(rng, { joint, doubled })), share)
  );
}

/**
 * Share of right answers to the questions of fresh exercises, by question and by count, on answers as the data
 * set has them, without marks; all are asked after what was asked before them, as in training.
 */
async function exerciseAccuracy(
  model: Llama,
  { lessons = 200, seed = 0, joint = false }: {
    lessons?: number;
    seed?: number;
    joint?: boolean;
  } = {},
): Promise<Record<string, number>> {
  const rng = Rng.named(seed, "exercises held out");
  const asked = Array.from(
    { length: lessons },
    () => comparisonLesson(rng, { joint, plain: true }),
  ).flatMap((lesson) =>
    lesson.words.flatMap((word, at) => {
      const before = lesson.words.slice(0, at);
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
  model: Llama,
  { steps, rate, jointFrom, doubled, seed, folder, stopping }: Phase & {
    seed: number;
    folder: string;
    stopping: () => boolean;
  },
): Promise<StepLog[]> {
  await makeFolder(folder);
  return await trainStage(
    { folder, config: { seed }, stopping, log: (line) => console.log(line) },
    {
      name: doubled ? "base, things named twice" : "base, things not ordered",
      model,
      steps,
      seed,
      schedule: { learningRate: rate, shape: "cosine", warmup: 0.02 },
      optimizer: OPTIMIZER,
      checkpointEvery: 250,
      identity: {
        ...{ steps, rate, jointFrom },
        optimizer: OPTIMIZER,
        kinds: KINDS.map(({ count, share }) => [count, share]),
        ...(doubled && { doubled }),
      },
      prepare: (step) => {
        const joint = step >= Math.round(jointFrom * steps);
        return Promise.resolve({ parts: pretrainingStep(step, { seed, joint, doubled }) });
      },
      show: (row) => ({
        answers: row.answerLoss.toFixed(3),
        comparisons: row.comparisonLoss.toFixed(3),
      }),
      evaluate: async (step) =>
        step % 500 === 0 || step === steps ? await exerciseAccuracy(model, { lessons: 40 }) : {},
    },
  );
}

/** Whether a question asks from more than one point of view. */
const joins = (question: string) => / and /.test(question);

async function main(): Promise<void> {
  const options = new Command("deno task pretrain")
    .description("Trains the order desk's base model; Ctrl-C stops, the same command goes on.")
    .option("--share <number>", "share of the usual steps, for a quick look", Number, 1)
    .option("--seed <number>", "weights and lessons follow from it", Number, 1)
    .option("--run <folder>", "run folder", "runs/base")
    .option("--out <folder>", "where the base model goes", "data/world/base")
    .parse(Deno.args, { from: "user" })
    .opts<{ share: number; seed: number; run: string; out: string }>();
  const engine = await startEngine();
  const { share, seed, run, out } = options;
  const model = freshModel(seed);
  const stopping = stopOnInterrupt();
  const rows: StepLog[] = [];
  for (const phase of PHASES) {
    const done = rows.length;
    const log = await pretrain(model, {
      ...phase,
      steps: Math.ceil(phase.steps * share),
      seed,
      folder: `${run}/${phase.name}`,
      stopping,
    });
    rows.push(...log.map((row) => ({ ...row, step: done + row.step })));
  }
  const accuracy = {
    ...await exerciseAccuracy(model, { lessons: 200, seed: 2, joint: true }),
    ...await exerciseAccuracy(model, { lessons: 400, seed: 1 }),
  };
  console.table(accuracy);
  await saveModel(model, out);
  await worldLanguage().tokenizer.save(out);
  // Means over 25 steps: the log is read as a curve.
  const means = Array.from({ length: Math.ceil(rows.length / 25) }, (_, i) => {
    const part = rows.slice(25 * i, 25 * (i + 1));
    const mean = (name: string) => part.reduce((sum, row) => sum + row[name], 0) / part.length;
    return {
      step: part.at(-1)!.step,
      loss: mean("loss"),
      answerLoss: mean("answerLoss"),
      comparisonLoss: mean("comparisonLoss"),
      learningRate: part.at(-1)!.learningRate,
    };
  });
  await writeCsv(`${out}/log.csv`, means);
  const record = {
    command: ["deno task pretrain", ...Deno.args].join(" "),
    seed,
    phases: PHASES.map((phase) => ({ ...phase, steps: Math.ceil(phase.steps * share) })),
    hours: rows.reduce((sum, row) => sum + row.seconds, 0) / 3600,
    versions: versions(engine),
    exerciseAccuracy: accuracy,
  };
  await writeWhole(`${out}/base.json`, JSON.stringify(record, null, 2) + "\n");
  console.log(
    `base model in ${out}, ${duration(rows.reduce((sum, row) => sum + row.seconds, 0))}`,
  );
  console.log("next: deno task start");
  model.dispose();
}

if (import.meta.main) await runCommand(main);

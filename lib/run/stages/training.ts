import { type StepLog, train, type TrainOptions } from "../../method/mod.ts";
import { appendJsonl, readJsonl, writeCsv, writeJsonl } from "../../base/files.ts";
import { Progress } from "../../base/progress.ts";
import { type StageContext, Stopped, type TrainingProgress } from "../stage.ts";

/**
 * Trains with what every training stage of a run shares: a progress line, metrics as JSONL and CSV, a
 * checkpoint to go on from, and a stop that loses nothing.
 *
 * @param options.show Picks the numbers of the progress line.
 * @param options.truncate Files of JSON lines with a `step` that a resumed run has to cut back.
 * @returns the log of all steps, those before a stop included
 * @throws {Stopped} if the user asked to stop
 */
export async function trainStage(
  { folder, config, stopping, log, progress: show }:
    & Pick<StageContext, "folder" | "stopping" | "log" | "progress">
    & { readonly config: { readonly seed: number } },
  options: Omit<TrainOptions, "checkpoint" | "onStart" | "onStep" | "shouldStop"> & {
    name: string;
    checkpointEvery: number;
    /** What the checkpoint belongs to, beside the run's settings. */
    identity: unknown;
    show: (log: StepLog) => Record<string, string>;
    truncate?: readonly string[];
    /** After a step: more numbers for its log. */
    evaluate?: (step: number) => Promise<Record<string, number>>;
  },
): Promise<StepLog[]> {
  const metrics = `${folder}/metrics.jsonl`;
  const identity = JSON.stringify({ seed: config.seed, settings: options.identity });
  let progress: TrainingProgress | undefined;
  const taken = await train({
    ...options,
    checkpoint: {
      path: `${folder}/checkpoint.safetensors`,
      config: identity,
      every: options.checkpointEvery,
    },
    async onStart(done) {
      if (done > 0) log(`going on after step ${done}`);
      for (const file of [metrics, ...options.truncate ?? []]) {
        const rows = await readJsonl<{ step: number }>(file);
        // Also when none is left: a torn line would otherwise stay and run into the next one.
        await writeJsonl(file, rows.filter(({ step }) => step <= done));
      }
      const start = { total: options.steps, done };
      progress = show?.(options.name, start) ??
        new Progress(options.name, { unit: "step", ...start });
    },
    async onStep(step) {
      const row = { ...step, ...await options.evaluate?.(step.step) };
      await appendJsonl(metrics, [row]);
      await progress?.update(step.step, {
        ...options.show(row),
        "tokens/s": (row.tokens / row.seconds).toFixed(0),
      });
    },
    shouldStop: stopping,
  });
  await progress?.finish();
  const rows = await readJsonl<StepLog>(metrics);
  await writeCsv(`${folder}/metrics.csv`, rows);
  if (taken < options.steps) {
    log(`stopped after step ${taken} of ${options.steps}; the checkpoint holds it`);
    throw new Stopped();
  }
  return rows;
}

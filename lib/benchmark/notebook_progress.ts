import { Stopped } from "../base/error.ts";
import { type BenchmarkOutcome, runBenchmark } from "./run.ts";
import { type BenchmarkPlan } from "./material.ts";
import { show } from "../show/display.ts";
import { progress } from "../show/progress.ts";

/**
 * Runs a benchmark in a notebook: a bar for each model's answers and verdicts, notes shown as they come, and the
 * stop button heeded. Stopped, the same call resumes where it was.
 *
 * @throws {Stopped} when the user asked to stop
 * @throws {UserError} as `runBenchmark` does
 */
export async function benchmarkWithProgress(plan: BenchmarkPlan): Promise<BenchmarkOutcome> {
  const jobs: ReturnType<typeof progress>[] = [];
  const warned = new Set<string>(); // each note once
  let drawing = Promise.resolve(); // one after the other
  const draw = (next: () => Promise<unknown>) =>
    void (drawing = drawing.then(async () => {
      await next();
    }));
  return await runBenchmark(plan, {
    log: () => {},
    warn: (line) => {
      if (warned.has(line)) return;
      warned.add(line);
      draw(() => show(`note: ${line}`));
    },
    progress: (name, unit) => {
      let job: ReturnType<typeof progress> | undefined;
      return (done, total) => {
        if (!job) jobs.push(job = progress(name, { unit, total, done }));
        const drawn = job;
        draw(() => drawn.note(done));
      };
    },
    checkStop: () => {
      if (jobs.some((job) => job.stopping())) throw new Stopped();
    },
  }).finally(() => drawing.then(() => Promise.all(jobs.map((job) => job.finish()))));
}

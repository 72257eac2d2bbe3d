import * as tf from "@tensorflow/tfjs";
import { printLine } from "../../base/progress.ts";
import { compiledSteps, compileMode, type NativeBackend } from "./native.ts";
import type { Recording } from "./recording.ts";
import { forget, type Outcome, Session } from "./session.ts";

/** Recordings that a step keeps, the latest first. */
const KEPT = 8;
/** Runs in a row that may differ from all recordings before the step is left alone. */
const PATIENCE = 8;

/** A step that is compiled. */
export interface Compiled<Args extends unknown[], Result> {
  (...args: Args): Result;
  /** Runs so far that were computed by a function, and those that were executed op by op and recorded. */
  readonly counts: { readonly replayed: number; readonly recorded: number; readonly built: number };
  /** Why it is executed op by op for good; empty where it is not. */
  readonly refused: string;
  /** Lets go of its functions. It may still be called, and records anew. */
  dispose(): void;
}

/**
 * A step that is recorded once and then run as one TensorFlow function: what `tf.function` is in Python.
 *
 * ## What it saves
 *
 * tfjs executes each op by itself, at about 20 microseconds an op beside the work: a training step has 700 (a small
 * model) to 7,000 of them (LoRA on 30 layers). As a function, TensorFlow runs them with nothing in between, in place
 * where it can, two at a time.
 *
 * ## How it works
 *
 * Every kernel of tfjs-node ends in one of four calls of the native binding: `executeOp`, `createTensor`,
 * `deleteTensor`, `tensorDataSync`. While a step runs, another binding stands in for it ({@linkcode Session}).
 *
 * - The first run is executed op by op as ever, and each call is written down ({@linkcode Recorder}).
 * - In later runs the step's JavaScript runs again, but nothing is computed: each call is compared with the
 *   recording and answered with the id that the result will have and the shape that it must have, by a rule for each
 *   op ({@linkcode Replay}, `op_rules.ts`). At the end one function computes everything, and what
 *   the step did not dispose of is there under the ids that were promised.
 * - Where a call differs, what was put off is executed op by op and the run becomes a recording. Of a step
 *   whose calls vary, the last few recordings are kept.
 *
 * So the step need not be pure: a counter, a `keep`, weights that are replaced just happen, in every run. No closure,
 * branch or constant can go stale, for what the step does is looked at each time. The price is its JavaScript, some 4 %
 * of a step.
 *
 * Numbers made in JavaScript (ids, masks, scalars, shapes) are constants of the function at first; one that turns out to
 * differ from run to run becomes an argument. One function therefore serves batches of all sizes. They are copied as
 * they are used, so that the step may write to its arrays afterwards.
 *
 * ## Never wrong
 *
 * The results equal those of the ops executed one by one, to the last bit: TensorFlow's graph optimiser is kept out,
 * and only ops that are known to behave are compiled. A step falls back to that execution, and says so once, where
 *
 * - the backend is not native TensorFlow, or its binding was not built by `deno task setup`;
 * - it uses an op without a shape rule, or one whose shape depends on computed values;
 * - it reads a tensor that it computed (`data`, `dataSync`) before it ends;
 * - its calls differ from every recording eight times in a row.
 *
 * An error of the step's own comes out as it is, and leaves real tensors behind.
 *
 * ## Memory
 *
 * What lies there before a step is handed over by reference: no weight is copied. Inside, an op waits
 * for the one 16 before it, so that no more is alive than when ops run in order.
 *
 * @param step Synchronous. It may be given anything, and return anything. Called inside another compiled step it is
 *   part of that one.
 * @param options.name Names it in messages.
 *
 * @example
 * ```ts
 * import * as tf from "@tensorflow/tfjs";
 * import { compile, startEngine } from "../mod.ts";
 * await startEngine();
 * const square = compile((x: tf.Tensor) => tf.tidy(() => tf.sum(tf.square(x))), { name: "square" });
 * for (const x of [tf.tensor1d([1, 2]), tf.tensor1d([3, 4, 5])]) console.log(square(x).dataSync()[0]); // 5, 50
 * square.dispose();
 * ```
 */
export function compile<Args extends unknown[], Result>(
  step: (...args: Args) => Result,
  { name }: { name: string },
): Compiled<Args, Result> {
  const recordings: Recording[] = [];
  const counts = { replayed: 0, recorded: 0, built: 0 };
  let refused = "";
  let [inARow, discarded] = [0, false];

  const dispose = () => {
    if (recordings.length === 0) return;
    const { binding } = tf.backend() as unknown as NativeBackend;
    for (const recording of recordings.splice(0)) forget(recording, binding);
    inARow = 0;
  };
  const giveUp = (why: string) => {
    refused = why;
    dispose();
    sayOnce(`${name} is executed op by op: ${why}`);
  };
  const learn = (outcome: Outcome, session: Session) => {
    if (outcome.kind === "replayed") {
      counts.replayed++;
      inARow = 0;
      if (outcome.built) counts.built++;
      if (outcome.built) log(`${name}: built a function of ${outcome.recording.ops.length} ops`);
      // The one that fitted is tried first.
      recordings.sort((a, b) => Number(b === outcome.recording) - Number(a === outcome.recording));
      return;
    }
    const { recording, why } = outcome;
    counts.recorded++;
    log(
      `${name}: recorded ${recording.ops.length} ops${why && `, for ${why}`}${
        recording.refused && `; ${recording.refused}`
      }`,
    );
    if (recording.refused) {
      if (++inARow > 1) giveUp(recording.refused);
      return;
    }
    if (recording.uploads && !discarded) {
      discarded = true; // weights at their first use: the next run will differ
      return;
    }
    if (++inARow > PATIENCE) return giveUp("its calls differ from run to run");
    recordings.unshift(recording);
    for (const old of recordings.splice(KEPT)) forget(old, session.native);
  };

  const run = (...args: Args): Result => {
    const backend = usable(name);
    if (!backend || refused) return step(...args);
    const native = backend.binding;
    const session = new Session(native, recordings);
    backend.binding = session.binding;
    running = true;
    try {
      const result = step(...args);
      learn(session.end(), session);
      return result;
    } catch (error) {
      try {
        session.abandon();
      } catch {
        // what was put off fails too: the step's own error is the one to tell
      }
      throw error;
    } finally {
      backend.binding = native;
      running = false;
    }
  };
  return Object.defineProperties(Object.assign(run, { dispose, counts }), {
    refused: { get: () => refused },
  }) as Compiled<Args, Result>;
}

/** Whether a compiled step is running; one inside it is a part of it. */
let running = false;

/** The native backend, if a step can be compiled now. */
function usable(name: string): NativeBackend | null {
  if (running) return null;
  const { on, reason, fix } = compiledSteps();
  if (on) return tf.backend() as unknown as NativeBackend;
  if (fix) sayOnce(`${name} is executed op by op: ${reason}`, fix);
  return null;
}

const said = new Set<string>();

function sayOnce(line: string, fix?: string): void {
  if (said.has(fix ?? line)) return;
  said.add(fix ?? line);
  printLine(fix ? `${line}\n  fix: ${fix}` : line);
}

function log(line: string): void {
  if (compileMode() === "log") printLine(line);
}

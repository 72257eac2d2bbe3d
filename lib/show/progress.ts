/**
 * Progress of a long cell: one output that is rewritten in place, and a way to stop.
 *
 * @module
 */
import { Stopped } from "../base/error.ts";
import { Progress, progressLine } from "../base/progress.ts";
import { escapeHtml } from "./html_table.ts";
import { macrotask } from "../base/turn.ts";
import { inKernel, send } from "./kernel.ts";
import { listenForStop, stopAsked } from "./stop.ts";

/** Settings of {@linkcode progress}. */
export interface ProgressOptions {
  /** How much there is to do. */
  total: number;
  /**
   * What is counted, in the singular.
   * @default "step"
   */
  unit?: string;
  /**
   * Already done when it starts, in a resumed cell.
   * @default 0
   */
  done?: number;
  /**
   * Milliseconds between two drawings in a notebook.
   * @default 300
   */
  every?: number;
}

/** Numbers to show beside the bar, latest values. */
export type Numbers = Readonly<Record<string, number | string>>;

/** Milliseconds after which the event loop gets a turn, so that a stop is seen. */
const TURN_MS = 50;

/** Marks the output, so that a saved notebook can leave the times out. */
export const PROGRESS_MARK = { "self-judge": { progress: true } } as const;

/** The progress of one piece of work; made by {@linkcode progress}. */
export class Job {
  readonly #name: string;
  readonly #options: Required<ProgressOptions>;
  readonly #displayId = `progress-${crypto.randomUUID()}`;
  readonly #started = performance.now();
  readonly #unlisten: () => void;
  readonly #lines?: Progress;
  #numbers: Numbers = {};
  #done: number;
  #drawn = -Infinity;
  #turn = performance.now();
  #ended = false;
  #shown = false;

  constructor(name: string, options: ProgressOptions) {
    this.#name = name;
    this.#options = { unit: "step", done: 0, every: 300, ...options };
    this.#done = this.#options.done;
    this.#unlisten = listenForStop();
    const { unit, total, done } = this.#options;
    if (!inKernel()) this.#lines = new Progress(name, { unit, total, done });
  }

  /** Whether the user asked to stop: what `lib` functions take as `shouldStop` or `stopping`. */
  readonly stopping = (): boolean => stopAsked();

  /**
   * Takes note of work done in all and draws now and then. For the callbacks of `lib` functions, which stop
   * by themselves when told so by {@linkcode stopping}; in a cell's own loop use {@linkcode update}.
   */
  readonly note = async (done: number, numbers: Numbers = {}): Promise<void> => {
    this.#done = done;
    this.#numbers = { ...this.#numbers, ...numbers };
    const now = performance.now();
    if (now - this.#drawn >= this.#options.every) {
      this.#drawn = this.#turn = now;
      await this.#draw("running");
    } else if (now - this.#turn >= TURN_MS) {
      this.#turn = now;
      await macrotask();
    }
  };

  /** {@linkcode note}, and leaves the cell if the user asked to stop. @throws {Stopped} */
  async update(done: number, numbers: Numbers = {}): Promise<void> {
    await this.note(done, numbers);
    if (stopAsked()) await this.finish();
  }

  /**
   * Draws the last state. Call it when the work has ended, also when it ended early.
   *
   * @throws {Stopped} if it ended because the user asked; the cells after it then do not run
   */
  async finish(): Promise<void> {
    if (this.#ended) return;
    await macrotask(); // a stop during the last step
    this.#ended = true;
    const stopped = stopAsked() && this.#done < this.#options.total;
    await this.#draw(stopped ? "stopped" : "done");
    this.#unlisten();
    if (stopped) {
      const { unit, total } = this.#options;
      const stop = new Stopped(`${this.#name}: stopped at ${unit} ${this.#done} of ${total}`);
      stop.stack = String(stop); // where in lib it was noticed is of no interest below a cell
      throw stop;
    }
  }

  /** Draws the last state when the work failed, and lets the error through. */
  async abandon(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#draw("stopped");
    this.#unlisten();
  }

  async #draw(state: "running" | "stopped" | "done"): Promise<void> {
    if (this.#lines) {
      this.#lines.update(this.#done, this.#numbers);
      if (state !== "running") this.#lines.finish();
      return await macrotask();
    }
    const line = this.#line(state);
    const share = this.#options.total > 0 ? Math.min(1, this.#done / this.#options.total) : 1;
    await send({ "text/html": bar(line, share), "text/plain": line }, {
      metadata: PROGRESS_MARK,
      displayId: this.#displayId,
      update: this.#shown,
    });
    this.#shown = true;
  }

  #line(state: "running" | "stopped" | "done"): string {
    const { unit, total, done: doneBefore } = this.#options;
    const elapsed = (performance.now() - this.#started) / 1000;
    const counts = { unit, total, done: this.#done, doneBefore };
    const line = progressLine(
      { name: this.#name, ...counts, elapsed, numbers: this.#numbers },
      state !== "running",
    );
    return state === "stopped" ? `${line} | stopped; run the cell again to resume` : line;
  }
}

/**
 * Starts to show the progress of a piece of work. The stop button (in a terminal Ctrl-C) ends it between two
 * steps and leaves the kernel as it is.
 *
 * @param name What is being done, in a few words.
 * @example
 * ```ts
 * import { progress } from "./progress.ts";
 * const job = progress("counting", { total: 3 });
 * for (let step = 1; step <= 3; step++) await job.update(step, { square: step * step });
 * await job.finish();
 * ```
 */
export function progress(name: string, options: ProgressOptions): Job {
  return new Job(name, options);
}

/**
 * The items of a list one after the other, with a progress bar around the loop over them.
 *
 * @throws {Stopped} between two items, if the user asked to stop
 * @example
 * ```ts
 * import { each } from "./progress.ts";
 * for await (const size of each("reward against N", [1, 2, 4, 8], { unit: "size" })) console.log(size);
 * ```
 */
export async function* each<T>(
  name: string,
  items: readonly T[],
  options: Omit<ProgressOptions, "total" | "done"> = {},
): AsyncGenerator<T, void, undefined> {
  const job = progress(name, { ...options, total: items.length });
  try {
    await job.note(0);
    for (const [index, item] of items.entries()) {
      yield item;
      await job.update(index + 1);
    }
    await job.finish();
  } finally {
    await job.abandon(); // a `break`, or an error in the loop's body
  }
}

function bar(line: string, share: number): string {
  const width = (100 * share).toFixed(1);
  return '<div style="max-width:640px;font-family:monospace;font-size:12px">' +
    '<div style="background:#e6e6e6;height:6px;border-radius:3px">' +
    `<div style="background:#0072B2;height:6px;border-radius:3px;width:${width}%"></div></div>` +
    `<div>${escapeHtml(line)}</div></div>`;
}

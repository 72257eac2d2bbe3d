/** How far a piece of work is, as a line: on a terminal rewritten in place. */

/** Settings of {@linkcode Progress}. */
export interface ProgressOptions {
  /** What is counted, in the singular: "step", "judgment". */
  unit: string;
  total: number;
  /**
   * Already done when it starts, in a resumed run.
   * @default 0
   */
  done?: number;
  /**
   * Seconds between lines where the output is not a terminal.
   * @default 60
   */
  every?: number;
  /** Takes the last state in place of a line that says it. */
  end?: (state: ProgressState) => void;
}

/** What {@linkcode progressLine} speaks of. */
export interface ProgressState extends Pick<ProgressOptions, "unit" | "total"> {
  readonly name: string;
  readonly done: number;
  /** Seconds of work so far, and what was done before them. */
  readonly elapsed: number;
  readonly doneBefore: number;
  /** Latest numbers by name. */
  readonly numbers: Readonly<Record<string, number | string>>;
}

/**
 * The line: name, count, latest numbers, time taken, time left at the pace so far.
 *
 * @param ended Whether nothing more comes; then no time is left.
 * @example
 * ```ts
 * import { progressLine } from "./progress.ts";
 * const state = { name: "DPO", unit: "step", total: 40, done: 10, doneBefore: 0, elapsed: 20 };
 * progressLine({ ...state, numbers: { loss: 0.6931 } }); // "DPO: step 10/40 | loss 0.693 | 20 s | 1 min 0 s left"
 * ```
 */
export function progressLine(
  { name, unit, done, total, elapsed, doneBefore, numbers }: ProgressState,
  ended = done >= total,
): string {
  const left = done > doneBefore ? elapsed / (done - doneBefore) * (total - done) : NaN;
  return [
    `${name}: ${unit} ${done}/${total}`,
    ...Object.entries(numbers).map(([name, value]) => `${name} ${numberText(value)}`),
    duration(elapsed),
    ...(!ended && Number.isFinite(left) ? [`${duration(left)} left`] : []),
  ].join(" | ");
}

const numberText = (value: number | string): string =>
  typeof value === "string" || Number.isInteger(value) ? String(value) : value.toPrecision(3);

/**
 * A line that says how far a piece of work is. On a terminal it is rewritten in place; elsewhere a line is
 * printed now and then.
 */
export class Progress {
  readonly #name: string;
  readonly #options: ProgressOptions & { done: number; every: number };
  readonly #started = performance.now();
  #done: number;
  #shown = performance.now();
  #numbers: Record<string, number | string> = {};

  constructor(name: string, options: ProgressOptions) {
    this.#name = name;
    this.#options = { done: 0, every: 60, ...options };
    this.#done = this.#options.done;
  }

  /** Takes the work done so far in all, and numbers to show; those shown before stay. */
  update(done: number, numbers: Readonly<Record<string, number | string>> = {}): void {
    this.#done = done;
    Object.assign(this.#numbers, numbers);
    const now = performance.now();
    const wait = Deno.stderr.isTerminal() ? 100 : this.#options.every * 1000;
    if (now - this.#shown < wait || done === this.#options.total) return; // the end: see finish
    this.#shown = now;
    const line = progressLine(this.#state());
    if (!rewriteLine(line)) printLine(line);
  }

  /** Prints the last state and ends the line. */
  finish(): void {
    const { end = (state) => printLine(progressLine(state, true)) } = this.#options;
    end(this.#state());
  }

  #state(): ProgressState {
    const { unit, total, done: doneBefore } = this.#options;
    const elapsed = (performance.now() - this.#started) / 1000;
    const counts = { unit, total, done: this.#done, doneBefore };
    return { name: this.#name, ...counts, elapsed, numbers: { ...this.#numbers } };
  }
}

/**
 * A callback of `(done, total)` that shows a {@linkcode Progress}, from the first call (which says the total) to
 * the one at which all is done; a later call starts another.
 */
export function progressCallback(
  name: string,
  unit: string,
): (done: number, total: number) => void {
  let shown: Progress | null = null;
  return (done, total) => {
    shown ??= new Progress(name, { unit, total, done });
    shown.update(done);
    if (done < total) return;
    shown.finish();
    shown = null;
  };
}

/** Whether a line stands on the terminal that may be written over. */
let open = false;

/**
 * Writes over the terminal's current line, as much as fits in its width; false, and nothing is written, where there is
 * no terminal.
 */
export function rewriteLine(text: string): boolean {
  if (!Deno.stderr.isTerminal()) return false;
  const width = (Deno.consoleSize().columns || 80) - 1; // a terminal that does not know its width says 0
  write(`\r\x1b[2K${[...text].slice(0, width).join("")}`);
  open = text !== "";
  return true;
}

/** Takes the line away that may be written over: something else is printed in its place. */
export function clearLine(): void {
  if (open) rewriteLine("");
}

/** Leaves the line that may be written over as it is: what is printed next goes below it. */
export function keepLine(): void {
  if (open) write("\n");
  open = false;
}

/** Writes a line to stderr, in place of one that may be written over. */
export function printLine(text: string): void {
  clearLine();
  write(`${text}\n`);
}

/** A time in the largest two units that fit: "1 h 5 min", "3 min 20 s", "4.2 s". */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds); // first, or 119.8 s would be 1 min 60 s
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function write(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}

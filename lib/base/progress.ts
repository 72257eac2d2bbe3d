/** Settings of {@linkcode Progress}. */
export interface ProgressOptions {
  /** What is counted: "step", "judgment". */
  unit: string;
  total: number;
  /** Already done when it starts, in a resumed run. */
  done?: number;
  /** Seconds between lines where the output is not a terminal. */
  every?: number;
}

/**
 * A line that says how far a piece of work is, its latest numbers and the time left. On a terminal it is
 * rewritten in place; elsewhere a line is printed now and then.
 */
export class Progress {
  readonly #name: string;
  readonly #options: Required<ProgressOptions>;
  readonly #started = performance.now();
  readonly #terminal = Deno.stderr.isTerminal();
  #done: number;
  #shown = performance.now();
  #numbers: Record<string, string> = {};

  constructor(name: string, options: ProgressOptions) {
    this.#name = name;
    this.#options = { done: 0, every: 20, ...options };
    this.#done = this.#options.done;
  }

  /** Takes note of work done in all and of numbers to show; those shown before stay. */
  update(done: number, numbers: Record<string, string> = {}): void {
    this.#done = done;
    Object.assign(this.#numbers, numbers);
    const now = performance.now();
    const wait = this.#terminal ? 100 : this.#options.every * 1000;
    if (now - this.#shown < wait || done === this.#options.total) return; // the end: see finish
    this.#shown = now;
    write(this.#terminal ? `\r\x1b[2K${this.#line()}` : `${this.#line()}\n`);
  }

  /** Prints the last state and ends the line. */
  finish(): void {
    write(`${this.#terminal ? "\r\x1b[2K" : ""}${this.#line()}\n`);
  }

  #line(): string {
    const { unit, total, done } = this.#options;
    const elapsed = (performance.now() - this.#started) / 1000;
    const left = this.#done > done ? elapsed / (this.#done - done) * (total - this.#done) : NaN;
    const numbers = Object.entries(this.#numbers).map(([name, value]) => `${name} ${value}`);
    return [
      `  ${this.#name}: ${unit} ${this.#done}/${total}`,
      ...numbers,
      duration(elapsed),
      ...(this.#done < total && Number.isFinite(left) ? [`${duration(left)} left`] : []),
    ].join(" | ");
  }
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

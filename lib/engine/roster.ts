/** Which servers of a fleet are there, and which of them is the least busy. */
import { UserError } from "../base/error.ts";
import type { ServedError } from "../judges/served/mod.ts";
import type { Replica } from "./replica.ts";

/** Longest wait between two questions whether a server is back, in ms. */
const LONGEST_WAIT = 15_000;

/** Ms before the next attempt, after so many. */
export const waitOf = (tries: number): number => Math.min(LONGEST_WAIT, 500 * 2 ** tries);

/** Settings of a {@linkcode Roster}. */
export interface RosterOptions {
  /** How long to wait while no server answers, in ms. */
  readonly outageMs: number;
  readonly log: (line: string) => void;
  readonly sleep: (ms: number) => Promise<void>;
  /** The time in ms since 1970. */
  readonly now: () => number;
}

/**
 * The servers of a fleet. One that does not answer is left out, and asked for `/health` by whoever asks the fleet once
 * its time has come: no timer runs while nobody asks.
 */
export class Roster {
  readonly #replicas: readonly Replica[];
  readonly #options: RosterOptions;
  #outage: Promise<void> | undefined;
  /** Where the search for the least busy server begins, so that equals take turns. */
  #turn = 0;

  constructor(replicas: readonly Replica[], options: RosterOptions) {
    this.#replicas = replicas;
    this.#options = options;
  }

  /** How many there are, away or not. */
  get size(): number {
    return this.#replicas.length;
  }

  /** Those that are there; waits while none is. @throws {UserError} When none came within `outageMs`. */
  async up(): Promise<Replica[]> {
    await this.#someUp();
    return this.present();
  }

  /** Those that are there now. */
  present(): Replica[] {
    return this.#replicas.filter(({ absence }) => absence === null);
  }

  /** The server with the fewest open requests, of which it now has one more. @throws {UserError} As `up`. */
  async leastBusy(): Promise<Replica> {
    const up = await this.up();
    this.#turn = (this.#turn + 1) % this.size;
    const place = (replica: Replica) =>
      (this.#replicas.indexOf(replica) - this.#turn + this.size) % this.size;
    const [chosen] = up.sort((one, other) => one.open - other.open || place(one) - place(other));
    if (chosen === undefined) return await this.leastBusy(); // it went away meanwhile
    chosen.open++;
    return chosen;
  }

  /** Leaves a server out until it says that it is back. */
  leaveOut(replica: Replica, { problem }: ServedError): void {
    if (replica.absence !== null) return;
    this.#options.log(`${problem}: left out until it answers again`);
    replica.absence = { problem, tries: 1, next: this.#options.now() + waitOf(1) };
  }

  async #someUp(): Promise<void> {
    const now = this.#options.now();
    const due = this.#replicas.filter(({ absence }) => absence !== null && absence.next <= now);
    await Promise.all(due.map((replica) => this.#askAgain(replica)));
    if (this.present().length > 0) return;
    this.#outage ??= this.#wait().finally(() => this.#outage = undefined);
    await this.#outage;
  }

  async #askAgain(replica: Replica): Promise<void> {
    const { absence } = replica;
    if (absence === null) return;
    absence.next = Infinity; // by this one question
    const healthy = await replica.healthy();
    absence.next = this.#options.now() + waitOf(++absence.tries);
    if (!healthy || replica.absence !== absence) return;
    replica.absence = null;
    this.#options.log(`${replica.url} answers again`);
  }

  async #wait(): Promise<void> {
    const { outageMs, log, sleep, now } = this.#options;
    const since = now();
    const span = outageMs < 60_000
      ? `${outageMs / 1000} s`
      : `${Math.round(outageMs / 60_000)} min`;
    if (outageMs > 0) log(`no server answers: waiting up to ${span} for one`);
    for (let tries = 1; this.present().length === 0; tries++) {
      const left = since + outageMs - now();
      if (left <= 0) {
        const problems = this.#replicas.flatMap(({ absence }) => absence?.problem ?? []);
        const after = outageMs > 0 ? ` for ${span}` : "";
        throw new UserError(
          `no server answered${after} (${problems.join("; ")})`,
          "start the servers, then run the same command again: what was answered is kept",
        );
      }
      await sleep(Math.min(left, waitOf(tries)));
      await Promise.all(this.#replicas.map((replica) => this.#askAgain(replica)));
    }
  }
}

import { UserError } from "../base/error.ts";
import type { Rounds } from "./rounds.ts";

/**
 * Sees that servers and trainer compute the same model. The first round is sampled by the adapter that training starts
 * with, which changes nothing yet: what the two differ by there is rounding, the floor of later rounds.
 */
export class DriftAlarm {
  #floor: number | null = null;

  constructor(
    readonly rounds: Rounds,
    /** Largest drift beyond the floor, a token. */
    readonly most: number,
  ) {}

  /**
   * The drift of a round that is trained; null where it was not measured.
   *
   * @throws {UserError} above floor and limit
   */
  async check(round: number): Promise<number | null> {
    const drift = await this.rounds.drift(round);
    if (drift === null) return null;
    const floor = this.#floor ?? 0;
    this.#floor ??= drift;
    // A number that is none is above every limit.
    if (drift - floor <= this.most) return drift;
    throw new UserError(
      `round ${round}: the servers and the trainer differ by ${
        drift.toFixed(4)
      } a token in the log-probability of ` +
        `the same answers, where ${
          floor === 0 ? "nothing" : floor.toFixed(4)
        } is rounding and rounds.drift allows ` +
        `${this.most} more`,
      round === 1
        ? "compare base model, tokenizer and dtype on both sides: deno task engine CLUSTER.json; in bfloat16 a small " +
          "model may need a higher rounds.drift"
        : "a server may hold an older adapter: start it anew, and then the stage (--fresh --stage self-judge), since " +
          "the trainer has learned from this round's answers",
    );
  }
}

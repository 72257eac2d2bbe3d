/** Preference training in rounds: pairs made some steps before they are learned from. @module */
import { UserError } from "../base/error.ts";
import { pairNumbers, PreferenceLoop, rankedPairs, sampledPairs } from "./loop.ts";
import type { LoopOptions } from "./loop_options.ts";
import type { FormedPair, Method } from "./method.ts";
import { CountingTools, ShortMemory } from "./step_tools.ts";

/** What a round made for one of its steps. */
export interface MadeStep {
  /** Step that learns from it, counted from 0. */
  readonly step: number;
  readonly pairs: readonly FormedPair[];
  /** Numbers of its making, for that step's log. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** Where rounds are kept until they are learned from; a run that resumes in the midst of one finds it again. */
export interface RoundMemory {
  /** The round that was made at that step, or null. */
  recall(from: number): Promise<readonly MadeStep[] | null>;
  keep(from: number, made: readonly MadeStep[]): Promise<void>;
}

/** How a loop goes in rounds. */
export interface RoundOptions {
  /** Steps of a round. */
  readonly roundSteps: number;
  /** Optimiser steps in all, beyond which nothing is made. */
  readonly steps: number;
  readonly rounds: RoundMemory;
}

/** Refuses rounds of a method with a step of its own. @throws {UserError} naming it */
export function checkRounds(
  { own }: Method,
  { name, roundSteps }: { name?: string; roundSteps: number },
): void {
  if (roundSteps === 1 || own === undefined) return;
  throw new UserError(
    `the method${
      name === undefined ? "" : ` ${name}`
    } has a step of its own, which cannot be made ` +
      `${roundSteps} steps at once`,
    "set selfJudge.roundSteps to 1, or choose a method that samples, ranks and then learns, such as self-judge",
  );
}

/**
 * The self-judging loop in rounds, as on machines of which some sample and others train: every k steps the policy as it
 * is samples and the ranker judges the batches of the next k steps, of which each then learns from its own. Pairs are 0
 * to k - 1 steps old (`age` in the log and of each pair), (k - 1) / 2 in the mean. With k = 1 it is the
 * {@linkcode PreferenceLoop}, to the last digit.
 *
 * Every step has the prompts and random streams that it would have alone, so that only the policy's age differs. The
 * ranker is asked before the round's first step learns, so one that moves with the policy is as old as its answers.
 */
export class RoundLoop extends PreferenceLoop {
  #round: readonly MadeStep[] = [];

  /** @throws {UserError} where the method has a step of its own */
  constructor(options: LoopOptions, readonly rounds: RoundOptions) {
    super(options);
    checkRounds(options.method, rounds);
  }

  override async batch(step: number): ReturnType<PreferenceLoop["batch"]> {
    const { roundSteps, steps, rounds } = this.rounds;
    const age = step % roundSteps;
    const from = step - age;
    const seconds = { secondsSampling: 0, secondsJudging: 0 };
    if (age === 0) {
      const { made, sampling, judging } = await this.#make(
        from,
        Math.min(from + roundSteps, steps),
      );
      await rounds.keep(from, made);
      this.#round = made;
      Object.assign(seconds, { secondsSampling: sampling, secondsJudging: judging });
    } else if (this.#round.length === 0) {
      this.#round = await rounds.recall(from) ?? [];
    }
    const made = this.#round.find((one) => one.step === step);
    if (!made) {
      throw new UserError(
        `step ${step + 1}: the pairs that were made for it at step ${from + 1} are gone`,
        "start the stage anew with --fresh",
      );
    }
    const tools = new CountingTools(this.options, step, new ShortMemory());
    const parts = await tools.learn(made.pairs);
    return {
      parts,
      pairs: rankedPairs(made.pairs, step).map((pair) => ({ ...pair, age })),
      metrics: {
        ...made.metrics,
        ...tools.metrics,
        learned: parts.reduce((sum, { batch }) => sum + batch.size, 0),
        age,
        ...seconds,
      },
    };
  }

  /** Makes the pairs of some steps by the policy as it is, and says in how many seconds. */
  async #make(from: number, end: number) {
    const { ranker } = this.options;
    const made: MadeStep[] = [];
    let [sampling, judging] = [0, 0];
    for (let step = from; step < end; step++) {
      await ranker?.before?.(step);
      const tools = new CountingTools(this.options, step, new ShortMemory());
      const pairs = await sampledPairs(tools, tools.prompts());
      const metrics = pairNumbers(pairs, { making: tools, learned: 0 });
      // As a file gives it back: an unbroken run learns from the same objects as a resumed one.
      made.push(JSON.parse(JSON.stringify({ step, pairs, metrics })));
      sampling += tools.seconds.sampling;
      judging += tools.seconds.judging;
    }
    return { made, sampling, judging };
  }
}

import { inverted, longerWins } from "../../measure/mod.ts";
import {
  type Method,
  PreferenceLoop,
  type RankedPair,
  type Ranker,
  type StepBatch,
  type StepLog,
  train,
} from "../../method/mod.ts";
import { withModel } from "../../model/mod.ts";
import { coin } from "../../run/coin.ts";
import { ADAMW_DEFAULTS } from "../../tensor/mod.ts";
import { ruleOf, studyMethod } from "../study/methods.ts";
import { ORDER_DESK } from "../world/order_desk.ts";
import { BATCH, type LearningSettings, type PlayMethod } from "./settings.ts";
import { habitsOf, type PlaySession, politeness, SAMPLING, SEED, truth } from "./session.ts";

/** A pair that a step learned from, with what the truth says of it. */
export interface LearnedPair extends RankedPair {
  readonly request: string;
  readonly rewardChosen: number;
  readonly rewardRejected: number;
  readonly habitsChosen: readonly string[];
  readonly habitsRejected: readonly string[];
}

/** A step, as the page shows it. */
export interface LearnedStep {
  readonly log: StepLog;
  readonly pairs: readonly LearnedPair[];
}

type LoopBatch = StepBatch & { readonly pairs: RankedPair[] };

/** Training of the policy a step at a time, by `train` and `PreferenceLoop` of the method room. */
export class Learning {
  /** May be replaced between steps. */
  settings: LearningSettings;
  #steps = 0;
  #loop: { made: string; loop: PreferenceLoop } | null = null;
  #running: Promise<void> | null = null;
  #asked: { resolve: (step: LearnedStep) => void; reject: (error: unknown) => void } | null = null;
  /** Lets `train` take its next step. */
  #next = () => {};
  #ended = false;

  constructor(readonly session: PlaySession, settings: LearningSettings) {
    this.settings = settings;
  }

  /** Steps taken. */
  get steps(): number {
    return this.#steps;
  }

  /** Takes one step: sampling, ranking, one update. @throws {UserError} where training diverged */
  step(): Promise<LearnedStep> {
    return new Promise((resolve, reject) => {
      this.#asked = { resolve, reject };
      if (this.#running === null) this.#running = this.#train();
      else this.#next();
    });
  }

  /** Ends the training; the policy stays as it is. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#next();
    await this.#running;
  }

  async #train(): Promise<void> {
    const { session } = this;
    const settings = () => this.settings;
    try {
      await train<LoopBatch>({
        model: session.policy,
        data: { batch: (step) => this.#loopOf(settings()).batch(step) },
        steps: Number.MAX_SAFE_INTEGER,
        schedule: {
          get learningRate() {
            return settings().learningRate;
          },
          shape: "constant",
          warmup: 0,
        },
        optimizer: { kind: "adamw", ...ADAMW_DEFAULTS },
        seed: SEED,
        log: {
          step: async (log, { pairs }) => {
            this.#steps = log.step;
            const asked = new Promise<void>((resolve) => this.#next = resolve);
            this.#asked?.resolve({ log, pairs: pairs.map((pair) => this.#withTruth(pair)) });
            await asked;
          },
          stopping: () => this.#ended,
        },
      });
    } catch (error) {
      this.#asked?.reject(error);
    }
  }

  #withTruth(pair: RankedPair): LearnedPair {
    const request = this.session.pairs.find(({ id }) => id === pair.pair)!.prompt[0].content;
    const { chosen, rejected } = pair;
    return {
      ...pair,
      request,
      rewardChosen: ORDER_DESK.reward(request, chosen),
      rewardRejected: ORDER_DESK.reward(request, rejected),
      habitsChosen: habitsOf(request, chosen),
      habitsRejected: habitsOf(request, rejected),
    };
  }

  /** The loop of the settings, made anew where they changed. */
  #loopOf({ method: name, beta }: LearningSettings): PreferenceLoop {
    const made = JSON.stringify([name, beta]);
    if (this.#loop?.made === made) return this.#loop.loop;
    const { session } = this;
    const method: Method = studyMethod(name);
    const loop = new PreferenceLoop({
      method,
      model: session.policy,
      reference: session.reference,
      ranker: rankerOf(name, session),
      pairs: session.pairs,
      encoder: session.encoder,
      config: {
        ...{ ...SAMPLING, beta, batchSize: BATCH, seed: SEED },
        microBatchTokens: ORDER_DESK.limits.batchTokens,
      },
    });
    this.#loop = { made, loop };
    return loop;
  }
}

/** Who ranks by a method; null where the data set's labels do. */
function rankerOf(name: PlayMethod, session: PlaySession): Ranker | null {
  const rule = ruleOf(name);
  if (rule === "shorter") return { compare: inverted(longerWins) };
  if (rule === "politer") return { compare: politeness };
  const { ranker } = studyMethod(name);
  switch (ranker) {
    case "labels":
      return null;
    case "judge":
      return session.judgeOf(session.reference);
    case "policy":
      return session.judgeOf(withModel(session.policy));
    case "truth":
      return { compare: truth };
    case "chance":
      return coin(SEED);
    default:
      throw new Error(`the page has no ranker "${ranker}"`);
  }
}

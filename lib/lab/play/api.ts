import { Rng } from "../../base/random.ts";
import { type Bracket, type Comparison, type Judgment, tournament } from "../../method/mod.ts";
import { ORDER_DESK } from "../world/order_desk.ts";
import { readAnswer, type View, viewsOf } from "../world/reward.ts";
import { type LearnedStep, Learning } from "./learning.ts";
import { methodsInWords, type MethodWords } from "./method_words.ts";
import { playMeter, type PlayPoint } from "./meter.ts";
import {
  jsftBatch,
  type ReadExample,
  type ReadLoss,
  readLoss,
  type ReadVerdict,
  readVerdict,
} from "./reading.ts";
import type { LearningSettings } from "./settings.ts";
import { habitsOf, type PlayData, PlaySession } from "./session.ts";

/** What the truth says of an answer. */
export interface TrueReward {
  readonly reward: number;
  /** Its parts. */
  readonly views: Readonly<Record<View, number>>;
  readonly habits: readonly string[];
}

/** A verdict of the frozen judge, with the truth beside it. */
export interface Verdict {
  readonly judgment: Judgment;
  readonly first: TrueReward;
  readonly second: TrueReward;
}

/** A knockout, with the true reward of each candidate. */
export interface Choice {
  readonly bracket: Bracket;
  readonly rewards: readonly number[];
}

/** Hears of a token as it is drawn. */
export type OnToken = (sample: number, token: string, probability: number) => void;

/** All that the page asks of the engine, one thing after another. */
export class PlayApi {
  readonly #session: PlaySession;
  #learning: Learning | null = null;
  #measure: (step: number) => Promise<PlayPoint>;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(session: PlaySession) {
    this.#session = session;
    this.#measure = playMeter(session);
  }

  /** @throws {UserError} if the weights are damaged */
  static async open(data: PlayData): Promise<PlayApi> {
    return new PlayApi(await PlaySession.open(data));
  }

  /** The methods on offer, in words. */
  methods(): MethodWords[] {
    return methodsInWords();
  }

  /** Two answers of the policy to a request, which `onToken` hears of as they are drawn. */
  ask(request: string, { seed }: { seed: number }, onToken?: OnToken): Promise<string[]> {
    return this.#inTurn(async () => {
      const answers = await this.#session.answers(request, { samples: 2, seed, onToken });
      return answers.map(({ text }) => text);
    });
  }

  /** The frozen judge's verdict on two answers. */
  judge(request: string, first: string, second: string): Promise<Verdict> {
    return this.#inTurn(async () => {
      const { reference } = this.#session;
      const [judgment] = await this.#session.judgeOf(reference)
        .compare([comparisonOf(request, first, second)]);
      return { judgment, first: trueReward(request, first), second: trueReward(request, second) };
    });
  }

  /** One step of training. @throws {UserError} where it diverged */
  step(settings: LearningSettings): Promise<LearnedStep> {
    return this.#inTurn(() => {
      this.#learning ??= new Learning(this.#session, settings);
      this.#learning.settings = settings;
      return this.#learning.step();
    });
  }

  /** The policy as it is now, on held-out requests. */
  measure(): Promise<PlayPoint> {
    return this.#inTurn(() => this.#measure(this.#learning?.steps ?? 0));
  }

  /** Back to step 0. */
  reset(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#learning?.end();
      this.#learning = null;
      await this.#session.reset();
    });
  }

  /** Answers of the policy to a request play a knockout, judged by the frozen judge. */
  choose(request: string, { count, seed }: { count: number; seed: number }): Promise<Choice> {
    return this.#inTurn(async () => {
      const { reference } = this.#session;
      const answers = await this.#session.answers(request, { samples: count, seed });
      const { compare } = this.#session.judgeOf(reference);
      const candidates = answers.map(({ text }) => text);
      const prompt = [{ role: "user", content: request } as const];
      const rng = Rng.named(seed, "knockout");
      const bracket = await tournament({ prompt, candidates }, { compare, rng });
      return { bracket, rewards: candidates.map((text) => ORDER_DESK.reward(request, text)) };
    });
  }

  /** What a pair of the data set becomes in JSFT. */
  jsft(pair: number): Promise<ReadExample[]> {
    return this.#inTurn(() => Promise.resolve(jsftBatch(this.#session, pair)));
  }

  /** How the judge comes to its verdict, in both positions. */
  readVerdict(request: string, first: string, second: string): Promise<ReadVerdict[]> {
    return this.#inTurn(() => readVerdict(this.#session, comparisonOf(request, first, second)));
  }

  /** The DPO loss of a pair under the policy as it is now. */
  readLoss(request: string, chosen: string, rejected: string, beta: number): Promise<ReadLoss> {
    const { prompt } = comparisonOf(request, chosen, rejected);
    return this.#inTurn(() => readLoss(this.#session, { prompt, chosen, rejected, beta }));
  }

  async dispose(): Promise<void> {
    await this.reset();
    this.#session.dispose();
  }

  /** Does one piece of work after another: a step replaces the weights that an answer is drawn with. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

function comparisonOf(request: string, first: string, second: string): Comparison {
  return { prompt: [{ role: "user", content: request }], first, second };
}

function trueReward(request: string, answer: string): TrueReward {
  return {
    reward: ORDER_DESK.reward(request, answer),
    views: viewsOf(readAnswer(request, answer)),
    habits: habitsOf(request, answer),
  };
}

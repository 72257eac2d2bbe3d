/** Measures policies in training, on prompts to choose by and on held-out ones. @module */
import { readJsonl, writeCsv, writeJsonl } from "../../base/files.ts";
import type { LanguageModel, WithModel } from "../../model/mod.ts";
import {
  distributionOf,
  drawAnswersOf,
  type DrawnAnswer,
  mean,
  streamSeed,
  winRate,
} from "./measure.ts";
import type { StudySession } from "./study_session.ts";

/** A point of a policy's way through training. Rewards are means of one answer per prompt. */
export interface RewardPoint {
  readonly step: number;
  /** On validation prompts, sampled as in training: what settings and steps are chosen by. */
  readonly validation_reward: number;
  /** The JSFT judge's preference for the same answers over the JSFT model's: what a user can choose by. */
  readonly validation_win_rate: number;
  /** On held-out prompts, sampled as in training: the primary measure. */
  readonly reward: number;
  /** The JSFT judge's preference for the first of these answers over the JSFT model's. */
  readonly judge_win_rate: number;
  /** On the first held-out prompts, from the whole distribution; so are KL to the JSFT model, entropy (nats) and tokens. */
  readonly reward_whole: number;
  readonly kl: number;
  readonly entropy: number;
  readonly length: number;
}

/** The held-out answers behind a point. */
export interface HeldOutAnswers {
  readonly step: number;
  /** True reward of each prompt's answer, sampled as in training. */
  readonly rewards: readonly number[];
  /** The answers themselves. */
  readonly texts: readonly string[];
}

/** A point with the answers behind it. */
export interface MeasuredPoint {
  readonly point: RewardPoint;
  readonly heldOut: HeldOutAnswers;
}

/** Measures a policy at a step. */
export type PolicyMeter = (model: LanguageModel, step: number) => Promise<MeasuredPoint>;

/** What every policy of a run is measured beside, and what every method starts from. */
interface Fixed {
  opponents?: Readonly<Record<"validation" | "heldOut", readonly DrawnAnswer[]>>;
  start?: MeasuredPoint;
}

const fixed = new WeakMap<StudySession, Fixed>();

/** What is the same for all policies of a session's run: made for the first of them. */
async function once<K extends keyof Fixed>(
  session: StudySession,
  { what, make }: { what: K; make: () => Promise<NonNullable<Fixed[K]>> },
): Promise<NonNullable<Fixed[K]>> {
  const own = fixed.get(session) ?? {};
  fixed.set(session, own);
  return (own[what] ??= await make())!;
}

/** The point at step 0: every method of a run starts from the same model, so that the first one measures it for all. */
export const startPoint = (session: StudySession, measure: () => Promise<MeasuredPoint>) =>
  once(session, { what: "start", make: measure });

/**
 * Makes what measures policies against fixed answers of the JSFT model, on the same prompts and with the same random
 * numbers each time.
 *
 * @param reference The JSFT model.
 */
export async function policyMeter(
  session: StudySession,
  reference: WithModel,
): Promise<PolicyMeter> {
  const { world, study: { seed, prompts, preference: { topP } } } = session;
  const encoder = await session.encoder();
  const validation = await session.validationRequests(prompts.validation);
  const heldOut = await session.requests(prompts.heldOut);
  const whole = heldOut.slice(0, prompts.whole);
  const { compare } = await session.judgeBy(reference);
  const draw = (name: string, topP: number) => ({
    ...{ encoder, world, topP },
    seed: streamSeed(seed, name),
  });
  const opponentsTo = async (requests: readonly string[], name: string) =>
    (await reference((m) => drawAnswersOf(m, requests, draw(`opponents/${name}`, topP))))
      .map(([answer]) => answer);
  const opponents = await once(session, {
    what: "opponents",
    make: async () => ({
      validation: await opponentsTo(validation, "validation"),
      heldOut: await opponentsTo(whole, "held-out"),
    }),
  });
  const one = async (model: LanguageModel, requests: readonly string[], name: string) =>
    (await drawAnswersOf(model, requests, draw(name, topP))).map(([answer]) => answer);
  const rewardOf = (answers: readonly DrawnAnswer[]) => mean(answers.map(({ reward }) => reward));
  return async (model, step) => {
    const chosenBy = await one(model, validation, "validation");
    const reported = await one(model, heldOut, "held-out");
    const free = (await drawAnswersOf(model, whole, draw("whole", 1))).map(([answer]) => answer);
    return {
      heldOut: {
        step,
        rewards: reported.map(({ reward }) => reward),
        texts: reported.map(({ text }) => text),
      },
      point: {
        step,
        validation_reward: rewardOf(chosenBy),
        validation_win_rate: await winRate(chosenBy, { opponents: opponents.validation, compare }),
        reward: rewardOf(reported),
        judge_win_rate: await winRate(reported.slice(0, whole.length), {
          opponents: opponents.heldOut,
          compare,
        }),
        reward_whole: rewardOf(free),
        ...await distributionOf(model, free, { reference, batchTokens: world.limits.batchTokens }),
      },
    };
  };
}

/** Points of a training, on disk. A stop may fall between a measurement and its checkpoint, so one may come twice. */
export class Course {
  readonly #points = new Map<number, RewardPoint>();
  readonly #heldOut = new Map<number, HeldOutAnswers>();

  private constructor(readonly folder: string) {}

  static async open(folder: string): Promise<Course> {
    const course = new Course(folder);
    for (const point of await pointsIn(folder)) course.#points.set(point.step, point);
    for (const one of await heldOutIn(folder)) course.#heldOut.set(one.step, one);
    return course;
  }

  has(step: number): boolean {
    return this.#points.has(step);
  }

  get points(): RewardPoint[] {
    return byStep(this.#points);
  }

  async add({ point, heldOut }: MeasuredPoint): Promise<void> {
    this.#points.set(point.step, point);
    this.#heldOut.set(heldOut.step, heldOut);
    await writeJsonl(`${this.folder}/held_out.jsonl`, byStep(this.#heldOut));
    await writeJsonl(`${this.folder}/points.jsonl`, this.points);
    await writeCsv(`${this.folder}/points.csv`, this.points);
  }
}

/** The points that a training left, by step. */
export const pointsIn = (folder: string): Promise<RewardPoint[]> =>
  readJsonl<RewardPoint>(`${folder}/points.jsonl`);

/** The held-out answers that a training left, by step. */
export const heldOutIn = (folder: string): Promise<HeldOutAnswers[]> =>
  readJsonl<HeldOutAnswers>(`${folder}/held_out.jsonl`);

const byStep = <P extends { readonly step: number }>(points: ReadonlyMap<number, P>): P[] =>
  [...points.values()].sort((a, b) => a.step - b.step);

/** By what a step or a setting is chosen: the truth, which a user lacks, or the judge's win rate. */
export type ChosenBy = "truth" | "judge";

/** What a choice is made by. */
type Validated = Pick<RewardPoint, "validation_reward" | "validation_win_rate">;

/** What is looked at on validation prompts. */
export const validationOf: Readonly<Record<ChosenBy, (point: Validated) => number>> = {
  truth: ({ validation_reward }) => validation_reward,
  judge: ({ validation_win_rate }) => validation_win_rate,
};

/** The best on validation prompts, of equals the first. @throws {TypeError} of none */
export function bestBy<P extends Validated>(points: readonly P[], by: ChosenBy): P {
  const value = validationOf[by];
  return points.reduce((best, point) => value(point) > value(best) ? point : best);
}

/** The point at which a run would be stopped: that at step 0 is not one of training's. */
export function chosenPoint<P extends RewardPoint>(points: readonly P[], by: ChosenBy): P {
  return bestBy(points.filter(({ step }) => step > 0), by);
}

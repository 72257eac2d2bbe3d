import { credit } from "../../method/mod.ts";
import type { LanguageModel } from "../../model/mod.ts";
import { habits } from "../study/habits.ts";
import { distributionOf, drawAnswersOf, type DrawnAnswer, mean } from "../study/measure.ts";
import { ORDER_DESK } from "../world/order_desk.ts";
import { type PlaySession, SAMPLING, SEED } from "./session.ts";

/** Held-out requests that the policy is measured on. */
export const MEASURED = 48;

/** The policy at a step, measured on held-out requests. */
export interface PlayPoint {
  readonly step: number;
  /** Mean true reward of one answer a request, sampled as in training. */
  readonly reward: number;
  /** Share of these answers that the frozen judge prefers to those of step 0. */
  readonly winRate: number;
  /** KL from the model of step 0, in nats, of the whole distribution. */
  readonly kl: number;
  /** Share of the answers with each habit. */
  readonly habits: Readonly<Record<string, number>>;
  /** The answers, with their requests and true rewards. */
  readonly answers: readonly Pick<DrawnAnswer, "request" | "text" | "reward">[];
}

/**
 * What measures the policy against fixed answers of the model that it started from, on the same requests and with the
 * same random numbers each time, as the study does (`policyMeter`) on more requests.
 */
export function playMeter(session: PlaySession): (step: number) => Promise<PlayPoint> {
  const { encoder, reference, start } = session;
  const requests = session.requests.slice(0, MEASURED);
  const draw = async (model: LanguageModel, seed: number, topP: number) =>
    (await drawAnswersOf(model, requests, { encoder, seed, topP })).map(([answer]) => answer);
  let opponents: DrawnAnswer[] | null = null;
  return async (step) => {
    const { policy } = session;
    opponents ??= await draw(start, SEED + 1, SAMPLING.topP);
    const answers = await draw(policy, SEED + 2, SAMPLING.topP);
    const judgments = await session.judgeOf(reference).compare(
      answers.map(({ request, text }, i) => ({
        prompt: [{ role: "user", content: request }],
        first: text,
        second: opponents![i].text,
      })),
    );
    const free = await draw(policy, SEED + 3, 1);
    const { batchTokens } = ORDER_DESK.limits;
    return {
      step,
      reward: mean(answers.map(({ reward }) => reward)),
      winRate: mean(judgments.map((judgment) => credit(judgment))),
      kl: (await distributionOf(policy, free, { reference, batchTokens })).kl,
      habits: Object.fromEntries(habits(answers).map(({ habit, value }) => [habit, value])),
      answers: answers.map(({ request, text, reward }) => ({ request, text, reward })),
    };
  };
}

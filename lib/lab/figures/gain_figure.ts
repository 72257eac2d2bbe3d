/** What training gained on the same requests, step by step, with a band. */
import { bootstrap } from "../../measure/statistics.ts";
import { Rng } from "../../base/random.ts";
import { namedLines } from "../../show/marks.ts";
import { panels } from "../../show/panels.ts";
import { type Figure, looks } from "../../show/style.ts";
import type { HeldOutAnswers } from "../study/policy_meter.ts";

/** A policy's gain at a step. */
export interface GainPoint {
  readonly method: string;
  readonly step: number;
  /** Mean over requests of the true reward less that at the start, with its 95 % bootstrap interval over requests. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** The judge's preference for the policy's answers over those of its start; null where it was not asked. */
  readonly judge: number | null;
}

/**
 * Gains of a policy over its first point, request by request.
 *
 * @param heldOut Rewards of the same requests at each point, in order; the start first.
 * @param options.course The judge's win rate at the same steps.
 * @throws {RangeError} of no point
 */
export function gainsOf(
  heldOut: readonly Pick<HeldOutAnswers, "step" | "rewards">[],
  { method, seed, course = [] }: {
    method: string;
    seed: number;
    course?: readonly { readonly step: number; readonly judge_win_rate: number | null }[];
  },
): GainPoint[] {
  if (heldOut.length === 0) throw new RangeError(`${method} was measured at no step`);
  const [start] = heldOut;
  return heldOut.map(({ step, rewards }) => {
    const gains = rewards.map((reward, i) => reward - start.rewards[i]);
    const { value, low, high } = bootstrap(gains, { rng: Rng.named(seed, `${method} ${step}`) });
    const judge = course.find((point) => point.step === step)?.judge_win_rate ?? null;
    return { method, step, value, low, high, judge };
  });
}

/** Gains with their bands, a line a method; beside them what the judge says, where it was asked. */
export function gainCurve(points: readonly GainPoint[]): Figure {
  const style = looks(points.map(({ method }) => method));
  const courses = (
    value: (point: GainPoint) => { y: number; low?: number; high?: number } | null,
  ) =>
    [...style].map(([method, look]) => ({
      look,
      points: points.filter((point) => point.method === method).flatMap((point) => {
        const shown = value(point);
        return shown ? [{ x: point.step, ...shown }] : [];
      }),
    }));
  const judged = points.some(({ judge }) => judge !== null);
  return panels([
    {
      title: "True reward gained, same requests (band: 95 %)",
      ...namedLines(courses(({ value: y, low, high }) => ({ y, low, high }))),
      x: { title: "training step" },
      references: [{ axis: "y", at: 0, text: "start" }],
    },
    ...(judged
      ? [{
        title: "Judge's win rate against the start's answers",
        ...namedLines(courses(({ judge }) => judge === null ? null : { y: judge })),
        x: { title: "training step" },
        references: [{ axis: "y" as const, at: 0.5, text: "even" }],
      }]
      : []),
  ], { columns: judged ? 2 : 1, width: judged ? 980 : 640, height: 320 });
}

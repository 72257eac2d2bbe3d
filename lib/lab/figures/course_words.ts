/** What became of a policy while its judge was climbed, in words. */
import { formatNumber } from "../../show/html_table.ts";

/** A measurement of a policy in training. */
export interface CoursePoint {
  readonly step: number;
  readonly reward: number;
  /** Empty where it was not measured. */
  readonly judge_win_rate: number | null;
  readonly kl: number | null;
}

/** Means of several runs at each step that all of them were measured at, in order. */
export function meanCourse(
  runs: readonly CoursePoint[],
): (CoursePoint & { readonly runs: number })[] {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const points = [...Map.groupBy(runs, ({ step }) => step)].map(([step, some]) => {
    const of = (value: (point: CoursePoint) => number | null) => {
      const known = some.map(value).filter((one) => one !== null);
      return known.length === 0 ? null : mean(known);
    };
    return {
      ...{ step, runs: some.length, reward: of(({ reward }) => reward)! },
      ...{ judge_win_rate: of((point) => point.judge_win_rate), kl: of(({ kl }) => kl) },
    };
  });
  const most = Math.max(...points.map(({ runs }) => runs));
  return points.filter(({ runs }) => runs === most).sort((a, b) => a.step - b.step);
}

/**
 * Where the true reward was highest, whether it then fell below its start while the judge still preferred the policy's
 * answers to those that it started with, and where it ended.
 *
 * @param course In the order of steps, the start first.
 * @throws {RangeError} of no measurement
 */
export function courseInWords(course: readonly CoursePoint[]): string {
  if (course.length === 0) throw new RangeError("a course without a measurement");
  const [start] = course;
  const last = course.at(-1)!;
  const best = course.reduce((top, point) => point.reward > top.reward ? point : top);
  const fooled = course.filter((point) =>
    point.step > best.step && point.reward < start.reward && (point.judge_win_rate ?? 0) > 0.5
  ).sort((a, b) => a.reward - b.reward).at(0);
  const numbers = ({ reward, judge_win_rate, kl }: CoursePoint) =>
    [
      `true reward ${formatNumber(reward)}`,
      ...(judge_win_rate === null ? [] : [`judge's win rate ${formatNumber(judge_win_rate)}`]),
      ...(kl === null ? [] : [`KL ${formatNumber(kl)} nats`]),
    ].join(", ");
  const parts = [
    `it starts with a true reward of ${formatNumber(start.reward)}`,
    best === start
      ? "it was never above its start"
      : `it is highest at step ${best.step} (${numbers(best)})`,
    fooled
      ? `**at step ${fooled.step} it is below its start and the judge still prefers these answers** ` +
        `(${numbers(fooled)})`
      : "it never fell below its start while the judge preferred its answers",
    ...(last === best || last === fooled
      ? []
      : [`at the last step, ${last.step}: ${numbers(last)}`]),
  ];
  return parts.join("; ");
}

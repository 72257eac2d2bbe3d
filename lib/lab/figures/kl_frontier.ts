/** What distance from the start buys: true reward against KL over the training of every method. */
import { course } from "./claims_interval.ts";
import type { RewardStep } from "./claims_reward.ts";
import { panels } from "../../show/panels.ts";
import { faint, type Figure, INK, inkFor, looks, TEXT, type Trace } from "../../show/style.ts";

/** Least KL that the logarithmic axis shows, and what it names, in nats. */
const LEAST = 0.05;
const TICKS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100];

/**
 * A line a method through its means at equal steps, KL on a log scale. Named methods have their colour, all others are
 * thin and grey.
 */
export function klFrontier(rows: readonly RewardStep[], named: readonly string[]): Figure {
  const style = looks(named);
  const methods = [...Map.groupBy(rows, ({ method }) => method)].map(([method, some]) => {
    const kl = new Map(course(some, ({ step }) => step, (row) => row.kl).map(({ x, y }) => [x, y]));
    const points = course(some, ({ step }) => step, ({ reward }) => reward)
      .flatMap(({ x: step, y }) => {
        const at = kl.get(step);
        return step > 0 && at !== undefined ? [{ x: Math.max(LEAST, at), y, step }] : [];
      });
    return { method, points, look: style.get(method) };
  }).filter(({ points }) => points.length > 0);
  const start = rows.filter(({ step }) => step === 0);
  const at = start.reduce((sum, { reward }) => sum + reward, 0) / Math.max(1, start.length);
  const path = ({ method, points, look }: typeof methods[number]): Trace => ({
    type: "scatter",
    mode: "lines+markers",
    name: look?.label ?? method,
    x: points.map(({ x }) => Math.log10(x)),
    y: points.map(({ y }) => y),
    text: points.map(({ x, step }) => `${method}, step ${step}, ${x.toFixed(2)} nats`),
    hovertemplate: "%{text}: %{y:.2f}<extra></extra>",
    line: {
      color: look?.color ?? faint(INK.grey, 0.4),
      width: look ? 2.5 : 1.2,
      dash: look?.dash ?? "solid",
    },
    marker: { size: look ? 6 : 3 },
  });
  return panels([{
    title: "True reward against the distance from JSFT",
    traces: methods.toSorted((a, b) => Number(!!a.look) - Number(!!b.look)).map(path),
    x: {
      title: "KL from JSFT, nats (log scale)",
      tickvals: TICKS.map(Math.log10),
      ticktext: TICKS.map(String),
    },
    references: [{ axis: "y", at, text: `JSFT, ${at.toFixed(2)}` }],
    labels: methods.flatMap(({ points, look }) =>
      look ? [{ y: points.at(-1)!.y, text: look.label, color: inkFor(look.color) }] : []
    ),
  }], { width: 1000, height: 460, right: 13 * TEXT.label });
}

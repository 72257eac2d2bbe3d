/** What distance from the start buys: reward against KL, for choosing among N and for training. */
import { dots, line } from "../../show/marks.ts";
import { panels } from "../../show/panels.ts";
import { type Figure, inkFor, looks, TEXT } from "../../show/style.ts";

/** A policy at some distance from the one it came from. */
export interface KlPoint {
  /** Points of one way are joined. */
  readonly way: string;
  /** Nats; of choosing among N a bound on them. */
  readonly kl: number;
  readonly reward: number;
  /** Set beside the point, such as N. */
  readonly text?: string;
}

/**
 * KL of the best of N from one draw, at most, in nats: log N - (N - 1) / N. Exact where no two draws are alike
 * (https://arxiv.org/abs/2401.01879, section 3).
 *
 * @throws {RangeError} for an N that is no whole number from 1 up
 */
export function bestOfNKl(n: number): number {
  if (!Number.isInteger(n) || n < 1) throw new RangeError(`there is no best of ${n}`);
  return Math.log(n) - (n - 1) / n;
}

/** True reward against KL, a line per way; the text of each point stands below it. */
export function rewardAgainstKl(rows: readonly KlPoint[]): Figure {
  const style = looks(rows.map(({ way }) => way));
  const ways = [...style].map(([way, look]) => ({ look, some: rows.filter((r) => r.way === way) }));
  const farthest = Math.max(...rows.map(({ kl }) => kl));
  return panels([{
    title: "True reward against the distance from JSFT",
    traces: ways.flatMap(({ look, some }) =>
      some.length > 1
        ? line(some.map(({ kl, reward }) => ({ x: kl, y: reward })), look, { markers: true })
        : [dots([some[0].kl], [some[0].reward], { ...look, name: look.label, size: 11 })]
    ),
    x: { title: "KL from JSFT, nats (of N answers: its upper bound)" },
    labels: ways.filter(({ some }) => some.length > 1).map(({ look, some }) => ({
      y: some.reduce((last, row) => row.kl > last.kl ? row : last).reward,
      text: look.label,
      color: look.color,
    })),
    notes: ways.flatMap(({ look, some }) =>
      some.map(({ kl, reward, text = some.length > 1 ? "" : look.label }) => ({
        x: kl,
        y: reward,
        text,
        xshift: 6,
        ...(kl > 0.85 * farthest
          ? { xanchor: "right", yshift: -24 }
          : { xanchor: "left", yshift: -14 }),
        bgcolor: "rgba(0,0,0,0)",
        font: { size: TEXT.label, color: inkFor(look.color) },
      })).filter(({ text }) => text)
    ),
  }], { width: 900, height: 360 });
}

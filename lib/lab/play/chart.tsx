/** @jsxImportSource preact */
/// <reference lib="dom" />
/** A line over steps, small enough to stand three abreast. @module */

const [WIDTH, HEIGHT] = [320, 150];
/** Steps that an axis has room for at least. */
const SHORTEST = 20;
const EDGE = { left: 36, right: 12, top: 12, bottom: 24 };

/** A number at a step. */
export interface Dot {
  readonly step: number;
  readonly value: number;
}

/** What a chart shows. */
export interface ChartOptions {
  /** Steps taken, to which the axis reaches. */
  readonly steps: number;
  readonly title: string;
  /** What the number is, in a line. */
  readonly note: string;
  readonly points: readonly Dot[];
  /** Drawn faintly behind: what single steps say. */
  readonly noise?: readonly Dot[];
  /** Ends of the axis; it grows where a point is beyond. */
  readonly range: readonly [number, number];
  /** A line to compare with, and what it is. */
  readonly mark?: { readonly value: number; readonly name: string };
  readonly digits?: number;
  readonly look: "judge" | "truth" | "plain";
}

export function Chart(
  { steps, title, note, points, noise = [], range, mark, digits = 2, look }: ChartOptions,
) {
  const all = [...points, ...noise];
  const last = Math.max(SHORTEST, steps);
  const low = Math.min(range[0], ...all.map(({ value }) => value));
  const high = Math.max(range[1], ...all.map(({ value }) => value));
  const x = (step: number) => EDGE.left + step / last * (WIDTH - EDGE.left - EDGE.right);
  const y = (value: number) =>
    HEIGHT - EDGE.bottom - (value - low) / (high - low) * (HEIGHT - EDGE.top - EDGE.bottom);
  const ticks = [low, (low + high) / 2, high];
  const now = points.at(-1);
  const best = points.reduce<Dot | undefined>((a, b) => a && a.value >= b.value ? a : b, undefined);
  const words = now
    ? `${now.value.toFixed(digits)} at step ${now.step}; ${
      points[0].value.toFixed(digits)
    } at step 0; highest ${best!.value.toFixed(digits)} at step ${best!.step}`
    : "not measured yet";
  return (
    <figure class={`chart ${look}`}>
      <figcaption>
        <b>{title}</b> <span class="number now">{now ? now.value.toFixed(digits) : "–"}</span>
        <span class="of">{note}</span>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${title}: ${words}`}>
        {ticks.map((tick) => (
          <g key={tick}>
            <line class="grid" x1={EDGE.left} x2={WIDTH - EDGE.right} y1={y(tick)} y2={y(tick)} />
            <text x={EDGE.left - 5} y={y(tick) + 4} text-anchor="end">{tick.toFixed(1)}</text>
          </g>
        ))}
        <text x={EDGE.left} y={HEIGHT - 6}>step 0</text>
        <text x={WIDTH - EDGE.right} y={HEIGHT - 6} text-anchor="end">{last}</text>
        {mark && (
          <>
            <line
              class="mark"
              x1={EDGE.left}
              x2={WIDTH - EDGE.right}
              y1={y(mark.value)}
              y2={y(mark.value)}
            />
            <text x={WIDTH - EDGE.right} y={y(mark.value) - 4} text-anchor="end">{mark.name}</text>
          </>
        )}
        {noise.map(({ step, value }) => (
          <circle key={step} class="noise" cx={x(step)} cy={y(value)} r={1.6} />
        ))}
        <polyline
          class="line"
          points={points.map(({ step, value }) => `${x(step)},${y(value)}`).join(" ")}
        />
        {points.map(({ step, value }) => (
          <circle key={step} class="dot" cx={x(step)} cy={y(value)} r={3}>
            <title>step {step}: {value.toFixed(digits)}</title>
          </circle>
        ))}
      </svg>
    </figure>
  );
}

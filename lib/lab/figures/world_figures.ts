/** Figures of the order desk's data: the rewards of its answers, and how far its labels can be trusted. */
import { dots, line } from "../../show/marks.ts";
import { panels, textWidth } from "../../show/panels.ts";
import { type Figure, INK, inkFor, type Look, TEXT } from "../../show/style.ts";

const look = (label: string, color: string): Look => ({ label, color, dash: "solid" });

/** Values counted in bins of a width: the bin's middle and its share of all. */
export function histogram(values: readonly number[], width: number): { x: number; y: number }[] {
  const bins = values.map((value) => Math.floor(value / width + 1e-9));
  const [low, high] = [Math.min(...bins), Math.max(...bins)];
  return Array.from({ length: high - low + 1 }, (_, i) => ({
    x: (low + i + 0.5) * width,
    y: bins.filter((bin) => bin === low + i).length / values.length,
  }));
}

/**
 * How the true rewards of chosen and of rejected answers are spread.
 *
 * @param pairs Rows of the world's `train.csv` or `held_out.csv`.
 */
export function rewardSpread(
  pairs: readonly { readonly reward_chosen: number; readonly reward_rejected: number }[],
): Figure {
  const width = 0.5;
  const kinds = [
    { name: "chosen", color: INK.blue, values: pairs.map((pair) => pair.reward_chosen) },
    { name: "rejected", color: INK.orange, values: pairs.map((pair) => pair.reward_rejected) },
  ];
  const lines = kinds.map(({ name, color, values }) => ({
    name,
    color,
    points: histogram(values, width),
  }));
  return panels([{
    title: "Share of answers",
    traces: lines.flatMap(({ name, color, points }) =>
      line(points, look(name, color), { markers: true })
    ),
    x: { title: `true reward, in steps of ${width}` },
    notes: lines.map(({ name, color, points }, i) => {
      const most = Math.max(...points.map(({ y }) => y));
      // The first is named at its peak, the other where it rises: left of both there is room.
      const at = points.find(({ y }) => y >= (i === 0 ? most : most / 2))!;
      return {
        ...at,
        text: `<b>${name}</b>`,
        xanchor: "right",
        xshift: -10,
        yshift: i === 0 ? 0 : 4,
        font: { size: TEXT.label, color: inkFor(color) },
      };
    }),
  }], { width: 680, height: 240 });
}

/** Pairs whose rewards differ by about as much, and how often the label agrees with the reward. */
export interface LabelAgreement {
  /** Mean distance between the two rewards. */
  readonly gap: number;
  readonly share: number;
  /** Interval of the share. */
  readonly low: number;
  readonly high: number;
}

/** Share of labels that agree with the true reward against how far the two rewards are apart, and the law. */
export function labelAgreement(
  points: readonly LabelAgreement[],
  law: { readonly temperature: number; readonly label: string },
): Figure {
  const most = Math.max(...points.map(({ gap }) => gap));
  const curve = Array.from({ length: 61 }, (_, i) => {
    const x = i / 60 * most * 1.05;
    return { x, y: 1 / (1 + Math.exp(-x / law.temperature)) };
  });
  return panels([{
    title: "Share of labels that agree with the true reward",
    traces: [
      ...line(curve, look(law.label, INK.grey), { markers: false }),
      {
        ...dots(points.map(({ gap }) => gap), points.map(({ share }) => share), {
          name: "pairs of the data",
          color: INK.blue,
          size: 9,
        }),
        error_y: {
          type: "data",
          symmetric: false,
          array: points.map(({ share, high }) => high - share),
          arrayminus: points.map(({ share, low }) => share - low),
          color: INK.text,
          thickness: 1.5,
          width: 4,
        },
      },
    ],
    x: { title: "distance between the two true rewards" },
    y: { range: [0.45, 1.03] },
    references: [{ axis: "y", at: 0.5, text: "a coin" }],
    notes: [{
      x: curve[24].x,
      y: curve[24].y,
      text: law.label,
      xanchor: "left",
      yanchor: "top",
      xshift: 8,
      yshift: -14,
    }],
  }], { width: 680, height: 260 });
}

/** How many tokens of an example are read only, and how many are learned. */
export interface TokenShare {
  readonly kind: string;
  readonly read: number;
  readonly learned: number;
}

/** Tokens of each kind of example as bars: read only, and learned. */
export function learnedTokens(rows: readonly TokenShare[]): Figure {
  const names = rows.map(({ kind }) => kind);
  const bar = (name: string, color: string, value: (row: TokenShare) => number) => ({
    type: "bar",
    orientation: "h",
    name,
    y: names.map((_, i) => i),
    x: rows.map(value),
    width: 0.55,
    marker: { color },
    hovertemplate: `%{x:.1f} tokens ${name}<extra></extra>`,
  });
  const longest = Math.max(...rows.map(({ read, learned }) => read + learned));
  const words = rows.map(({ read, learned }) =>
    `${read.toFixed(1)} read, <b>${learned.toFixed(1)} learned</b>`
  );
  // Words stand right of the bars: the axis is longer by them.
  const [width, left, right] = [800, 190, 24];
  const room = Math.max(...words.map((text) => textWidth(text.replaceAll(/<[^>]*>/g, "")))) + 12;
  const end = longest * (width - left - right) / (width - left - right - room);
  const figure = panels([{
    title: "Tokens of an example, mean",
    traces: [
      bar("read only", INK.pale, ({ read }) => read),
      bar("learned", INK.blue, ({ learned }) => learned),
    ],
    x: { range: [0, end], title: "tokens" },
    y: {
      tickvals: names.map((_, i) => i),
      ticktext: names,
      range: [rows.length - 0.4, -0.6],
      ticks: "",
      showgrid: false,
    },
    left,
    notes: rows.map(({ read, learned }, i) => ({
      x: read + learned,
      y: i,
      text: words[i],
      xanchor: "left",
      xshift: 6,
    })),
  }], { width, height: 60 * rows.length, right });
  return { ...figure, layout: { ...figure.layout, barmode: "stack" } };
}

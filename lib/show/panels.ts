/** Small multiples: panels laid out in pixels, each with its title, axes, references and direct labels. */
import { AXIS, type Figure, HOUSE_LAYOUT, INK, inkFor, TEXT, type Trace } from "./style.ts";

/** Words at a height of the y axis, set in the column right of the panel. */
export interface Label {
  readonly y: number;
  readonly text: string;
  readonly color: string;
}

/** A dashed line across the panel. One across y is named in the right column, one across x above. */
export interface Reference {
  readonly axis: "x" | "y";
  readonly at: number;
  readonly text?: string;
}

/** One panel. The title says what y is and its unit, in words that need no turned head. */
export interface Panel {
  readonly title: string;
  readonly traces: readonly Trace[];
  /** Plotly axis fields over the house's; `title` may be a string; `range` is found from the traces. */
  readonly x?: Record<string, unknown>;
  readonly y?: Record<string, unknown>;
  readonly labels?: readonly Label[];
  readonly references?: readonly Reference[];
  /** Left of this panel in pixels, where its tick labels are words. */
  readonly left?: number;
  /** Further Plotly annotations; `xref` and `yref` become this panel's axes. */
  readonly notes?: readonly Record<string, unknown>[];
}

/** Sizes in pixels. */
export interface PanelOptions {
  /** Panels in a row. @default 1 */
  readonly columns?: number;
  /** Of the whole figure. @default 1000 */
  readonly width?: number;
  /** Of one panel's plotting area. @default 300 */
  readonly height?: number;
  /** Below each panel, for the tick labels, the axis title and words. @default 62 */
  readonly foot?: number;
  /** Left of each panel, for the tick labels. @default 58 */
  readonly left?: number;
  /** Left of the whole first column, for words that name the rows of all columns. @default 0 */
  readonly first?: number;
  /** One range for the x axes of all panels, so that they can be read against each other. */
  readonly sameX?: boolean;
  /** Right of each panel; by default as much as the longest direct label needs. */
  readonly right?: number;
}

const TITLE = 50;
const LINE = TEXT.label * 1.25;

/**
 * Lays panels out row by row. Everything is placed in pixels and every range is set, so that the picture
 * does not depend on what the browser measures; labels of one panel are moved apart where they would meet.
 */
export function panels(list: readonly Panel[], options: PanelOptions = {}): Figure {
  const { columns = 1, width = 1000, height = 300, left = 58, first = 0, foot = 62 } = options;
  const right = options.right ??
    Math.max(24, ...list.flatMap((p) => sideLabels(p).map(({ text }) => 16 + textWidth(text))));
  const rows = Math.ceil(list.length / columns);
  const cell = (width - first) / columns;
  const total = { width, height: rows * (TITLE + height + foot) };
  const layout: Record<string, unknown> = {
    ...HOUSE_LAYOUT,
    ...total,
    margin: { l: 0, r: 0, t: 0, b: 0 },
  };
  delete layout.xaxis;
  delete layout.yaxis;
  const shapes: Record<string, unknown>[] = [];
  const annotations: Record<string, unknown>[] = [];
  const data = list.flatMap((panel, i) => {
    const key = i === 0 ? "" : `${i + 1}`;
    const start = first + (i % columns) * cell;
    const x0 = start + (panel.left ?? left);
    const top = Math.floor(i / columns) * (TITLE + height + foot) + TITLE;
    const alike = options.sameX ? list : [panel];
    const across = panel.x?.range ??
      found(alike.flatMap(({ traces }) => traces), "x", alike.flatMap(namedAcross), 0.03);
    layout[`xaxis${key}`] = axis(panel.x, {
      domain: [x0 / width, (start + cell - right) / width],
      anchor: `y${key}`,
      range: across,
    });
    const range = panel.y?.range ??
      found(panel.traces, "y", sideLabels(panel).map(({ y }) => y), 0.07);
    layout[`yaxis${key}`] = axis(panel.y, {
      domain: [1 - (top + height) / total.height, 1 - top / total.height],
      anchor: `x${key}`,
      range,
    });
    annotations.push({
      text: `<b>${panel.title}</b>`,
      xref: "paper",
      yref: "paper",
      x: (start + 8 - (i % columns === 0 ? first : 0)) / width,
      y: 1 - (top - 34) / total.height,
      xanchor: "left",
      yanchor: "middle",
      showarrow: false,
      font: { size: TEXT.title, color: INK.text },
    });
    annotations.push(
      ...beside(panel, range as [number, number], height).map((label) => ({
        ...label,
        xref: `x${key} domain`,
        yref: `y${key}`,
      })),
    );
    for (const { axis, at, text } of panel.references ?? []) {
      const ends = axis === "x"
        ? { x0: at, x1: at, y0: 0, y1: 1 }
        : { x0: 0, x1: 1, y0: at, y1: at };
      const refs = {
        xref: axis === "x" ? `x${key}` : `x${key} domain`,
        yref: axis === "y" ? `y${key}` : `y${key} domain`,
      };
      shapes.push({
        type: "line",
        ...ends,
        ...refs,
        layer: "below",
        line: { color: INK.grey, width: 1.5, dash: "dash" },
      });
      if (axis === "x" && text) {
        annotations.push({
          ...refs,
          x: at,
          y: 1,
          text,
          yanchor: "bottom",
          ...(across ? inside(at, across as [number, number]) : {}),
          showarrow: false,
          font: { size: TEXT.label, color: INK.grey },
        });
      }
    }
    annotations.push(
      ...(panel.notes ?? []).map((note) => ({
        showarrow: false,
        font: { size: TEXT.label, color: INK.text },
        bgcolor: "rgba(255,255,255,0.75)",
        borderpad: 0,
        ...note,
        xref: `x${key}`,
        yref: `y${key}`,
      })),
    );
    return panel.traces.map((trace) => ({
      ...trace,
      xaxis: `x${key || 1}`,
      yaxis: `y${key || 1}`,
    }));
  });
  return { data, layout: { ...layout, annotations, shapes } };
}

/** On which side of a place on the x axis its words go so that they stay within the panel. */
export function inside(place: number, [from, to]: readonly [number, number]) {
  const share = (place - from) / (to - from);
  if (share < 0.35) return { xanchor: "left", xshift: -6 };
  return share > 0.65 ? { xanchor: "right", xshift: 6 } : { xanchor: "center" };
}

/** Moves values apart until neighbours are at least `gap` away, as little as that takes, in their order. */
export function apart(values: readonly number[], gap: number): number[] {
  // Groups of touching labels, each centred on the mean of where its members want to be.
  const groups: { members: number[]; centre: number }[] = [];
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b] || a - b);
  for (const i of order) {
    let group = { members: [i], centre: values[i] };
    for (let below = groups.at(-1); below; below = groups.at(-1)) {
      const reach = gap * (below.members.length + group.members.length) / 2;
      if (group.centre - below.centre >= reach) break;
      groups.pop();
      const members = [...below.members, ...group.members];
      const wanted = members.reduce((sum, j) => sum + values[j], 0) / members.length;
      group = { members, centre: wanted };
    }
    groups.push(group);
  }
  const moved = new Array<number>(values.length);
  for (const { members, centre } of groups) {
    members.forEach((i, at) => moved[i] = centre + gap * (at - (members.length - 1) / 2));
  }
  return moved;
}

function axis(own: Record<string, unknown> = {}, found: Record<string, unknown>) {
  const { title, ...rest } = own;
  return {
    ...AXIS,
    ...found,
    ...rest,
    ...(title === undefined ? {} : {
      title: typeof title === "string"
        ? { text: title, standoff: 8, font: { size: TEXT.axis } }
        : title,
    }),
  };
}

function sideLabels(panel: Panel): Label[] {
  const named = (panel.references ?? []).flatMap(({ axis, at, text }) =>
    axis === "y" && text ? [{ y: at, text, color: INK.grey }] : []
  );
  return [...panel.labels ?? [], ...named];
}

function beside(panel: Panel, [low, high]: [number, number], height: number) {
  const labels = sideLabels(panel);
  const moved = apart(labels.map(({ y }) => y), LINE / height * Math.abs(high - low));
  return labels.map(({ text, color }, i) => ({
    text,
    x: 1,
    xshift: 6,
    xanchor: "left",
    y: moved[i],
    yanchor: "middle",
    showarrow: false,
    font: { size: TEXT.label, color: inkFor(color) },
  }));
}

/** Pixels that a label takes in DejaVu Sans, the widest font of the family list: 0.6 of its size a letter. */
export const textWidth = (text: string): number => text.length * 0.6 * TEXT.label;

/** Where the named references across x are: like those across y, a reader is to see them. */
const namedAcross = ({ references = [] }: Panel): number[] =>
  references.flatMap(({ axis, at, text }) => axis === "x" && text !== undefined ? [at] : []);

/** The range of the numbers on an axis, intervals included, with room at both ends; none for words. */
function found(
  traces: readonly Trace[],
  axis: "x" | "y",
  more: readonly number[],
  room: number,
): [number, number] | undefined {
  let low = Infinity, high = -Infinity;
  const take = (value: number) => {
    if (value < low) low = value;
    if (value > high) high = value;
  };
  for (const trace of traces) {
    const bar = trace[`error_${axis}`] as { array?: number[]; arrayminus?: number[] } | undefined;
    for (const [i, value] of ((trace[axis] ?? []) as unknown[]).entries()) {
      if (typeof value === "string") return undefined;
      if (typeof value !== "number") continue;
      take(value + (bar?.array?.[i] ?? 0));
      take(value - (bar?.arrayminus?.[i] ?? 0));
    }
  }
  if (low > high) return undefined;
  more.forEach(take);
  const pad = (high - low || Math.abs(high) || 1) * room;
  return [low - pad, high + pad];
}

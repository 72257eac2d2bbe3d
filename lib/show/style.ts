/** One look for all figures: dark on white, readable in print, at half size and by the colour-blind. */

/** A Plotly trace; https://plotly.com/javascript/reference/ lists the fields. */
export type Trace = Record<string, unknown>;

/** What Plotly draws; `layout.width` and `layout.height` (pixels) are always set. */
export interface Figure {
  data: Trace[];
  layout: Record<string, unknown>;
}

/**
 * Colours of Okabe and Ito, https://jfly.uni-koeln.de/color/, and greys. Their yellow is left out: it
 * cannot be seen as a thin line on white. The grey is so dark because a lighter one is the green to
 * who lacks the cones for green (`tests/show_colour_vision_test.ts`).
 */
export const INK = {
  text: "#222222",
  grey: "#505050",
  pale: "#e6e6e6",
  blue: "#0072B2",
  orange: "#D55E00",
  green: "#009E73",
  purple: "#CC79A7",
  amber: "#E69F00",
  sky: "#56B4E9",
} as const;

/** Sizes of text in pixels, chosen so that a figure at half its width can still be read. */
export const TEXT = { tick: 14, label: 14, axis: 15, title: 17 } as const;

/** Axis that every figure starts from. */
export const AXIS = {
  showgrid: true,
  gridcolor: INK.pale,
  zeroline: false,
  linecolor: INK.text,
  ticks: "outside",
  ticklen: 4,
  tickfont: { size: TEXT.tick },
} as const;

/** Layout that every figure starts from. */
export const HOUSE_LAYOUT = {
  font: { family: "DejaVu Sans, Helvetica, Arial, sans-serif", size: TEXT.tick, color: INK.text },
  paper_bgcolor: "white",
  plot_bgcolor: "white",
  showlegend: false,
  hovermode: "closest",
  margin: { l: 60, r: 30, t: 70, b: 60 },
  xaxis: AXIS,
  yaxis: AXIS,
} as const;

/** How one method, policy or judge looks in every figure it is in. */
export interface Look {
  /** Name shown to the reader. */
  readonly label: string;
  readonly color: string;
  /** Plotly's dash; the second sign when colours are few or lost in print. */
  readonly dash: "solid" | "dash" | "dot" | "dashdot";
}

const look = (label: string, color: string, dash: Look["dash"] = "solid"): Look => ({
  label,
  color,
  dash,
});

/** Looks of the names that the result tables use, so that a method keeps its colour across figures. */
const KNOWN: Readonly<Record<string, Look>> = {
  "self-judge": look("SELF-JUDGE", INK.blue),
  "self-judge@driven": look("three times the rate", INK.orange, "dash"),
  "self-judge-ipo": look("SELF-JUDGE, IPO", INK.blue, "dash"),
  "self-judge-hinge": look("SELF-JUDGE, hinge", INK.blue, "dot"),
  "self-judge-moving": look("moving judge", INK.orange),
  "self-judge-refreshed": look("refreshed judge", INK.purple),
  "separate-judge-dpo": look("separate judge", INK.green),
  "jsft": look("JSFT", INK.orange),
  "sft": look("SFT", INK.grey),
  "base": look("base", INK.grey, "dot"),
  "off-policy-dpo": look("off-policy DPO", INK.green),
  "relabelled-dpo": look("relabelled DPO", INK.purple, "dash"),
  "offline-dpo": look("offline DPO", INK.purple),
  "offline-ipo": look("offline IPO", INK.purple, "dot"),
  "raft": look("RAFT, 4 samples", INK.amber),
  "raft-2": look("RAFT, 2 samples", INK.amber, "dash"),
  "raft-coin": look("RAFT by a coin", INK.amber, "dot"),
  "raft-2@control": look("RAFT, 2 samples", INK.amber),
  "raft-2@faster": look("RAFT, 2 samples, three times the rate", INK.amber, "dash"),
  "raft-coin@control": look("RAFT by a coin", INK.grey),
  "raft-coin@faster": look("RAFT by a coin, three times the rate", INK.grey, "dash"),
  "raft@control": look("RAFT, 4 samples", INK.orange),
  "rloo@control": look("RLOO", INK.green),
  "best-of-n-distillation@control": look("best of 8, imitated", INK.purple),
  "raft-shorter": look("RAFT by the shorter", INK.amber, "dashdot"),
  "raft-politer": look("RAFT by the politer", INK.amber, "dot"),
  "dpo-coin": look("DPO by a coin", INK.grey, "dash"),
  "dpo-shorter": look("DPO by the shorter", INK.grey, "dashdot"),
  "dpo-politer": look("DPO by the politer", INK.grey, "dot"),
  "self-judge@longer": look("hard labels", INK.blue),
  "self-judge-soft@longer": look("soft labels", INK.purple),
  "self-judge-soft@control": look("soft labels", INK.purple),
  "self-judge-soft": look("SELF-JUDGE, soft labels", INK.blue, "dashdot"),
  "jsft-weighted": look("JSFT, half on judgments", INK.orange, "dash"),
  "reward-model-dpo": look("DPO by reward model", INK.sky),
  "d2po": look("D2PO", INK.amber, "dashdot"),
  "d2po-self": look("D2PO labels, own judge", INK.text, "dot"),
  "sr-dpo": look("Sr-DPO", INK.grey),
  "lol": look("LoL", INK.sky, "dash"),
  "sso": look("SSO", INK.orange, "dash"),
  "oracle-dpo": look("DPO by true reward", INK.text, "dash"),
  "own judge": look("own judge", INK.blue),
  "reward model": look("reward model", INK.sky),
  "reward-model": look("reward model", INK.sky),
  "judge-only": look("judge only", INK.green),
  "truth": look("true reward", INK.text, "dash"),
};

const ORDER = [INK.blue, INK.orange, INK.green, INK.purple, INK.amber, INK.sky, INK.text, INK.grey];
const DASHES = ["solid", "dash", "dot", "dashdot"] as const;

/**
 * The look of each name, in order of first appearance. Known names keep theirs in every figure; others
 * take colours that are still free, then the same colours dashed.
 *
 * @example
 * ```ts
 * import { looks } from "./style.ts";
 * looks(["jsft", "my-method"]).get("my-method"); // { label: "my-method", color: "#0072B2", dash: "solid" }
 * ```
 */
export function looks(names: readonly string[]): Map<string, Look> {
  const unique = [...new Set(names)];
  const taken = new Set(
    unique.flatMap((name) => {
      const known = knownLook(name);
      return known ? [`${known.color} ${known.dash}`] : [];
    }),
  );
  const free = DASHES.flatMap((dash) => ORDER.map((color) => ({ color, dash })))
    .filter(({ color, dash }) => !taken.has(`${color} ${dash}`));
  let next = 0;
  return new Map(unique.map((name) => {
    const known = knownLook(name);
    return [name, known ?? { label: name, ...free[next++ % free.length] }];
  }));
}

const knownLook = (name: string): Look | undefined =>
  Object.hasOwn(KNOWN, name) ? KNOWN[name] : undefined;

/** The colour for words about something drawn in `color`: dark enough to be read on white. */
export function inkFor(color: string): string {
  const rgb = channels(color);
  // Relative luminance of WCAG 2, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
  const luminance = (of: readonly number[]) =>
    [0.2126, 0.7152, 0.0722].reduce((sum, weight, c) => {
      const s = of[c] / 255;
      return sum + weight * (s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4);
    }, 0);
  let ink = rgb;
  while (1.05 / (luminance(ink) + 0.05) < 4.5) ink = ink.map((c) => c * 0.95);
  return hex(ink);
}

/** A colour let through, as for a band. */
export function faint(color: string, opacity = 0.16): string {
  return `rgba(${channels(color).join(",")},${opacity})`;
}

const channels = (color: string): number[] =>
  [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));

const hex = (rgb: readonly number[]): string =>
  "#" + rgb.map((c) => Math.round(c).toString(16).padStart(2, "0")).join("");

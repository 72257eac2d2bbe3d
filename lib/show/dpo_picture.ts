/** The DPO loss of one pair drawn: two answers under two models, four passes, one number. Pure text. */
import { faint, INK } from "./style.ts";
import { box, drawing, polyline, words } from "./svg_parts.ts";

/** Log-probabilities of a pair's two answers under both models, and what scales their difference. */
export interface DpoNumbers {
  /** Sum over the tokens of the chosen and of the rejected answer, nats. */
  readonly policy: readonly [chosen: number, rejected: number];
  readonly reference: readonly [chosen: number, rejected: number];
  readonly beta: number;
}

const WIDTH = 860;
const CELL = { width: 210, height: 40 };
const X = [170, 400] as const;

/**
 * Draws the four forward passes: a row a model, a column an answer; the differences below them, h, and the loss.
 *
 * @returns an SVG
 */
export function dpoPicture({ policy, reference, beta }: DpoNumbers): string {
  const gains = policy.map((value, i) => value - reference[i]);
  const h = gains[0] - gains[1];
  const loss = Math.log1p(Math.exp(-beta * h));
  const head = ["chosen answer, y_w", "rejected answer, y_l"].map((text, i) =>
    words(text, { x: X[i] + CELL.width / 2, y: 22, anchor: "middle", bold: true })
  );
  const rows = [
    { name: "policy", note: "trained", values: policy, fill: faint(INK.blue, 0.25), y: 36 },
    { name: "reference", note: "frozen JSFT", values: reference, fill: INK.pale, y: 96 },
  ].flatMap(({ name, note, values, fill, y }) => [
    words(name, { x: 12, y: y + 18, bold: true }),
    words(note, { x: 12, y: y + 36, color: INK.grey }),
    ...values.flatMap((value, i) => [
      box({ x: X[i], y, ...CELL }, { fill }),
      words(`log p = ${value.toFixed(2)}`, {
        ...{ x: X[i] + CELL.width / 2, y: y + 26, anchor: "middle" },
      }),
    ]),
  ]);
  const below = gains.flatMap((gain, i) => [
    polyline([[X[i] + CELL.width / 2, 136], [X[i] + CELL.width / 2, 158]], {
      ...{ color: INK.text, width: 1.5 },
    }),
    words(`${i === 0 ? "gain" : "minus gain"} ${gain.toFixed(2)}`, {
      ...{ x: X[i] + CELL.width / 2, y: 176, anchor: "middle" },
      color: i === 0 ? INK.blue : INK.orange,
    }),
  ]);
  const end = [
    words(`h = ${h.toFixed(2)}`, { x: 640, y: 150, bold: true }),
    words(`loss = -log sigmoid(${beta} h)`, { x: 640, y: 172 }),
    words(`     = ${loss.toFixed(4)}`, { x: 640, y: 192, bold: true }),
    words("gradient: up for y_w", { x: 640, y: 52, color: INK.blue }),
    words("          down for y_l", { x: 640, y: 72, color: INK.orange }),
    words("frozen: no gradient", { x: 640, y: 122, color: INK.grey }),
  ];
  return drawing([...head, ...rows, ...below, ...end], { width: WIDTH, height: 206 });
}

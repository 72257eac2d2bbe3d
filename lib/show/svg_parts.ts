/** What drawings in pure SVG are made of: lines of text and strokes, in the house's letters and colours. */
import { escapeHtml } from "./html_table.ts";
import { INK, TEXT } from "./style.ts";

const SIZE = TEXT.tick - 1;
/** Width of a letter in pixels; in DejaVu Sans Mono it is 0.602 of the letter's size. */
export const LETTER = 0.61 * SIZE;

/** How a line of text stands. */
export interface WordsOptions {
  /** Where it begins, or where its `anchor` is; y is its base line. */
  readonly x: number;
  readonly y: number;
  readonly bold?: boolean;
  readonly anchor?: "start" | "middle" | "end";
  readonly color?: string;
}

/** A line of text; it is escaped. */
export function words(
  text: string,
  { x, y, bold = false, anchor = "start", color = INK.text }: WordsOptions,
): string {
  return `<text x="${x}" y="${y}" font-size="${SIZE}" text-anchor="${anchor}" fill="${color}" ` +
    `xml:space="preserve"${bold ? ' font-weight="bold"' : ""}>${escapeHtml(text)}</text>`;
}

/** A stroke through points. */
export const polyline = (
  points: readonly (readonly [number, number])[],
  { color, width }: { color: string; width: number },
): string =>
  `<polyline points="${points.map(([x, y]) => `${x},${y}`).join(" ")}" fill="none" ` +
  `stroke="${color}" stroke-width="${width}"/>`;

/** A rectangle, filled. */
export const box = (
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
  { fill, stroke = INK.grey }: { fill: string; stroke?: string },
): string =>
  `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="4" fill="${fill}" ` +
  `stroke="${stroke}"/>`;

/** The parts on white, as one SVG. */
export function drawing(
  parts: readonly string[],
  { width, height }: { width: number; height: number },
): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace">` +
    `<rect width="${width}" height="${height}" fill="white"/>${parts.join("")}</svg>`;
}

/**
 * `show`: one call for all that a notebook displays. In a script the same call prints plain text.
 *
 * @module
 */
import { UserError } from "../base/error.ts";
import { table, type TableOptions } from "./html_table.ts";
import { macrotask } from "../base/turn.ts";
import { type Bundle, inKernel, send } from "./kernel.ts";
import { still } from "./still.ts";
import type { Figure } from "./style.ts";

/** Something with its own contents for a notebook and its own plain text. */
export class Shown {
  constructor(readonly bundle: Bundle, readonly plain: string) {}
}

/** Markdown, drawn by the notebook and printed as it is by a script. */
export function markdown(text: string): Shown {
  return new Shown({ "text/markdown": text, "text/plain": text }, text);
}

/**
 * HTML that the caller wrote. Text from elsewhere must pass `escapeHtml` first.
 *
 * @param plain What a script prints, and what is shown where HTML is not.
 */
export function html(text: string, plain: string): Shown {
  return new Shown({ "text/html": text, "text/plain": plain }, plain);
}

/** An SVG drawing, such as one of the method. @param plain What a script prints */
export function svg(text: string, plain: string): Shown {
  return new Shown({ "image/svg+xml": text, "text/plain": plain }, plain);
}

const SIZE = { width: 720, height: 420 };
let saidWhy = false;

/**
 * Displays a figure, a table, a text or anything made by {@linkcode markdown}, {@linkcode html} or
 * {@linkcode svg}. Await it: outputs that are not awaited can be lost.
 *
 * - A figure (`{ data, layout }`, a Plotly specification) becomes one output with the interactive figure, a
 *   PNG at twice its size for pages that cannot run scripts, and a line of text. Without Chromium the PNG is
 *   missing, which is said once.
 * - An array of records becomes a table.
 * - A string is shown as it is.
 *
 * @param options For tables, see {@linkcode TableOptions}.
 * @throws {UserError} for a value it cannot show, or a table with a NaN
 * @example
 * ```ts
 * import { show } from "./display.ts";
 * await show([{ judge: "before JSFT", accuracy: 0.457 }, { judge: "after JSFT", accuracy: 0.517 }]);
 * ```
 */
export async function show(
  thing: Figure | readonly object[] | string | Shown,
  options: TableOptions = {},
): Promise<void> {
  if (isFigure(thing)) return await showFigure(thing);
  const shown = toShown(thing, options);
  if (inKernel()) return await send(shown.bundle);
  console.log(shown.plain);
  await macrotask();
}

function isFigure(thing: unknown): thing is Figure {
  const { data, layout } = Object(thing);
  return Array.isArray(data) && typeof layout === "object" && layout !== null;
}

function toShown(thing: unknown, options: TableOptions): Shown {
  if (thing instanceof Shown) return thing;
  if (typeof thing === "string") return new Shown({ "text/plain": thing }, thing);
  if (Array.isArray(thing) && thing.every((row) => typeof row === "object" && row !== null)) {
    const { html: page, plain } = table(thing, options);
    return html(page, plain);
  }
  throw new UserError(
    `show() was given ${
      Array.isArray(thing) ? "an array of other things than records" : typeof thing
    }`,
    "give it a figure ({ data, layout }), an array of records, a text, markdown(...) or html(...)",
  );
}

async function showFigure(figure: Figure): Promise<void> {
  if (!inKernel()) {
    console.log(describe(figure));
    return await macrotask();
  }
  const layout = { ...SIZE, ...figure.layout } as Record<string, unknown> & typeof SIZE;
  const spec = { data: figure.data, layout };
  const picture = await still(spec);
  const bundle: Bundle = {
    "application/vnd.plotly.v1+json": { ...spec, config: { displaylogo: false } },
    "text/plain": describe(figure),
  };
  if ("png" in picture) {
    const { width, height } = layout;
    bundle["image/png"] = picture.png.toBase64();
    return await send(bundle, { metadata: { "image/png": { width, height } } });
  }
  await send(bundle);
  if (saidWhy) return;
  saidWhy = true;
  await send({ "text/plain": `figures have no still picture here: ${picture.reason}` });
}

/** One line about a figure: its title, and what is drawn. */
function describe({ data, layout }: Figure): string {
  const title = (layout.title as { text?: string } | undefined)?.text ?? layout.title;
  const names = [
    ...new Set(data.map(({ name }) => name).filter((name) => typeof name === "string")),
  ];
  const plainTitle = typeof title === "string" ? `: ${title.replaceAll(/<[^>]*>/g, " ")}` : "";
  return `[figure${plainTitle}]${names.length > 0 ? ` ${names.join(", ")}` : ""}`;
}

/** Token sequences as coloured strips: which part of an example a token belongs to, and whether it is learned. */
import { UserError } from "../base/error.ts";
import { html, type Shown } from "./display.ts";
import { escapeHtml } from "./html_table.ts";
import { faint, INK } from "./style.ts";

/** A token as a reader sees it. */
export interface ShownToken {
  /** Its text; blanks and line breaks as signs, see {@linkcode visible}. */
  readonly text: string;
  /** The part it belongs to, such as "answer A"; null for the words around the parts. */
  readonly part: string | null;
  /** Whether the loss is taken on it. */
  readonly learned: boolean;
}

/** A strip: a line of words, and the tokens under it. */
export interface Strip {
  readonly title: string;
  readonly tokens: readonly ShownToken[];
}

/** What {@linkcode showTokens} needs of a tokenizer; `TextTokenizer` fits. */
interface FastDecoder {
  encode(text: string): number[];
  decode(ids: readonly number[]): string;
}

/**
 * The tokens of an example with the part each belongs to.
 *
 * @param example Token ids, and the index of the first learned one: an `Example` of the align room fits.
 * @param parts Name and text of each part, in the order in which they stand in the example; each must have been
 * encoded by itself, as the judge's template and the answer examples do.
 * @throws {UserError} if a part is not there, as after a cut
 *
 * @example
 * ```ts
 * import { showTokens } from "./tokens.ts";
 * const tokenizer = { encode: (text: string) => text.split(" ").map(Number), decode: (ids: readonly number[]) => `${ids}` };
 * showTokens(tokenizer, { ids: [7, 8, 9], from: 2 }, [["answer", "8 9"]]);
 * // 7: no part; 8: "answer"; 9: "answer", learned
 * ```
 */
export function showTokens(
  tokenizer: FastDecoder,
  example: { readonly ids: readonly number[]; readonly from: number },
  parts: readonly (readonly [name: string, text: string])[] = [],
): ShownToken[] {
  const { ids, from } = example;
  const names: (string | null)[] = ids.map(() => null);
  let start = 0;
  for (const [name, text] of parts) {
    const part = tokenizer.encode(text);
    const at = ids.findIndex((_, i) => i >= start && part.every((id, j) => ids[i + j] === id));
    if (at < 0) {
      throw new UserError(
        `the example does not hold the tokens of its part "${name}" (${JSON.stringify(text)})`,
        "name the parts in their order, with the text as it was encoded; or raise maxTokens if it was cut",
      );
    }
    names.fill(name, at, at + part.length);
    start = at + part.length;
  }
  return ids.map((id, i) => ({
    text: visible(tokenizer.decode([id])),
    part: names[i],
    learned: i >= from,
  }));
}

/** Blanks at the ends as "\u00B7" and line breaks as "\u21B5", so that tokens that differ in them look different. */
export function visible(text: string): string {
  const dots = (blanks: string) => "\u00B7".repeat(blanks.length);
  return text.replaceAll("\n", "\u21B5").replace(/^ +/, dots).replace(/ +$/, dots);
}

/** Tints of the parts, in order of first appearance; light enough for dark letters. */
const TINTS = [INK.sky, INK.amber, INK.green, INK.purple, INK.orange].map((c) => faint(c, 0.3));
/** Fill of a learned token: white letters on it have a contrast of 5.2 to 1. */
const LEARNED = INK.blue;
const BOX =
  "display:inline-block;margin:1px;padding:0 4px;border-radius:3px;border:1px solid #ccc;color:#222;";

/**
 * Strips of tokens under one legend: a tint for each part, learned tokens white on blue and bold. On a page that
 * drops colours the learned ones are still bold; as plain text they stand in [brackets].
 */
export function tokenStrips(strips: readonly Strip[]): Shown {
  const parts = [
    // What is learned shows as that, so a part that is learned as a whole needs no tint.
    ...new Set(
      strips.flatMap(({ tokens }) =>
        tokens.flatMap(({ part, learned }) => learned ? [] : part ?? [])
      ),
    ),
  ];
  const tint = (part: string | null) =>
    part === null ? "white" : TINTS[parts.indexOf(part) % TINTS.length];
  const box = ({ text, part, learned }: ShownToken) =>
    learned
      ? `<b style="${BOX}background:${LEARNED};color:white">${escapeHtml(text)}</b>`
      : `<span style="${BOX}background:${tint(part)}">${escapeHtml(text)}</span>`;
  const legend = [
    ...parts.map((part) => ({ text: part, part, learned: false })),
    { text: "other words", part: null, learned: false },
    { text: "learned: the loss is taken here", part: null, learned: true },
  ].map(box).join(" ");
  // Its own ground: the tints are made for white, also where the page is dark.
  const page = [
    '<div style="background:white;color:#222;padding:6px;line-height:1.7;max-width:900px">',
    `<div>${legend}</div>`,
    ...strips.map(({ title, tokens }) =>
      `<div style="margin-top:8px"><i>${escapeHtml(title)}</i></div>\n` +
      `<div style="font-family:monospace">${tokens.map(box).join(" ")}</div>`
    ),
    "</div>",
  ].join("\n");
  const plain = strips.map(({ title, tokens }) =>
    `${title}\n  ${tokens.map(({ text, learned }) => learned ? `[${text}]` : text).join(" ")}`
  ).join("\n");
  return html(page, plain);
}

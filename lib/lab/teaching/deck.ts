/** Slides and hand-outs: Markdown with numbers and figures to be filled in, as one page that can be printed. */
import { dirname, extname, resolve } from "node:path";
import { Marp } from "@marp-team/marp-core";
import { UserError } from "../../base/error.ts";
import { filled } from "./fill.ts";

/** Kinds of pictures that are taken in. */
const TYPES: Readonly<Record<string, string>> = { ".svg": "image/svg+xml", ".png": "image/png" };

/** The sheet of a hand-out: A4, upright, with small letters. Front matter `theme: sheet` asks for it. */
const SHEET = `/*
@theme sheet
@size A4 794px 1123px
*/
section { width: 794px; height: 1123px; padding: 36px 44px; font: 13.5px/1.42 "DejaVu Sans", sans-serif; color: #222; background: white; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 15px; margin: 12px 0 3px; color: #0072B2; }
p, ul, ol { margin: 3px 0; } li { margin: 1px 0; } table { border-collapse: collapse; margin: 5px 0; font-size: 12.5px; }
td, th { border-bottom: 1px solid #ccc; padding: 2px 8px 2px 0; text-align: left; } code { font-size: 12px; }
pre { background: #f4f4f4; padding: 6px 8px; margin: 4px 0; } img { display: block; margin: 4px auto; }
`;

/** The house's look over Marp's own. */
const HOUSE = `
section { font-family: "DejaVu Sans", Helvetica, Arial, sans-serif; font-size: 26px; color: #222; padding: 48px 60px; }
h1 { color: #0072B2; font-size: 40px; } h2 { color: #0072B2; font-size: 34px; } strong { color: #0072B2; }
section img { display: block; margin: 8px auto; } table { font-size: 22px; } pre { font-size: 20px; }
section::after { font-size: 16px; color: #505050; } blockquote { font-size: 24px; }
`;

/** A page, and how many sheets it has. */
export interface Deck {
  /** Whole by itself: styles and pictures are inside. */
  readonly html: string;
  readonly sheets: number;
}

/**
 * Builds a deck.
 *
 * @param path A Markdown file in Marp's form (https://marp.app): front matter, sheets parted by `---`, numbers as
 * `filled` has them, pictures with paths relative to the file.
 * @param options.results Folder of results.
 * @throws {UserError} for a number or a picture that is not there
 */
export async function deck(path: string, { results }: { results: string }): Promise<Deck> {
  const text = await filled(await Deno.readTextFile(path), { file: path, results });
  const marp = new Marp({ html: true, script: false, math: false, markdown: { breaks: false } });
  marp.themeSet.add(SHEET);
  const rendered = marp.render(text);
  const html = await withPictures(rendered.html, path);
  const sheets = html.match(/<section[ >]/g)?.length ?? 0;
  const house = /^theme: sheet$/m.test(text) ? "" : HOUSE;
  const title = /^# (.+)$/m.exec(text)?.[1] ?? "slides";
  return {
    sheets,
    html: `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title>` +
      `<style>body{margin:0}${rendered.css}${
        scoped(house)
      }</style></head><body>${html}</body></html>`,
  };
}

/** Rules of the house for the deck alone, with more weight than the theme's. */
const scoped = (rules: string) =>
  rules.replaceAll(
    /([^{}]+)\{/g,
    (_, selectors: string) =>
      `${
        selectors.split(",").map((one) =>
          one.trim().startsWith("section")
            ? `div.marpit > svg > foreignObject > ${one.trim()}`
            : `div.marpit > svg > foreignObject > section ${one.trim()}`
        ).join(",")
      }{`,
  );

/** The page with its pictures inside. */
async function withPictures(html: string, path: string): Promise<string> {
  const parts: string[] = [];
  let done = 0;
  for (const found of html.matchAll(/ src="([^"]+)"/g)) {
    const [whole, link] = found;
    const type = TYPES[extname(link)];
    if (!type) throw new UserError(`${path}: ${link} is no picture`, "give an SVG or a PNG");
    const bytes = await Deno.readFile(resolve(dirname(path), link)).catch((cause) => {
      throw new UserError(`${path}: there is no ${link}`, "draw it: deno task figures", { cause });
    });
    parts.push(html.slice(done, found.index), ` src="data:${type};base64,${bytes.toBase64()}"`);
    done = found.index + whole.length;
  }
  return [...parts, html.slice(done)].join("");
}

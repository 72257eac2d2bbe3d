/** Figures as pictures: plotly.js in a headless Chromium, without network. */
import { fileURLToPath } from "node:url";
import { UserError } from "../base/error.ts";
import { writeWhole } from "../base/files.ts";
import { runChromium, temporaryFolder } from "./chromium.ts";
import type { Figure } from "./style.ts";

/** Pixels of a PNG per CSS pixel: sharp in print and on dense screens. */
const SCALE = 2;

/** The file of plotly.js, a script for browsers that cannot be imported here. */
export async function plotlySource(): Promise<string> {
  return await Deno.readTextFile(fileURLToPath(import.meta.resolve("plotly.js-dist")));
}

/**
 * Draws figures in one Chromium: the same figures give the same bytes, given the same fonts.
 *
 * @returns A file's content for each figure, in their order: SVG text or PNG, in bytes
 * @throws {UserError} if there is no Chromium, or it fails
 */
export async function renderImages(
  figures: readonly Figure[],
  format: "svg" | "png",
): Promise<Uint8Array<ArrayBuffer>[]> {
  if (figures.length === 0) return [];
  const folder = await temporaryFolder();
  try {
    await Deno.writeTextFile(`${folder}/figures.html`, page(await plotlySource(), figures, format));
    const dom = await chromium(folder);
    const failure = /<pre id="failure">([^<]+)<\/pre>/.exec(dom);
    if (failure) throw new Error(`Plotly: ${decodeURIComponent(failure[1])}`);
    const images = [...dom.matchAll(/<pre class="image">data:[^,]*,([^<]*)<\/pre>/g)]
      .map(([, content]) => content);
    if (images.length !== figures.length) {
      throw new UserError(
        `Chromium drew ${images.length} of ${figures.length} figures`,
        "run again; a machine short of memory is the usual reason",
      );
    }
    return images.map((content) =>
      format === "svg"
        ? new TextEncoder().encode(decodeURIComponent(content) + "\n")
        : Uint8Array.fromBase64(content)
    );
  } finally {
    await Deno.remove(folder, { recursive: true }).catch(() => {});
  }
}

/** Draws one figure as a PNG file. @throws {UserError} if there is no Chromium, or it fails */
export async function renderPng(figure: Figure, path: string): Promise<void> {
  const [png] = await renderImages([figure], "png");
  await writeWhole(path, png);
}

function page(plotly: string, figures: readonly Figure[], format: "svg" | "png"): string {
  const specs = JSON.stringify(figures).replaceAll("<", "\\u003c");
  // Plotly makes up ids by Math.random, so this is seeded anew for each figure.
  return [
    '<!doctype html><meta charset="utf-8"><style>pre{display:none}</style><body>',
    `<script>${plotly.replaceAll("</script", "<\\/script")}</script>`,
    `<script>
const put = (attribute, text) => {
  const pre = document.createElement("pre");
  Object.assign(pre, attribute).textContent = text;
  document.body.append(pre);
};
const seed = () => {
  let state = 1;
  Math.random = () => (state = state * 48271 % 2147483647) / 2147483647;
};
(async () => {
  try {
    for (const { data, layout } of ${specs}) {
      seed();
      const { width, height } = layout;
      const options = { format: "${format}", width, height, scale: ${
      format === "png" ? SCALE : 1
    } };
      put({ className: "image" }, await Plotly.toImage({ data, layout }, options));
    }
  } catch (error) {
    put({ id: "failure" }, encodeURIComponent(error?.message ?? error));
  }
})();
</script>`,
  ].join("\n");
}

/** The page's DOM once its scripts have come to rest. */
const chromium = (folder: string): Promise<string> =>
  runChromium(["--virtual-time-budget=60000", "--dump-dom", `${folder}/figures.html`], folder);

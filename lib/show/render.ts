import { fileURLToPath } from "node:url";
import { UserError } from "../error.ts";
import type { Figure } from "./run_figure.ts";

const BROWSERS = ["chromium", "chromium-browser", "google-chrome"];

/** Pixels per CSS pixel: sharp in print and on dense screens. */
const SCALE = 2;

/**
 * Draws a figure as a PNG with plotly.js in a headless Chromium, without network.
 *
 * @throws {UserError} if there is no Chromium, or it fails
 */
export async function renderPng(figure: Figure, path: string): Promise<void> {
  const { width, height } = figure.layout as { width: number; height: number };
  const plotly = await Deno.readTextFile(fileURLToPath(import.meta.resolve("plotly.js-dist")));
  const folder = await Deno.makeTempDir();
  try {
    const page = [
      '<!doctype html><meta charset="utf-8"><style>body{margin:0}</style><div id="figure"></div>',
      `<script>${plotly.replaceAll("</script", "<\\/script")}</script>`,
      `<script>Plotly.newPlot("figure", ${JSON.stringify(figure.data)}, ${
        JSON.stringify(figure.layout)
      }, { staticPlot: true })</script>`,
    ].join("\n");
    await Deno.writeTextFile(`${folder}/figure.html`, page);
    await screenshot(folder, { width, height });
    await Deno.mkdir(path.replace(/[^/]*$/, "") || ".", { recursive: true });
    await Deno.copyFile(`${folder}/figure.png`, path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function screenshot(
  folder: string,
  { width, height }: { width: number; height: number },
): Promise<void> {
  let failure = "";
  for (const browser of BROWSERS) {
    try {
      const { success, stderr } = await new Deno.Command(browser, {
        // deno-fmt-ignore
        args: [
          "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
          "--disable-background-networking", "--disable-component-update", "--disable-sync",
          `--user-data-dir=${folder}/profile`, `--window-size=${width},${height}`,
          `--force-device-scale-factor=${SCALE}`, "--virtual-time-budget=10000",
          `--screenshot=${folder}/figure.png`, `file://${folder}/figure.html`,
        ],
        stdout: "null",
        stderr: "piped",
      }).output();
      if (success && await Deno.stat(`${folder}/figure.png`).then(() => true, () => false)) return;
      failure = new TextDecoder().decode(stderr).trim().split("\n").at(-1) ?? "";
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new UserError(
    failure
      ? `Chromium could not draw the figure: ${failure}`
      : "there is no Chromium to draw with",
    "install it (Debian and Ubuntu: apt-get install chromium) and run again",
  );
}

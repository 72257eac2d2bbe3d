/**
 * `deno task notebooks:browser`: JupyterLab in a real browser (headless Chromium), used as a person would: the
 * kernel is chosen in its dialog, cells are run by clicking, the figure is hovered and zoomed, a long cell
 * is stopped with the stop button and run again; then 00 is run cell by cell, and the training in 02 stopped and
 * gone on with (with `--fixture` neither). Screenshots go to `.engine/browser`.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { installJupyter, jupyterEnv } from "../../lib/tools/notebook/jupyter.ts";
import { helpAsked } from "../../lib/tools/setup/help.ts";
import { ROOT } from "../../lib/tools/setup/places.ts";
import { labCommand } from "../../lib/cli/notebooks.ts";
import { SCALE_VARIABLE, SEED_VARIABLE } from "../../lib/show/notebook_config.ts";
import { FOLDER, idle, outputs, runByClick, runToEnd, say, shot, stop } from "./page.ts";
import { chromium } from "./playwright.ts";
import { runStartHere, stopTraining } from "./walks.ts";

const NOTEBOOK = "00_fixture.ipynb";
const WALKED = ["notebooks/00_start_here.ipynb", "notebooks/02_jsft_training.ipynb"];
const PORT = 8917;
/** Another seed, so that rows left by other runs are not taken up. */
const SEED = "8917";
const TOKEN = crypto.randomUUID();

async function chooseKernel(page: Page): Promise<void> {
  const name = page.locator(".jp-NotebookPanel-toolbar .jp-KernelName");
  await name.getByText("SELF-JUDGE (Deno)").waitFor(); // the one that the notebook names
  await shot(page, "opened");
  await name.click();
  const dialog = page.locator(".jp-Dialog");
  await dialog.waitFor();
  const names = await dialog.locator("select option").allTextContents();
  assert.ok(names.includes("SELF-JUDGE (Deno)"), `kernels offered: ${names.join(", ")}`);
  await dialog.locator("select").selectOption({ label: "SELF-JUDGE (Deno)" });
  await shot(page, "choose-kernel");
  await dialog.locator(".jp-mod-accept").click();
  await dialog.waitFor({ state: "detached" });
  await idle(page);
  say("kernel chosen in the dialog");
}

async function tryFigure(page: Page): Promise<void> {
  // The extension shows the PNG until the mouse comes.
  const still = outputs(page, 2).locator("img.plot-img");
  await still.waitFor();
  await still.scrollIntoViewIfNeeded();
  const { x, y, width } = (await still.boundingBox())!;
  assert.ok(Math.abs(width - 600) < 2, `the still picture is ${width} pixels wide`);
  await shot(page, "figure-still");
  await page.mouse.move(x + width / 2, y + 40);
  const figure = outputs(page, 2).locator(".js-plotly-plot");
  await figure.locator(".main-svg").first().waitFor();
  await figure.scrollIntoViewIfNeeded();
  const box = (await figure.locator(".nsewdrag").first().boundingBox())!;
  const at = (x: number, y: number) => [box.x + x * box.width, box.y + y * box.height] as const;
  await page.mouse.move(...at(0.3, 0.5));
  await page.mouse.move(...at(0.5, 0.66), { steps: 5 });
  await figure.locator(".hoverlayer .hovertext").first().waitFor();
  await shot(page, "figure-hover");
  const range = () =>
    figure.evaluate((plot) =>
      (plot as unknown as { _fullLayout: { xaxis: { range: number[] } } })._fullLayout.xaxis.range
        .slice()
    );
  const before = await range();
  await page.mouse.move(...at(0.3, 0.3));
  await page.mouse.down();
  await page.mouse.move(...at(0.7, 0.7), { steps: 8 });
  await page.mouse.up();
  await page.waitForTimeout(700);
  const after = await range();
  assert.ok(
    after[1] - after[0] < 0.6 * (before[1] - before[0]),
    `zoomed from ${before} to ${after}`,
  );
  await shot(page, "figure-zoomed");
  say("Plotly figure answers to hovering and zooming");
}

async function stopAndResume(page: Page): Promise<void> {
  await runByClick(page, 4);
  await outputs(page, 4).getByText(/draw \d\d\/100/).waitFor();
  await shot(page, "long-cell");
  await stop(page);
  await outputs(page, 4).getByText(/Stopped: draws: stopped at draw \d+ of 100/).waitFor();
  await idle(page);
  await shot(page, "stopped");
  say("long cell stopped with the stop button");
  // The next cell needs names of earlier cells: the kernel is the same one.
  await runByClick(page, 3);
  await outputs(page, 3).getByText(`Scale small, seed ${SEED}.`).waitFor();
  await runByClick(page, 4);
  await outputs(page, 4).getByText(/draw \d+\/100 \| resumed \d+/).waitFor();
  await outputs(page, 4).getByText(/100 draws, mean/).waitFor();
  await shot(page, "resumed");
  say("same kernel, and the cell went on where it was stopped");
}

/** Opens a notebook alone, whatever was open before. */
async function open(page: Page, notebook: string): Promise<void> {
  await page.goto(`http://127.0.0.1:${PORT}/lab/tree/${notebook}?token=${TOKEN}&reset`);
  await page.locator(".jp-Notebook .jp-CodeCell").first().waitFor();
  say(`JupyterLab open on ${notebook}`);
}

async function visit(page: Page): Promise<void> {
  await open(page, NOTEBOOK);
  await chooseKernel(page);
  for (const index of [0, 1, 2, 3]) await runToEnd(page, index);
  await outputs(page, 1).locator("table").waitFor();
  await outputs(page, 3).getByText(`Scale small, seed ${SEED}.`).waitFor();
  say("four cells run by clicking");
  await tryFigure(page);
  await stopAndResume(page);
  if (Deno.args.includes("--fixture")) return;
  await open(page, "00_start_here.ipynb");
  await runStartHere(page);
  await open(page, "02_jsft_training.ipynb");
  await stopTraining(page);
}

helpAsked(
  "notebooks:browser",
  "Tests the notebooks in JupyterLab in a real browser; --fixture: only a small notebook made for it.",
);

for (const old of [FOLDER, `${ROOT}/runs/notebooks/small-s${SEED}`]) {
  await Deno.remove(old, { recursive: true }).catch(() => {});
}
// JupyterLab saves into these copies; their imports are moved, as they lie deeper below the checkout.
await Deno.mkdir(`${FOLDER}/notebooks`, { recursive: true });
for (const path of [`tests/reference/notebooks/${NOTEBOOK}`, ...WALKED]) {
  const text = await Deno.readTextFile(`${ROOT}/${path}`);
  const name = path.slice(path.lastIndexOf("/") + 1);
  const moved = text.replaceAll(/((?:from|import) \\")(?:\.\.\/)+lib\//g, "$1../../../lib/");
  await Deno.writeTextFile(`${FOLDER}/notebooks/${name}`, moved);
}
// Every cell is in the page, also those that are scrolled away.
const settings = `${FOLDER}/settings/@jupyterlab/notebook-extension`;
await Deno.mkdir(settings, { recursive: true });
await Deno.writeTextFile(
  `${settings}/tracker.jupyterlab-settings`,
  JSON.stringify({ windowingMode: "none" }),
);
const at = await installJupyter();
const [program, ...args] = labCommand(at.python, `${FOLDER}/notebooks`, Deno.uid());
const server = new Deno.Command(program, {
  args: [...args, "--no-browser", `--port=${PORT}`, "--port-retries=0", "--ip=127.0.0.1"],
  env: {
    ...jupyterEnv(at),
    JUPYTERLAB_SETTINGS_DIR: `${FOLDER}/settings`,
    JUPYTER_TOKEN: TOKEN,
    [SCALE_VARIABLE]: "small",
    [SEED_VARIABLE]: SEED,
  },
  stdout: "null",
  stderr: "null",
}).spawn();
let code = 1;
try {
  while (
    !await fetch(`http://127.0.0.1:${PORT}/api`).then((answer) => answer.body?.cancel(), () => 0)
      .then((r) => r !== 0)
  ) {
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const browser = await chromium.launch({
    executablePath: Deno.env.get("CHROMIUM") ?? "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(60_000);
  try {
    await visit(page);
    code = 0;
    say(`all seen; screenshots in .engine/browser`);
  } catch (error) {
    await shot(page, "failed");
    console.error(error);
  } finally {
    await browser.close();
  }
} finally {
  server.kill("SIGTERM");
  await server.status;
}
Deno.exit(code);

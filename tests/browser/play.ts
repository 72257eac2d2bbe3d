/**
 * The page on which a model aligns itself, used as a reader would in headless Chromium.
 *
 *     deno run -A tests/browser/play.ts PAGE ENGINE
 *
 * Prints what it saw as one line of JSON.
 *
 * @module
 */
import type { Page } from "playwright-core";
import { pathToFileURL } from "node:url";
import type { Client } from "../../lib/lab/play/client.ts";
import { samePlay } from "../play_data.ts";
import { chromium } from "./playwright.ts";

const [file, engine] = Deno.args;
/** WebGL and WebGPU without a graphics card take half a minute for a judgment: there answers are drawn, and numbers compared. */
const whole = engine === "wasm";

const browser = await chromium.launch({
  executablePath: Deno.env.get("CHROMIUM") ?? "/usr/bin/chromium",
  args: [
    ...["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
    ...["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
  ],
});
const seen: Record<string, unknown> = {};
const requests: string[] = [];
const complaints: string[] = [];
try {
  const page = await browser.newPage({
    viewport: { width: 1200, height: 900 },
    colorScheme: "light",
  });
  page.setDefaultTimeout(300_000);
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (!/^(file|blob|data):/.test(request.url())) requests.push(request.url());
  });
  await page.goto(`${pathToFileURL(file)}?engine=${engine}`);
  await page.getByRole("tablist").waitFor();
  seen.status = await page.locator(".engine").innerText();
  seen.ask = whole ? await asked(page) : await drawn(page);
  seen.same = await same(page, whole ? { pairs: 4, steps: 2 } : { pairs: 1, steps: 0 });
  if (whole) {
    await page.evaluate("play.api.reset()");
    seen.learn = await learned(page);
    seen.choose = await chosen(page);
    seen.read = await read(page);
    seen.axe = await faults(page);
    seen.phone = await onPhone(page);
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify({ ...seen, requests, complaints }));

/** Ask, by keyboard alone. */
async function asked(page: Page) {
  const order = page.locator("#ask-order");
  await order.fill("we want sushi please .");
  const fault = await page.locator("#ask-order-fault").innerText();
  const refused = await page.getByRole("button", { name: "Draw two answers" }).isDisabled();
  const { bars, answers } = await drawn(page);
  const first = page.getByLabel("Text of the first answer");
  const truth = (reward: string) =>
    page.locator("#panel-ask .card").first().locator(".truth b", { hasText: reward }).waitFor();
  const j = async () => Number(await page.locator(".verdict .sum .number").first().innerText());
  await first.fill("certainly , here come tea , figs and jam .");
  await truth("+2.40");
  const good = await j();
  await first.fill("ugh , you get tea .");
  await truth("\u22120.13");
  return { fault, refused, bars, answers, good, bad: await j() };
}

/** Two answers to an order, judged, by keyboard alone. */
async function drawn(page: Page) {
  await page.locator("#ask-order").fill("we want tea , figs and jam please .");
  await page.getByRole("button", { name: "Draw two answers" }).focus();
  await page.keyboard.press("Enter");
  await page.locator(".drawn span").nth(3).waitFor();
  await page.locator(".verdict").waitFor();
  const bars = await page.locator(".verdict .bar").count();
  const texts = ["first", "second"].map((which) => page.getByLabel(`Text of the ${which} answer`));
  return { bars, answers: await Promise.all(texts.map((text) => text.inputValue())) };
}

/** The same numbers as the native engine is asked for. */
async function same(page: Page, { pairs: most, steps }: { pairs: number; steps: number }) {
  const pairs = await page.evaluate(`play.pairs.slice(0, ${most})`) as Client["pairs"];
  const ask = (method: string) => (...args: unknown[]) =>
    page.evaluate(`play.api.${method}(...${JSON.stringify(args)})`);
  const api = Object.fromEntries(
    ["judge", "readLoss", "readVerdict", "step", "measure"].map((method) => [method, ask(method)]),
  );
  return await samePlay(api as unknown as Parameters<typeof samePlay>[0], { pairs, steps });
}

/** Learn: a step, a run, another method, back to step 0. */
async function learned(page: Page) {
  await page.locator("#tab-ask").focus();
  await page.keyboard.press("ArrowRight");
  const status = page.locator("#panel-learn .status");
  const paused = () => status.filter({ hasText: "Paused" }).waitFor();
  await page.getByRole("button", { name: "One step" }).click();
  await status.filter({ hasText: "Step 1." }).waitFor();
  await paused();
  const numbers = (await page.locator(".chart .now").allInnerTexts()).map(Number);
  const dots = await page.locator(".chart.truth .dot").count();
  const flaws = await page.locator(".evidence tbody tr").count();
  await page.getByLabel("Method").selectOption("dpo-coin");
  const ranks = await page.locator("#method-words dd").nth(1).innerText();
  await page.getByRole("button", { name: "Drive it too hard" }).click();
  const rate = await page.locator("#rate").getAttribute("aria-valuetext");
  await page.getByRole("button", { name: "Run" }).click();
  await status.filter({ hasText: "Step 3." }).waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await paused();
  const at = await status.innerText();
  await page.getByRole("button", { name: "Back to step 0" }).click();
  await status.filter({ hasText: "Step 0." }).waitFor();
  await paused();
  return { numbers, dots, flaws, ranks, rate, at };
}

/** Choose: a knockout of four, whose truth is told when it is asked for. */
async function chosen(page: Page) {
  await page.locator("#tab-choose").click();
  await page.locator("#panel-choose").getByLabel("4", { exact: true }).check();
  await page.getByRole("button", { name: "Play the knockout" }).click();
  const outcome = page.locator("#panel-choose .conclusion");
  await outcome.filter({ hasText: "wins" }).waitFor();
  const matches = await page.locator(".match").count() - 1; // the last one is the winner alone
  const before = await page.locator(".true").count();
  await page.getByRole("button", { name: "Show the truth" }).click();
  return {
    matches,
    before,
    after: await page.locator(".true").count(),
    words: await outcome.innerText(),
  };
}

/** Read: the loss mask, and the loss before anything was learned. */
async function read(page: Page) {
  await page.locator("#tab-read").click();
  await page.locator("#panel-read .formula").nth(1).waitFor();
  const rows = page.locator("#panel-read > .tokens");
  const marks = await Promise.all(
    [0, 1, 2].map((i) => rows.nth(i).locator("mark").allInnerTexts()),
  );
  return { marks, loss: await page.locator("#panel-read .formula").nth(1).innerText() };
}

/** What axe finds in each part, in light and in dark. */
async function faults(page: Page) {
  const axe = await Deno.readTextFile(new URL(import.meta.resolve("axe-core/axe.min.js")));
  await page.evaluate(axe);
  const found: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const tab of ["ask", "learn", "choose", "read"]) {
      await page.locator(`#tab-${tab}`).click();
      const { violations } = await page.evaluate(
        "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'best-practice'] })",
      ) as { violations: { id: string; nodes: { target: string[] }[] }[] };
      found.push(
        ...violations.map(({ id, nodes }) =>
          `${colorScheme} ${tab}: ${id} ${nodes.map(({ target }) => target).join(" ")}`
        ),
      );
    }
  }
  return found;
}

/** The widest that the page is on a phone, part by part. */
async function onPhone(page: Page) {
  await page.setViewportSize({ width: 390, height: 844 });
  const widths: number[] = [];
  for (const tab of ["ask", "learn", "choose", "read"]) {
    await page.locator(`#tab-${tab}`).click();
    widths.push(await page.evaluate("document.documentElement.scrollWidth") as number);
  }
  return widths;
}

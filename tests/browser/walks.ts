/** The lessons themselves in the browser: 00 from top to bottom, and a stop in the training of 02. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { codeCell, idle, outputs, runByClick, runToEnd, say, shot, stop } from "./page.ts";

/** Longest time of a cell, on a machine that does other things too. */
const SECONDS = 600;

/** What a cell put out when it failed. */
const failures = (page: Page) =>
  page.locator('.jp-Notebook [data-mime-type="application/vnd.jupyter.error"]');

/** Number of the code cell that has a text, from 0. */
async function cellWith(page: Page, text: string): Promise<number> {
  const sources = await page.locator(".jp-Notebook .jp-CodeCell .jp-InputArea-editor")
    .allTextContents();
  const found = sources.findIndex((source) => source.includes(text));
  assert.ok(found >= 0, `no code cell has "${text}"`);
  return found;
}

/** Runs every code cell of 00 by clicking, in order. */
export async function runStartHere(page: Page): Promise<void> {
  await idle(page);
  const count = await page.locator(".jp-Notebook .jp-CodeCell").count();
  for (let index = 0; index < count; index++) await runToEnd(page, index, SECONDS);
  assert.equal(await failures(page).count(), 0, "a cell of 00 failed");
  const saw = await cellWith(page, "A world in which each answer has a true reward");
  await outputs(page, saw).getByText(/pairs, of which the label is right in/).waitFor();
  await codeCell(page, saw).scrollIntoViewIfNeeded();
  await shot(page, "start-here-end");
  say(`00: ${count} cells run by clicking`);
}

/** Runs 02 up to its training, stops that with the stop button, and lets the same cell go on. */
export async function stopTraining(page: Page): Promise<void> {
  await idle(page);
  const training = await cellWith(page, 'await trained("jsft", {');
  for (let index = 0; index < training; index++) await runToEnd(page, index, SECONDS);
  await runByClick(page, training);
  await outputs(page, training).getByText(/ [1-9]\d*\/\d+ \|/).waitFor({ timeout: 1000 * SECONDS });
  await stop(page);
  await outputs(page, training).getByText(/Stopped: .*stopped at/).first().waitFor();
  await idle(page);
  await shot(page, "training-stopped");
  say("02: training stopped with the stop button");
  await runByClick(page, training); // needs names of the cells above: the kernel is the same one
  await outputs(page, training).getByText(/ steps, [\d,]+ tokens/)
    .waitFor({ timeout: 1000 * SECONDS });
  await shot(page, "training-done");
  say("02: same kernel, and the training went on to its end");
}

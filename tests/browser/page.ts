/** JupyterLab's page as a person uses it: cells found, run by clicking, looked at. */
import type { Page } from "playwright-core";
import { ROOT } from "../../lib/tools/setup/places.ts";

/** Where screenshots and the copies of notebooks go. */
export const FOLDER = `${ROOT}/.engine/browser`;

const began = performance.now();
/** A line of the check's own log, with the seconds since it began. */
export const say = (text: string) =>
  console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}`);

let shots = 0;
/** Keeps a screenshot. */
export async function shot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${FOLDER}/${++shots}-${name}.png` });
}

/** The code cells by number from 0, without the title. */
export const codeCell = (page: Page, index: number) =>
  page.locator(".jp-Notebook .jp-CodeCell").nth(index);
/** What a code cell put out. */
export const outputs = (page: Page, index: number) =>
  codeCell(page, index).locator(".jp-OutputArea");

/** Selects a cell by clicking beside its text, then clicks the toolbar's run button. */
export async function runByClick(page: Page, index: number): Promise<void> {
  await codeCell(page, index).locator(".jp-InputPrompt").click();
  await page.locator('.jp-NotebookPanel-toolbar [data-jp-item-name="run"] jp-button').click();
}

/** Waits until the kernel has nothing to do. */
export async function idle(page: Page): Promise<void> {
  await page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').waitFor();
}

/** Runs a code cell by clicking and waits for its end. @param seconds Longest time it may take */
export async function runToEnd(page: Page, index: number, seconds = 60): Promise<void> {
  await runByClick(page, index);
  await codeCell(page, index).locator(".jp-InputPrompt", { hasText: /\[\d+\]/ })
    .waitFor({ timeout: 1000 * seconds });
}

/** Clicks the stop button. */
export async function stop(page: Page): Promise<void> {
  await page.locator('.jp-NotebookPanel-toolbar [data-jp-item-name="interrupt"] jp-button').click();
}

import { readJsonFile, writeWhole } from "../base/files.ts";

/** How often the time is written down: a killed session loses no more of it. */
const EVERY_MS = 60_000;

/**
 * Time spent in a stage over all sessions, so that a resumed stage reports its whole cost.
 *
 * @param options.everyMs How often it is written down until it is closed. @default a minute
 */
export async function openClock(folder: string, { everyMs = EVERY_MS } = {}) {
  const file = `${folder}/clock.json`;
  const started = performance.now();
  const before = (await readJsonFile<{ seconds: number }>(file))?.seconds ?? 0;
  const seconds = () => before + (performance.now() - started) / 1000;
  let last = Promise.resolve();
  const save = () => {
    last = last.catch(() => {}) // what the disk refused a minute ago is told at the end, if it still does
      .then(() => writeWhole(file, JSON.stringify({ seconds: seconds() }) + "\n"));
    return last;
  };
  const timer = setInterval(() => void save().catch(() => {}), everyMs);
  Deno.unrefTimer(timer);
  const close = () => {
    clearInterval(timer);
    return save();
  };
  return { seconds, close };
}

import { readJsonFile, writeWhole } from "../base/files.ts";

/** Time spent in a stage over all sessions, so that a resumed stage reports its whole cost. */
export async function openClock(folder: string) {
  const file = `${folder}/clock.json`;
  const started = performance.now();
  const before = (await readJsonFile<{ seconds: number }>(file))?.seconds ?? 0;
  const seconds = () => before + (performance.now() - started) / 1000;
  const save = () => writeWhole(file, JSON.stringify({ seconds: seconds() }) + "\n");
  return { seconds, save };
}

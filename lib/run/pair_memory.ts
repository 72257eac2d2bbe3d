import { appendJsonl, readJsonl, writeJsonl } from "../base/files.ts";
import type { FormedPair, PairMemory } from "../method/mod.ts";

/** Pairs that a stage's steps keep, in a file of its folder, which a resumed run reads again. */
export class FileMemory implements PairMemory {
  #rows: { step: number; pair: FormedPair }[] | null = null;

  constructor(readonly path: string) {}

  async recall(step: number): Promise<{ step: number; pair: FormedPair }[]> {
    if (this.#rows === null) {
      const all = await readJsonl<{ step: number; pair: FormedPair }>(this.path);
      this.#rows = all.filter((row) => row.step < step);
      // Also when none is left over: a torn line would otherwise stay and run into the next one.
      if (all.length > 0) await writeJsonl(this.path, this.#rows);
    }
    return [...this.#rows];
  }

  async keep(step: number, pairs: readonly FormedPair[]): Promise<void> {
    const rows = pairs.map((pair) => ({ step, pair }));
    await appendJsonl(this.path, rows);
    (this.#rows ??= []).push(...rows);
  }
}

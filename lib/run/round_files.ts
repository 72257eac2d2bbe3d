import { readJsonFile, writeWhole } from "../base/files.ts";
import type { MadeStep, RoundMemory } from "../method/mod.ts";

/** What rounds made, a file each in a folder of the stage; those that no checkpoint can ask for again are deleted. */
export class FileRounds implements RoundMemory {
  /** @param options.checkpointEvery Steps between checkpoints: a run may go on from the last one, in the midst of its round */
  constructor(
    readonly folder: string,
    readonly options: { readonly roundSteps: number; readonly checkpointEvery: number },
  ) {}

  recall(from: number): Promise<readonly MadeStep[] | null> {
    return readJsonFile<MadeStep[]>(this.#file(from));
  }

  async keep(from: number, made: readonly MadeStep[]): Promise<void> {
    await Deno.mkdir(this.folder, { recursive: true });
    await writeWhole(this.#file(from), JSON.stringify(made) + "\n");
    const { roundSteps, checkpointEvery } = this.options;
    const checkpoint = from - from % checkpointEvery;
    const needed = this.#file(checkpoint - checkpoint % roundSteps);
    for await (const { name } of Deno.readDir(this.folder)) {
      const path = `${this.folder}/${name}`;
      if (path < needed) await Deno.remove(path);
    }
  }

  #file(from: number): string {
    return `${this.folder}/${String(from).padStart(9, "0")}.json`;
  }
}

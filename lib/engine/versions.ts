import { exists, removeIfThere } from "../base/files.ts";
import type { Rounds } from "./rounds.ts";
import type { FleetModel } from "./fleet_model.ts";
import type { FleetSession } from "./session.ts";

/** Versions of the policy at the servers: that after a round, under a name of its own. */
export class PolicyVersions {
  readonly #loaded: { version: number; folder: string }[] = [];
  /** The disk lets nothing be removed: the trainer may be another user. */
  #stuck = false;

  constructor(
    readonly stage: string,
    readonly options: {
      readonly session: FleetSession;
      readonly rounds: Rounds;
      /** The adapter of the model that training started from. */
      readonly start: string;
      /** Versions whose adapters are kept. */
      readonly keep: number;
    },
  ) {}

  /**
   * The policy after a round, ready to be asked; answers that it gives for another round are kept in that one's folder.
   *
   * @param version 0: the model that training started from.
   */
  async at(version: number, { round }: { round: number }): Promise<FleetModel> {
    const { session, rounds, start } = this.options;
    const answers = `${rounds.of(round)}/samples.jsonl`;
    if (version === 0) return await session.served(start, { answers });
    const folder = `${rounds.of(version)}/stacked`;
    if (!await exists(folder)) {
      const part = `${folder}.part`;
      await Deno.remove(part, { recursive: true }).catch(() => {});
      await session.writeStacked(this.stage, { from: rounds.adapter(version), to: part });
      await Deno.rename(part, folder);
    }
    const model = await session.served(folder, { answers });
    if (!this.#loaded.some((one) => one.version === version)) {
      this.#loaded.push({ version, folder });
    }
    await this.#forget(version);
    return model;
  }

  /**
   * Frees the servers of versions before the last two, and the disk of those before the last few. A command that goes on
   * needs none of these: a round that is not made is sampled from this version or a later one (from the one before, where
   * `rounds.ahead` was raised), and the trainer has its checkpoints. One that does steps again leaves their adapters again.
   */
  async #forget(version: number): Promise<void> {
    const { session, rounds, keep } = this.options;
    for (const one of this.#loaded.filter((one) => one.version < version - 1)) {
      await session.fleet.unload(await session.adapterAt(one.folder));
      this.#loaded.splice(this.#loaded.indexOf(one), 1);
    }
    for (let old = version - keep; old > 0 && !this.#stuck; old--) {
      const folders = [`${rounds.of(old)}/stacked`, rounds.adapter(old)];
      if (!(await Promise.all(folders.map(exists))).includes(true)) break;
      try {
        for (const folder of folders) await removeIfThere(folder);
      } catch (error) {
        this.#stuck = true;
        session.log(`old adapters stay on the disk: ${(error as Error).message}`);
      }
    }
  }
}

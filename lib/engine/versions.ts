import { exists } from "../base/files.ts";
import type { Rounds } from "./rounds.ts";
import type { FleetModel } from "./fleet_model.ts";
import type { FleetSession } from "./session.ts";

/** Versions of the policy at the servers: that after a round, under a name of its own. */
export class PolicyVersions {
  readonly #loaded: { version: number; folder: string }[] = [];

  constructor(
    readonly stage: string,
    readonly options: {
      readonly session: FleetSession;
      readonly rounds: Rounds;
      /** The adapter of the model that training started from. */
      readonly start: string;
      /** Versions whose folders are kept. */
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

  /** Frees the servers of versions before the last two, and the disk of those before the last few. */
  async #forget(version: number): Promise<void> {
    const { session, rounds, keep } = this.options;
    for (const one of this.#loaded.filter((one) => one.version < version - 1)) {
      await session.fleet.unload(await session.adapterAt(one.folder));
      this.#loaded.splice(this.#loaded.indexOf(one), 1);
    }
    const old = version - keep;
    if (old > 0) {
      await Deno.remove(`${rounds.of(old)}/stacked`, { recursive: true }).catch(() => {});
    }
  }
}

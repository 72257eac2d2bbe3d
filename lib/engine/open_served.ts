import { UserError } from "../base/error.ts";
import { exists } from "../base/files.ts";
import { adapterBase, contextText } from "../model/mod.ts";
import {
  modelName,
  type OpenAsked,
  parseModelSpec,
  recordOfRun,
  resolveConfig,
} from "../run/mod.ts";
import { RUN_STATES } from "../run/session.ts";
import { resolve } from "node:path";
import { Fleet } from "./fleet.ts";
import { FleetSession } from "./session.ts";
import type { Cluster } from "./settings.ts";

/**
 * Opens models at a cluster's servers: the base by its name or path, an adapter of it in the shared folder, a run's
 * model by `run:FOLDER#STATE`. Judges and benchmarks ask them as they ask those in memory.
 */
export function servedOpener(cluster: Cluster): OpenAsked {
  return async (spec, { config = resolveConfig("small"), settings = [], log }) => {
    const fleet = new Fleet(cluster, { log });
    const parsed = parseModelSpec(spec);
    let [own, adapter] = [config, null as string | null];
    let begun: Date | undefined;
    let folderOf = (stage: string) => resolve(stage);
    if ("state" in parsed) {
      const { folder, state } = parsed;
      ({ config: own, begun } = await recordOfRun(folder, settings));
      folderOf = (stage) => resolve(`${folder}/${stage}`);
      if (state !== "base") adapter = `${folderOf(RUN_STATES[state])}/adapter`;
    } else {
      const alone = await exists(`${parsed.path}/adapter_config.json`)
        ? await adapterBase(parsed.path)
        : null;
      own = { ...config, model: alone?.name ?? parsed.path };
      adapter = alone === null ? parsed.adapter : parsed.path;
    }
    if (adapter !== null && !await exists(adapter)) {
      throw new UserError(`${spec}: there is no adapter ${adapter}`, "run the stage that makes it");
    }
    const session = new FleetSession(own, folderOf, log, cluster, fleet);
    session.begun = begun;
    const asked = await session.served(adapter === null ? null : resolve(adapter));
    const model = await session.modelConfig();
    const { tokenizer, chat, conventions } = await session.encoder();
    return {
      ...{ tokenizer, chat, conventions, asked, session, config: own },
      name: modelName(spec),
      origin: `${spec}, at ${cluster.serve.servers.join(" and ")}`,
      contextTokens: model.maxPositions,
      contextText: contextText(model),
      dispose: () => session.dispose(),
    };
  };
}

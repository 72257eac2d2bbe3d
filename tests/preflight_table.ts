/** The preflight of a cluster for a run with a model in the byte language. */
import type { Cluster } from "../lib/engine/mod.ts";
import { preflight, type PreflightOptions, preflightTable } from "../lib/engine/preflight.ts";
import { readConfig } from "../lib/model/mod.ts";
import { resolveConfig } from "../lib/run/mod.ts";
import { Session } from "../lib/run/session.ts";
import { BYTE_SETTINGS } from "./tiny_gguf.ts";

/** The table, without a launcher unless one is given; waits take no time. */
export async function tableFor(
  cluster: Cluster,
  { model: path, settings = [], ...options }: PreflightOptions & {
    readonly model: string;
    readonly settings?: readonly string[];
  },
): Promise<{ text: string; failed: boolean }> {
  const all = [...BYTE_SETTINGS, `model=${JSON.stringify(path)}`, ...settings];
  const config = resolveConfig("smoke", { settings: all });
  const session = new Session(config, (stage) => `./${stage}`);
  const model = await readConfig(path);
  const sleep = () => Promise.resolve();
  return preflightTable(
    await preflight(cluster, { config, session, model }, { sleep, launcher: null, ...options }),
  );
}

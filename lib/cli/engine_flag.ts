/** The flag by which commands ask models at the servers of a cluster. */
import { Option } from "commander";
import type { OpenAsked } from "../run/mod.ts";

/** `--engine FILE`. @param what What is done there. */
export const engineFlag = (what: string): Option =>
  new Option("--engine <file>", `${what} of this cluster.json (deno task engine)`);

/** Opens models where `--engine` says; undefined without it: in this process. */
export async function openerAt(file: string | undefined): Promise<OpenAsked | undefined> {
  if (file === undefined) return undefined;
  const { readCluster, servedOpener } = await import("../engine/mod.ts");
  return servedOpener(await readCluster(file));
}

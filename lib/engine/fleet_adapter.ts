/** Adapters by names that say what is in them. */
import { createHash } from "node:crypto";
import { sha256Of } from "../base/disk.ts";
import { UserError } from "../base/error.ts";
import { exists } from "../base/files.ts";
import type { FleetAdapter } from "./replica.ts";
import { type Cluster, pathThere } from "./settings.ts";

/** An adapter whose name ends in a hash of its content, so that no server has another one under it. */
export interface PublishedAdapter extends FleetAdapter {
  /** sha256 of its settings and weights, in hexadecimal. */
  readonly hash: string;
}

/**
 * The adapter in a folder of this machine, as a fleet is asked for it. Its name is another where its content is: a server
 * that has the name has the weights, also after a run was deleted and begun anew in the same place.
 *
 * @param options.name What it is of, such as "run-000012"; parts of its hash follow.
 * @throws {UserError} When it is not there or not in the shared folder.
 */
export async function fleetAdapter(
  folder: string,
  { name, cluster }: { readonly name: string; readonly cluster: Pick<Cluster, "storage"> },
): Promise<PublishedAdapter> {
  const path = pathThere(folder, cluster);
  const parts = [];
  for (const file of ["adapter_config.json", "adapter_model.safetensors"]) {
    if (!await exists(`${folder}/${file}`)) {
      throw new UserError(`${folder} has no ${file}`, "give the folder of a PEFT adapter");
    }
    parts.push(await sha256Of(`${folder}/${file}`));
  }
  const content = createHash("sha256").update(parts.join()).digest("hex");
  return { name: `${name}-${content.slice(0, 8)}`, path, hash: content };
}

/** The launcher that a cluster names. @module */
import type { Cluster } from "../settings.ts";
import type { Launcher } from "./interface.ts";
import { RayLauncher } from "./ray.ts";
import { SlurmLauncher } from "./slurm.ts";
import { TorchrunLauncher } from "./torchrun.ts";

export * from "./interface.ts";

/**
 * The launcher that a cluster's file names.
 *
 * @param options.folder The folder of the stage that is trained, here; the preflight gives one in the shared folder.
 */
export function launcherOf(cluster: Cluster, { folder }: { readonly folder: string }): Launcher {
  const { launcher } = cluster.train;
  switch (launcher.kind) {
    case "ray":
      return new RayLauncher(cluster, launcher);
    case "torchrun":
      return new TorchrunLauncher(cluster, { folder });
    case "slurm":
      return new SlurmLauncher(cluster, launcher, { folder });
  }
}

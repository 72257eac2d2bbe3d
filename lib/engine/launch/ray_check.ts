/** What would keep a trainer from running on a Ray cluster. @module */
import { UserError } from "../../base/error.ts";
import { reachOf } from "../address.ts";
import type { Cluster } from "../settings.ts";
import { type Check, quoted } from "./interface.ts";
import { probeRows } from "./probe.ts";
import type { RayApi, RayNode } from "./ray_api.ts";
import { pinnedVersion, trainerEnvironment, trainerFiles } from "./trainer_files.ts";

/** Settings of {@linkcode checkRay}. */
export interface RayCheckOptions {
  readonly placement: "PACK" | "SPREAD" | "STRICT_PACK" | "STRICT_SPREAD";
}

/** Rows of the preflight: address, version, token, room for the workers, and a job that tries Python and the folder. */
export async function checkRay(
  api: RayApi,
  cluster: Cluster,
  { placement }: RayCheckOptions,
): Promise<Check[]> {
  const open = await row("Ray's token", async () => tokenRow(await api.isOpen(), api.url));
  const version = await row("Ray", async () => versionRow(await api.version(), api.url));
  if (version.ok === false) {
    return open.ok === false ? [version] : [version, open]; // unreachable: told once
  }
  const room = await row(
    "room for workers",
    async () =>
      roomRow({
        nodes: await api.nodes(),
        usage: await api.usage(),
        placement,
        train: cluster.train,
      }),
  );
  const probed = await probeRows(cluster, (folder) => probeJob(api, cluster, folder))
    .catch((error) => [failed("a job", error)]);
  return [version, open, room, ...probed];
}

async function row(what: string, check: () => Promise<Check>): Promise<Check> {
  try {
    return await check();
  } catch (error) {
    return failed(what, error);
  }
}

function failed(what: string, error: unknown): Check {
  if (!(error instanceof UserError)) throw error;
  return { what, ok: false, said: error.problem, remedy: error.remedy };
}

async function versionRow(version: string, url: string): Promise<Check> {
  const pinned = await pinnedVersion("ray");
  const said = `version ${version} at ${url}`;
  if (version === pinned) return { what: "Ray", ok: true, said };
  return {
    what: "Ray",
    ok: null,
    said,
    remedy: `tested with ${pinned}: try with a small run first`,
  };
}

/** Whether jobs are taken from anybody, or a token is sent where it can be read on its way. */
export function tokenRow(open: boolean, url: string): Check {
  const what = "Ray's token";
  if (!open && reachOf(url) === "public" && url.startsWith("http:")) {
    const said = `asked for, but sent over a public network as it is (${url})`;
    return { what, ok: null, said, remedy: "use https, or a tunnel: ssh -L" };
  }
  if (!open) return { what, ok: true, said: "asked for" };
  return {
    what,
    ok: null,
    said: `${url} takes jobs from anybody who reaches it, and a job is any command`,
    remedy: "start every node with RAY_AUTH_MODE=token (docs.ray.io, token authentication), " +
      "or keep its network to yourself",
  };
}

/** Whether workers find room: in all, free now, and by their placement. */
export function roomRow(
  { nodes, usage, placement, train: { workers, gpus } }: {
    readonly nodes: readonly Pick<RayNode, "resources_total">[];
    readonly usage: Readonly<Record<string, readonly [used: number, total: number]>>;
    readonly placement: RayCheckOptions["placement"];
    readonly train: Pick<Cluster["train"], "workers" | "gpus">;
  },
): Check {
  const what = "room for workers";
  const unit = gpus ? "GPU" : "CPU"; // what Ray Train reserves for a worker
  const offers = nodes.map(({ resources_total }) => Math.floor(resources_total[unit] ?? 0));
  const total = offers.reduce((sum, offer) => sum + offer, 0);
  const free = Math.floor(total - (usage[unit]?.[0] ?? 0));
  const said = `${free} of ${total} ${unit}s free on ${nodes.length} nodes, ${workers} wanted`;
  const less = "start more nodes, or lower train.workers";
  if (total < workers) {
    const forgotten = gpus && total === 0 ? "; or set train.gpus to false, to train on CPUs" : "";
    return { what, ok: false, said, remedy: less + forgotten };
  }
  const useful = offers.filter((offer) => offer > 0).length;
  if (placement === "STRICT_SPREAD" && useful < workers) {
    const remedy = `STRICT_SPREAD puts each worker on a node of its own: use SPREAD, or ${less}`;
    return { what, ok: false, said, remedy };
  }
  if (placement === "STRICT_PACK" && Math.max(...offers) < workers) {
    const remedy = "STRICT_PACK puts all workers on one node: use PACK, or a larger node";
    return { what, ok: false, said, remedy };
  }
  if (free >= workers) return { what, ok: true, said };
  return { what, ok: null, said, remedy: "the trainer will wait until others are done" };
}

/** Runs `probe.py` as a job. */
async function probeJob(
  api: RayApi,
  cluster: Cluster,
  folder: string,
): Promise<{ output: string; ended: string }> {
  const id = `self-judge-check-${crypto.randomUUID().slice(0, 8)}`;
  await api.submit({
    submission_id: id,
    entrypoint: `${quoted(cluster.train.python)} probe.py ${quoted(folder)} --ray`,
    runtime_env: {
      working_dir: await api.upload(await trainerFiles()),
      env_vars: trainerEnvironment(cluster),
    },
  });
  const deadline = Date.now() + 600_000;
  for (;;) {
    const job = await api.job(id);
    if (job && !["PENDING", "RUNNING"].includes(job.status)) {
      const ended = job.status === "SUCCEEDED"
        ? "ended"
        : (job.message ?? job.status).split("\n")[0];
      return { output: await api.log(id), ended: ended.replace(/,? ?last available logs.*/i, "") };
    }
    if (Date.now() > deadline) {
      await api.stop(id);
      throw new UserError(
        `Ray at ${api.url}: the job ${id} was ${job?.status ?? "gone"} after 10 minutes`,
        `see it on the dashboard; ${
          job?.status === "PENDING" ? "is the cluster full?" : "do its nodes answer?"
        }`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

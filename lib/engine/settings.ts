import { z } from "zod";
import { UserError } from "../base/error.ts";
import { keyVariable } from "../base/key_variable.ts";

const whole = (least: number) => z.int().min(least);
const address = z.url({ protocol: /^https?$/ });
const absolute = z.string().regex(/^\//, "must be an absolute path");

/** Servers that answer and judge. */
const serve = z.strictObject({
  /** Address of each server, such as `http://10.0.0.5:8000`, without `/v1`: every one of them has to load an adapter. */
  servers: z.array(address).min(1),
  /** The name that the servers give the weights without an adapter. */
  baseModel: z.string().min(1),
  /** Name of the environment variable with the servers' API key; null: they have none. */
  keyVariable: keyVariable.nullable().default(null),
  /** What the servers compute in: a part of each verdict's identity. */
  dtype: z.enum(["float32", "bfloat16", "float16"]),
  /** Requests under way at once, for each server. */
  concurrency: whole(1).default(64),
  /** Longest wait for one reply, in ms. */
  timeoutMs: whole(1).default(600_000),
  /** How long to wait while no server answers, in ms. */
  outageMs: whole(0).default(900_000),
});

/** What starts the trainer. */
const launcher = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("ray"),
    /** Address of the cluster's dashboard, such as `http://10.0.0.5:8265`. */
    url: address,
    /** Name of the environment variable with Ray's token; null: the cluster asks for none. */
    tokenVariable: keyVariable.nullable().default("RAY_AUTH_TOKEN"),
    /** How workers are laid over the nodes. */
    placement: z.enum(["PACK", "SPREAD", "STRICT_PACK", "STRICT_SPREAD"]).default("PACK"),
  }),
  z.strictObject({
    kind: z.literal("torchrun"),
    nodes: z.literal(1).default(1),
  }),
  z.strictObject({
    kind: z.literal("slurm"),
    /** Address of slurmrestd. */
    url: address,
    /** Version of its interface, such as `v0.0.41`. */
    version: z.string().regex(/^v0\.0\.\d+$/, "must be such as v0.0.41"),
    userVariable: keyVariable.default("USER"),
    /** Name of the environment variable with the token (`scontrol token`). */
    tokenVariable: keyVariable.default("SLURM_JWT"),
    partition: z.string().min(1),
    nodes: whole(1).default(1),
    /** Time limit in minutes. */
    minutes: whole(1).default(1440),
  }),
]);

/** What trains. */
const train = z.strictObject({
  launcher,
  /** Path of the Python that has the trainer's packages, as the trainer's machines see it. */
  python: absolute,
  /** Processes, one a GPU. */
  workers: whole(1).default(1),
  gpus: z.boolean().default(true),
  /** How weights are split over the processes. "fsdp" has not been run by its authors: see the README. */
  sharding: z.enum(["none", "fsdp"]).default("none"),
  dtype: z.enum(["float32", "bfloat16"]),
  /** Pairs or examples that a process computes at once. */
  microBatch: whole(1).default(1),
  gradientCheckpointing: z.boolean().default(true),
  /** Steps between checkpoints: as many are done again after a fault. */
  checkpointEvery: whole(1).default(5),
  /**
   * Jobs of the trainer that one command starts before the stage gives up. On Ray each job also starts its processes
   * again as many times: 3 jobs are up to 12 starts.
   */
  attempts: whole(1).max(10).default(3),
  /** Threads of a process on a CPU. */
  threads: whole(1).default(1),
});

const schema = z.strictObject({
  serve,
  train,
  /** One shared folder, by its path on this machine and on those of servers and trainer. */
  storage: z.strictObject({ here: absolute, there: absolute }),
  /** What the trainer loads: a Hub name, or a path on its machines; null: as the run names its model. */
  model: z.string().min(1).nullable().default(null),
  rounds: z.strictObject({
    /** Rounds sampled ahead of the trainer: 1 overlaps the two, with answers that are one round old. */
    ahead: z.union([z.literal(0), z.literal(1)]).default(0),
    /**
     * Largest mean |log-probability at the server - in the trainer| of a token, beyond that of the first round that was
     * measured, before the run stops. Measured on at most 8 pairs of a round's first step, where the policy that is
     * trained sampled them: with `ahead` 1 in the first round alone, in RAFT never.
     */
    drift: z.number().positive().default(0.05),
    /**
     * Versions of the policy whose adapters are kept (`rounds/N/adapter` and `stacked`); servers read one again from its
     * folder when they need room.
     */
    keepAdapters: whole(2).default(4),
  }).prefault({}),
});

/** A cluster: servers that answer and judge, a trainer, and the folder that both see. See the schema for each field. */
export type Cluster = Readonly<z.output<typeof schema>>;

/** How the trainer is started. */
export type LauncherSettings = Cluster["train"]["launcher"];

const SHAPE =
  "deno task engine --help shows a whole file; lib/engine/README.md says what each field means";

/**
 * Checks a cluster's settings and fills in what is left out.
 *
 * @param place Where they are from, for messages.
 * @throws {UserError} Naming the field that is unknown, missing or out of range, or a secret in an address.
 */
export function clusterOf(input: unknown, place = "the cluster"): Cluster {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw settingError(parsed.error.issues[0], place);
  const cluster = parsed.data;
  const { launcher } = cluster.train;
  const urls = [...cluster.serve.servers, ...("url" in launcher ? [launcher.url] : [])];
  for (const url of urls) {
    const { username, password, search, hash } = new URL(url);
    if (username || password || search || hash) {
      throw new UserError(
        `${place}: an address has a user, a query or a fragment in it`,
        "give addresses alone; keys go in the environment variables that the file names",
      );
    }
  }
  const api = cluster.serve.servers.find((url) => OPENAI_PATH.test(url));
  if (api !== undefined) {
    throw new UserError(
      `${place}: serve.servers has ${api}, the path of the OpenAI interface alone`,
      `give the server's own address: ${api.replace(OPENAI_PATH, "")}`,
    );
  }
  if (new Set(cluster.serve.servers.map(trimmed)).size < cluster.serve.servers.length) {
    throw new UserError(`${place}: serve.servers names a server twice`, "name each one once");
  }
  return cluster;
}

function settingError(issue: z.core.$ZodIssue, place: string): UserError {
  const field = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    const name = [...issue.path, issue.keys[0]].join(".");
    const secret = /key|token|secret|password/i.test(issue.keys[0]);
    return new UserError(
      `${place} has no setting "${name}"`,
      (secret ? "keys are read from the environment alone: give the variable's name; " : "") +
        SHAPE,
    );
  }
  return new UserError(`${place}, setting ${field || "(all)"}: ${issue.message}`, SHAPE);
}

/** Adapters are loaded and versions told beside it, not below it. */
const OPENAI_PATH = /\/+v1\/*$/;
const trimmed = (url: string) => url.replace(/\/+$/, "");

/** Reads a cluster's file. @throws {UserError} When it cannot be read, or as {@linkcode clusterOf}. */
export async function readCluster(path: string): Promise<Cluster> {
  let content: unknown;
  try {
    content = JSON.parse(await Deno.readTextFile(path));
  } catch (cause) {
    const reason = cause instanceof Deno.errors.NotFound
      ? "there is no such file"
      : cause instanceof SyntaxError
      ? "it is not JSON"
      : await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false)
      ? "it is a folder"
      : cause instanceof Error
      ? cause.message
      : String(cause);
    throw new UserError(`the cluster file ${path} cannot be read: ${reason}`, SHAPE, { cause });
  }
  return clusterOf(content, path);
}

/**
 * A secret from the environment, by the variable that a cluster names.
 *
 * @throws {UserError} When the variable is not set.
 */
export function secretOf(
  variable: string | null,
  read: (name: string) => string | undefined = (name) => Deno.env.get(name),
): string | undefined {
  if (variable === null) return undefined;
  const secret = read(variable)?.trim();
  if (secret) return secret;
  throw new UserError(
    `the environment variable ${variable} is not set`,
    "set it to the key or token, or correct its name in the cluster file",
  );
}

/**
 * A path on this machine as servers and trainer see it.
 *
 * @param remedy What to do about one that they do not see. @default to put the run there
 * @throws {UserError} When it is not in the shared folder.
 */
export function pathThere(
  path: string,
  { storage }: Pick<Cluster, "storage">,
  remedy?: string,
): string {
  const here = trimmed(storage.here);
  if (path === here || path.startsWith(`${here}/`)) {
    return trimmed(storage.there) + path.slice(here.length);
  }
  throw new UserError(
    `${path} is not in the shared folder ${here}: servers and trainer cannot see it`,
    remedy ?? `put the run into it: --run ${here}/NAME`,
  );
}

/** A base model in a folder of this machine as the trainer sees it. @throws {UserError} When it is not in the shared folder. */
export function modelThere(path: string, cluster: Pick<Cluster, "storage">): string {
  return pathThere(
    path,
    cluster,
    'name the model as the trainer\'s machines have it, "model" in the cluster file: a path there, or a Hub name',
  );
}

/** What to do about a batch that the trainer's workers cannot share evenly; null where they can. */
export function unevenBatch(
  batchSize: number,
  { workers, microBatch }: Pick<Cluster["train"], "workers" | "microBatch">,
): string | null {
  const together = workers * microBatch;
  if (batchSize % together === 0) return null;
  const next = Math.ceil(batchSize / together) * together;
  return `set selfJudge.batchSize to a multiple of ${together}, such as ${next}, or lower train.workers or train.microBatch`;
}

/** A Ray cluster on this machine, for a try and for tests: each node a loopback address of its own. @module */
import { randomBytes } from "node:crypto";
import { UserError } from "../base/error.ts";
import {
  makeFolder,
  readIfThere,
  readJsonFile,
  removeIfThere,
  writeJsonFile,
} from "../base/files.ts";
import { passByProxy } from "../base/loopback.ts";
import { endTree, type ProcessIdentity, startDetached } from "./launch/processes.ts";

/** Settings of {@linkcode LocalRay.start}. */
export interface LocalRayOptions {
  /** Python that has Ray. */
  readonly python: string;
  /** Where token, logs and the list of processes are kept. */
  readonly folder: string;
  /**
   * A loopback address for each node, the head first. Ray translates 127.0.0.1 to the machine's outer address.
   * @default ["127.0.0.3", "127.0.0.2"]
   */
  readonly nodes?: readonly string[];
  /** @default 6390 */
  readonly port?: number;
  /** Port of the dashboard, and so of the Jobs API, on 127.0.0.1. @default 8266 */
  readonly dashboardPort?: number;
  /** CPUs that each node offers. @default 1 */
  readonly cpus?: number;
}

/** What `ray.json` keeps. */
interface Started {
  readonly options: Omit<Required<LocalRayOptions>, "folder">;
  readonly nodes: readonly Node[];
}

/** A node as it is kept. */
interface Node {
  readonly address: string;
  readonly process: ProcessIdentity;
  /** Ray's temporary folder: sockets in it need a short path, and two nodes that share one harm each other. */
  readonly temporary: string;
}

/**
 * Ray nodes that go on when this process ends, until {@linkcode LocalRay.stop} or {@linkcode endLocalRay} ends them.
 *
 * @example
 * ```ts ignore
 * const ray = await LocalRay.start({ python: "/opt/venv/bin/python", folder: "/tmp/ray-try" });
 * await fetch(`${ray.url}/api/version`, { headers: { authorization: `Bearer ${ray.token}` } });
 * await ray.stop();
 * ```
 */
export class LocalRay {
  readonly #nodes: Node[];

  private constructor(
    readonly options: Required<LocalRayOptions>,
    /** Without it nobody may submit jobs: the jobs of Ray are commands. */
    readonly token: string,
    nodes: readonly Node[] = [],
  ) {
    this.#nodes = [...nodes];
  }

  /** Address of the Jobs API. */
  get url(): string {
    return `http://127.0.0.1:${this.options.dashboardPort}`;
  }

  /** Path of the file that holds the token. */
  get tokenFile(): string {
    return tokenFile(this.options.folder);
  }

  /**
   * Starts all nodes and waits until they know each other. What an earlier process left in the folder is ended.
   *
   * @throws {UserError} When Ray is not installed, a port is taken, or a node does not start; with the log's end.
   */
  static async start(options: LocalRayOptions): Promise<LocalRay> {
    const all = {
      nodes: ["127.0.0.3", "127.0.0.2"],
      port: 6390,
      dashboardPort: 8266,
      cpus: 1,
      ...options,
    };
    await endLocalRay(all.folder);
    for (
      const [host, port] of [[all.nodes[0], all.port], ["127.0.0.1", all.dashboardPort]] as const
    ) {
      refuseTaken(host, port);
    }
    await makeFolder(all.folder);
    const token = randomBytes(32).toString("hex");
    await Deno.writeTextFile(tokenFile(all.folder), token, { mode: 0o600 });
    const ray = new LocalRay(all, token);
    try {
      for (const address of all.nodes) await ray.startNode(address); // one by one: each is a load
      return ray;
    } catch (error) {
      await ray.stop();
      throw error;
    }
  }

  /** The nodes that an earlier process started and a folder lists; null where there are none. */
  static async find(folder: string): Promise<LocalRay | null> {
    const found = await readJsonFile<Started>(listFile(folder));
    if (found === null) return null;
    const token = await Deno.readTextFile(tokenFile(folder));
    return new LocalRay({ ...found.options, folder }, token, found.nodes);
  }

  /** Starts a node, the first time or after it was lost, and waits until the cluster counts it. */
  async startNode(address: string): Promise<void> {
    await this.#launch(address);
    await this.#untilCounted(address);
  }

  async #launch(address: string): Promise<void> {
    const { python, folder, nodes, port, dashboardPort, cpus } = this.options;
    const head = address === nodes[0];
    const temporary = await Deno.makeTempDir({ prefix: "ray-" });
    for (const file of [logFile, exitFile]) await removeIfThere(file(folder, address));
    // Without --block, which ends the whole node when its least part does not come up in time.
    await startDetached([
      python,
      "-m",
      "ray.scripts.scripts",
      "start",
      `--node-ip-address=${address}`,
      ...(head
        ? [
          "--head",
          `--port=${port}`,
          "--dashboard-host=127.0.0.1",
          `--dashboard-port=${dashboardPort}`,
        ]
        : [`--address=${nodes[0]}:${port}`]),
      `--num-cpus=${cpus}`,
      "--num-gpus=0",
      // Each agent listens on 127.0.0.1 too: of two with one port, the second takes no jobs.
      `--dashboard-agent-listen-port=${freePort()}`,
      "--object-store-memory=200000000",
      `--temp-dir=${temporary}`,
      "--disable-usage-stats",
    ], {
      log: logFile(folder, address),
      exit: exitFile(folder, address),
      env: {
        RAY_AUTH_MODE: "token",
        RAY_AUTH_TOKEN_PATH: this.tokenFile,
        PYTHONUNBUFFERED: "1",
        RAY_DASHBOARD_STARTUP_TIMEOUT_S: "300",
      },
      record: async (process) => {
        this.#nodes.push({ address, process, temporary });
        await this.#save();
      },
    });
  }

  /** Waits until the cluster counts a node; starts it again if it was only late. */
  async #untilCounted(address: string): Promise<void> {
    const { folder } = this.options;
    const log = logFile(folder, address);
    let starts = 1;
    for (let tries = 0; !(await this.nodesAlive()).includes(address); tries++) {
      if (tries === 600) throw await notStarted(log, `node ${address} is not up after 5 minutes`);
      const code = (await readIfThere(exitFile(folder, address)))?.trim() ?? "0";
      if (code !== "0") {
        // Ray gives a node 30 s to start, which a busy machine may need more of.
        const late = /timed out during startup|No node info found/.test(
          await readIfThere(log) ?? "",
        );
        if (!late || starts++ === 4) throw await notStarted(log, `node ${address} did not start`);
        await this.killNode(address);
        await this.#launch(address);
        tries = 0;
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  /** Ends one node as a machine that is lost: at once, with all that ran on it. */
  async killNode(address: string): Promise<void> {
    const at = this.#nodes.findIndex((node) => node.address === address);
    if (at < 0) throw new Error(`no node ${address} is running`);
    const [node] = this.#nodes.splice(at, 1);
    await endNode(node, 0);
    await this.#save();
  }

  /** Addresses of the nodes that the cluster counts as alive; none while the head does not answer. */
  async nodesAlive(): Promise<string[]> {
    passByProxy(this.url);
    try {
      const reply = await fetch(`${this.url}/api/v0/nodes?detail=true`, {
        headers: { authorization: `Bearer ${this.token}` },
        signal: AbortSignal.timeout(5000),
      });
      const { data } = await reply.json() as {
        data?: { result?: { result?: readonly NodeState[] } };
      };
      return (data?.result?.result ?? []).filter(({ state }) => state === "ALIVE")
        .map(({ node_ip }) => node_ip);
    } catch {
      return []; // not up yet, or not any more
    }
  }

  /** Ends all nodes and what they ran, and removes Ray's temporary folders. */
  async stop(): Promise<void> {
    await endLocalRay(this.options.folder);
    this.#nodes.length = 0;
  }

  async #save(): Promise<void> {
    const { folder, ...options } = this.options;
    const started: Started = { options, nodes: this.#nodes };
    await writeJsonFile(listFile(folder), started);
  }
}

/** What is used of a node in Ray's state API. */
interface NodeState {
  readonly node_ip: string;
  readonly state: string;
}

const logFile = (folder: string, address: string) => `${folder}/node-${address}.log`;
const exitFile = (folder: string, address: string) => `${folder}/node-${address}.exit`;
const tokenFile = (folder: string) => `${folder}/token`;
const listFile = (folder: string) => `${folder}/ray.json`;

/** Ends the nodes that a folder lists, also those that another process started; nothing there is no error. */
export async function endLocalRay(folder: string): Promise<void> {
  const { nodes } = await readJsonFile<Started>(listFile(folder)) ?? { nodes: [] };
  for (const node of nodes.toReversed()) await endNode(node, 3000); // the head last
  await removeIfThere(listFile(folder));
}

async function endNode({ process, temporary }: Node, graceMs: number): Promise<void> {
  await endTree(process, { graceMs });
  await removeIfThere(temporary);
}

/** A port of 127.0.0.1 that nothing listens on. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

function refuseTaken(hostname: string, port: number): void {
  try {
    Deno.listen({ hostname, port }).close();
  } catch (cause) {
    throw new UserError(
      `Ray cannot be started: port ${port} of ${hostname} is taken`,
      "end what uses it, or name another port",
      { cause },
    );
  }
}

async function notStarted(log: string, problem: string): Promise<UserError> {
  const end = (await readIfThere(log) ?? "").trimEnd().split("\n").slice(-8).join("\n");
  return new UserError(
    `Ray: ${problem}. The end of ${log}:\n${end}`,
    "read the log; is Ray in this Python?",
  );
}

/** What the trainer's machines told of themselves, as rows of the preflight. @module */
import { makeFolder, readIfThere, removeIfThere, writeWhole } from "../../base/files.ts";
import { type Cluster, pathThere } from "../settings.ts";
import type { Check } from "./interface.ts";
import { pinnedVersion } from "./trainer_files.ts";

/** A machine as `probe.py` tells it; `fault`: it told nothing. */
export interface Machine {
  readonly name: string;
  readonly fault?: string;
  readonly python?: string;
  readonly executable?: string;
  readonly versions?: Readonly<Record<string, string>>;
  readonly faults?: Readonly<Record<string, string>>;
  readonly gpus?: number;
  readonly bfloat16?: boolean;
  readonly folderFault?: string | null;
}

/** What a probe's process left: its whole output, and how it ended. */
export interface ProbeOutput {
  readonly output: string;
  readonly ended: string;
}

const INSTALL = "install lib/engine/python/requirements.txt into it, or correct train.python";

/**
 * Runs a probe and reads what it told.
 *
 * @param run Runs `probe.py` with a folder as the trainer's machines see it.
 */
export async function probeRows(
  cluster: Cluster,
  run: (folder: string) => Promise<ProbeOutput>,
): Promise<Check[]> {
  const { here, there } = cluster.storage;
  const name = `.self-judge-check-${crypto.randomUUID().slice(0, 8)}`;
  const folder = `${here.replace(/\/+$/, "")}/${name}`;
  try {
    const asked = crypto.randomUUID();
    await makeFolder(folder);
    await writeWhole(`${folder}/asked`, asked);
    const { output, ended } = await run(pathThere(folder, cluster));
    const told = /^PROBE (.*)$/m.exec(output)?.[1];
    if (told === undefined) return [notTold(cluster.train.python, output, ended)];
    const machines = JSON.parse(told) as Machine[];
    return [
      ...await Promise.all(
        machines.flatMap((machine) => [
          packagesRow(machine, cluster.train.python),
          folderRow(machine, asked, { here, there, folder }),
        ]),
      ),
    ];
  } finally {
    await removeIfThere(folder);
  }
}

function notTold(python: string, output: string, ended: string): Check {
  const own = output.split("\n").filter((line) =>
    line.trim() && !/job_manager|entrypoint/.test(line)
  );
  const last = own.at(-1)?.trim().slice(0, 200);
  const missing = /No such file|not found|Permission denied|exit code 12[67]/i.test(last + ended);
  return {
    what: "the trainer's Python",
    ok: false,
    said: `${python} told nothing (${ended})${last ? `: ${last}` : ""}`,
    remedy: missing
      ? "give train.python as the path that the trainer's machines have, such as /opt/venv/bin/python"
      : INSTALL,
  };
}

/** Packages that are not there, or of other versions than were tested. */
async function packagesRow(machine: Machine, python: string): Promise<Check> {
  const what = `packages on ${machine.name}`;
  const { fault, faults = {}, versions = {} } = machine;
  if (fault !== undefined) {
    return {
      what,
      ok: false,
      said: fault,
      remedy: `see this node's logs: can ${python} start there?`,
    };
  }
  const [[broken, reason] = []] = Object.entries(faults);
  if (broken !== undefined) {
    return {
      what,
      ok: false,
      said: `${python} cannot import ${broken}: ${reason}`,
      remedy: INSTALL,
    };
  }
  const found = Object.entries(versions);
  const pinned = await Promise.all(found.map(([name]) => pinnedVersion(name)));
  const bare = (version?: string) => version?.split("+")[0]; // 2.13.0+cu129 is torch 2.13.0
  const other = found.filter(([, version], i) => pinned[i] && bare(version) !== bare(pinned[i]));
  const said = [`Python ${machine.python}`, ...found.map((pair) => pair.join(" "))].join(", ");
  if (other.length === 0) return { what, ok: true, said };
  const wanted = other.map(([name]) =>
    `${name} ${pinned[found.findIndex(([one]) => one === name)]}`
  );
  return { what, ok: null, said, remedy: `tested with ${wanted.join(", ")}: ${INSTALL}` };
}

/** Whether a machine reads what is written here, and the other way round. */
async function folderRow(
  { name, fault, folderFault }: Machine,
  asked: string,
  { here, there, folder }: { here: string; there: string; folder: string },
): Promise<Check> {
  const what = `shared folder on ${name}`;
  const remedy =
    `mount one folder here as ${here} and on every machine of the cluster as ${there}, ` +
    "writable by both users, or correct storage";
  if (fault !== undefined) {
    return { what, ok: false, said: "not tried: the machine told nothing", remedy };
  }
  if (folderFault) return { what, ok: false, said: folderFault, remedy };
  const answer = await patiently(() => readIfThere(`${folder}/${name}`));
  if (answer === asked) return { what, ok: true, said: `${there} there is ${here} here` };
  return { what, ok: false, said: `what it writes into ${there} is not in ${here}`, remedy };
}

/** Network file systems show a new file some seconds later. */
async function patiently<T>(read: () => Promise<T | null>): Promise<T | null> {
  for (let left = 20;; left--) {
    const found = await read();
    if (found !== null || left === 0) return found;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

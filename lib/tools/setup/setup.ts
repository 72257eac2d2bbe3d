/**
 * `deno task setup`: npm packages, TensorFlow, the native binding. Does what is missing and nothing else;
 * stopped anywhere, it continues at its next start.
 */
import { exists, lockFolder, makeFolder } from "../../base/disk.ts";
import { UserError } from "../../base/error.ts";
import { buildBinding, hash, inPlace, writeStamp } from "./binding.ts";
import { helpAsked } from "./help.ts";
import { type Places, places, ROOT } from "./places.ts";
import { type Machine, TENSORFLOW_VERSION, thisMachine, wheelPlan } from "./platform.ts";
import { installPackage } from "./python.ts";
import { mustRun, run } from "./step.ts";

/** Stands in a stamp for the inputs of a binding that was not built here. */
const PREBUILT = "prebuilt";
const PREBUILT_HOST = "https://storage.googleapis.com/tf-builds/";

/** What the engine will run on, and a line that says so. */
export interface Choice {
  readonly engine: "built" | "prebuilt" | "portable";
  readonly line: string;
  /** Whether it is the engine that every machine should have, on a system that it was tested on. */
  readonly usual: boolean;
}

/**
 * One line for a choice: what was chosen, why, and what it costs. After a fallback, what to do about it and
 * the rest of what went wrong follow.
 */
export function describeChoice(
  engine: Choice["engine"],
  { machine, failure }: { machine: Machine; failure?: UserError },
): string {
  if (!failure) {
    const gpu = machine.nvidia ? " with an NVIDIA GPU" : "";
    const untested = wheelPlan(machine)?.tested
      ? ""
      : ` (untested on ${machine.os} ${machine.arch}${gpu}: please report)`;
    return `engine: TensorFlow ${TENSORFLOW_VERSION}, binding built here${untested}`;
  }
  const [name, cost] = engine === "prebuilt"
    ? ["TensorFlow 2.9, the package's prebuilt binding", "no use of GPUs newer than 2021"]
    : ["tfjs on WebAssembly", "about 30 times slower than native TensorFlow"];
  const [why, ...details] = failure.problem.split("\n");
  return [`engine: ${name}, because ${why}; cost: ${cost}`, ...details, `  fix: ${failure.remedy}`]
    .join("\n");
}

/**
 * Sets a checkout up and returns what was chosen. Safe to call at any time, also from two processes at
 * once: the second waits for the first.
 */
export async function setUp(root: string): Promise<Choice> {
  const at = places(root);
  await makeFolder(at.engine);
  // The system drops the lock of a process that dies, so a killed set-up leaves nothing to clean.
  using _lock = await lockFolder(at.engine, { waiting });
  await installPackages(at);
  const machine = await thisMachine();
  try {
    await build(at, machine);
    const line = describeChoice("built", { machine });
    return { engine: "built", line, usual: wheelPlan(machine)?.tested === true };
  } catch (failure) {
    if (!(failure instanceof UserError)) throw failure;
    const engine = await fetchPrebuilt(at) ? "prebuilt" : "portable";
    return { engine, line: describeChoice(engine, { machine, failure }), usual: false };
  }
}

/** Told once, where another process has the folder of what is installed. */
export const waiting = () => console.error("another process is setting this checkout up: waiting");

async function build(at: Places, machine: Machine): Promise<void> {
  const plan = wheelPlan(machine);
  if (!plan) {
    throw new UserError(
      `PyPI has no TensorFlow wheel to link against for ${machine.os} on ${machine.arch}`,
      "use Linux (on Windows: WSL 2) or a Mac with Apple silicon for the native engine",
    );
  }
  const wheel = await installPackage(plan.requirement, {
    into: `${at.engine}/${plan.folder}`,
    engine: at.engine,
    dependencies: plan.dependencies,
    megabytes: plan.megabytes,
  });
  await buildBinding(at, { wheel, plan });
}

/** `deno install`, when deno.json or the lock file changed since the last time or the packages are gone. */
async function installPackages(at: Places): Promise<void> {
  const wanted = async () =>
    hash(
      ...await Promise.all(
        ["deno.json", "deno.lock"].map((name) =>
          Deno.readFile(`${at.root}/${name}`).catch(() => "")
        ),
      ),
    );
  const stamp = `${at.engine}/packages`;
  const done = await Deno.readTextFile(stamp).catch(() => "");
  if (done === await wanted() && await exists(`${at.package}/package.json`)) return;
  await mustRun([Deno.execPath(), "install"], {
    label: "installing npm packages",
    ended: (output) => {
      const count = output.match(/^Initialize /gm)?.length ?? 0;
      return count > 0 ? `done, ${count} packages` : "done";
    },
    cwd: at.root,
    remedy:
      "check that registry.npmjs.org (or the registry in .npmrc) can be reached, then run again",
  });
  await Deno.writeTextFile(stamp, await wanted());
}

/** Runs the package's own install script where its host answers; true when a binding is in place. */
async function fetchPrebuilt(at: Places): Promise<boolean> {
  const build = { inputs: PREBUILT, files: [at.binding] };
  if (await inPlace(at, build)) return true;
  await Deno.remove(at.binding).catch(() => {}); // cut short, or built for a wheel that is gone
  const reachable = await fetch(PREBUILT_HOST, {
    method: "HEAD",
    signal: AbortSignal.timeout(5000),
  })
    .then(() => true, () => false);
  if (!reachable) return false;
  await run([Deno.execPath(), "install", "--allow-scripts=npm:@tensorflow/tfjs-node-gpu"], {
    label: "fetching the prebuilt binding",
    cwd: at.root,
    timeout: 600_000,
  });
  if (!await exists(at.binding)) return false;
  await writeStamp(at, build);
  return true;
}

if (import.meta.main) {
  helpAsked(
    "setup",
    "Installs npm packages and TensorFlow and builds its binding: what is missing.",
    { takes: ["-q"] },
  );
  // Other tasks ask with -q: what is as it should be need not be told each time.
  const quiet = Deno.args.includes("-q");
  try {
    const { line, usual } = await setUp(ROOT);
    if (!(quiet && usual)) console.error(line);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(`setup: ${error.message}`);
    Deno.exit(1);
  }
}

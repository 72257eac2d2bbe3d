/** Processes of this machine that outlive the command which started them, and are never mistaken for others. @module */
import { UserError } from "../../base/error.ts";

/** A process by its number and when it started: a number alone is given again to others. */
export interface ProcessIdentity {
  readonly pid: number;
  /** In ticks of the clock since the machine started. */
  readonly started: number;
  /** Is in the environment of all that it starts, and so finds them when it is gone. */
  readonly mark: string;
}

/** The environment variable of the mark. */
const MARK = "SELF_JUDGE_PROCESS";

type PidAndStart = Pick<ProcessIdentity, "pid" | "started">;

/** A line of the system's table of processes. */
interface Process extends PidAndStart {
  readonly parent: number;
  readonly session: number;
  /** Ended, and only waiting to be asked for its exit code. */
  readonly ended: boolean;
}

/**
 * Starts a command in a session of its own, which goes on when this process ends, its output added to a file.
 *
 * @param options.record Keeps the identity before the command begins: if this process dies before it has, nothing is
 *   started that nobody knows of.
 * @param options.exit A file for the exit code, written when the command ends.
 */
export async function startDetached(
  command: readonly string[],
  { log, exit, env, cwd, record }: {
    readonly log: string;
    readonly exit?: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
    readonly record: (identity: ProcessIdentity) => Promise<void>;
  },
): Promise<ProcessIdentity> {
  const script = `read -r go || exit 1
log=$1; ended=$2; shift 2
if [ -z "$ended" ]; then exec "$@" </dev/null >>"$log" 2>&1; fi
"$@" </dev/null >>"$log" 2>&1
echo $? >"$ended.part" && mv "$ended.part" "$ended"`;
  const mark = crypto.randomUUID();
  const child = new Deno.Command("sh", {
    args: ["-c", script, "sh", log, exit ?? "", ...command],
    env: { ...env, [MARK]: mark },
    cwd,
    detached: true,
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  child.unref();
  const writer = child.stdin.getWriter();
  try {
    const found = (await processes()).find(({ pid }) => pid === child.pid);
    if (!found) throw new Error(`the process ${child.pid} was gone at once`);
    const identity = { pid: found.pid, started: found.started, mark };
    await record(identity);
    await writer.write(new TextEncoder().encode("go\n"));
    return identity;
  } finally {
    await writer.close().catch(() => {}); // without "go" the shell ends
  }
}

/** Whether this very process is running still. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  return (await processes()).some((process) => !process.ended && isSame(process, identity));
}

/**
 * Ends a process that {@linkcode startDetached} started and all that it started: asked first, then killed. Another
 * process that was given its number is left alone.
 *
 * @param options.graceMs How long they have to end by themselves. @default 10_000
 */
export async function endTree(
  leader: ProcessIdentity,
  { graceMs = 10_000 }: { readonly graceMs?: number } = {},
): Promise<void> {
  const known: PidAndStart[] = [];
  for (let waited = 0;; waited += 100) {
    const running = treeOf(leader, known, await processes(), await marked(leader.mark));
    if (running.length === 0) return;
    const fresh = running.filter((process) => !known.some((other) => isSame(process, other)));
    known.push(...fresh);
    if (waited >= graceMs) await signal(running, "KILL");
    else await signal(fresh, "TERM");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Those of a table that run and belong to a leader: marked, in its session, below it, or known from before. */
function treeOf(
  leader: ProcessIdentity,
  known: readonly PidAndStart[],
  table: readonly Process[],
  marked: ReadonlySet<number>,
): Process[] {
  const now = table.find(({ pid }) => pid === leader.pid);
  const replaced = now !== undefined && !isSame(now, leader); // then its session is over too
  const roots = new Set(replaced ? [] : [leader.pid]);
  for (const process of table) {
    if (marked.has(process.pid) || known.some((other) => isSame(process, other))) {
      roots.add(process.pid);
    }
  }
  const inSession = (process: Process) => !replaced && process.session === leader.pid;
  for (let size = -1; size !== roots.size;) {
    size = roots.size;
    for (const process of table) {
      if (roots.has(process.parent) || inSession(process)) roots.add(process.pid);
    }
  }
  return table.filter(({ pid, ended }) => roots.has(pid) && !ended);
}

const isSame = (one: PidAndStart, other: PidAndStart): boolean =>
  one.pid === other.pid && one.started === other.started;

/** Signals processes, by a shell: Deno's own `kill` is given only to a command that may run everything. */
async function signal(
  found: readonly Pick<ProcessIdentity, "pid">[],
  name: "TERM" | "KILL",
): Promise<void> {
  if (found.length === 0) return;
  const pids = found.map(({ pid }) => String(pid));
  await new Deno.Command("sh", {
    args: ["-c", 'for pid in "$@"; do kill "-$0" "$pid"; done', name, ...pids],
    ...{ stdout: "null", stderr: "null" } as const, // one that has ended meanwhile
  }).output();
}

/** The name of this machine. By a shell too, so that a task needs no more permission than that. */
export async function hostname(): Promise<string> {
  return (await shell("uname -n"))[0];
}

/** The system's table. Read by a shell: Deno gives `/proc` only to a command that may do everything. */
async function processes(): Promise<Process[]> {
  if (Deno.build.os !== "linux") {
    throw new UserError(
      "processes on this machine can be followed on Linux only",
      "start the command on Linux, or train on a Ray cluster",
    );
  }
  const lines = await shell("cat /proc/[0-9]*/stat 2>/dev/null");
  return lines.flatMap((line) => {
    // "4338 (a name (of any kind)) S 4332 4338 4338 ...": fields 1 to 4, 6 and 22 of proc(5)
    const match = /^(\d+) \(.*\) (\S) (.*)$/s.exec(line);
    if (!match) return [];
    const [parent, , session] = match[3].split(" ").map(Number);
    const started = Number(match[3].split(" ")[18]);
    return [{ pid: Number(match[1]), started, parent, session, ended: /[ZX]/.test(match[2]) }];
  });
}

/** Processes with a mark in their environment. */
async function marked(mark: string): Promise<Set<number>> {
  const files = await shell(`grep -lsz "^${MARK}=$1$" /proc/[0-9]*/environ`, mark);
  return new Set(files.map((file) => Number(file.split("/")[2])));
}

/** Lines that a command prints, whatever its exit code: processes come and go while they are listed. */
async function shell(command: string, ...args: readonly string[]): Promise<string[]> {
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", command, "sh", ...args],
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout).split("\n").filter(Boolean);
}

/** Whether what a command is told to write can be written, looked at before it does any work. */
import { dirname, join, relative, resolve } from "node:path";
import { UserError } from "./error.ts";

/** Folders of this checkout of which a task may be allowed some (`permissions` in `deno.json`). */
const FOLDERS = [".engine", "runs", "data", "data/results", "figures", "notebooks"];

/** Whether this process may write there; at a terminal Deno asks, elsewhere what is not allowed is refused. */
function mayWrite(path: string, ask: boolean): boolean {
  const wanted = { name: "write", path } as const;
  const { state } = Deno.permissions.querySync(wanted);
  return state === "granted" ||
    (ask && state === "prompt" && Deno.permissions.requestSync(wanted).state === "granted");
}

/** What to do about a place that this process may not write to. */
export function whereToWrite(): string {
  const folders = FOLDERS.filter((folder) => mayWrite(folder, false))
    .filter((folder, _, all) => !all.includes(dirname(folder)));
  return folders.length === 0
    ? "run the command with --allow-write"
    : `name a place in ${folders.join(", ")}: these alone may be written by this command ` +
      "(its task in deno.json says so)";
}

/**
 * Checks a place that a flag names for output.
 *
 * @param options.flag As the user wrote it, "--csv".
 * @throws {UserError} When this process or this user may not write there, or something of another kind is there.
 */
export function checkOutput(
  path: string,
  { flag, kind }: { readonly flag: string; readonly kind: "file" | "folder" },
): void {
  const problem = (text: string) => `${flag}: cannot write ${path}: ${text}`;
  if (path.trim() === "") throw new UserError(problem("no name"), `name a ${kind}`);
  if (kind === "file" && /[/\\]$/.test(path)) {
    throw new UserError(problem("it ends as a folder does"), "name a file in it");
  }
  // A file is written beside itself first and then renamed, so its folder must be open.
  const folder = kind === "file" ? dirname(path) : path;
  if (!mayWrite(folder, true)) {
    throw new UserError(problem("this command may not write there"), whereToWrite());
  }
  const there = kindOf(path);
  if (there !== null && there !== kind) {
    throw new UserError(problem(`there is a ${there} of that name`), `name a ${kind}`);
  }
  let above = folder;
  while (kindOf(above) === null && dirname(above) !== above) above = dirname(above);
  if (kindOf(above) === "file") {
    throw new UserError(
      problem(`${above} is a file`),
      "check the path: name a folder that exists or can be made",
    );
  }
  try {
    if (there === "file") Deno.openSync(path, { append: true }).close();
    // Only trying tells: what the mode says of a folder holds neither for root nor on a disk mounted to be read.
    if (mayWrite(above, false)) {
      Deno.removeSync(Deno.makeTempFileSync({ dir: above }));
      for (const name of missingNames(path, above, kind)) tryName(join(above, name));
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(
      problem(`${there === "file" ? path : above} cannot be written (${reason})`),
      /too long/i.test(reason)
        ? "take a shorter name"
        : "name another place, or have that one opened to this user",
      { cause },
    );
  }
}

/** The names that a path adds below a folder that is there, a file's as it is written beside itself. */
function missingNames(path: string, above: string, kind: "file" | "folder"): string[] {
  const whole = kind === "file" ? `${path}.part` : path;
  return relative(above, whole).split(/[/\\]/).filter((name) => name !== "" && name !== "..");
}

/** Makes a file of that name and removes it: a disk may not take the name. One that is there shows that it does. */
function tryName(path: string): void {
  try {
    Deno.openSync(path, { write: true, createNew: true }).close();
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return;
    throw error;
  }
  Deno.removeSync(path);
}

/**
 * Refuses outputs that would replace what is read, or one another.
 *
 * @param outputs Files by the flags that name them; undefined where a flag is not given.
 * @throws {UserError} naming flag and file
 */
export function refuseOverwriting(
  outputs: Readonly<Record<string, string | undefined>>,
  inputs: readonly string[],
): void {
  const taken = new Map(inputs.map((input) => [resolve(input), "what is read"]));
  for (const [flag, file] of Object.entries(outputs)) {
    if (file === undefined) continue;
    const other = taken.get(resolve(file));
    if (other !== undefined) {
      throw new UserError(`${flag} would write over ${other}: ${file}`, "name another file");
    }
    taken.set(resolve(file), `the file of ${flag}`);
  }
}

function kindOf(path: string): "file" | "folder" | null {
  try {
    return Deno.statSync(path).isDirectory ? "folder" : "file";
  } catch {
    return null; // not there, or beneath a file
  }
}

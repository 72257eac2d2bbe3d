/** The commands of this checkout, each as a process, and what they print. */
import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { stripVTControlCharacters } from "node:util";
import { ROOT } from "../lib/tools/setup/places.ts";

/** What a finished command said. */
export interface Said {
  code: number;
  out: string;
  err: string;
}

/** Waits for a command, its output piped, and reads what it said. */
export async function said(child: Deno.ChildProcess): Promise<Said> {
  const { code, stdout, stderr } = await child.output();
  // Without the colours that FORCE_COLOR in the user's shell asks for.
  const text = (bytes: Uint8Array) => stripVTControlCharacters(new TextDecoder().decode(bytes));
  return { code, out: text(stdout), err: text(stderr) };
}

/** A command line: as it is typed, without quotes, or its words, which may hold blanks. */
export type Line = string | readonly string[];

/** Folders that tests name in command lines, whose paths may hold blanks: the checkout, and where temporary files go. */
const FOLDERS = [tmpdir(), ROOT];

/** The words of a command line. */
export function words(line: Line): readonly string[] {
  if (typeof line !== "string") return line;
  const marked = FOLDERS.reduce((text, path, i) => text.replaceAll(path, `\0${i}`), line);
  return marked.split(/\s+/).filter(Boolean)
    .map((word) => word.replace(/\0(\d)/g, (_, i) => FOLDERS[i]));
}

/**
 * A command, by the words after `deno` that start it.
 *
 * @param env Variables beside the test's own, asked for at each start.
 */
export function command(start: Line, env: () => Record<string, string> = () => ({})) {
  const spawn = (line: Line): Deno.ChildProcess =>
    new Deno.Command(Deno.execPath(), {
      cwd: ROOT,
      args: [...words(start), ...words(line)],
      env: { NO_COLOR: "1", ...env() },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  const run = async (line: Line): Promise<Said> => await said(spawn(line));
  return {
    spawn,
    run,
    /** Fails the test, with what the command said, unless it succeeds and shows numbers alone. */
    async well(line: Line): Promise<Said> {
      const result = await run(line);
      assert.equal(result.code, 0, `${result.out}\n${result.err}`);
      assert.doesNotMatch(result.out, /NaN|undefined|Infinity/);
      return result;
    },
    /** Fails the test unless the command ends with one problem and its remedy, which these parts are of. */
    async refused(line: Line, ...parts: (RegExp | string)[]): Promise<Said> {
      const result = await run(line);
      const { code, out, err } = result;
      assert.equal(code, 1, `${out}\n${err}`);
      assert.match(err, /^error: (?:(?!^error: )[^])+\n {2}-> .+\n$/m);
      assert.doesNotMatch(err, /^\s+at /m, "no stack trace");
      for (const part of parts) {
        if (typeof part === "string") assert.ok(err.includes(part), err);
        else assert.match(err, part);
      }
      return result;
    },
  };
}

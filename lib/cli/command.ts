import { Command, CommanderError } from "commander";
import { coloured } from "../base/colour.ts";
import { Stopped, UserError } from "../base/error.ts";
import { clearLine, keepLine } from "../base/progress.ts";

/**
 * The command of a task, whose help begins with an example.
 *
 * @param examples What may be written after the task's name; without any, the name alone is the example.
 */
export function taskCommand(task: string, ...examples: readonly string[]): Command {
  const name = `deno task ${task}`;
  const lines = examples.length === 0 ? [name] : examples.map((args) => `${name} ${args}`);
  return new Command(name)
    .addHelpText("before", `Example:\n${lines.map((line) => `  ${line}\n`).join("")}`);
}

/**
 * Reads a command line's arguments: help ends the process, anything commander refuses is a user's error.
 *
 * @throws {UserError} with commander's message and where to look up the options
 */
export function parseCommand(command: Command, args: readonly string[]): Command {
  command.allowExcessArguments(false).exitOverride().configureOutput({ writeErr: () => {} });
  try {
    return command.parse([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.helpDisplayed") Deno.exit(0);
    throw new UserError(error.message.replace(/^error: /, ""), `see ${command.name()} --help`);
  }
}

/**
 * Runs a command line's main function and ends the process: 0 when it returns, 130 when it was stopped, 1 with
 * one line on stderr when the user can mend what is wrong. Other errors keep their stack.
 */
export async function runCommand(main: () => Promise<void>): Promise<never> {
  try {
    await main();
    Deno.exit(0);
  } catch (error) {
    keepLine();
    if (error instanceof Stopped) {
      console.error(`stopped; ${error.remedy ?? resumedBy(Deno.args)}`);
      Deno.exit(130);
    }
    if (error instanceof UserError) {
      console.error(`${coloured("red", "error:", "err")} ${error.message}`);
      Deno.exit(1);
    }
    throw error;
  }
}

/** How a command that was stopped goes on: with --fresh again it would delete what it has done. */
export function resumedBy(args: readonly string[]): string {
  return args.includes("--fresh")
    ? "the same command without --fresh resumes"
    : "run the same command again to resume";
}

/** First Ctrl-C: finish the step, save, leave. Second: leave at once. */
export function stopOnInterrupt(): () => boolean {
  let asked = false;
  Deno.addSignalListener("SIGINT", () => {
    if (asked) Deno.exit(130);
    asked = true;
    keepLine();
    console.error("stopping after this step; Ctrl-C again to leave at once");
  });
  return () => asked;
}

/** Says on stderr what a result's reader should know, and the command runs on. */
export function warn(text: string): void {
  clearLine();
  console.error(`${coloured("yellow", "warning:", "err")} ${text}`);
}

/** Words of a command line, to be pasted into a shell. */
export function shellWords(words: readonly string[]): string {
  return words.map((word) =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
  ).join(" ");
}

/**
 * One command of the set-up, run with a progress line: what is being done, for how long, and the last
 * thing the tool said.
 */
import { stripVTControlCharacters } from "node:util";
import { UserError } from "../../base/error.ts";
import { printLine, rewriteLine } from "../../base/progress.ts";

/** How a command ended. */
export interface StepResult {
  readonly ok: boolean;
  /** stdout and stderr together, in the order they came, without colours. */
  readonly output: string;
}

/** Options of {@linkcode run}. */
export interface RunOptions {
  /** Shown as progress; without it the command runs silently. */
  label?: string;
  /** What its line ends with. @default "done" */
  ended?: (output: string) => string;
  env?: Record<string, string>;
  cwd?: string;
  /** Milliseconds after which the command is killed and counts as failed. */
  timeout?: number;
}

/** Runs `command` and never throws for a failing or missing program: the caller has another choice to try. */
export async function run(
  command: readonly string[],
  options: RunOptions = {},
): Promise<StepResult> {
  const { label, ended = () => "done", env, cwd, timeout } = options;
  const [program, ...args] = command;
  let output = "";
  let ok = false;
  const progress = label === undefined ? undefined : startProgress(label, () => lastLine(output));
  const killer = new AbortController();
  const timer = timeout === undefined ? undefined : setTimeout(() => killer.abort(), timeout);
  try {
    const child = new Deno.Command(program, {
      args,
      env,
      cwd,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      signal: killer.signal,
    }).spawn();
    const drain = async (stream: ReadableStream<Uint8Array>) => {
      const decoder = new TextDecoder();
      for await (const chunk of stream) output += decoder.decode(chunk, { stream: true });
    };
    const [status] = await Promise.all([child.status, drain(child.stdout), drain(child.stderr)]);
    ok = status.success;
    if (killer.signal.aborted) output += `\nstopped after ${timeout} ms`;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied)) {
      throw error;
    }
    output = `${program}: not found`;
  } finally {
    clearTimeout(timer);
    // Tools colour a pipe too: Deno does without NO_COLOR, and with it where FORCE_COLOR is set.
    output = stripVTControlCharacters(output);
    progress?.(ok ? ended(output) : "failed");
  }
  return { ok, output };
}

/** {@linkcode run}, throwing a {@linkcode UserError} that shows the end of the tool's output. */
export async function mustRun(
  command: readonly string[],
  options: RunOptions & { remedy: string },
): Promise<string> {
  const { ok, output } = await run(command, options);
  if (ok) return output;
  const tail = output.trim().split("\n").slice(-12).join("\n    ");
  throw new UserError(
    `"${command.slice(0, 4).join(" ")} ..." failed:\n    ${tail}`,
    options.remedy,
  );
}

function lastLine(output: string): string {
  return stripVTControlCharacters(output).trimEnd().split("\n").at(-1)?.trim().slice(0, 70) ?? "";
}

/** A line that is redrawn each second on a terminal, and repeated every minute in a log. */
function startProgress(label: string, detail: () => string): (end: string) => void {
  const began = performance.now();
  const seconds = () => ((performance.now() - began) / 1000).toFixed(0).padStart(4);
  const tick = () => {
    const line = `${seconds()} s  ${label}  ${detail()}`;
    if (!rewriteLine(line)) printLine(line);
  };
  const timer = setInterval(tick, rewriteLine("") ? 1000 : 60_000);
  return (end) => {
    clearInterval(timer);
    printLine(`${seconds()} s  ${label}: ${end}`);
  };
}

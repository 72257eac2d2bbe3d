/** One notebook executed by nbclient ({@link ./execute.py}), with a line of progress. */
import { basename, dirname, resolve } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { ReadableStream as NodeStream } from "node:stream/web";
import { fileURLToPath } from "node:url";
import { duration, rewriteLine } from "../../base/progress.ts";
import { KERNEL } from "../setup/places.ts";
import { type Notebook, readNotebook } from "./format.ts";

/** How it went. */
export interface Executed {
  readonly notebook: Notebook;
  readonly seconds: number;
  /** Index of the last cell that was started. */
  readonly cell: number;
  /** What ended it early. */
  readonly error?: { readonly name: string; readonly message: string };
}

/** Settings of {@linkcode executeNotebook}. */
export interface ExecuteOptions {
  readonly python: string;
  /** Where the executed copy goes. */
  readonly out: string;
  readonly env: Record<string, string>;
  /** Longest time of one cell in seconds. */
  readonly timeout: number;
}

type Event =
  | { event: "start"; cell: number }
  | { event: "end"; cell: number; seconds: number }
  | { event: "error"; name: string; message: string };

/** Runs a notebook in its own folder and its own kernel. A failing cell is a result, not an exception. */
export async function executeNotebook(
  path: string,
  { python, out, env, timeout }: ExecuteOptions,
): Promise<Executed> {
  const name = basename(path, ".ipynb");
  const { cells } = await readNotebook(path);
  const code = cells.flatMap(({ cell_type }, index) => cell_type === "code" ? [index] : []);
  const script = fileURLToPath(new URL("./execute.py", import.meta.url));
  const began = performance.now();
  const child = new Deno.Command(python, {
    args: [script, resolve(path), resolve(out), resolve(dirname(path)), KERNEL, String(timeout)],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // Ctrl-C reaches the child too: nbclient ends its kernel, and fails in one way or another.
  let stopped = false;
  const onInterrupt = () => {
    stopped = true;
  };
  Deno.addSignalListener("SIGINT", onInterrupt);
  let cell = 0;
  let error: Executed["error"];
  const stderr = new Response(child.stderr).text();
  try {
    const input = Readable.fromWeb(child.stdout as unknown as NodeStream);
    for await (const line of createInterface({ input })) {
      const event = JSON.parse(line) as Event;
      if (event.event === "error") error = event;
      else cell = event.cell;
      if (event.event === "start") {
        const elapsed = duration((performance.now() - began) / 1000);
        rewriteLine(`${name}: cell ${code.indexOf(cell) + 1}/${code.length} | ${elapsed}`);
      }
    }
  } finally {
    Deno.removeSignalListener("SIGINT", onInterrupt);
    rewriteLine("");
  }
  const { success } = await child.status;
  if (stopped) error = { name: "Stopped", message: "stopped by Ctrl-C" };
  else if (!success && !error) {
    error = { name: "nbclient", message: (await stderr).trim().split("\n").slice(-8).join("\n") };
  }
  await stderr;
  return {
    notebook: await readNotebook(success || error?.name !== "nbclient" && !stopped ? out : path),
    seconds: (performance.now() - began) / 1000,
    cell,
    error,
  };
}

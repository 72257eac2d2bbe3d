/**
 * Stopping a long cell without losing the kernel.
 *
 * The stop button of Jupyter sends SIGINT. The project's kernel is started with SIGINT ignored
 * ({@link ../tools/notebook/jupyter.ts}), so the signal ends nothing by itself; here it sets a flag that
 * long work looks at between two steps. The other way, `"interrupt_mode": "message"`, makes the Deno kernel
 * (2.9.6) end the running JavaScript: a cell that has passed its first `await` then never finishes, and the
 * kernel takes no further cell.
 *
 * @module
 */
import { inKernel } from "./kernel.ts";

let asked = false;
let jobs = 0;
let listening = false;

/** What the signal does; tests call it, since a test runner has its own use for the signal. */
export function askToStop(): void {
  if (jobs === 0) return;
  if (asked && !inKernel()) Deno.exit(130); // Ctrl-C twice in a terminal
  asked = true;
}

function listen(on: boolean): void {
  if (on === listening || Deno.build.os === "windows") return;
  listening = on;
  if (on) Deno.addSignalListener("SIGINT", askToStop);
  else Deno.removeSignalListener("SIGINT", askToStop);
}

// A kernel that was not started by this project's kernelspec would end at the stop button.
if (inKernel()) listen(true);

/** Whether the user asked the running job to stop. Seen after the event loop has had a turn. */
export function stopAsked(): boolean {
  return asked;
}

/**
 * Takes note of a job that can be stopped, forgetting any earlier stop. Call the result when the job has
 * ended: outside a kernel Ctrl-C is then again what it was.
 */
export function listenForStop(): () => void {
  asked = false;
  jobs++;
  listen(true);
  let open = true;
  return () => {
    if (!open) return;
    open = false;
    if (--jobs === 0 && !inKernel()) listen(false);
  };
}

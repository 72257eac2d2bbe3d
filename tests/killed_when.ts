import assert from "node:assert/strict";

/**
 * Kills a run outright as soon as something has happened, and waits for its end.
 *
 * @param options.happened Asked every 50 ms, for half a minute.
 * @param options.release Lets go of what the run was hanging on, after the kill.
 */
export async function killedWhen(
  run: Deno.ChildProcess,
  { happened, release }: { happened: () => Promise<boolean>; release: () => void },
): Promise<void> {
  let ended = false;
  run.status.then(() => ended = true);
  try {
    for (let tries = 0; !await happened(); tries++) {
      assert.ok(tries < 600 && !ended, "the run never judged");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    if (!ended) run.kill("SIGKILL");
    release();
    await run.status;
  }
}

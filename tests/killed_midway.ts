/** A judge's run that is killed outright while its server answers. */
import assert from "node:assert/strict";
import { type Fault, FaultServer } from "./served_faults.ts";

/**
 * Starts a script with a server's address and `args`, kills it once so many requests are answered and kept, and
 * gives the address with the bodies of those requests. What comes after them stays open until the run is gone.
 *
 * @param options.out Folder that the script may write to.
 * @param options.kept How many answers are on disk; asked every 50 ms, for half a minute.
 */
export async function killedMidway(
  script: string,
  args: readonly string[],
  { answered, reply = () => undefined, out, kept }: {
    answered: number;
    reply?: Fault;
    out: string;
    kept: () => Promise<number>;
  },
): Promise<{ url: string; seen: string[] }> {
  const release = Promise.withResolvers<void>();
  const hang: Fault = async () => {
    await release.promise;
    return new Response("gone", { status: 500 });
  };
  await using server = new FaultServer(...Array(answered).fill(reply), ...Array(100).fill(hang));
  const run = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--allow-read", "--allow-env", "--allow-ffi", "--allow-net=127.0.0.1"],
      ...[`--allow-write=${out}`, import.meta.resolve(script), server.url, ...args],
    ],
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  let ended = false;
  run.status.then(() => ended = true);
  try {
    for (let tries = 0; await kept() < answered; tries++) {
      assert.ok(tries < 600 && !ended, "the run never judged");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    if (!ended) run.kill("SIGKILL");
    release.resolve();
    await run.status;
  }
  assert.equal(await kept(), answered);
  return { url: server.url, seen: server.seen.slice(0, answered).map(({ body }) => body) };
}

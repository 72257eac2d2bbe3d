/** Waiting for what happens elsewhere. */

/** Asks again and again until the answer is neither false, empty nor an error; gives it. */
export async function until<T>(
  ask: () => T | Promise<T>,
  { everyMs = 100, atMostMs = 120_000 } = {},
): Promise<Exclude<T, false | null | undefined>> {
  for (let waited = 0;; waited += everyMs) {
    let last: unknown;
    try {
      const answer = await ask();
      if (answer) return answer as Exclude<T, false | null | undefined>;
      last = answer;
    } catch (error) {
      last = error;
    }
    if (waited >= atMostMs) throw new Error(`still not after ${atMostMs} ms: ${last}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

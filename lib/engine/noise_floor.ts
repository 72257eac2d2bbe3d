/** How well servers repeat themselves. */
import type { Fleet } from "./fleet.ts";
import type { FleetAdapter } from "./replica.ts";

/**
 * Log-probabilities of labels after prompts, asked twice.
 *
 * @returns those of the first time, and the largest difference between the two: the second comes from the server's
 *   cache of prefixes, in another batch
 */
export async function repeatedLabels(
  fleet: Fleet,
  { model, prompts, labelIds }: {
    readonly model: FleetAdapter | null;
    readonly prompts: readonly (readonly number[])[];
    readonly labelIds: readonly number[];
  },
): Promise<{ readonly logs: number[]; readonly spread: number }> {
  const ask = async () => {
    const rows = [];
    for (const prompt of prompts) rows.push(await fleet.labels(model, prompt, labelIds));
    return rows.flat().map((p) => Math.log(p));
  };
  const logs = await ask();
  return { logs, spread: largestDifference(logs, await ask()) };
}

/** The largest difference of numbers, place by place. */
export function largestDifference(one: readonly number[], other: readonly number[]): number {
  return Math.max(...one.map((value, i) => value === other[i] ? 0 : Math.abs(value - other[i])));
}

/** What readers of preference pairs say of a file. */
import { type BadLine, collectPairs, type readPairs } from "../lib/preference/mod.ts";

/** All pairs of a file, bad records skipped and listed. */
export async function skipping(path: string, options: Parameters<typeof readPairs>[1] = {}) {
  const bad: BadLine[] = [];
  const read = await collectPairs(path, {
    ...options,
    onBadLine: "skip",
    report: (b) => bad.push(b),
  });
  return { ...read, bad };
}

/** A sound line of JSONL. */
export const GOOD = '{"prompt":"Hi","chosen":"Hello!","rejected":"What?"}\n';

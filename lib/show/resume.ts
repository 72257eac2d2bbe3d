/** Long cells that resume where they were stopped. */
import { createHash } from "node:crypto";
import { UserError } from "../base/error.ts";
import { appendJsonl, makeFolder, readJsonl, writeJsonl } from "../base/files.ts";
import { notebook } from "./notebook_config.ts";
import { type Numbers, progress } from "./progress.ts";

/** Settings of {@linkcode rows}. */
export interface RowsOptions<R> {
  /** What the rows depend on besides the items: rows found under another key are not taken up. */
  key?: unknown;
  /** What is counted, in the singular. @default "item" */
  unit?: string;
  /** Numbers to show beside the bar, from the latest row. */
  numbers?: (row: R) => Numbers;
  /** Take up a finished table too, instead of computing it anew. @default false */
  keep?: boolean;
  /** Where unfinished tables are kept. @default `notebook.folders.work` */
  folder?: string;
}

/**
 * Computes one row for each item, keeping every row on disk as soon as it is there. Stopped (or killed), the
 * same cell run again takes up the rows it has and continues. Once complete, the file is dropped and the next
 * run starts anew, unless `keep` is set.
 *
 * @param name Names the bar and the file.
 * @param step Computes a row: numbers, texts, lists and records. Anything random in it must follow from the
 * item (`Rng.named(seed, ...)`), or a resumed table differs from one made in one go.
 * @returns The rows in the order of the items
 * @throws {Stopped} when the user asked to stop
 * @throws {UserError} for a row with a NaN or an infinity, which a file cannot hold
 * @example
 * ```ts
 * import { rows } from "./resume.ts";
 * const squares = await rows("squares", [1, 2, 3], (n) => ({ n, square: n * n }));
 * ```
 */
export async function rows<T, R>(
  name: string,
  items: readonly T[],
  step: (item: T, index: number) => R | Promise<R>,
  options: RowsOptions<R> = {},
): Promise<R[]> {
  const { key = null, unit = "item", numbers, keep = false, folder = notebook.folders.work } =
    options;
  const fingerprint = createHash("sha256").update(strictJson({ items, key }, name)).digest("hex");
  const slug = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  const path = `${folder}/${slug}-${fingerprint.slice(0, 12)}.jsonl`;
  const found = (await readJsonl<R>(path)).slice(0, items.length);
  await makeFolder(folder);
  await writeJsonl(path, found); // without the torn line of a killed run
  const job = progress(name, { unit, total: items.length, done: found.length });
  try {
    await job.note(found.length, found.length > 0 ? { resumed: found.length } : {});
    for (let i = found.length; i < items.length; i++) {
      const row = await step(items[i], i);
      const text = strictJson(row, `${name}, ${unit} ${i + 1}`);
      found.push(JSON.parse(text)); // as a resumed run would read it
      await appendJsonl(path, [row]);
      await job.update(i + 1, numbers?.(row));
    }
    await job.finish();
  } finally {
    await job.abandon();
  }
  if (!keep) await Deno.remove(path);
  return found;
}

function strictJson(value: unknown, where: string): string {
  const text = JSON.stringify(value, (field, inner) => {
    if (typeof inner === "number" && !Number.isFinite(inner)) {
      throw new UserError(
        `${where}: ${field || "the row"} is ${inner}`,
        "leave such rows out, or write null where there is no value",
      );
    }
    return inner;
  });
  if (text === undefined) {
    throw new UserError(`${where}: the row is ${typeof value}`, "return a record of plain values");
  }
  return text;
}

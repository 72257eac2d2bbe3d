import { writeCsv } from "../base/files.ts";
import { notebook } from "./notebook_config.ts";

/**
 * Writes the rows that a figure of a notebook is drawn from as a CSV file, and gives them back.
 *
 * @param name Of the file, which goes into `figures` in the notebooks' work folder unless `folder` is given.
 * @example
 * ```ts ignore
 * import { kept, show } from "../lib/show/mod.ts";
 * await show(lossCurves(await kept("02-loss", curves))); // runs/notebooks/small-s7/figures/02-loss.csv
 * ```
 */
export async function kept<R extends object>(
  name: string,
  rows: readonly R[],
  folder = `${notebook.folders.work}/figures`,
): Promise<readonly R[]> {
  await writeCsv(`${folder}/${name}.csv`, rows);
  return rows;
}

/** The notebooks there are, in the order of the pipeline. */
import { basename } from "node:path";
import { UserError } from "../../base/error.ts";

/** Folder, in that of the notebooks, of the solutions to their exercises. */
export const SOLUTIONS = "solutions";

/**
 * Paths of `NN_*.ipynb` in a folder, by number, each followed by its solutions (`solutions/NN_*_solutions.ipynb`); with
 * names, only those.
 *
 * @param names Beginnings of file names, such as "03" or "03_the_judge.ipynb".
 * @throws {UserError} for a name that fits none, and where there is no notebook at all
 */
export async function listNotebooks(
  folder: string,
  names: readonly string[] = [],
): Promise<string[]> {
  const found = [...await notebooksIn(folder), ...await notebooksIn(`${folder}/${SOLUTIONS}`)]
    .sort((a, b) => stem(a) < stem(b) ? -1 : 1);
  if (found.length === 0) {
    throw new UserError(
      `${folder} has no notebook NN_name.ipynb`,
      "run it in a checkout, or name a folder",
    );
  }
  const chosen = names.map((name) => {
    const matches = found.filter((path) => basename(path).startsWith(basename(name)));
    if (matches.length > 0) return matches;
    throw new UserError(
      `no notebook is called "${name}"`,
      `there are ${found.map((path) => basename(path, ".ipynb")).join(", ")}`,
    );
  });
  return names.length === 0 ? found : found.filter((path) => chosen.flat().includes(path));
}

/** Without its ending, so that a notebook comes before one whose name begins with its own. */
const stem = (path: string) => basename(path, ".ipynb");

async function notebooksIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (/^\d\d_.*\.ipynb$/.test(name)) found.push(`${folder}/${name}`);
    }
  } catch (error) {
    const { NotFound, NotADirectory } = Deno.errors;
    if (!(error instanceof NotFound || error instanceof NotADirectory)) throw error;
  }
  return found;
}

import { UserError } from "../base/error.ts";
import { show } from "./display.ts";

/** Words by which a shown text says that something could not be had: outputs with them are not whole. */
export const NOT_IN_REACH = "is not in reach:";

/**
 * What `find` finds, or null where it cannot be had, which is then shown with what to do about it: a notebook
 * continues without it.
 *
 * @param what Names it for the reader.
 * @example
 * ```ts ignore
 * import { locateModel } from "../lib/run/source.ts";
 * import { inReach } from "../lib/show/mod.ts";
 * const model = await inReach("SmolLM2", () => locateModel("HuggingFaceTB/SmolLM2-135M-Instruct"));
 * ```
 */
export async function inReach<T>(what: string, find: () => Promise<T>): Promise<T | null> {
  try {
    return await find();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    await show(`${what} ${NOT_IN_REACH} ${error.problem}\n  -> ${error.remedy}`);
    return null;
  }
}

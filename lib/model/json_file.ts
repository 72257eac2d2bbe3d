import { UserError } from "../base/error.ts";
import { refuseLfsPointer } from "../base/lfs.ts";
import { parsePythonJson } from "../base/python_json.ts";

/**
 * Reads a JSON file, which may have the numbers NaN and Infinity as Python writes them.
 *
 * @throws UserError when it is missing, a Git LFS pointer or not JSON.
 */
export async function readJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await Deno.readTextFile(file);
  } catch (cause) {
    throw new UserError(
      `cannot read ${file}: ${cause instanceof Error ? cause.message : cause}`,
      "check the path, or fetch the model again",
      { cause },
    );
  }
  refuseLfsPointer(file, text);
  try {
    return parsePythonJson(text);
  } catch (cause) {
    throw new UserError(
      `${file} is not JSON: ${cause instanceof Error ? cause.message : cause}`,
      "fetch the file again",
      { cause },
    );
  }
}

import { UserError } from "../base/error.ts";

/** Reads a JSON file. @throws UserError when it is missing or not JSON. */
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
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UserError(
      `${file} is not JSON: ${cause instanceof Error ? cause.message : cause}`,
      "fetch the file again",
      { cause },
    );
  }
}

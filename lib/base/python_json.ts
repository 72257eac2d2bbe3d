/**
 * JSON as Python's `json` and pandas write it: numbers that JSON has no name for stand there as `NaN`, `Infinity` and
 * `-Infinity` (https://docs.python.org/3/library/json.html#json.JSONEncoder, `allow_nan`).
 *
 * @module
 */

/** A string of JSON, left as it is, or one of Python's numbers. */
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/gs;
const NAN = "\0NaN"; // no text of a config

/**
 * Parses JSON in which numbers may be `NaN`, `Infinity` or `-Infinity`.
 *
 * @throws {SyntaxError} When it is not JSON otherwise either.
 *
 * @example
 * ```ts
 * import { parsePythonJson } from "./python_json.ts";
 * parsePythonJson('{"cap": Infinity, "name": "NaN"}'); // { cap: Infinity, name: "NaN" }
 * ```
 */
export function parsePythonJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const plain = text.replace(STRING_OR_NUMBER, (found) => {
      if (found.startsWith('"')) return found;
      return found === "NaN" ? JSON.stringify(NAN) : found.replace("Infinity", "1e999");
    });
    if (plain === text) throw error;
    try {
      return JSON.parse(plain, (_, value) => value === NAN ? NaN : value);
    } catch {
      throw error; // with the places of the text as it is
    }
  }
}

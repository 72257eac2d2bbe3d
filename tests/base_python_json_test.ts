import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { parsePythonJson } from "../lib/base/python_json.ts";
import { readJson } from "../lib/model/json_file.ts";
import { refuses } from "./refusals.ts";
import { file } from "./temporary_files.ts";

describe("JSON as Python writes it", () => {
  it("has numbers that are none or without end", () => {
    assert.deepEqual(
      parsePythonJson('{"a": Infinity, "b": [-Infinity, NaN, 1e400], "NaN": "Infinity \\" NaN"}'),
      { a: Infinity, b: [-Infinity, NaN, Infinity], NaN: 'Infinity " NaN' },
    );
    assert.ok(Number.isNaN(parsePythonJson(" NaN\n")));
    assert.equal(parsePythonJson('"NaN"'), "NaN");
  });

  it("is refused where it is no JSON otherwise, with the place in the text as it is", async () => {
    for (const text of ['{"a": Infinity,}', "nan", "+Infinity", "NaNa", "[NaN", "inf"]) {
      assert.throws(() => parsePythonJson(text), SyntaxError, text);
    }
    await refuses(
      readJson(await file("a.json", "[Infinity, x]")),
      /a\.json is not JSON: .*\[Infinity/,
    );
  });
});

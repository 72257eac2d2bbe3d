import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { type MethodName, METHODS } from "../lib/method/mod.ts";
import { studyMethodIdentity } from "../lib/lab/study/methods.ts";
import { methodIdentity } from "../lib/run/method_identity.ts";
import { methodInWords, withMethodTable } from "../lib/method/method_table.ts";

const page = "lib/method/README.md";

/** Cells of a Markdown table's rows, whatever its columns' widths. */
const cells = (text: string) =>
  text.split("\n").filter((line) => line.startsWith("| `"))
    .map((line) => line.split(" | ").map((cell) => cell.replaceAll(/^\| | *\|?$/g, "").trim()));

describe("the table of methods", () => {
  it("is, in the page, that of the code: deno task methods --write", async () => {
    const text = await Deno.readTextFile(page);
    const found = cells(text.slice(text.indexOf("<!-- methods -->")));
    assert.deepEqual(found, cells(withMethodTable("<!-- methods --><!-- end of methods -->")));
    assert.equal(found.length, Object.keys(METHODS).length);
  });

  it("has a source, a sampler, a ranker and a loss in words for each", () => {
    for (const name of Object.keys(METHODS)) {
      for (const [column, words] of Object.entries(methodInWords(name))) {
        assert.ok(column === "year" || words.length > 0, `${name}: ${column}`);
      }
    }
    assert.equal(methodInWords("self-judge").year, "2024");
    assert.equal(methodInWords("spo").known, "reconstruction");
    assert.throws(() => withMethodTable("no place"), RangeError);
  });
});

describe("a method's identity", () => {
  it("has a revision where what its functions compute has changed, and is as it was elsewhere", () => {
    const revised = (Object.keys(METHODS) as MethodName[]).filter((name) => {
      assert.deepEqual(studyMethodIdentity(name), methodIdentity(name));
      return "revision" in methodIdentity(name);
    });
    assert.deepEqual(
      revised.sort(),
      ["d2po", "d2po-dpo", "d2po-self", "self-rewarding", "sso", "sso-generator"],
    );
    for (const name of revised) assert.equal(methodIdentity(name).revision, 2);
    assert.equal(
      JSON.stringify(methodIdentity("self-judge")),
      '{"samples":"policy","candidates":2,"loss":"sigmoid","ranker":"judge"}',
    );
    assert.doesNotMatch(Object.keys(methodInWords("sso")).join(), /revision/);
  });
});

import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { parsePythonLiteral } from "../lib/preference/python_literal.ts";

describe("Python's literals", () => {
  it("are read as Python reads them", async () => {
    const script = `
values = [
    [{"role": "user", "content": "It's \\"5\\"\\n\\ttab \\\\ \\x00\\x1b é \\U0001f600 \\u2028"}],
    {"a": None, "b": [True, False], "c": (1, -2.5, 1e30), "d": {}, "e": [], "f": ""},
    "plain", 'a"b', "a'b", -0.0, 10**12,
]
import json
print(json.dumps([[repr(v), v] for v in values]))
`;
    const { success, stdout } = await new Deno.Command("python3", { args: ["-c", script] })
      .output();
    assert.ok(success, "python3 is needed for this test");
    const cases = JSON.parse(new TextDecoder().decode(stdout));
    assert.equal(cases.length, 7);
    for (const [text, value] of cases) assert.deepEqual(parsePythonLiteral(text), value, text);
  });

  it("other spellings: prefixes, octal, trailing commas, numpy's arrays, calls", () => {
    const cases: [string, unknown][] = [
      ["u'a'", "a"],
      ["r'a\\n'", "a\\n"],
      ["'\\101\\q'", "A\\q"],
      ["[1, 2,]", [1, 2]],
      ["(1,)", [1]],
      ["[nan, -inf]", [null, null]],
      ["array(['a', 'b'], dtype=object)", ["a", "b"]],
      ["np.array([{'a': 1}\n {'a': 2}])", [{ a: 1 }, { a: 2 }]],
      ["{'at': datetime.datetime(2024, 1, 2), 'b': 1}", { at: null, b: 1 }],
    ];
    for (const [text, value] of cases) assert.deepEqual(parsePythonLiteral(text), value, text);
  });

  it("what is none is refused, with what was found", () => {
    const cases: [string, RegExp][] = [
      ["[1, 2", /cut off/],
      ["'a", /never closed/],
      ["{'a' 1}", /unexpected "1}"/],
      ["[{'a': 1} ... {'a': 2}]", /left out/],
      ["hello", /hello is no Python value/],
      ["[1] 2", /unexpected "2"/],
      ["'\\ud'", /no character/],
      ["", /cut off/],
    ];
    for (const [text, pattern] of cases) {
      assert.throws(() => parsePythonLiteral(text), pattern, text);
    }
  });
});

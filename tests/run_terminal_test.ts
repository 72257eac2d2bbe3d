import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { ROOT } from "../lib/tools/setup/places.ts";
import { newFolder } from "./temporary_files.ts";
import { onTerminal, terminals } from "./terminal.ts";

const PROGRAM = "run --quiet -A tests/terminal_stages.ts";
const NARROW = 60;
const LONG =
  /^\[1\/3\] long: step 40\/40 \| loss 0\.500 \| words more than a narrow terminal has room for \| [\d.]+ s$/;

describe("what a run's stages show", () => {
  (terminals ? it : it.skip)("is on a terminal a line each, which rewrites itself", async () => {
    const path = await newFolder();
    const line = [Deno.execPath(), ...PROGRAM.split(" "), path];
    const { code, text, lines } = await onTerminal(line, { columns: NARROW });
    assert.equal(code, 0, text);
    const [long, title, pairs, told, answers, took, bare, ...rest] = lines;
    assert.match(long, LONG);
    assert.equal(title, "[2/3] telling: has something to say");
    assert.match(pairs, /^ {2}telling: pair 2\/2 \| [\d.]+ s$/);
    assert.equal(told, "  two pairs");
    assert.match(answers, /^ {2}answers: answer 3\/3 \| [\d.]+ s$/);
    assert.match(took, /^ {2}telling took [\d.]+ s$/);
    assert.match(bare, /^\[3\/3\] bare: [\d.]+ s$/);
    assert.deepEqual(rest, ["the end", ""]);
    // While it runs, as much as there is room for: a line that wraps could not be written over.
    const drawn = text.split("\x1b[2K").map((part) => part.split("\r")[0]);
    const seen = drawn.filter((part) => part.startsWith("[1/3] long: step "));
    assert.ok(seen.length >= 4, `drawn ${seen.length} times`);
    assert.ok(seen.slice(0, -1).every((part) => part.length === NARROW - 1), seen.join("\n"));
    const again = await onTerminal(line);
    assert.match(again.lines[0], /^3 stages done before \([\d.]+ s\): long, telling, bare$/);
    assert.deepEqual(again.lines.slice(1), ["the end", ""]);
  });

  it("is in a file a line each, without what only a terminal can read", async () => {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...PROGRAM.split(" "), await newFolder()],
      cwd: ROOT,
      stdin: "null",
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.ok(success, err);
    for (const sign of ["\x1b", "\r"]) assert.ok(!(out + err).includes(sign), sign);
    const [long, pairs, answers, bare, ...rest] = err.split("\n");
    assert.match(long, LONG);
    assert.match(pairs, /^ {2}telling: pair 2\/2/);
    assert.match(answers, /^ {2}answers: answer 3\/3/);
    assert.match(bare, /^\[3\/3\] bare: /);
    assert.deepEqual(rest, [""]);
    assert.match(out, /^\[2\/3\] telling: has something to say\n {2}two pairs\n {2}telling took/);
  });
});

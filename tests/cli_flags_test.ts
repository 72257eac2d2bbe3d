import assert from "node:assert/strict";
import { Command, type Option } from "commander";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { parseCommand, resumedBy } from "../lib/cli/command.ts";
import {
  onBadLineFlag,
  oneOf,
  repeated,
  runFlag,
  scaleFlag,
  seedFlag,
  setFlag,
  shareOf,
  wholeNumber,
  wholeNumbers,
} from "../lib/cli/flags.ts";
import { refusesAtOnce as refused } from "./refusals.ts";

function read(option: Option, ...args: string[]): unknown {
  const command = parseCommand(new Command("deno task x").addOption(option), args);
  return command.opts()[option.attributeName()];
}

describe("the check of a flag's text", () => {
  it("takes whole numbers from the least up, and names the flag of any other", () => {
    assert.equal(wholeNumber("--n")("0"), 0);
    assert.equal(wholeNumber("--n", 1)("12"), 12);
    for (const text of ["", " ", "x", "1.5", "-1", "1e99", "Infinity"]) {
      refused(
        () => wholeNumber("--n")(text),
        /^--n is ".*"\n {2}-> give a whole number from 0 up$/,
      );
    }
    refused(() => wholeNumber("--n", 1)("0"), /from 1 up/);
    assert.deepEqual(wholeNumbers("--seeds")("1,2, 30"), [1, 2, 30]);
    refused(() => wholeNumbers("--seeds")("1,,2"), /--seeds is ""/);
  });

  it("takes shares above 0 and at most 1, and words of a list", () => {
    assert.equal(shareOf("--share")("0.25"), 0.25);
    for (const text of ["0", "1.1", "x", "-1"]) refused(() => shareOf("--share")(text), /--share/);
    assert.equal(oneOf("--how", ["a", "b"])("b"), "b");
    refused(() => oneOf("--how", ["a", "b"])("c"), /--how is "c"\n {2}-> give a or b/);
  });
});

describe("a flag that several commands have", () => {
  it("is read as what it stands for", () => {
    assert.equal(read(seedFlag(7)), 7);
    assert.equal(read(seedFlag(7), "--seed", "8"), 8);
    assert.equal(read(seedFlag()), undefined);
    assert.equal(read(scaleFlag(["smoke", "small"])), "small");
    assert.equal(read(onBadLineFlag()), "fail");
    assert.equal(read(onBadLineFlag(), "--on-bad-line", "skip"), "skip");
    assert.equal(read(runFlag("runs/x"), "--run", "runs/here"), "runs/here");
  });

  it("keeps every value of one given several times, in order, and none of another command's", () => {
    assert.deepEqual(read(setFlag(), "--set", "a=1", "--set", "b=2", "--set", "a=3"), [
      "a=1",
      "b=2",
      "a=3",
    ]);
    assert.deepEqual(read(repeated("--judge <spec>", "a judge")), []);
  });

  it("is refused by name where its text is wrong, and looked up where it is unknown", () => {
    refused(() => read(seedFlag(7), "--seed", "soon"), /^--seed is "soon"\n/);
    refused(() => read(scaleFlag(["smoke"]), "--scale", "huge"), /no scale "huge"\n.*smoke/);
    refused(() => read(onBadLineFlag(), "--on-bad-line", "x"), /give fail or skip/);
    refused(() => read(runFlag("runs/x"), "--run", " "), /--run ""/);
    refused(() => read(seedFlag(7), "--sed", "1"), /unknown option.*\n.*\n {2}-> see deno task x/);
  });
});

describe("a command that was stopped", () => {
  it("goes on by the same command, but without the flag that deletes what is done", () => {
    assert.equal(resumedBy(["--seed", "2"]), "run the same command again to resume");
    assert.match(resumedBy(["--seed", "2", "--fresh"]), /without --fresh resumes/);
  });
});

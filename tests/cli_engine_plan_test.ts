import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { parse, settingWords } from "../lib/cli/engine.ts";
import { refusesAtOnce } from "./refusals.ts";

describe("deno task engine --plan", () => {
  it("begins from the paper's run, or from the one that is named", () => {
    assert.equal(parse(["--plan"]).plan, "paper");
    assert.equal(parse(["--plan", "large", "--set", "steps=8"]).plan, "large");
    assert.equal(parse(["c.json"]).plan, undefined);
  });

  it("refuses what it would not read", () => {
    refusesAtOnce(() => parse([]), "neither a cluster's file nor --local, --plan or --install");
    refusesAtOnce(
      () => parse(["c.json", "--local", "here"]),
      "c.json and --local are given together",
    );
    refusesAtOnce(
      () => parse(["--plan", "--local", "here"]),
      "--local and --plan are given together",
    );
    refusesAtOnce(
      () => parse(["--plan", "--model", "m"]),
      "--model is given with --plan",
      "--set parameters=",
    );
    refusesAtOnce(() => parse(["--plan", "--scale", "full"]), /--plan .* with option '--scale/);
    refusesAtOnce(() => parse(["--plan", "huge"]), /paper, large/);
  });
});

describe("deno task engine --local", () => {
  it("names model, scale and settings in the commands that it prints, unless they are the default", () => {
    assert.deepEqual(settingWords(parse(["--local", "here"])), []);
    const given = [
      "--model",
      "m",
      "--scale",
      "smoke",
      "--set",
      "judge.maxTokens=9",
      "--set",
      "seed=1",
    ];
    assert.deepEqual(settingWords(parse(["--local", "here", ...given])), given);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { namedJudges, withBaselineJudge } from "../lib/judges/named_judges.ts";
import { judgeSettings, runOf } from "../lib/judges/open_judge.ts";
import { refusesAtOnce } from "./refusals.ts";

describe("a judge's settings", () => {
  it("are those of --principle, and after them those of --set, which have the last word", () => {
    const set = ["judge.maxTokens=512"];
    assert.deepEqual(judgeSettings({ set }), set);
    assert.deepEqual(judgeSettings({ principle: "overall,honesty", set }), [
      'judge.principles=["overall","honesty"]',
      "judge.maxTokens=512",
    ]);
  });

  it("are its run's own for the model of a run, turned round or not", () => {
    const specs = ["run:runs/small-s7#jsft", "inverted:run:a#jsft", "inverted:inverted:run:a"];
    assert.deepEqual(specs.map(runOf), ["runs/small-s7", "a", "a"]);
    for (const spec of ["model:run", "inverted:longer", "recorded:run:a"]) {
      assert.equal(runOf(spec), null, spec);
    }
  });
});

describe("namedJudges", () => {
  it("takes what stands before the first equals sign for a name, unless a colon comes before that", () => {
    assert.deepEqual(
      namedJudges([
        "SmolLM2, JSFT=run:runs/small-s7#jsft",
        "longer",
        "served:http://127.0.0.1:8000/v1,model=m,api=chat",
        "on a server=served:http://127.0.0.1:8000/v1,model=m",
      ]),
      [
        { name: "SmolLM2, JSFT", spec: "run:runs/small-s7#jsft" },
        { name: null, spec: "longer" },
        { name: null, spec: "served:http://127.0.0.1:8000/v1,model=m,api=chat" },
        { name: "on a server", spec: "served:http://127.0.0.1:8000/v1,model=m" },
      ],
    );
  });

  it("refuses a name or a judge left out, and a name given twice", () => {
    for (const bad of [["=longer"], ["a="], [" =longer"], ["a=first", "b=first", "a=longer"]]) {
      refusesAtOnce(() => namedJudges(bad));
    }
  });

  it("refuses the same judge twice without a name, and a name that is another judge's spec", () => {
    for (const bad of [["first", "first"], ["first=longer", "first"]]) {
      assert.throws(() => namedJudges(bad), /two judges are called "first"/, bad.join());
    }
    assert.equal(namedJudges(["a=first", "first"]).length, 2);
  });
});

describe("withBaselineJudge", () => {
  const specs = (judges: string[], asked?: string) =>
    withBaselineJudge(namedJudges(judges), asked).map(({ spec }) => spec);

  it("puts the baseline judge last, or none", () => {
    assert.deepEqual(specs(["first"]), ["first", "longer"]);
    assert.deepEqual(specs(["first"], "random"), ["first", "random"]);
    assert.deepEqual(specs(["first"], "none"), ["first"]);
  });

  it("leaves it out where it is named as a judge, under whatever name", () => {
    assert.deepEqual(specs(["longer"]), ["longer"]);
    assert.deepEqual(specs(["short=longer"]), ["longer"]);
    assert.deepEqual(specs(["random"], "coin=random"), ["random"]);
  });

  it("gives way to a judge of its name, but not where it was asked for", () => {
    assert.deepEqual(specs(["longer=first"]), ["first"]);
    assert.throws(() => specs(["longer=first"], "longer"), /two judges are called "longer"/);
  });
});

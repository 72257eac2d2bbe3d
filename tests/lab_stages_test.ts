import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { CLAIMS } from "../lib/lab/study/claims.ts";
import { STUDY_SCALES } from "../lib/lab/study/config.ts";
import { stagesFor } from "../lib/lab/study/stages.ts";

/** The stages that make a thing that claims compare, by its name. */
function makersOf(item: string): string[] {
  const [kind, name] = item.split("/");
  switch (kind) {
    case "reward":
      return [["sft", "jsft"].includes(name) ? "answers" : "policies"];
    case "right":
      if (name === "jsft") return ["jsft-judge"];
      return [["judge-only", "reward-model"].includes(name) ? "other-judges" : "variant-judges"];
    case "rejection":
      return ["tournament"];
    case "on-policy":
      return ["on-policy-pairs"];
    // The last point of a training run.
    default:
      return [name];
  }
}

describe("the stages of a claim", () => {
  for (const scale of ["smoke", "small", "full"] as const) {
    const { config } = STUDY_SCALES[scale];
    const controls = STUDY_SCALES.full.config.controls.filter((control) =>
      !(config.controls as readonly string[]).includes(control)
    );
    for (const { number, contrasts } of CLAIMS) {
      // Smoke has fewer sizes of tournament and fewer kinds of labels than the claims compare.
      if (scale === "smoke" && (number === 4 || number === 7)) continue;
      it(`make all that claim ${number} compares, each after what it needs (${scale})`, () => {
        const stages = stagesFor([number], config);
        const names = stages.map(({ name }) => name);
        for (const { a, b, says } of contrasts) {
          // What is only reported of a control is left out where there are none.
          if (says === "report" && controls.some((name) => `${a} ${b}`.includes(name))) continue;
          for (const maker of [a, b].flatMap(makersOf)) {
            assert.ok(names.includes(maker), `${maker} for ${a} and ${b}, of ${names}`);
          }
        }
        stages.forEach(({ name, needs }, i) =>
          needs.forEach((need) => assert.ok(names.indexOf(need) < i, `${name} needs ${need}`))
        );
      });
    }
  }

  it("are no more than it compares or needs", () => {
    const { config } = STUDY_SCALES.full;
    const names = (claim: number) => stagesFor([claim], config).map(({ name }) => name);
    assert.deepEqual(names(4), ["jsft", "reward-model", "self-judge", "tournament"]);
    for (const claim of [5, 6, 7]) {
      for (const other of ["sft", "reward-model"]) assert.ok(!names(claim).includes(other), other);
    }
    assert.deepEqual(names(2).filter((name) => name.startsWith("long-")), []);
  });

  it("are each there once, whatever the claims", () => {
    const names = stagesFor([1, 2, 3, 4, 5, 6, 7], STUDY_SCALES.full.config).map((s) => s.name);
    assert.equal(new Set(names).size, names.length);
  });
});

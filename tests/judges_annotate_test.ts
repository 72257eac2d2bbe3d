import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { relative } from "node:path";
import { annotate, readUnlabelled } from "../lib/judges/annotate.ts";
import { besideGold, readGold, refuseOwnGold } from "../lib/judges/gold_labels.ts";
import { recordedJudge } from "../lib/judges/recorded.ts";
import { Rng } from "../lib/base/random.ts";
import { firstPosition, longerWins } from "../lib/measure/baseline_judges.ts";
import { labelNoise } from "../lib/measure/label_noise.ts";
import { annotated } from "./measure_annotation_files.ts";
import { refuses } from "./refusals.ts";
import { file, jsonLines } from "./temporary_files.ts";

const seed = 7;
const pair = (prompt: string, more: Record<string, unknown> = {}) => ({
  ...{ prompt, chosen: "a long answer", rejected: "short" },
  ...more,
});

describe("readUnlabelled", () => {
  it("gives each pair an id of its own, whatever ids the files give", async () => {
    const records = ["one", "two", "three"].map((prompt) => pair(prompt, { id: "same" }));
    const path = await file("same-ids.jsonl", jsonLines(records));
    const { pairs } = await readUnlabelled([path], { seed });
    assert.deepEqual(pairs.map(({ id }) => id), ["same", `${path}:2/same`, `${path}:3/same`]);
  });

  it("takes the same answers by two principles for two comparisons", async () => {
    const records = ["honesty", "helpfulness", "honesty"].map((principle) =>
      pair("Hi", { principle })
    );
    const path = await file("principles.jsonl", jsonLines(records));
    const { pairs, leftOut } = await readUnlabelled([path], { seed });
    assert.deepEqual(pairs.map(({ principle }) => principle), ["honesty", "helpfulness"]);
    assert.deepEqual(leftOut.map(({ reason }) => reason), ["the same comparison comes again"]);
  });
});

describe("labelNoise", () => {
  it("expects of a label what the judge leaves to the other answer, also where votes chose against J", () => {
    const labels = [0.9, 0.36].map((J) => ({ J, chosen: "first", gold: "second" } as const));
    const clusters = ["a", "b"];
    const found = labelNoise(labels, { clusters, rng: Rng.named(seed, "noise"), samples: 20 });
    assert.ok(Math.abs(found.expectedNoise.value! - (0.1 + 0.64) / 2) < 1e-12);
    assert.ok(Math.abs(found.excessNoise.value! - (0.9 + 0.36) / 2) < 1e-12);
  });
});

describe("a gold sample", () => {
  it("holds for the principle that it was labelled by", async () => {
    const gold = await readGold([
      await file("gold-honesty.jsonl", jsonLines([pair("Hi", { principle: "honesty" })])),
    ], { seed });
    const of = async (principle?: string) => {
      const path = await file("asked.jsonl", jsonLines([pair("Hi", { principle })]));
      const { pairs } = await readUnlabelled([path], { seed });
      return gold.of(pairs[0])?.choice ?? null;
    };
    assert.equal(await of("honesty"), "a long answer");
    assert.equal(await of("helpfulness"), null);
  });

  it("has the order of each file for itself, so that a file beside it changes no kappa", async () => {
    const records = Array.from({ length: 30 }, (_, i) => {
      const answers = [`a long answer ${i}`, `short ${i}`];
      const [chosen, rejected] = i % 3 === 0 ? answers.toReversed() : answers;
      return pair(`Ask ${i}`, { chosen, rejected });
    });
    const path = await file("gold.jsonl", jsonLines(records));
    const unrelated = await file("unrelated.json", [annotated("Yo", 1.9)]);
    const { pairs } = await readUnlabelled([path], { seed });
    const judge = { name: "longer", compare: longerWins };
    const judged = await annotate({ judge, fingerprint: "f" }, pairs);
    const kappa = async (files: string[]) => {
      const { labels, clusters } = besideGold(judged, await readGold(files, { seed }));
      const rng = Rng.named(seed, "kappa");
      return labelNoise(labels, { clusters, rng, samples: 20 }).kappa.value;
    };
    const alone = await kappa([path]);
    assert.ok(alone !== null && alone > 0.2, `${alone}`);
    assert.equal(await kappa([path, unrelated]), alone);
  });

  it("says what of its files is left out or odd", async () => {
    const path = await file("odd-gold.json", [
      annotated("Hi", 1.2),
      annotated("Same", 1.5, ["x", "x"]),
    ]);
    const { leftOut, warnings } = await readGold([path], { seed });
    assert.deepEqual(leftOut, { "the two answers are the same": 1 });
    assert.deepEqual(warnings.map(({ items }) => items), [[2]]);
  });

  it("is refused where the judge has its verdicts from it, however its path is written", async () => {
    const path = await file("verdicts.json", [annotated("Hi", 1.2)]);
    const { judge } = await recordedJudge([path]);
    const gold = await readGold([relative(Deno.cwd(), path)], { seed });
    await refuses(() => refuseOwnGold(judge, gold), /is where the judge recorded has its verdicts/);
    refuseOwnGold({ name: "first", compare: firstPosition }, gold);
  });
});

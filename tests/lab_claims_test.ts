import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { type Measured, measureFamily, type RunItems } from "../lib/lab/study/claims.ts";
import { type Contrast, FAMILIES, familiesOf, type Family } from "../lib/lab/study/families.ts";
import { DESK_LEAGUE } from "../lib/lab/world/league.ts";
import { SENTENCE_LEAGUE } from "../lib/lab/sentences/league.ts";
import { studyMethod } from "../lib/lab/study/methods.ts";
import { claimRows, familyTable, withKeptIntervals } from "../lib/lab/study/page_families.ts";
import { COUNTED } from "../lib/lab/study/counted.ts";

const contrast = (a: string, says: Contrast["says"] = "greater", margin?: number): Contrast => ({
  ...{ text: a, a, b: "b", says, margin },
  paper: "says so",
});
const family = (...contrasts: Contrast[]): Family => ({ number: 1, text: "one", contrasts });

/** Three bases with five seeds each, in which `a` is better than b by about `gaps`, one a base. */
const runs = (gaps: readonly number[], name = "a"): RunItems[] =>
  gaps.flatMap((gap, base) =>
    [-0.02, -0.01, 0, 0.01, 0.02].map((e, seed) => ({
      ...{ base: `${base + 1}`, seed: seed + 1 },
      items: { [name]: [gap + e, gap + e], b: [0, 0] },
    }))
  );
const BASES = ["1", "2", "3"];
const measure = (one: Family, some: readonly RunItems[], bases = BASES) =>
  measureFamily(one, some, bases);
const only = (gaps: readonly number[], says?: Contrast["says"], margin?: number): Measured =>
  measure(family(contrast("a", says, margin)), runs(gaps))[0];

describe("a contrast", () => {
  it("has the mean of bases and an interval that knows of them", () => {
    const alike = only([1, 1, 1]);
    assert.deepEqual([alike.valueA, alike.valueB, alike.runs, alike.bases], [1, 0, 15, 3]);
    assert.ok(Math.abs(alike.difference - 1) < 1e-12);
    assert.ok(alike.low! > 0.985 && alike.high! < 1.015, `${alike.low} ${alike.high}`);
    const apart = only([0.5, 1, 1.5]);
    assert.ok(apart.low! < 0.75 && apart.high! > 1.25, "bases that differ widen it");
    assert.deepEqual(Object.keys(apart.perBase), ["1", "2", "3"]);
  });

  it("is held only if every base has its sign", () => {
    assert.equal(only([0.1, 0.1, 0.1]).verdict, "held");
    assert.equal(only([0.5, 0.5, -0.01]).verdict, "open");
    assert.equal(only([-0.1, -0.1, -0.1]).verdict, "not held");
    assert.equal(only([0, 0, 0]).verdict, "open");
  });

  it("is unfinished, and has no interval, until every base has a run", () => {
    const two = measure(family(contrast("a")), runs([0.1, 0.1]))[0];
    assert.deepEqual([two.verdict, two.low, two.high, two.runs], ["unfinished", null, null, 10]);
    assert.equal(measure(family(contrast("a")), runs([0.1, 0.1]), ["1", "2"])[0].verdict, "held");
    assert.deepEqual(
      measure(family(contrast("a")), runs([1, 1, 1, 9]))[0].valueA,
      1,
      "base 4 is apart",
    );
  });

  it("of a league of one base has Student's interval over seeds", () => {
    const [one] = measure(family(contrast("a")), runs([1]), ["1"]);
    // t(0.975, 4) = 2.7764 times the standard error of -0.02 ... 0.02, 0.0070711.
    assert.ok(Math.abs(one.high! - 1 - 2.7764 * 0.0070711) < 1e-5, `${one.high}`);
    assert.deepEqual([one.verdict, one.pBases], ["held", null]);
  });

  it("has the p of its bases' means beside that of its runs", () => {
    const { pBases } = only([1, 2, 3]);
    // t = 2 / (1 / sqrt 3) with two degrees of freedom: 0.0371 one-sided.
    assert.ok(Math.abs(pBases! - 0.03709) < 1e-4, `${pBases}`);
    const two = measure(family(contrast("a"), contrast("c")), [
      ...runs([1, 2, 3]),
      ...runs([1, 2, 3], "c"),
    ]);
    assert.ok(Math.abs(two[0].pBases! - 2 * 0.03709) < 1e-4, "adjusted as the others are");
  });

  it("whose sides are not alike is reported, and no part of the correction", () => {
    const apart = { ...contrast("a"), text: "apart", reported: "it draws less" };
    const [a, b] = measure(family(contrast("a"), apart), runs([0.1, 0.1, 0.1]));
    assert.deepEqual([a.verdict, b.verdict], ["held", "reported"]);
    const alone = only([0.1, 0.1, 0.1]);
    assert.equal(a.p, alone.p);
  });

  it("of no worse allows the margin, and is refuted only beyond it", () => {
    assert.equal(only([-0.01, -0.01, -0.01], "no worse", 0.05).verdict, "held");
    assert.equal(only([-0.05, -0.05, -0.05], "no worse", 0.05).verdict, "open");
    assert.equal(only([-0.1, -0.1, -0.1], "no worse", 0.05).verdict, "not held");
  });

  it("is corrected for its family by Holm", () => {
    // Alone the gap is shown; among nine of nothing it is not.
    const weak = runs([0.009, 0.009, 0.009]).map((run) => ({ ...run }));
    const names = Array.from({ length: 9 }, (_, i) => `none${i}`);
    for (const run of weak) {
      for (const name of names) {
        (run.items as Record<string, number[]>)[name] = [0.001 * (run.seed - 3)];
      }
    }
    const alone = measure(family(contrast("a")), weak)[0];
    const among = measure(family(contrast("a"), ...names.map((n) => contrast(n))), weak)[0];
    const unplayed = measure(family(contrast("a"), ...names.map((n) => contrast(n))), [
      ...runs([0.009, 0.009, 0.009]),
    ]);
    assert.equal(unplayed.length, 1);
    assert.equal(unplayed[0].p, among.p, "what is not played yet counts, too");
    assert.equal(alone.verdict, "held");
    assert.ok(Math.abs(among.p! - 10 * alone.p!) < 1e-12);
    assert.equal(among.verdict, "open");
  });

  it("of one run has an interval over prompts and no verdict", () => {
    const [found] = measure(family(contrast("a")), [
      { base: "1", seed: 1, items: { a: [1, 2, 3, 4], b: [0, 0, 0, 0] } },
    ]);
    assert.equal(found.difference, 2.5);
    assert.ok(found.low! >= 1 && found.low! < 2.5 && found.high! > 2.5 && found.high! <= 4);
    assert.deepEqual([found.p, found.verdict], [null, "one run"]);
  });

  it("of one run keeps the interval that a table has of it, once its prompts are gone", () => {
    const of = (...values: number[][]) =>
      measure(
        family(contrast("a")),
        values.map((a, i) => ({ base: "1", seed: i + 1, items: { a, b: a.map(() => 0) } })),
        ["1"],
      );
    const before = of([1, 2, 3, 4]);
    const kept = JSON.parse(JSON.stringify(claimRows(before)));
    const means = of([2.5]);
    assert.equal(means[0].low, null);
    assert.deepEqual(withKeptIntervals(means, kept), before);
    assert.equal(withKeptIntervals(of([2.4]), kept)[0].low, null, "it is another run's");
    assert.deepEqual(withKeptIntervals(of([2.5], [2.6]), kept), of([2.5], [2.6]));
  });

  it("has no verdict before its family has the runs that it takes", () => {
    const three = { ...family(contrast("a")), runs: 3 };
    const [first, second, third] = runs([1]);
    const after = (...some: RunItems[]) => measure(three, some, ["1"])[0].verdict;
    assert.deepEqual(
      [after(first), after(first, second), after(first, second, third)],
      ["one run", "unfinished", "held"],
    );
    const page = familyTable(three, measure(three, [first, second], ["1"]));
    assert.ok(page.includes("| on each seed |"), page);
    assert.ok(
      page.includes("| seed 1: +0.980<br>seed 2: +0.990 | 2 |  |  |  | **unfinished**"),
      page,
    );
    const several = familyTable(three, measure(three, runs([1, 1, 1])));
    assert.ok(several.includes("| 1: +1.000<br>2: +1.000<br>3: +1.000 | 15 |"), several);
  });

  it("uses only runs that have both, and is absent without one", () => {
    const lone = { base: "9", seed: 1, items: { a: [9] } };
    assert.equal(measure(family(contrast("a")), [...runs([1, 1, 1]), lone])[0].runs, 15);
    assert.deepEqual(measure(family(contrast("a")), [lone]), []);
  });
});

const rewards = (a: string, ...others: string[]): [string, string][] =>
  others.map((b) => [`reward/${a}`, `reward/${b}`]);
const knockouts = (policy: string): [string, string][] =>
  [[4, 1], [16, 4]].map(([more, less]) => {
    const [a, b] = [more, less].map((n) => `rejection/${policy}/own judge/${n}`);
    return [a, b];
  });

/** What the rows of the protocol's table compare, by their text: the first side against the second. */
const PROTOCOL: Readonly<Record<string, readonly [a: string, b: string][]>> = {
  "JSFT answers against SFT": rewards("jsft", "sft"),
  "JSFT judges against judge-only training": [["right/jsft", "right/judge-only"]],
  "JSFT judges against a reward model of the same base": [["right/jsft", "right/reward-model"]],
  "SELF-JUDGE against off-policy DPO, one judge": rewards("self-judge", "off-policy-dpo"),
  "off-policy DPO against the data set's pairs relabelled": rewards(
    "off-policy-dpo",
    "relabelled-dpo",
  ),
  "SELF-JUDGE against SFT; against JSFT": rewards("self-judge", "sft", "jsft"),
  "SELF-JUDGE against offline DPO": rewards("self-judge", "offline-dpo"),
  "SELF-JUDGE against RAFT with two samples": rewards("self-judge", "raft-2"),
  "SELF-JUDGE against DPO on a reward model's verdicts": rewards("self-judge", "reward-model-dpo"),
  "SELF-JUDGE against DPO by a coin, by the shorter answer, by the politer one (order desk)":
    rewards("self-judge", "dpo-coin", "dpo-shorter", "dpo-politer"),
  "RAFT with two samples against RAFT by a coin, by the shorter, by the politer": rewards(
    ...["raft-2", "raft-coin", "raft-shorter", "raft-politer"] as const,
  ),
  "JSFT, N = 4 against 1; 16 against 4": knockouts("jsft"),
  "SELF-JUDGE at its chosen step, N = 4 against 1; 16 against 4": knockouts("self-judge"),
  "principles asked instead; beside; rationale; against plain JSFT as judges": [
    ...["principles, overall question", "principles besides, overall question", "rationale"],
  ].map((judge) => [`right/${judge}`, "right/jsft"]),
  "frozen against moving; refreshed; separate": rewards(
    ...["self-judge", "self-judge-moving", "self-judge-refreshed", "separate-judge-dpo"] as const,
  ),
  "separate discriminator with gold labels (D2PO) against the same labels for the one model (d2po-self)":
    rewards("d2po", "d2po-self"),
  "SELF-JUDGE with soft labels against hard ones": rewards("self-judge-soft", "self-judge"),
  "the model's own view of quality (Sr-DPO) against SELF-JUDGE": rewards("sr-dpo", "self-judge"),
  "principle contrast (SSO) against SELF-JUDGE": rewards("sso", "self-judge"),
  "replay every T steps (LoL) against on-policy": rewards("lol", "self-judge"),
  "SELF-JUDGE in rounds of 4 and of 16 steps against step by step": [4, 16].map((k) => [
    ...[`staleness/chosen/${k}`, "staleness/chosen/1"] as const,
  ]),
};

describe("the protocol's families", () => {
  it("are those of the protocol file, contrast by contrast", async () => {
    const protocol = await Deno.readTextFile("data/results/claims/protocol.md");
    const rows = [
      ...protocol.matchAll(/^\| (\d) [^|]*\| ([^|]+) \| (greater|no worse)([^|]*) \|/gm),
    ]
      .map(([, number, text, says, margin]) => ({ number: Number(number), text, says, margin }));
    assert.deepEqual(rows.map(({ text }) => text), Object.keys(PROTOCOL));
    const written = rows.flatMap(({ number, text, says, margin }) =>
      PROTOCOL[text].map(([a, b]) =>
        [number, a, says, b, margin === "" ? undefined : Number(margin.replace(",", ""))].join(" ")
      )
    );
    // The protocol's changes report the staleness contrasts at the last step and at equal KL beside those of the table.
    const counted = FAMILIES.flatMap(({ number, contrasts }) =>
      contrasts
        .filter(({ a }) => !/^staleness\/(last|equal KL)/.test(a))
        .map(({ a, says, b, margin }) => [number, a, says, b, margin].join(" "))
    );
    assert.deepEqual(counted, written);
  });

  it("compare like with like: as many samples on both sides", () => {
    const method = (name: string) => name.replace("reward/", "");
    for (const { contrasts } of FAMILIES) {
      for (const { a, b, reported } of contrasts) {
        if (reported !== undefined) continue;
        if (!a.startsWith("reward/") || !b.startsWith("reward/")) continue;
        const [x, y] = [a, b].map(method);
        if (["sft", "jsft"].some((start) => [x, y].includes(start))) continue;
        assert.ok((COUNTED as readonly string[]).includes(x), `${x} is counted`);
        assert.ok((COUNTED as readonly string[]).includes(y), `${y} is counted`);
        const samples = [x, y].map((name) =>
          studyMethod(name as typeof COUNTED[number]).candidates
        );
        assert.equal(samples[0], samples[1], `${x} and ${y}`);
      }
    }
  });

  it("are, of a world, those that it plays both sides of", () => {
    const texts = (league: typeof DESK_LEAGUE) =>
      familiesOf({ rows: league.rows, extras: league.extras.length > 0 });
    assert.deepEqual(texts(DESK_LEAGUE), FAMILIES);
    const sentences = texts(SENTENCE_LEAGUE);
    assert.deepEqual(sentences.map(({ number, contrasts }) => [number, contrasts.length]), [
      [1, 3],
      [2, 2],
      [3, 7],
      [4, 4],
    ]);
  });
});

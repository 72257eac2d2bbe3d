import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { CLAIMS, measure } from "../lib/lab/study/claims.ts";
import { COMPARED, STUDY_SCALES } from "../lib/lab/study/config.ts";
import { claimsTable, gather, type Outcome } from "../lib/lab/study/results.ts";
import { writeCsv, writeJsonl } from "../lib/base/files.ts";
import { saveItems } from "../lib/lab/study/items.ts";
import { csv } from "./csv_files.ts";
import { committedItems } from "./lab_tables.ts";
import { newFolder } from "./temporary_files.ts";
import { ROOT } from "./tiny_run.ts";

const { config } = STUDY_SCALES.full;

describe("the study's results", () => {
  let root = "";
  let outcomes: Outcome[] = [];
  const seeds = () => [1, 2, 3].map((seed) => ({ seed, path: `${root}/seed-${seed}` }));
  const claim = (number: number) => outcomes.find((outcome) => outcome.number === number);
  const part = (number: number, a: string, b: string) =>
    claim(number)!.parts.find((one) => one.a === a && one.b === b)!;

  before(async () => {
    root = await newFolder();
    for (const { seed, path } of seeds()) {
      const stage = async (name: string) => {
        await Deno.mkdir(`${path}/${name}`, { recursive: true });
        return `${path}/${name}`;
      };
      // Judges: JSFT right on 3 of 4 pairs, the judge alone on 2 or 3, the reward model on 1.
      const right = { "judge-only": [1, 1, seed % 2, 0], "reward-model": [1, 0, 0, 0] };
      const jsft = await stage("jsft-judge");
      await saveItems(jsft, { "right/jsft": [1, 1, 1, 0] });
      await writeCsv(`${jsft}/judges.csv`, [{ judge: "jsft", accuracy_clear: 0.75 }]);
      const others = await stage("other-judges");
      await saveItems(
        others,
        Object.fromEntries(Object.entries(right).map(([name, r]) => [`right/${name}`, r])),
      );
      const answers = await stage("answers");
      await saveItems(answers, { "reward/jsft": [1, 2], "reward/sft": [1, 1 + seed / 10] });
      await writeCsv(`${answers}/policies.csv`, [{ policy: "sft", reward: 1 + seed / 20, kl: 2 }]);
      // Courses: SELF-JUDGE best at step 40 in the mean, though not at seed 3; off-policy at 20.
      const course = async (name: string, rewards: number[]) =>
        await writeJsonl(
          `${await stage(name)}/points.jsonl`,
          rewards.map((reward, i) => ({ step: 20 * i, reward })),
        );
      await course("self-judge", [1, 1.1, seed === 3 ? 1.2 : 2, 1.3, 1.5]);
      // The second seed's other runs were stopped: they have no end, nor a best step.
      await course("off-policy-dpo", seed === 2 ? [1, 9] : [1, 1.4, 1.2, 1.1, 0.9]);
      await course("self-judge-t2-n4000", seed === 2 ? [0.5, 0.7] : [0.5, 0.7, 0.8, 0.9, 1]);
      // The third seed was not asked about noise.
      if (seed < 3) {
        await writeCsv(`${await stage("noisy-judges")}/judges.csv`, [
          { judge: "jsft-t2-n4000", accuracy_clear: 0.6 },
        ]);
      }
    }
    outcomes = await gather(seeds(), { out: `${root}/results`, config });
  });

  it("pair seeds and items, and take Student's interval over seeds", () => {
    const { valueA, valueB, difference, low, high, seeds } = part(
      1,
      "right/jsft",
      "right/judge-only",
    );
    // Differences by seed: 0, 0.25, 0; mean 1/12, deviation 0.144338, over sqrt 3 times t(2) = 4.30265.
    assert.ok(Math.abs(valueA - 0.75) < 1e-12 && Math.abs(valueB - 2 / 3) < 1e-12);
    assert.ok(Math.abs(difference - 1 / 12) < 1e-12 && seeds === 3);
    assert.ok(Math.abs(low! - (1 / 12 - 0.358554)) < 1e-5, `${low}`);
    assert.ok(Math.abs(high! - (1 / 12 + 0.358554)) < 1e-5);
    assert.equal(part(1, "right/jsft", "right/reward-model").verdict, "held");
    assert.equal(claim(1)!.verdict, "mixed");
  });

  it("leave out a claim of which a part is not measured", async () => {
    assert.deepEqual(outcomes.map(({ number }) => number), [1]);
    const rows = await csv(`${root}/results/claims.csv`);
    assert.deepEqual([...new Set(rows.map(({ claim }) => claim))], [1]);
  });

  it("take a method's best step from its mean over the seeds, not seed by seed", async () => {
    // Claim 2 needs the policies' rewards too.
    for (const { seed, path } of seeds()) {
      await Deno.mkdir(`${path}/policies`, { recursive: true });
      const at = (reward: number) => [reward + seed / 100];
      await saveItems(`${path}/policies`, {
        "reward/self-judge": at(1.3),
        "reward/off-policy-dpo": at(1.2),
        "reward/relabelled-dpo": at(1.1),
      });
    }
    outcomes = await gather(seeds(), { out: `${root}/results`, config });
    const { valueA, valueB, seeds: n } = part(2, "best/self-judge", "best/off-policy-dpo");
    assert.equal(n, 2);
    assert.ok(Math.abs(valueA - (2 + 1.2) / 2) < 1e-12, `${valueA}`);
    assert.ok(Math.abs(valueB - 1.4) < 1e-12);
    assert.equal(claim(2)!.verdict, "held");
  });

  it("keep every seed's numbers in tables, and runs that ended alone beside their labels", async () => {
    const table = (name: string) => csv(`${root}/results/${name}.csv`);
    assert.deepEqual((await table("reward-by-method"))[1], {
      method: "sft",
      seed: 2,
      reward: 1.1,
      kl: 2,
    });
    assert.equal((await table("reward-over-steps")).length, 5 * 5 + 2);
    const noise = await table("label-noise");
    assert.deepEqual(noise.filter((row) => row.noise === 2), [{
      noise: 2,
      pairs: 4000,
      seed: 1,
      accuracy: 0.6,
      start_reward: 0.5,
      reward: 1,
    }]);
    const world = noise.filter((row) => row.noise === 0.5); // SELF-JUDGE itself
    assert.deepEqual(world.map(({ seed, accuracy }) => [seed, accuracy]), [[1, 0.75], [2, 0.75]]);
  });

  it("say in words what was compared, and what the intervals are of", () => {
    const text = claimsTable(outcomes);
    assert.match(
      text,
      /\| \| jsft against judge-only \| 0\.750, 0\.667 \| \+0\.083 \[-0\.275, \+0\.442\] \| 3 \| open \|/,
    );
    assert.match(text, /self-judge at its best step against off-policy-dpo at its best step/);
    assert.match(text, /Student's t/);
    assert.doesNotMatch(text, /bootstrap/);
    assert.equal(claimsTable([]), "No claim has all its parts measured yet.");
  });
});

describe("the committed results", () => {
  it("are what their tables give: every contrast, its interval and its verdict", async () => {
    const items = await committedItems();
    const rows = await csv("data/results/claims/claims.csv");
    const contrasts = CLAIMS.flatMap(({ number, contrasts }) =>
      contrasts.map((contrast) => ({ number, contrast }))
    );
    assert.deepEqual(
      rows.map(({ claim, a, b }) => [claim, a, b]),
      contrasts.map(({ number, contrast: { a, b } }) => [number, a, b]),
    );
    for (const [i, { contrast }] of contrasts.entries()) {
      const found = measure(contrast, items)!;
      const row = rows[i];
      const name = `${contrast.a} against ${contrast.b}`;
      assert.deepEqual([row.seeds, row.verdict], [found.seeds, found.verdict], name);
      for (
        const [kept, made] of [
          [row.value_a, found.valueA],
          [row.value_b, found.valueB],
          [row.difference, found.difference],
          [row.low, found.low],
          [row.high, found.high],
        ]
      ) assert.ok(Math.abs(Number(kept) - Number(made)) < 1e-9, `${name}: ${kept}, ${made}`);
    }
  });

  it("are what the README's table says, row by row, and all that the claims say is there", async () => {
    const fixed = (value: number) => value.toFixed(3);
    const signed = (value: number) => (value < 0 ? "" : "+") + fixed(value);
    const rows = (await csv("data/results/claims/claims.csv")).map((row) => {
      const [a, b, difference, low, high] = ["value_a", "value_b", "difference", "low", "high"]
        .map((name) => Number(row[name]));
      const values = `${fixed(a)}, ${fixed(b)}: ${signed(difference)} `;
      const measured = values + `[${signed(low)}, ${signed(high)}]`;
      const verdict = String(row.verdict);
      return { verdict, told: [row.claim, measured, verdict].join(" | ") };
    });
    const readme = await Deno.readTextFile(`${ROOT}/README.md`);
    const told = [...readme.matchAll(/^\| (\d) .*? \| (\S+, \S+: .+?) +\| (\S.*?) +\|$/gm)]
      .map(([, claim, measured, verdict]) => [claim, measured, verdict].join(" | "));
    const known = rows.map((row) => row.told);
    for (const row of told) assert.ok(known.includes(row), row);
    for (const row of rows) {
      if (row.verdict !== "reported") assert.ok(told.includes(row.told), row.told);
    }
  });

  it("have every method and every seed", async () => {
    const rows = await csv("data/results/claims/reward-by-method.csv");
    for (const method of ["base", "sft", "jsft", ...COMPARED, ...config.controls]) {
      const seeds = rows.filter((row) => row.method === method).map(({ seed }) => seed);
      assert.deepEqual(seeds, [1, 2, 3, 4, 5], method);
    }
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { Rng } from "../lib/base/random.ts";
import { collectPairs } from "../lib/preference/mod.ts";
import { DATA_FOLDER, deskPairs, type DeskRow, makeData, SPLITS } from "../lib/lab/world/data.ts";
import { requestedItems } from "../lib/lab/world/desk.ts";
import { drawAnswers, prefersFirst } from "../lib/lab/world/preference.ts";
import { readAnswer, reward, viewsOf } from "../lib/lab/world/reward.ts";
import { csv } from "./csv_files.ts";

const data = makeData(1);

describe("the world's data", () => {
  it("is, on disk, what its task makes again", async () => {
    for (const name of ["train", "held_out", "principles"] as const) {
      assert.deepEqual(await csv(`${DATA_FOLDER}/${name}.csv`), data[name], name);
    }
    assert.equal(data.train.length, SPLITS.train);
    const { pairs: [pair] } = await collectPairs(`${DATA_FOLDER}/train.csv`);
    const [row] = data.train;
    assert.deepEqual([pair.id, pair.prompt[0].content, pair.chosen], [
      row.id,
      row.prompt,
      row.chosen,
    ]);
    assert.notDeepEqual(makeData(2).held_out[0], data.held_out[0]);
  });

  it("has no request in both splits, in whatever words or sequence", () => {
    const card = (row: { prompt: string }) => requestedItems(row.prompt).sort().join(" ");
    const heldOut = new Set(data.held_out.map(card));
    assert.equal(data.held_out.length, SPLITS.held_out);
    for (const row of [...data.train, ...data.principles]) {
      assert.ok(!heldOut.has(card(row)), row.prompt);
    }
  });

  it("states the true rewards", () => {
    for (const row of data.held_out) {
      for (const side of ["chosen", "rejected"] as const) {
        const found = reward(row.prompt, row[side]);
        assert.ok(Math.abs(found - row[`reward_${side}`]) < 5.1e-4);
      }
    }
  });

  it("has labels that agree with the reward about as often as Bradley and Terry's model says", () => {
    const p = (row: DeskRow) => 1 / (1 + Math.exp(-Math.abs(gap(row)) / 0.5));
    const gap = (row: DeskRow) => row.reward_chosen - row.reward_rejected;
    const differing = data.train.filter((row) => gap(row) !== 0);
    const expected = differing.reduce((sum, row) => sum + p(row), 0) / differing.length;
    const agree = differing.filter((row) => gap(row) > 0).length / differing.length;
    const error = Math.sqrt(expected * (1 - expected) / differing.length);
    assert.ok(Math.abs(agree - expected) < 3 * error, `${agree}, expected ${expected}`);
    assert.ok(expected > 0.8 && expected < 0.9, `${expected}`);
  });

  it("has principle labels on answers that differ in that view", () => {
    let agree = 0;
    for (const { prompt, chosen, rejected, principle } of data.principles) {
      const [a, b] = [chosen, rejected].map((answer) =>
        viewsOf(readAnswer(prompt, answer))[principle]
      );
      assert.notEqual(a, b);
      agree += Number(a > b) / data.principles.length;
    }
    assert.ok(agree > 0.75 && agree < 0.95, `${agree}`);
  });

  it("comes with rationales that say what the answers contain", async () => {
    const [pair] = await deskPairs("held_out");
    const { prompt: [{ content }], chosen, rationale } = pair;
    const { covered, stray } = readAnswer(content, chosen);
    const words = rationale!.chosen.split(" ");
    const names = ["zero", "one", "two", "three", "four"];
    assert.equal(words[words.indexOf("names") + 1], names[covered]);
    assert.equal(words[words.indexOf("extra") + 1], names[stray]);
  });
});

describe("a labeller", () => {
  it("errs at the rate of its temperature, and not at all at 0", () => {
    const rng = Rng.named(5, "labels");
    const rates = [0, 0.5, 2].map((temperature) => {
      let [wrong, expected, n] = [0, 0, 0];
      for (let i = 0; i < 3000; i++) {
        const answers = drawAnswers(rng);
        const gap = reward(answers.request, answers.first) -
          reward(answers.request, answers.second);
        if (gap === 0) continue;
        n++;
        wrong += Number(prefersFirst(answers, rng, { temperature }) !== gap > 0);
        expected += temperature === 0 ? 0 : 1 / (1 + Math.exp(Math.abs(gap) / temperature));
      }
      assert.ok(Math.abs(wrong - expected) < 3 * Math.sqrt(n / 4), `${wrong} of ${n}`);
      return wrong / n;
    });
    assert.equal(rates[0], 0);
    assert.ok(rates[1] < rates[2]);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { Rng } from "../lib/base/random.ts";
import { collectPairs } from "../lib/preference/mod.ts";
import {
  DATA_FOLDER,
  deskPairs,
  type DeskRow,
  makeData,
  type Split,
  SPLITS,
} from "../lib/lab/world/data.ts";
import { drawRequest, type Part, partOf, PARTS, requestedItems } from "../lib/lab/world/desk.ts";
import { drawAnswers, prefersFirst } from "../lib/lab/world/preference.ts";
import { readAnswer, reward, VIEWS, viewsOf } from "../lib/lab/world/reward.ts";
import { ITEMS } from "../lib/lab/world/words.ts";
import { csv } from "./csv_files.ts";

const data = makeData(1);

describe("the world's data", () => {
  it("is, on disk, what its task makes again", async () => {
    for (const name of ["train", "validation", "held_out", "principles"] as const) {
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

  it("has no set of ordered things in two splits, in whatever words or sequence", () => {
    const setOf = ({ prompt }: { prompt: string }) => requestedItems(prompt).sort().join(" ");
    const places = new Map<string, Split>();
    for (const split of Object.keys(SPLITS) as Split[]) {
      assert.equal(data[split].length, SPLITS[split]);
      for (const row of data[split]) {
        const items = requestedItems(row.prompt);
        assert.ok(items.length >= 2 && items.length <= 4, row.prompt);
        assert.equal(new Set(items).size, items.length, row.prompt);
        assert.equal(partOf(items), split, row.prompt); // so that it is in no lesson of the base either
        assert.equal(places.get(setOf(row)) ?? split, split, row.prompt);
        places.set(setOf(row), split);
      }
    }
    const ids = new Set(data.train.map(({ id }) => id));
    for (const { id, principle } of data.principles) {
      assert.ok(ids.has(id.slice(0, -principle.length - 1)), id);
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

describe("the data card", () => {
  it("has the rows, sizes and label agreement of the files", async () => {
    const card = (await Deno.readTextFile(`${DATA_FOLDER}/README.md`)).replaceAll(/\s+/g, " ");
    for (const name of ["train", "validation", "held_out", "principles"] as const) {
      const rows = data[name].length.toLocaleString("en");
      assert.ok(card.includes(`| \`${name}.csv\` | ${rows} pairs |`), `${name} ${rows}`);
    }
    const sets = (Object.keys(SPLITS) as Split[]).map((split) => {
      const orders = data[split].map(({ prompt }) => requestedItems(prompt));
      const shares = [2, 3, 4].map((size) =>
        (100 * orders.filter(({ length }) => length === size).length / orders.length).toFixed(1)
      );
      const text = `${shares[0]}, ${shares[1]} and ${shares[2]} % of \`${split}.csv\``;
      assert.ok(card.includes(text), text);
      return new Set(orders.map((items) => items.sort().join(" "))).size.toLocaleString("en");
    });
    assert.ok(card.includes(`three: ${sets[0]}, ${sets[1]} and ${sets[2]}.`), sets.join());
    const differing = data.train.filter((row) => row.reward_chosen !== row.reward_rejected);
    const agree = differing.filter((row) => row.reward_chosen > row.reward_rejected).length;
    assert.ok(card.includes(`${(100 * agree / differing.length).toFixed(0)} % of the training`));
  });

  it("says what the base's own record says", async () => {
    const card = (await Deno.readTextFile(`${DATA_FOLDER}/README.md`)).replaceAll(/\s+/g, " ");
    const base = JSON.parse(await Deno.readTextFile(`${DATA_FOLDER}/base/base.json`));
    const scores = Object.entries<number>(base.exerciseAccuracy);
    const least = (kind: string) =>
      Math.min(...scores.filter(([name]) => name.startsWith(kind)).map(([, score]) => score));
    const [, question, count] = card.match(
      /at least (0\.\d+) of its .* at least (0\.\d+) of each/,
    )!;
    const gap = (score: number, said: string) => score - Number(said);
    assert.ok(gap(least("which"), question) >= 0 && gap(least("which"), question) < 0.01);
    assert.ok(gap(least("review"), count) >= 0 && gap(least("review"), count) < 0.01);
    assert.deepEqual(base.views, VIEWS);
    assert.ok(card.includes(`${Math.round(60 * base.hours)} minutes of one core`));
  });
});

describe("a request", () => {
  it("is of its part, in two to four things, and every part has its share of all sets", () => {
    const rng = Rng.named(3, "requests");
    const sizes = new Map<number, number>();
    for (const part of Object.keys(PARTS) as Part[]) {
      for (let i = 0; i < 200; i++) {
        const { items } = drawRequest(rng, part);
        assert.equal(partOf(items), part);
        assert.equal(partOf(items.toReversed()), part); // the sequence does not matter
        sizes.set(items.length, (sizes.get(items.length) ?? 0) + 1);
      }
    }
    assert.deepEqual([...sizes.keys()].sort(), [2, 3, 4]);
    const drawn = Array.from({ length: 4000 }, () => partOf(rng.shuffle(ITEMS).slice(0, 3)));
    for (const [part, share] of Object.entries(PARTS)) {
      const found = drawn.filter((one) => one === part).length / drawn.length;
      // Three standard errors of a share near one half.
      assert.ok(Math.abs(found - share) < 0.024, `${part} ${found}`);
    }
    assert.ok(Math.abs(Object.values(PARTS).reduce((a, b) => a + b, 0) - 1) < 1e-12);
  });
});

describe("a labeller", () => {
  it("errs at the rate of its temperature, and not at all at 0", () => {
    const rng = Rng.named(5, "labels");
    const rates = [0, 0.5, 2].map((temperature) => {
      let [wrong, expected, n] = [0, 0, 0];
      for (let i = 0; i < 3000; i++) {
        const answers = drawAnswers(rng, "train");
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

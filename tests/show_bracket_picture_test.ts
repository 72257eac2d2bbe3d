import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { longerWins } from "../lib/measure/mod.ts";
import { tournament } from "../lib/method/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { bracketPicture } from "../lib/show/bracket_picture.ts";
import { words } from "./figure_parts.ts";
import { bestOfNKl, rewardAgainstKl } from "../lib/lab/figures/kl_figure.ts";

const play = (candidates: string[]) =>
  tournament({ prompt: [{ role: "user", content: "Hi" }], candidates }, {
    compare: longerWins,
    rng: Rng.named(7, "bracket picture"),
  });
const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text);

describe("a drawn bracket", () => {
  it("shows every candidate once with its number, every match, and the winner", async () => {
    const bracket = await play(["a", "bbbb", "cc", "ddd", "e<e>"]);
    const svg = bracketPicture(bracket, { values: [1, 2, 3, 4, -5], heading: "reward" });
    const said = texts(svg);
    for (const i of [1, 2, 3, 4, 5]) {
      assert.equal(said.filter((text) => text.startsWith(`${i}  `)).length, 1);
    }
    assert.ok(said.includes("5  -5.00  e&lt;e&gt;"));
    assert.equal(said.filter((text) => /^(1\.00|0\.50|same)$/.test(text)).length, 4);
    assert.ok(said.includes(`${bracket.winner + 1} wins`));
    assert.equal(svg.match(/<polyline/g)!.length, 8);
  });

  it("says where two texts were the same, and draws a single candidate without a match", async () => {
    const same = bracketPicture(await play(["a", "a"]), { values: [0, 0], heading: "reward" });
    assert.ok(texts(same).includes("same"));
    const alone = bracketPicture(await play(["a"]), { values: [0], heading: "reward" });
    assert.ok(texts(alone).includes("1 wins"));
    assert.doesNotMatch(alone, /polyline|NaN/);
  });

  it("shortens long texts", async () => {
    const bracket = await play(["x".repeat(100), "b"]);
    const svg = bracketPicture(bracket, { values: [0, 0], heading: "reward", letters: 20 });
    assert.ok(svg.includes("x".repeat(19) + "\u2026"));
    assert.ok(!svg.includes("x".repeat(20)));
  });
});

describe("KL of the best of N", () => {
  it("is that of the density N u^(N-1), integrated", () => {
    for (const n of [1, 2, 16]) {
      const steps = 200_000;
      let sum = 0;
      for (let i = 0; i < steps; i++) {
        const g = n * ((i + 0.5) / steps) ** (n - 1);
        if (g > 0) sum += g * Math.log(g) / steps;
      }
      assert.ok(Math.abs(bestOfNKl(n) - sum) < 1e-4);
    }
  });

  it("is refused for less than one answer", () => {
    assert.throws(() => bestOfNKl(0), RangeError);
    assert.throws(() => bestOfNKl(1.5), RangeError);
  });
});

describe("reward against KL", () => {
  it("joins the points of a way, draws a lone one as a dot and names both", () => {
    const figure = rewardAgainstKl([
      { way: "jsft", kl: 0.2, reward: 1.5, text: "2" },
      { way: "jsft", kl: 0, reward: 1, text: "1" },
      { way: "self-judge", kl: 0.4, reward: 1.4 },
    ]);
    const [joined, dot] = figure.data;
    assert.deepEqual(joined.x, [0, 0.2]);
    assert.equal(dot.mode, "markers");
    const said = words(figure);
    assert.deepEqual(["1", "2", "JSFT", "SELF-JUDGE"].filter((one) => !said.includes(one)), []);
  });
});

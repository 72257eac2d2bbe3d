import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { Rng } from "../lib/base/random.ts";

/** Counts of n numbers from [0, 1) in ten equal parts. */
function tenths(draw: (i: number) => number, n: number): number[] {
  const counts = Array(10).fill(0);
  for (let i = 0; i < n; i++) counts[Math.floor(draw(i) * 10)]++;
  return counts;
}

/** Asserts that counts are even: 27.9 is passed by chance once in a thousand even draws. */
function assertEven(counts: number[], what: string): void {
  const expected = counts.reduce((a, b) => a + b, 0) / counts.length;
  const chiSquared = counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  assert.ok(chiSquared < 27.9, `${what}: ${counts.join(" ")}`);
}

describe("a stream of random numbers", () => {
  it("is even, and the same for the same seed and name", () => {
    const [a, b] = [Rng.named(3, "x"), Rng.named(3, "x")];
    const numbers = Array.from({ length: 2000 }, () => a.uniform());
    assertEven(tenths((i) => numbers[i], 2000), "one stream");
    assert.deepEqual(Array.from({ length: 2000 }, () => b.uniform()), numbers);
    assert.ok(numbers.every((u) => u >= 0 && u < 1));
  });

  const streams: Record<string, (i: number) => Rng> = {
    "names that differ in a number at their end": (i) => Rng.named(5, `sample/3/${i}`),
    "names that differ in a number within": (i) => Rng.named(5, `sample/${i}/0`),
    "seeds that follow each other": (i) => Rng.named(i, "split"),
  };
  for (const [what, stream] of Object.entries(streams)) {
    it(`is another one for ${what}, from its first number on`, () => {
      for (const draw of [0, 1, 2]) {
        const number = (i: number) => {
          const rng = stream(i);
          for (let d = 0; d < draw; d++) rng.uniform();
          return rng.uniform();
        };
        assertEven(tenths(number, 1000), `number ${draw} of 1000 streams`);
        // Neighbours, too, are spread: the mean distance of two even numbers is 1/3.
        let distance = 0;
        for (let i = 0; i < 1000; i++) distance += Math.abs(number(i) - number(i + 1)) / 1000;
        assert.ok(Math.abs(distance - 1 / 3) < 0.05, `distance ${distance} at number ${draw}`);
      }
    });
  }

  it("draws every whole number below n alike", () => {
    const rng = Rng.named(2, "int");
    const counts = Array(7).fill(0);
    for (let i = 0; i < 2100; i++) counts[rng.int(7)]++;
    assert.equal(counts.length, 7);
    assertEven(counts, "whole numbers below 7");
  });

  it("shuffles a copy, into every order alike", () => {
    const rng = Rng.named(4, "shuffle");
    const list = ["a", "b", "c"];
    const orders = new Map<string, number>();
    for (let i = 0; i < 1200; i++) {
      const order = rng.shuffle(list).join("");
      orders.set(order, (orders.get(order) ?? 0) + 1);
    }
    assert.deepEqual(list, ["a", "b", "c"]);
    assert.deepEqual([...orders.keys()].sort(), ["abc", "acb", "bac", "bca", "cab", "cba"]);
    assertEven([...orders.values()], "orders of three");
  });
});

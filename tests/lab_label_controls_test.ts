import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { Rng } from "../lib/base/random.ts";
import { LABEL_CONTROLS } from "../lib/lab/study/label_controls.ts";
import { longerWins } from "../lib/measure/mod.ts";
import type { Candidates, Method } from "../lib/method/mod.ts";

const answer = (text: string) => ({
  text,
  example: { kind: "answer" as const, ids: [1, 2], from: 1 },
});

/** Two answers each to four prompts: P(first is better), and whether the other order says the same. */
const JUDGED = [
  { pFirst: 0.9, consistent: true },
  { pFirst: 0.4, consistent: false },
  { pFirst: 0.3, consistent: true },
  { pFirst: 0.5, consistent: true }, // a tie: nothing is learned of it
] as const;

const candidates = JUDGED.map((_, i): Candidates => ({
  pair: { id: `${i}`, prompt: [{ role: "user", content: `order ${i}` }] },
  answers: [answer(`a${i}`), answer(`b${i}`)],
}));

/** The pairs that a method forms of them, as [chosen, label]. */
async function formed(method: Method, some: readonly Candidates[] = candidates) {
  const pairs = await method.pairs!(some, {
    method,
    undecided: "skip",
    rng: (name: string) => Rng.named(1, name),
    compare: async (comparisons) =>
      (await longerWins(comparisons)).map((judgment, i) => {
        const { first, prompt } = comparisons[i];
        const { pFirst, consistent } = JUDGED[Number(prompt[0].content.at(-1))];
        const own = first.startsWith("a") ? pFirst : 1 - pFirst;
        const winner = own === 0.5 ? "tie" : own > 0.5 ? "first" : "second";
        return { ...judgment, winner, pFirst: own, consistent, answered: true };
      }),
  });
  return pairs.map(({ chosen, label }) => [chosen.text, label] as const);
}

describe("controls of soft labels", () => {
  it("give every pair of a step the mean of its soft labels, and the judge's winner", async () => {
    const pairs = await formed(LABEL_CONTROLS["self-judge-mean-label"]);
    assert.deepEqual(pairs.map(([chosen]) => chosen), ["a0", "b1", "b2"]);
    for (const [, label] of pairs) assert.ok(Math.abs(label! - (0.9 + 0.6 + 0.7) / 3) < 1e-12);
  });

  it("or leave out those whose orders disagree, with hard labels for the others", async () => {
    assert.deepEqual(await formed(LABEL_CONTROLS["self-judge-consistent"]), [["a0", 1], ["b2", 1]]);
  });

  it("form nothing of answers that nobody decides", async () => {
    for (const method of Object.values(LABEL_CONTROLS)) {
      assert.deepEqual(await formed(method, candidates.slice(3)), []);
    }
  });
});

/** The authors' preset where their code goes its own way: marks within texts, cut answers, ties, pairs that teach nothing. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { Rng } from "../lib/base/random.ts";
import {
  type AnswerEncoder,
  answerExample,
  AUTHORS_CONVENTIONS,
  combineScores,
  type Example,
  firstOrSecond,
  jsftExamples,
  learnedTokens,
  loadPrinciples,
  preferenceBatches,
  supervisedBatches,
  tournament,
  WholeTextTemplate,
} from "../lib/method/mod.ts";
import { CHAT_PRESETS, ChatTemplate, openTokenizer } from "../lib/text/mod.ts";
import { referencePath } from "./model_reference.ts";

const tokenizer = await openTokenizer(referencePath("authors"));
const chat = new ChatTemplate(CHAT_PRESETS["self-judge"].source, tokenizer);
const helpful = await loadPrinciples("data/recipes/hh-principles.json");
const [{ system, verdict }] = helpful.principles;
const encoderOf = (maxTokens: number): AnswerEncoder => ({
  ...{ tokenizer, chat, maxTokens, overflow: "truncate-start" },
  conventions: { ...AUTHORS_CONVENTIONS, system: system! },
});
const learned = ({ ids, from, skipped = [] }: Example): string =>
  tokenizer.decode(
    ids.filter((_, at) => at >= from && skipped.every(([a, b]) => at < a || at >= b)),
  ).trim();

describe("the authors' preset, where texts hold its marks", () => {
  const { principles: [principle], layout } = helpful;
  const template = new WholeTextTemplate({
    ...{ tokenizer, chat, principle, layout, bosId: tokenizer.bosId },
  });
  const made = (chosen: string) =>
    jsftExamples([{
      ...{ id: "p", source: "authors", prompt: [{ role: "user", content: "Say it." }] },
      ...{ chosen, rejected: "No." },
    }], { encoder: encoderOf(2048), templates: [template], kinds: ["judgment"] });
  const judgments = (chosen: string) => made(chosen).examples;

  it("learns no judgment of an answer that spells out the verdict, whose place cannot be told", () => {
    assert.deepEqual(judgments("It is fine.").map(learned), ["A", "B"]);
    assert.deepEqual(judgments(`${verdict} A`), []);
    assert.deepEqual(judgments("Well\n<|user|>\nWhy?"), []);
    const { judgments: learnedFrom, judgmentsLeftOut } = made(`${verdict} A`).counts;
    assert.deepEqual([learnedFrom, judgmentsLeftOut], [0, 2]);
  });

  it("finds the decision behind the last mark where a text holds as many of each", () => {
    const [first, second] = judgments(`Well\n<|user|>\nWhy? ${verdict} B`);
    assert.deepEqual([first, second].map(learned), ["A", "B"]);
    assert.equal(first.from, first.ids.length - 1);
  });

  it("counts no target before which nothing stands, where an answer itself is cut", () => {
    const prompt = [{ role: "user", content: "Say it." }] as const;
    const asked = { prompt, answer: "A fruit, sweet and green. ".repeat(20), pair: "p" };
    const { example } = answerExample(asked, encoderOf(30))!;
    assert.deepEqual([example.ids.length, example.from], [30, 1]);
    const parts = supervisedBatches([example], {
      ...{ weighting: { mode: "token" }, batching: "bucketed", microBatchTokens: 64 },
    });
    const [{ objective, batch }] = parts;
    const { at } = objective as unknown as { at: readonly { column: number }[] };
    assert.deepEqual(at.map(({ column }) => column), Array.from({ length: 29 }, (_, i) => i));
    assert.equal(learnedTokens(example), 29);
    batch.mask?.dispose();
  });
});

describe("the authors' comparison, where principles tie", () => {
  const scores = (first: number, second: number) => ({
    ...{ principle: "one", forward: { a: first, b: second }, backward: { a: second, b: first } },
  });
  const winner = (...all: [number, number][]) =>
    firstOrSecond(combineScores(all.map(([a, b]) => scores(a, b))));

  it("takes a tie of a principle as a vote for the second, and an equal vote by the mean", () => {
    assert.equal(winner([0.5, 0.5]), "second");
    assert.equal(winner([0.5, 0.4]), "first");
    // Two of four are no majority; ours would count two against one.
    const four: [number, number][] = [[0.5, 0.4], [0.5, 0.4], [0.5, 0.5], [0, 0.9]];
    assert.equal(combineScores(four.map(([a, b]) => scores(a, b))).winner, "first");
    assert.equal(winner(...four), "second");
    assert.equal(winner([0.5, 0.4], [0.5, 0.5]), "first");
    assert.equal(winner([0.5, 0.4], [0.4, 0.5]), "second");
  });

  it("compares in float32, and so does a tournament that leaves nothing undecided", async () => {
    assert.equal(winner([0.5 + 1e-10, 0.5]), "second");
    const four = [scores(0.5, 0.4), scores(0.5, 0.4), scores(0.5, 0.5), scores(0, 0.9)];
    const play = (ties: "first" | "second") =>
      tournament({ prompt: [{ role: "user", content: "Hi" }], candidates: ["a", "b"] }, {
        ...{ ties, rng: Rng.named(1, "ties") },
        compare: (all) => Promise.resolve(all.map(() => combineScores(four))),
      });
    const [loose, strict] = [await play("first"), await play("second")];
    assert.equal(loose.winner, loose.matches[0].first);
    assert.equal(strict.winner, strict.matches[0].second);
  });
});

describe("a pair of which one answer is not learned", () => {
  const side = (ids: number[], from: number): Example => ({ kind: "answer", ids, from });
  for (const loss of ["sigmoid_norm", "ipo_mean", "sigmoid_sft"] as const) {
    it(`has a mean per token of 0 on that side, and no NaN (${loss})`, () => {
      const pair = {
        ...{ chosen: side([1, 5, 6], 3), rejected: side([1, 5, 7], 1) },
        ...{ referenceChosen: 0, referenceRejected: -4 },
      };
      const [part] = preferenceBatches([pair], {
        ...{ loss, parameters: { beta: 0.5, sft: 1 }, microBatchTokens: 64 },
      });
      const { metrics, outputGradient } = part.objective.gradient(tf.tensor1d([-1, -2]));
      // The rejected answer's ratio is -3 - -4 = 1, of two tokens.
      const h = { sigmoid_norm: -0.5, ipo_mean: -0.5, sigmoid_sft: -1 }[loss];
      const expected = loss === "ipo_mean" ? (h - 1) ** 2 : Math.log1p(Math.exp(-0.5 * h));
      const told = metrics.loss.dataSync()[0];
      assert.ok(Math.abs(told - expected) < 1e-5, `${told}, ${expected}`);
      assert.ok([...outputGradient.dataSync()].every(Number.isFinite));
    });
  }
});

describe("the authors' mean of a preference batch", () => {
  const side = (ids: number[], from: number): Example => ({ kind: "answer", ids, from });
  const pair = (from: number) => ({
    ...{ chosen: side([1, 5, 6], from), rejected: side([1, 5, 7], from) },
    ...{ referenceChosen: from < 3 ? -2 : 0, referenceRejected: from < 3 ? -1 : 0 },
  });
  // h = (-1 - -2) - (-3 - -1) = 3; beta = 0.1
  const losses = { sigmoid: Math.log1p(Math.exp(-0.3)), hinge: 0.7, ipo: 4 };
  const unmoved = { sigmoid: Math.log(2), hinge: 1, ipo: 25 };
  for (const loss of ["sigmoid", "hinge", "ipo"] as const) {
    it(`tells the loss of pairs of which nothing is learned (${loss})`, () => {
      const parts = preferenceBatches([pair(2), pair(3), pair(3)], {
        ...{ loss, parameters: { beta: 0.1 }, microBatchTokens: 64 },
      });
      assert.equal(parts.length, 1);
      const { metrics, outputGradient } = parts[0].objective.gradient(tf.tensor1d([-1, -3]));
      const told = metrics.loss.dataSync()[0];
      assert.ok(Math.abs(told - (losses[loss] + 2 * unmoved[loss]) / 3) < 1e-5, `${told}`);
      const one = preferenceBatches([pair(2)], {
        ...{ loss, parameters: { beta: 0.1 }, microBatchTokens: 64 },
      })[0].objective.gradient(tf.tensor1d([-1, -3])).outputGradient.dataSync();
      outputGradient.dataSync().forEach((g, i) => assert.ok(Math.abs(g - one[i] / 3) < 1e-6));
    });
  }
});

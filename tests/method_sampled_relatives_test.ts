/** Nash-MD, ReST, SLiC-HF and SPPO, where they come to something known. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "jsr:@std/testing@1/bdd";
import { longerWins } from "../lib/measure/mod.ts";
import {
  type Answer,
  answerExample,
  type Candidates,
  type Compare,
  type FormedPair,
  type LoopOptions,
  type Method,
  METHODS,
  policyGradientBatches,
} from "../lib/method/mod.ts";
import { type LanguageModel, sequenceLogProbs, withAdapterOff } from "../lib/model/mod.ts";
import { FileMemory } from "../lib/run/pair_memory.ts";
import { newFolder } from "./temporary_files.ts";
import { config, firstStep, pairs, stepper, withTools } from "./tiny_loop.ts";
import { distance, sumOfParts, tinyEncoder, tinyWithAdapter } from "./tiny_method.ts";

let model: LanguageModel;
before(() => {
  model = tinyWithAdapter({ moved: true });
});
after(() => model.dispose());

/** Loss, gradient, pairs and counts of a step of a method. */
const stepOf = (method: Method, options: Parameters<typeof firstStep>[2] = {}) =>
  firstStep(model, method, options);

/** Of a gradient's numbers, without signs. */
const largest = (gradient: readonly number[]) => Math.max(...gradient.map(Math.abs));

describe("Nash-MD", () => {
  it("learns of its own answers, each by its preference over the mixture's and its log-ratio", async () => {
    const { counts, ranked } = await stepOf(METHODS["nash-md"]);
    assert.equal(counts.samples, 2 * config.batchSize);
    assert.equal(counts.comparisons, ranked.length);
    // With a judge that never decides and beta 0 nothing is learned.
    const undecided: Compare = async (comparisons) =>
      (await longerWins(comparisons)).map((judgment) => ({ ...judgment, pFirst: 0.5 }));
    const still = await stepOf(METHODS["nash-md"], {
      compare: undecided,
      config: { ...config, beta: 0 },
    });
    assert.ok(largest(still.gradient) === 0);
  });

  it("has the gradient of - (P - 1/2 - beta log pi / ref) log pi of its own answers, the factor a constant", async () => {
    const own: Candidates[] = [];
    const sure: Compare = async (comparisons) =>
      (await longerWins(comparisons)).map((judgment) => ({ ...judgment, pFirst: 0.8 }));
    const method: Method = {
      ...METHODS["nash-md"],
      own: (tools) =>
        METHODS["nash-md"].own(withTools(tools, {
          sample: async (...asked: Parameters<typeof tools.sample>) => {
            const drawn = await tools.sample(...asked);
            if (asked[1].name === "own") own.push(...drawn);
            return drawn;
          },
        })),
    };
    const { gradient, ranked } = await stepOf(method, { compare: sure });
    assert.equal(ranked.length, own.length, "all differ from the mixture's");
    const examples = own.map(({ answers: [{ example }] }) => example);
    const policy = await sequenceLogProbs(model, examples);
    const start = await withAdapterOff(model)((m) => sequenceLogProbs(m, examples));
    const advantages = policy.map((p, i) => 0.3 - config.beta * (p - start[i]));
    assert.ok(policy.some((p, i) => Math.abs(p - start[i]) > 0.1), "the policy has moved");
    const parts = policyGradientBatches(examples, { advantages, microBatchTokens: 200 });
    const wanted = await sumOfParts(model, parts);
    assert.ok(distance(gradient, wanted.gradient) < 1e-5 * largest(gradient));
  });
});

describe("ReST", () => {
  /** Thresholds, texts and comparisons of steps in order. */
  async function course(
    parameters: Record<string, number>,
    { steps, from = 0, memory }: { steps: number; from?: number; memory?: LoopOptions["memory"] },
  ) {
    const drawn = stepper(model, { method: { ...METHODS.rest, parameters }, memory });
    const rows = [];
    for (let at = from; at < steps; at++) {
      const { parts, pairs, metrics } = await drawn.step(at);
      parts.forEach(({ batch }) => batch.mask?.dispose());
      rows.push({
        threshold: metrics!.threshold,
        samples: metrics!.samples,
        learned: pairs.map(({ chosen }) => chosen),
      });
    }
    return rows;
  }

  it("imitates more answers under a lower threshold, and raises it from improve step to improve step", async () => {
    const low = await stepOf({ ...METHODS.rest, parameters: { first: -1, rise: 0 } });
    assert.equal(low.ranked.length, 4 * config.batchSize);
    const rows = await course({ first: 0.3, rise: 0.2, last: 0.6, every: 2 }, { steps: 6 });
    assert.deepEqual(rows.map(({ threshold }) => threshold), [0.3, 0.3, 0.5, 0.5, 0.6, 0.6]);
  });

  it("draws answers in the first improve step alone; the later ones go over them under their own threshold", async () => {
    const all = await course({ first: -1, rise: 0, every: 2 }, { steps: 6 });
    assert.deepEqual(all.map(({ samples = 0 }) => samples > 0), [
      ...[true, true],
      ...[false, false],
      ...[false, false],
    ]);
    for (const at of [2, 3, 4, 5]) assert.deepEqual(all[at].learned, all[at % 2].learned);
    const rising = await course({ first: -1, rise: 1.5, last: 0.5, every: 2 }, { steps: 4 });
    assert.deepEqual(rising[0].learned, all[0].learned);
    const [few, many] = [rising[2].learned, rising[0].learned];
    assert.ok(few.length > 0 && few.length < many.length);
    assert.ok(few.every((text) => many.includes(text)));
  });

  it("finds its answers and their rewards again in the file of a run that was stopped", async () => {
    const path = `${await newFolder()}/memory.jsonl`;
    const parameters = { first: 0.2, rise: 0.3, every: 2 };
    const whole = await course(parameters, { steps: 4, memory: new FileMemory(path) });
    const again = await course(parameters, { steps: 4, from: 2, memory: new FileMemory(path) });
    assert.ok(again[0].learned.length > 0);
    assert.deepEqual(again, whole.slice(2));
  });
});

describe("SLiC-HF", () => {
  it("learns every match of a knockout: N - 1 comparisons and as many pairs at most", async () => {
    const { counts, ranked } = await stepOf(METHODS["slic-hf"]);
    assert.ok(counts.comparisons <= 3 * config.batchSize);
    assert.ok(ranked.length <= counts.comparisons && ranked.length > config.batchSize);
    const final = await stepOf({ ...METHODS["slic-hf"], own: undefined });
    const texts = ({ ranked }: typeof final) => ranked.map((r) => `${r.chosen}/${r.rejected}`);
    assert.ok(texts(final).every((text) => texts({ ...final, ranked }).includes(text)));
  });

  it("with lambda 0 and two answers is the hinge on the comparison", async () => {
    const two = { ...METHODS["slic-hf"], candidates: 2, parameters: { delta: 1, lambda: 0 } };
    const [whole, plain] = [await stepOf(two), await stepOf({ ...two, own: undefined })];
    assert.ok(Math.abs(whole.metrics.loss - plain.metrics.loss) < 1e-6);
    assert.ok(distance(whole.gradient, plain.gradient) < 1e-6);
  });

  it("adds - lambda log pi of the data set's answer, a mean over pairs", async () => {
    const of = (target: number) =>
      stepOf({ ...METHODS["slic-hf"], parameters: { delta: 1, lambda: 0, target } });
    const [without, some] = [await of(0), await of(0.3)];
    const encoder = tinyEncoder();
    const targets = some.ranked.map(({ pair }) => {
      const { prompt, chosen: answer, id } = pairs.find(({ id }) => id === pair)!;
      return answerExample({ prompt, answer, pair: id }, encoder)!.example;
    });
    const sums = await sequenceLogProbs(model, targets);
    const wanted = -0.3 * sums.reduce((a, b) => a + b, 0) / sums.length;
    assert.ok(wanted > 0.1);
    assert.ok(Math.abs(some.metrics.loss - without.metrics.loss - wanted) < 1e-3 * wanted);
    const parts = policyGradientBatches(targets, {
      advantages: targets.map(() => 0.3),
      microBatchTokens: 200,
    });
    const { gradient } = await sumOfParts(model, parts);
    assert.ok(distance(some.gradient, without.gradient.map((g, i) => g + gradient[i])) < 1e-4);
  });
});

describe("SPPO", () => {
  /** A logistic of the difference of two numbers that the texts give. */
  const strength = (text: string) =>
    [...text].reduce((sum, c, i) => (sum + (i + 1) * c.charCodeAt(0)) % 997, 0) / 300;
  const graded: Compare = async (comparisons) =>
    (await longerWins(comparisons)).map((judgment, i) => {
      const { first, second } = comparisons[i];
      const pFirst = 1 / (1 + Math.exp(strength(second) - strength(first)));
      return { ...judgment, answered: true, pFirst, winner: pFirst > 0.5 ? "first" : "second" };
    });

  it("with two answers and their J is the labelled loss of the one pair", async () => {
    const two = await stepOf({ ...METHODS.sppo, candidates: 2 }, { compare: graded });
    const final = await stepOf({ ...METHODS["sppo-hard"], labels: "soft" }, { compare: graded });
    assert.ok(two.ranked.length > 0);
    assert.ok(Math.abs(two.metrics.loss - final.metrics.loss) < 1e-5);
    assert.ok(distance(two.gradient, final.gradient) < 1e-5);
  });

  it("has the gradient of (r - (P - 1/2) / beta)^2 of every answer, P its mean J over the others", async () => {
    const beta = 0.5;
    let formed: readonly FormedPair[] = [];
    const found = await stepOf({
      ...METHODS.sppo,
      candidates: 3,
      pairs: async (candidates, tools) => formed = await METHODS.sppo.pairs(candidates, tools),
    }, { compare: graded, config: { ...config, beta } });
    const wins = new Map<Answer, number[]>();
    for (const { chosen, rejected, label } of formed) {
      wins.set(chosen, [...wins.get(chosen) ?? [], label!]);
      wins.set(rejected, [...wins.get(rejected) ?? [], 1 - label!]);
    }
    assert.equal(wins.size, formed.length, "three answers, three pairs");
    const examples = [...wins.keys()].map(({ example }) => example);
    const policy = await sequenceLogProbs(model, examples);
    const start = await withAdapterOff(model)((m) => sequenceLogProbs(m, examples));
    const advantages = [...wins.values()].map((own, i) => {
      const P = own.reduce((a, b) => a + b, 0) / own.length;
      // Each square counts K - 1 times among the pairs; the batches divide by the answers, the loss by the pairs.
      const slope = 2 * (policy[i] - start[i] - (P - 0.5) / beta);
      return -slope * own.length * examples.length / formed.length;
    });
    const parts = policyGradientBatches(examples, { advantages, microBatchTokens: 200 });
    const { gradient } = await sumOfParts(model, parts);
    assert.ok(largest(gradient) > 0.1);
    assert.ok(distance(found.gradient, gradient) < 1e-5 * largest(gradient));
  });
});

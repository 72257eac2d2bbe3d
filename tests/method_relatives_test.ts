/** What the relatives come to where they come to something known. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { Rng } from "../lib/base/random.ts";
import { inverted, longerWins } from "../lib/measure/mod.ts";
import {
  type Answer,
  combineScores,
  type Compare,
  type Comparison,
  learnedTokens,
  type Method,
  METHODS,
  policyGradientBatches,
} from "../lib/method/mod.ts";
import { OUR_CONVENTIONS } from "../lib/method/encoder.ts";
import { batchKl } from "../lib/method/relatives/kto.ts";
import { againstBaseline } from "../lib/method/relatives/osp.ts";
import { leaveOneOut, meanWins } from "../lib/method/relatives/rloo.ts";
import { accepted } from "../lib/method/relatives/rso.ts";
import { qualityOffsets } from "../lib/method/relatives/sr_dpo.ts";
import { contrastStep } from "../lib/method/relatives/sso.ts";
import {
  type LanguageModel,
  sequenceLogProbs,
  trainable,
  withAdapterOff,
} from "../lib/model/mod.ts";
import { FileMemory } from "../lib/run/pair_memory.ts";
import { assertExact, keepsExactness } from "./exactness.ts";
import { newFolder } from "./temporary_files.ts";
import { config, firstStep, pairs, stepper } from "./tiny_loop.ts";
import { distance, sumOfParts, tinyEncoder, tinyWithAdapter } from "./tiny_method.ts";

keepsExactness();

let model: LanguageModel;
before(() => {
  model = tinyWithAdapter({ moved: true });
});
after(() => model.dispose());

type Tools = Parameters<typeof meanWins>[1];
type Found = Awaited<ReturnType<typeof stepOf>>;

/** Asserts that two steps have one loss and one gradient. */
function same(found: Found, known: Found, of: string, equals: string, within: number): void {
  const what = { of, equals, within };
  assertExact([found.metrics.loss], [known.metrics.loss], { ...what, quantity: "value" });
  assertExact(found.gradient, known.gradient, { ...what, quantity: "gradient" });
}

/** Loss, gradient and pairs of a step of a method. */
async function stepOf(method: Method, more: { compare?: Compare; beta?: number } = {}) {
  const { beta = config.beta, compare } = more;
  const drawn = stepper(model, { method, compare, config: { ...config, beta } });
  const { parts, metrics } = await drawn.step(0);
  return { ...await sumOfParts(model, parts), ranked: drawn.ranked, counts: metrics! };
}

const OFFLINE: Method = METHODS["offline-dpo"];

describe("OSP", () => {
  const certain: Compare = async (comparisons) =>
    (await longerWins(comparisons)).map((judgment, i) => ({
      ...judgment,
      pFirst: i % 2 === 0 ? 1 : 0,
    }));

  it("with certain verdicts is DPO on the stronger answer and the weaker one", async () => {
    const soft = await stepOf({ ...METHODS.osp, candidates: 3 }, { compare: certain });
    const hard = await stepOf({
      ...METHODS.osp,
      candidates: 3,
      pairs: async (candidates, tools) =>
        (await againstBaseline(candidates, tools)).map((pair) => ({ ...pair, label: 1 })),
    }, { compare: certain });
    assert.ok(soft.ranked.length > 0);
    same(soft, hard, "osp with certain verdicts", "DPO on its pairs", 1e-5);
  });

  it("asks n - 1 comparisons a prompt, and labels a pair by the difference of two strengths", async () => {
    const graded: Compare = async (comparisons) =>
      (await longerWins(comparisons)).map((judgment, i) => ({
        ...judgment,
        answered: true,
        pFirst: [0.9, 0.6, 0.2][i % 3],
      }));
    const drawn = await stepOf({ ...METHODS.osp, candidates: 4 }, { compare: graded });
    assert.equal(drawn.counts.comparisons, 4 * 3);
    assert.ok(drawn.ranked.length > 2 * 4, "answers are in several pairs");
    assert.ok(drawn.counts.scoredStart <= 4 * 4, "each is scored once");
    const odds = (p: number) => p / (1 - p);
    const labels = [[0.9, 0.6], [0.9, 0.2], [0.6, 0.2]]
      .map(([a, b]) => odds(a) / (odds(a) + odds(b)));
    drawn.ranked.forEach(({ preference }) =>
      assert.ok(labels.some((label) => Math.abs(label - preference!) < 1e-9), `${preference}`)
    );
  });
});

describe("RSO", () => {
  const rewards = [0.1, 2, -1, 0.5];
  const of = (beta: number, wanted: number, seed = 3) =>
    accepted(rewards, { beta, wanted, rng: Rng.named(seed, "rso") });

  it("keeps all candidates as beta goes to infinity, and the best first as it goes to 0", () => {
    assert.deepEqual(of(1e9, 4).sort(), [0, 1, 2, 3]);
    assert.equal(of(1e9, 2).length, 2);
    assert.deepEqual(of(1e-9, 1), [1]);
    assert.deepEqual(of(1e-9, 2), [1, 3]);
  });

  it("accepts in proportion to e^(r / beta)", () => {
    const draws = Array.from({ length: 4000 }, (_, seed) => of(1, 1, seed)[0]);
    // One pass in random order, the first accepted kept: the best is accepted whenever it comes first.
    const share = draws.filter((i) => i === 1).length / draws.length;
    const accept = rewards.map((r) => Math.exp(r - 2));
    // P(best kept) over the 24 orders, by hand.
    let expected = 0;
    const permute = (left: number[], passed: number): void => {
      for (const i of left) {
        const weight = passed / left.length;
        if (i === 1) expected += weight;
        else permute(left.filter((j) => j !== i), weight * (1 - accept[i]));
      }
    };
    permute([0, 1, 2, 3], 1);
    assert.ok(Math.abs(share - expected) < 0.03, `${share} ${expected}`);
  });
});

describe("RSO's pairs", () => {
  it("are of distinct texts that were accepted, and ranked by what the ranker says of the two", async () => {
    const asked: Comparison[] = [];
    const shorter: Compare = async (comparisons) => {
      asked.push(...comparisons);
      return await inverted(longerWins)(comparisons);
    };
    const found = await stepOf(
      { ...METHODS.rso, parameters: { accept: 4, acceptBeta: 1e9 } },
      { compare: shorter },
    );
    assert.ok(found.ranked.length > 0);
    for (const { chosen, rejected, pair } of found.ranked) {
      assert.ok(chosen.length < rejected.length, `${chosen} over ${rejected}`);
      const both = (one: Comparison) => [one.first, one.second].toSorted().join();
      assert.ok(
        asked.some((one) => both(one) === [chosen, rejected].toSorted().join()),
        `${pair}: the two were compared`,
      );
    }
  });

  it("meet the run's beta in the loss, and one of their own in the acceptance", async () => {
    const [low, high] = await Promise.all(
      [0.1, 0.3].map(async (beta) => (await stepOf(METHODS.rso, { beta })).gradient),
    );
    assert.ok(distance(low, high) > 1e-3);
    assert.ok(!("beta" in METHODS.rso.parameters));
  });
});

describe("Sr-DPO", () => {
  it("with the prompt itself for a quality prompt has DPO's value at beta (1 - l)", async () => {
    const lambda = 0.3;
    const same: Method = {
      ...METHODS["sr-dpo"],
      offsets: qualityOffsets((prompt) => prompt),
      parameters: { lambda },
    };
    const [refined, plain] = [
      await stepOf(same),
      await stepOf(OFFLINE, { beta: config.beta * (1 - lambda) }),
    ];
    const what = {
      of: "sr-dpo, the prompt itself for quality prompt",
      equals: "DPO at beta (1 - l)",
    };
    assertExact([refined.metrics.loss], [plain.metrics.loss], {
      ...{ ...what, quantity: "value", within: 1e-5 },
    });
    // The margin is a constant: the gradient is that of beta h alone, 1 / (1 - l) times DPO's at beta (1 - l).
    const scaled = plain.gradient.map((g) => g / (1 - lambda));
    assertExact(refined.gradient, scaled, {
      ...what,
      equals: "DPO's at beta (1 - l), over 1 - l",
      quantity: "gradient",
      within: 1e-4,
    });
    assert.ok(distance(refined.gradient, plain.gradient) > 1e-3);
  });

  it("takes l D off IPO's margin, D = beta h' as under the sigmoid", async () => {
    const lambda = 0.3;
    const refined = await stepOf({
      ...METHODS["sr-ipo"],
      offsets: qualityOffsets((prompt) => prompt),
      parameters: { lambda },
    });
    // Of the prompt itself h' = h: (h - l beta h - 1 / (2 beta))^2 in value.
    const { beta } = config;
    const plain = await stepOf({
      ...METHODS["offline-ipo"],
      offsets: async (pairs, tools) => {
        const examples = pairs.flatMap((
          { chosen, rejected },
        ) => [chosen.example, rejected.example]);
        const [policy, start] = [
          await tools.logProbs(examples, "policy"),
          await tools.logProbs(examples, "start"),
        ];
        const h = (i: number) =>
          policy[2 * i] - start[2 * i] - policy[2 * i + 1] + start[2 * i + 1];
        return pairs.map((_, i) => lambda * beta * h(i));
      },
    });
    same(refined, plain, "sr-ipo, the prompt itself for quality prompt", "IPO less l beta h", 1e-5);
  });

  it("with l = 0 is DPO, for the sigmoid and for IPO", async () => {
    for (const [name, known] of [["sr-dpo", "offline-dpo"], ["sr-ipo", "offline-ipo"]] as const) {
      const refined = await stepOf({ ...METHODS[name], parameters: { lambda: 0 } });
      const plain = await stepOf(METHODS[known]);
      same(refined, plain, `${name} with l = 0`, known, 1e-6);
    }
  });
});

describe("SSO", () => {
  it("with W g = 0 is DPO on the answers asked for well over those asked for badly", async () => {
    const none = await stepOf({ ...METHODS.sso, parameters: { g: 0 } });
    const some = await stepOf({ ...METHODS.sso, parameters: { g: 0.1 } });
    assert.equal(some.ranked.length, 3 * none.ranked.length);
    assert.equal(none.counts.samples, 3 * config.batchSize);
    assert.equal(none.counts.comparisons, undefined);
    assert.deepEqual(none.ranked.map(({ pair }) => pair), [
      ...new Set(none.ranked.map((r) => r.pair)),
    ]);
  });

  it("with W g = 0 has DPO's loss of those answers, by hand", async () => {
    let expected = 0;
    const { metrics } = await stepOf({
      ...METHODS.sso,
      parameters: { g: 0 },
      own: async (tools) => {
        const step = await contrastStep()(tools);
        const examples = step.pairs.flatMap(({ chosen, rejected }) => [
          chosen.example,
          rejected.example,
        ]);
        const policy = await sequenceLogProbs(model, examples);
        const start = await withAdapterOff(model)((m) => sequenceLogProbs(m, examples));
        const ratio = (i: number) => policy[i] - start[i];
        const losses = step.pairs.map((_, i) =>
          Math.log1p(Math.exp(-config.beta * (ratio(2 * i) - ratio(2 * i + 1))))
        );
        expected = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
        return step;
      },
    });
    assertExact([metrics.loss], [expected], {
      of: "sso with W g = 0",
      equals: "DPO on principle pairs",
      quantity: "value",
      within: 1e-5,
    });
  });

  it("is a mean over prompts: from W g = 0 on it goes on without a jump, and loses as L says", async () => {
    const at = (g: number) => stepOf({ ...METHODS.sso, parameters: { g } });
    const [none, least] = [await at(0), await at(1e-9)];
    same(least, none, "sso as W g goes to 0", "sso with W g = 0", 1e-6);
    for (const name of ["rewardMargin", "rewardAccuracy", "logProbChosen"]) {
      assert.ok(Math.abs(least.metrics[name] - none.metrics[name]) < 1e-5, name);
    }
    // Linear in g.
    const [one, two] = [await at(1), await at(2)];
    const [first, second] = [one, two].map(({ metrics }) => metrics.loss - none.metrics.loss);
    assert.ok(first > 0.1 && Math.abs(second - 2 * first) < 1e-5, `${first} ${second}`);
  });

  it("and Nash-MD join answers to their prompts where ids are not unique", async () => {
    for (const name of ["sso", "nash-md"] as const) {
      const step = async (given: typeof pairs) => {
        const drawn = stepper(model, { method: METHODS[name], pairs: given });
        return await sumOfParts(model, (await drawn.step(0)).parts);
      };
      const known = await step(pairs);
      const found = await step(pairs.map((pair) => ({ ...pair, id: "pairs:1" })));
      assert.equal(distance(found.gradient, known.gradient), 0, name);
    }
  });

  it("weighs the two other terms by W g, W the policy's own likelihood turned round", async () => {
    const weights: number[] = [];
    const own: Method = {
      ...METHODS.sso,
      own: async (tools) => {
        const step = await contrastStep()(tools);
        const main = step.pairs.filter((_, i) => i % 3 === 0);
        const examples = main.flatMap(({ chosen, rejected }) => [chosen.example, rejected.example]);
        const sums = await sequenceLogProbs(model, examples);
        main.forEach((_, i) => {
          const mean = [0, 1].reduce((sum, k) => {
            const at = 2 * i + k;
            return sum + sums[at] / learnedTokens(examples[at]) / 2;
          }, 0);
          const wanted = 0.1 / (1 + Math.exp(mean));
          for (const k of [1, 2]) {
            weights.push(step.pairs[3 * i + k].weight! - wanted);
          }
        });
        return step;
      },
    };
    await stepOf(own);
    assert.ok(weights.length > 0);
    assertExact(weights, weights.map(() => 0), {
      of: "sso's W g",
      equals: "by hand",
      quantity: "weight",
      within: 1e-6,
    });
  });
});

describe("LoL", () => {
  const of = (parameters: Record<string, number>): Method => ({ ...METHODS.lol, parameters });
  const stepsOf = async (method: Method, steps: number) => {
    const drawn = stepper(model, { method });
    const losses: number[] = [];
    for (let at = 0; at < steps; at++) {
      const { parts } = await drawn.step(at);
      losses.push((await sumOfParts(model, parts)).metrics.loss);
    }
    return { losses, ranked: drawn.ranked, compared: drawn.compared };
  };
  const isGiven = (
    { pair, chosen, rejected }: { pair: string; chosen: string; rejected: string },
  ) => pairs.some((p) => p.id === pair && p.chosen === chosen && p.rejected === rejected);

  it("with T beyond the run learns from the data set's pairs alone, but for the first round", async () => {
    const offline = await stepsOf(
      { ...of({ every: 1e9 }), parameters: { every: 1e9, window: 0 } },
      3,
    );
    assert.ok(offline.ranked.length === 3 * config.batchSize && offline.ranked.every(isGiven));
  });

  it("with T = 1, no offline pairs and one round kept is SELF-JUDGE", async () => {
    const [replay, own] = [
      await stepsOf(of({ every: 1, offline: 0, window: 1 }), 2),
      await stepsOf(METHODS["self-judge"], 2),
    ];
    const ids = ({ ranked }: typeof own) => ranked.map((r) => `${r.step} ${r.chosen}`).sort();
    assert.deepEqual(ids(replay), ids(own));
    assertExact(replay.losses, own.losses, {
      of: "lol with T = 1, no offline pairs, one round kept",
      equals: "self-judge",
      quantity: "value",
      within: 1e-5,
    });
  });

  it("draws from both, and asks the judge every T steps", async () => {
    const mixed = await stepsOf(of({ every: 2 }), 4);
    assert.ok(mixed.ranked.some(isGiven) && !mixed.ranked.every(isGiven));
    assert.ok(mixed.compared.length > 0 && mixed.compared.length <= 2 * config.batchSize);
  });

  it("finds its own pairs again in the file of a run that was stopped", async () => {
    const path = `${await newFolder()}/memory.jsonl`;
    const run = async (from: number, to: number) => {
      const drawn = stepper(model, { method: of({ every: 1 }), memory: new FileMemory(path) });
      for (let at = from; at < to; at++) {
        (await drawn.step(at)).parts.forEach(({ batch }) => batch.mask?.dispose());
      }
      return drawn.ranked.map(({ chosen }) => chosen);
    };
    const whole = await run(0, 4);
    // Stopped after step 2 of 4, the third done but not in the checkpoint.
    const again = await run(2, 4);
    assert.deepEqual(again, whole.slice(-again.length));
  });
});

describe("KTO", () => {
  it("takes the mean log-ratio of answers under others' prompts for its KL, never below 0", async () => {
    let policyModel: LanguageModel;
    const kls: number[] = [];
    const expected: number[] = [];
    const method: Method = {
      ...METHODS.kto,
      measured: async (scored, tools) => {
        const found = await batchKl(scored, tools);
        kls.push(found.kl);
        const moved = scored.flatMap(({ chosen, rejected }, i) => {
          const { ids, from } = scored[(i + 1) % scored.length].chosen;
          return [chosen, rejected].map((answer) => ({
            ids: [...ids.slice(0, from), ...answer.ids.slice(answer.from)],
            from,
          }));
        });
        const policy = await sequenceLogProbs(policyModel, moved);
        const start = await withAdapterOff(policyModel)((m) => sequenceLogProbs(m, moved));
        const mean = policy.reduce((sum, p, i) => sum + p - start[i], 0) / policy.length;
        expected.push(Math.max(0, mean));
        return found;
      },
    };
    for (const seed of [1, 2, 3, 4]) { // one adapter likes these answers less than none, another more
      policyModel = tinyWithAdapter({ moved: true, seed });
      const drawn = stepper(policyModel, { method });
      for (let at = 0; at < 2; at++) {
        const { parts } = await drawn.step(at);
        assert.ok(Number.isFinite((await sumOfParts(policyModel, parts)).metrics.loss));
      }
      policyModel.dispose();
    }
    assert.ok(expected.includes(0), "a mean below 0 is none");
    assert.ok(expected.some((kl) => kl > 0), "otherwise nothing is compared");
    assertExact(kls, expected, {
      of: "kto's KL of a batch",
      equals: "by hand",
      quantity: "value",
      within: 1e-4,
    });
  });

  it("leaves out what is longer than the model's context, an answer after another's prompt", async () => {
    const context = model.config.maxPositions;
    const side = (from: number, length: number) => ({
      ...{ kind: "answer" as const, from, ids: Array(length).fill(5) },
    });
    const one = (prompt: number, answer: number) => ({
      chosen: side(prompt, prompt + answer),
      rejected: side(prompt, prompt + 2),
      ...{ referenceChosen: 0, referenceRejected: 0 },
    });
    const scored: number[][] = [];
    const tools = {
      model,
      logProbs: (examples: readonly { ids: readonly number[] }[], under: string) => {
        scored.push(examples.map(({ ids }) => ids.length));
        return Promise.resolve(examples.map(() => under === "policy" ? 3 : 1));
      },
    } as unknown as Parameters<typeof batchKl>[1];
    const half = Math.floor(context / 2);
    assert.deepEqual(await batchKl([one(half + 2, 3), one(2, half + 5)], tools), { kl: 2 });
    assert.deepEqual(scored, Array(2).fill([5, 4, half + 4]), "one of four is too long");
    assert.deepEqual(
      await batchKl([one(context - 1, context), one(context - 1, context)], tools),
      { kl: 0 },
    );
  });
});

describe("SPIN", () => {
  it("prefers the data set's answer to the start model's own", async () => {
    const { ranked } = await stepOf(METHODS.spin);
    assert.ok(ranked.length > 0);
    for (const { pair, chosen, rejected } of ranked) {
      const known = pairs.find(({ id }) => id === pair)!;
      assert.equal(chosen, known.chosen);
      assert.notEqual(rejected, known.chosen);
    }
  });

  it("learns the pair's answer alone, where JSFT learns every turn of a dialogue", async () => {
    const talks = pairs.map((pair): typeof pair => ({
      ...pair,
      prompt: [...pair.prompt, { role: "assistant", content: pair.rejected }, ...pair.prompt],
    }));
    const still = tinyWithAdapter(); // at its start the policy is the reference
    const atStart = (turns: "all" | "last") =>
      firstStep(still, METHODS.spin, {
        pairs: talks,
        encoder: tinyEncoder({ maxTokens: 120, conventions: { ...OUR_CONVENTIONS, turns } }),
      });
    const [all, last] = [await atStart("all"), await atStart("last")];
    still.dispose();
    assert.ok(all.ranked.length > 0);
    assert.ok(Math.abs(all.metrics.rewardChosen) < 1e-5, `${all.metrics.rewardChosen}`);
    assert.equal(all.counts.chosenTokens, last.counts.chosenTokens);
  });
});

describe("RLOO", () => {
  it("gives advantages that sum to nothing", () => {
    const advantages = leaveOneOut([1, 0.25, 0.5, 0]);
    assert.ok(Math.abs(advantages.reduce((a, b) => a + b, 0)) < 1e-12);
    assert.equal(advantages[0], 1 - 0.75 / 3);
  });

  it("is in expectation the gradient of the expected reward: a policy of two tokens", () => {
    // pi(a) = sigmoid(t); the estimator over all draws of k = 3, each by its probability.
    const rewards = [1.7, -0.4];
    const expectedReward = (t: number) => {
      const p = 1 / (1 + Math.exp(-t));
      return p * rewards[0] + (1 - p) * rewards[1];
    };
    for (const t of [-1.2, 0, 0.7]) {
      const p = 1 / (1 + Math.exp(-t));
      const score = [1 - p, -p]; // d log pi / dt
      let estimate = 0;
      for (let draw = 0; draw < 8; draw++) {
        const tokens = [draw & 1, (draw >> 1) & 1, (draw >> 2) & 1];
        const chance = tokens.reduce((c, token) => c * (token === 0 ? p : 1 - p), 1);
        const advantages = leaveOneOut(tokens.map((token) => rewards[token]));
        estimate += chance *
          tokens.reduce((sum, token, i) => sum + advantages[i] * score[token], 0) / 3;
      }
      const e = 1e-5;
      const slope = (expectedReward(t + e) - expectedReward(t - e)) / (2 * e);
      assertExact([estimate], [slope], {
        of: "rloo on two tokens, over all draws",
        equals: "finite differences of the expected reward",
        quantity: "gradient",
        within: 1e-8,
      });
    }
  });

  it("has the gradient of - mean of advantage x log-probability, by finite differences", async () => {
    const { tokenizer } = tinyEncoder();
    const examples = pairs.slice(0, 3).map(({ chosen }) => {
      const ids = tokenizer.encode(`user ${chosen}`);
      return { kind: "answer" as const, ids, from: 2 };
    });
    const advantages = [0.7, -0.2, 0.4];
    const parts = policyGradientBatches(examples, { advantages, microBatchTokens: 16 });
    assert.ok(parts.length > 1);
    const { gradient } = await sumOfParts(model, parts);
    const parameters = trainable(model);
    const lossAt = async (index: number, by: number) => {
      const before = parameters.tensors().map((t) => t.clone());
      let offset = 0;
      parameters.replace(before.map((t) => {
        const values = t.dataSync().slice();
        if (index >= offset && index < offset + t.size) values[index - offset] += by;
        offset += t.size;
        return tf.tensor(values, t.shape);
      }));
      const sums = await sequenceLogProbs(model, examples);
      parameters.replace(before);
      return -sums.reduce((total, sum, i) => total + advantages[i] * sum, 0) / 3;
    };
    const largest = gradient.map((_, i) => i).sort((a, b) =>
      Math.abs(gradient[b]) - Math.abs(gradient[a])
    ).slice(0, 3);
    for (const i of largest) {
      const e = 1e-2;
      const slope = (await lossAt(i, e) - await lossAt(i, -e)) / (2 * e);
      assert.ok(
        Math.abs(slope - gradient[i]) < 0.02 * Math.max(1, Math.abs(slope)),
        `${slope} ${gradient[i]}`,
      );
    }
  });

  it("has no reward from a judge that does not answer, whatever little it says", async () => {
    const answers = ["a", "b"].map((text) => ({ text })) as unknown as Answer[];
    const sides = (answered: boolean): Compare => (comparisons) =>
      Promise.resolve(comparisons.map(() => {
        const [forward, backward] = [{ a: 1e-6, b: 1e-9 }, { a: 1e-9, b: 1e-6 }];
        const judgment = combineScores([{ principle: "overall", forward, backward }]);
        assert.ok(judgment.pFirst > 0.99 && !judgment.answered);
        return { ...judgment, answered };
      }));
    const rewards = (answered: boolean) =>
      meanWins([{ pair: pairs[0], answers }], { compare: sides(answered) } as Tools);
    assert.deepEqual(await rewards(false), [[0.5, 0.5]]);
    assert.ok((await rewards(true))[0][0] > 0.99);
  });

  it("counts k (k - 1) / 2 comparisons a prompt at most, and learns of every answer", async () => {
    const { counts, metrics } = await stepOf(METHODS.rloo);
    assert.ok(counts.comparisons! <= config.batchSize * 6);
    assert.ok(counts.samples === config.batchSize * 4 && Number.isFinite(metrics.loss));
  });
});

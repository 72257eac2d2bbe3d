/** D2PO, SPO, Self-Rewarding and SSO's second version, where they come to something known. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { Rng } from "../lib/base/random.ts";
import { byScore, inverted, longerWins, randomJudge } from "../lib/measure/mod.ts";
import { combineScores, type Compare, type Method, METHODS, panelOf } from "../lib/method/mod.ts";
import { rakeKeywords } from "../lib/method/relatives/rake.ts";
import { pointsIn, scoringPrompt } from "../lib/method/relatives/self_rewarding.ts";
import { degraded, GRADE_HEAD } from "../lib/method/relatives/spo.ts";
import { generate, generateMixture, type LanguageModel, withModel } from "../lib/model/mod.ts";
import { assertExact, keepsExactness } from "./exactness.ts";
import { refuses } from "./refusals.ts";
import { tinyModel } from "./tiny.ts";
import { config, firstStep, pairs, stepper, withTools } from "./tiny_loop.ts";
import { distance, tinyWithAdapter } from "./tiny_method.ts";

keepsExactness();

let model: LanguageModel;
before(() => {
  model = tinyWithAdapter({ moved: true });
});
after(() => model.dispose());

/** Loss, gradient, pairs and counts of a step of a method. */
const stepOf = (method: Method, options: Parameters<typeof firstStep>[2] = {}) =>
  firstStep(model, method, options);

describe("D2PO", () => {
  const gold = { compare: longerWins };
  const coin = () => randomJudge(Rng.named(4, "discriminator"));

  for (const name of ["d2po", "d2po-self"] as const) {
    it(`with gold labels for every pair is DPO on gold: ${name}`, async () => {
      const whole = { ...METHODS[name], parameters: { gold: 1e9, every: 1 } };
      const found = await stepOf(whole, { gold, compare: coin() });
      const known = await stepOf(METHODS["oracle-dpo"], { compare: longerWins });
      assert.equal(found.counts.silverPairs, 0);
      const texts = ({ ranked }: typeof known) =>
        ranked.map((r) => `${r.chosen}/${r.rejected}`).sort();
      assert.deepEqual(texts(found), texts(known));
      const what = { of: `${name} with the whole budget`, equals: "DPO on gold", within: 1e-6 };
      assertExact([found.metrics.loss], [known.metrics.loss], { ...what, quantity: "value" });
      assertExact(found.gradient, known.gradient, { ...what, quantity: "gradient" });
    });
  }

  it("spends its gold on the pairs of which the discriminator is least sure", async () => {
    const asked: string[] = [];
    const sure = new Map<string, number>();
    const graded: Compare = async (comparisons) =>
      (await longerWins(comparisons)).map((judgment, i) => {
        const pFirst = 0.5 + 0.1 * (1 + (i % 4)) * (i % 2 ? 1 : -1);
        // The first time each is asked: the rest are asked again after the lesson.
        if (sure.size < comparisons.length) sure.set(comparisons[i].first, Math.abs(pFirst - 0.5));
        return { ...judgment, answered: true, winner: pFirst > 0.5 ? "first" : "second", pFirst };
      });
    const { counts } = await stepOf({ ...METHODS.d2po, parameters: { gold: 2, every: 1 } }, {
      compare: graded,
      gold: {
        compare: (comparisons) => {
          asked.push(...comparisons.map(({ first }) => first));
          return longerWins(comparisons);
        },
      },
    });
    assert.equal(counts.gold, 2);
    assert.ok(sure.size > 2);
    const all = [...sure.values()].sort();
    assert.deepEqual(asked.map((first) => sure.get(first)!).sort(), all.slice(0, 2));
  });

  it("asks for gold every so many steps, teaches the discriminator, and refuses to go without", async () => {
    const lessons: number[] = [];
    const method: Method = {
      ...METHODS.d2po,
      parameters: { gold: 2, every: 2, window: 3 },
      own: (tools) =>
        METHODS.d2po.own(withTools(tools, {
          teach: (pairs: unknown[]) => {
            lessons.push(pairs.length);
            return Promise.resolve();
          },
        })),
    };
    const drawn = stepper(model, { method, gold });
    for (let at = 0; at < 5; at++) {
      (await drawn.step(at)).parts.forEach(({ batch }) => batch.mask?.dispose());
    }
    assert.equal(lessons.length, 3);
    assert.equal(lessons[2], 3, "the window");
    await refuses(stepOf(METHODS.d2po), /gold labels/, /--gold/);
  });
});

describe("D2PO's verdicts", () => {
  /** Two principles name the first answer by little, one the second by far: J names the second, the majority the first. */
  const outvoted: Compare = (comparisons) =>
    Promise.resolve(
      comparisons.map(() =>
        combineScores([[0.52, 0.48], [0.52, 0.48], [0.05, 0.95]].map(([a, b], i) => ({
          ...{ principle: `${i}`, forward: { a, b }, backward: { a: b, b: a } },
        })))
      ),
    );
  const mixed: Compare = async (comparisons) =>
    (await outvoted(comparisons)).map((judgment) => ({ ...judgment, consistent: false }));
  const asked = (seen: string[], compare: Compare): Compare => (comparisons) => {
    seen.push(...comparisons.map(({ first }) => first));
    return compare(comparisons);
  };
  const half: Method = { ...METHODS.d2po, parameters: { gold: 2, every: 1 } };

  it("choose by who won, gold and silver, and keep whether both positions say so", async () => {
    const firsts: string[] = [];
    const { ranked, counts } = await stepOf(half, {
      compare: asked(firsts, mixed),
      gold: { compare: mixed },
    });
    assert.ok(counts.goldPairs === 2 && counts.silverPairs > 0);
    for (const { chosen, preference, consistent } of ranked) {
      assert.ok(firsts.includes(chosen));
      assert.ok(preference! < 0.5 && consistent === false);
    }
  });

  it("contradict no discriminator that chose nobody", async () => {
    const tie = byScore(() => 0);
    for (const gold of [longerWins, inverted(longerWins)]) {
      const { counts } = await stepOf(half, { compare: tie, gold: { compare: gold } });
      assert.deepEqual([counts.goldPairs, counts.contradicted], [2, 0]);
      assert.equal(counts.silverPairs, 0);
    }
    const { counts } = await stepOf(half, {
      compare: longerWins,
      gold: { compare: inverted(longerWins) },
    });
    assert.equal(counts.contradicted, counts.goldPairs);
  });

  it("give the undecided to the second answer where the settings say so, as RSO's do", async () => {
    const tie = byScore(() => 0);
    for (const method of [half, METHODS.rso]) {
      const seconds: string[] = [];
      const compare: Compare = (comparisons) => {
        seconds.push(...comparisons.map(({ second }) => second));
        return tie(comparisons);
      };
      const run = (undecided: "skip" | "second") =>
        stepOf(method, { compare, gold: { compare }, config: { ...config, undecided } });
      assert.equal((await run("skip")).counts.pairs, 0);
      seconds.length = 0;
      const { ranked, counts } = await run("second");
      assert.ok(!counts.goldPairs, "what the gold ranker leaves open is no gold label");
      assert.ok(ranked.length > 0);
      for (const { chosen } of ranked) assert.ok(seconds.includes(chosen));
    }
  });
});

describe("SPO", () => {
  it("finds the keywords that python-rake finds, with their scores", async () => {
    const { stopwords, texts } = JSON.parse(
      await Deno.readTextFile(new URL("reference/rake.json", import.meta.url)),
    );
    assert.equal(texts.length, 5);
    for (const { text, keywords } of texts) {
      const found = rakeKeywords(text, { stopwords });
      assert.deepEqual(
        new Map(found.map(({ phrase, score }) => [phrase, score])),
        new Map(keywords),
        text,
      );
      found.forEach(({ score }, i) => assert.ok(i === 0 || score <= found[i - 1].score));
    }
  });

  it("removes the highest scores first: nothing at grade 0, every keyword at the last", () => {
    const text = "Green tea has less caffeine than black coffee.";
    assert.equal(degraded(text, 0, 3), text);
    const [some, none] = [degraded(text, 1, 3), degraded(text, 2, 3)];
    assert.ok(some.length < text.length && none.length < some.length);
    assert.ok(!/tea|coffee|caffeine/i.test(none), none);
  });

  it("with g = 0 is DPO, to the last bit", async () => {
    const [without, plain] = [
      await stepOf({ ...METHODS.spo, parameters: { g: 0 } }),
      await stepOf(METHODS["offline-dpo"]),
    ];
    assert.deepEqual(without.metrics, plain.metrics);
    const what = { of: "spo with g = 0", equals: "offline-dpo", within: 0 };
    assertExact([without.metrics.loss], [plain.metrics.loss], { ...what, quantity: "value" });
    assertExact(without.gradient, plain.gradient, { ...what, quantity: "gradient" });
  });
});

describe("a made-up method", () => {
  it("takes one entry and one test: soft labels from the mean of two judges", async () => {
    const sure = (pFirst: number): Compare => async (comparisons) =>
      (await longerWins(comparisons)).map((judgment) => ({
        ...judgment,
        forward: { a: pFirst, b: 1 - pFirst },
        backward: { a: 1 - pFirst, b: pFirst },
      }));
    const panel = panelOf([
      { name: "one", compare: sure(0.9) },
      { name: "another", compare: sure(0.5) },
    ], { by: "mean" });
    const twoJudges: Method = { ...METHODS.oaif, labels: "soft", source: "made up" };
    const { metrics, ranked } = await stepOf(twoJudges, { compare: panel.compare });
    assert.ok(ranked.length > 0);
    for (const { preference } of ranked) assert.ok(Math.abs(preference! - 0.7) < 1e-9);
    const certain = await stepOf({ ...twoJudges, labels: "hard" }, { compare: panel.compare });
    assert.notEqual(metrics.loss, certain.metrics.loss);
  });
});

describe("SPO's head", () => {
  const headOf = (value: number) =>
    new Map([[
      GRADE_HEAD,
      tf.keep(
        tf.zeros([3, model.config.hiddenSize]).add(
          tf.tensor2d([0, value, -value], [3, 1]),
        ),
      ),
    ]]);
  const of = async (g: number, value: number) => {
    const head = headOf(value);
    const found = await stepOf({ ...METHODS.spo, parameters: { g } }, { head });
    head.forEach((tensor) => tensor.dispose());
    return found;
  };

  it("adds g times the cross-entropy of the grades, ln 3 where it knows nothing", async () => {
    const [plain, added] = [await stepOf(METHODS["offline-dpo"]), await of(0.1, 0)];
    assert.ok(Math.abs(added.metrics.gradeLoss - Math.log(3)) < 1e-5);
    assert.ok(Math.abs(added.metrics.loss - plain.metrics.loss - 0.1 * Math.log(3)) < 1e-5);
  });

  it("moves the model beside DPO, in proportion to g", async () => {
    const { gradient: none } = await of(0, 0.1);
    const [some, more] = [await of(0.1, 0.1), await of(0.2, 0.1)];
    const added = some.gradient.map((x, i) => x - none[i]);
    assert.ok(Math.max(...added.map(Math.abs)) > 1e-4);
    assert.ok(distance(more.gradient.map((x, i) => x - none[i]), added.map((x) => 2 * x)) < 1e-4);
  });
});

describe("a mixture of two models", () => {
  const other = tinyModel();
  after(() => other.dispose());
  const prompts = [[5, 9, 11], [7, 4], [20, 21, 22, 23, 24]];
  const options = { maxNewTokens: 12, stopIds: [3], seed: 8, topP: 0.9 };
  const ids = (found: Awaited<ReturnType<typeof generate>>) => found.map(([{ ids }]) => ids);

  it("is the first at 0, the second at 1, and neither between", async () => {
    const of = async (mix: number) =>
      ids(await generateMixture(model, withModel(other), prompts, { ...options, mix }));
    const first = await of(0);
    assert.deepEqual(first, ids(await generate(model, prompts, options)));
    assert.deepEqual(await of(1), ids(await generate(other, prompts, options)));
  });

  it("has the geometric mean's probabilities: greedy, by hand", async () => {
    const logits = async (of: LanguageModel) => {
      const { batchLogits } = await import("./model_reference.ts");
      return batchLogits(of, [prompts[0]])[0].subarray(-of.config.vocabSize);
    };
    const [p, q] = [await logits(model), await logits(other)];
    const mean = p.map((value, i) => 0.3 * value + 0.7 * q[i]);
    const likeliest = mean.indexOf(Math.max(...mean));
    const [[{ ids: [token] }]] = await generateMixture(model, withModel(other), [prompts[0]], {
      ...options,
      stopIds: [],
      temperature: 0,
      maxNewTokens: 1,
      mix: 0.7,
    });
    assert.equal(token, likeliest);
  });
});

describe("Self-Rewarding", () => {
  it("reads points where a reply gives some", () => {
    const replies = ["Score: 4", "score:3.5", "**Score:** 2", "5", "Score: 7", "A fine answer."];
    assert.deepEqual(replies.map(pointsIn), [4, 3.5, 2, 5, null, null]);
    const others = {
      "**Score**: 2": 2,
      "Score (out of 5): 3": 3,
      "The score is 5.": 5,
      "**Score: 4**": 4,
      "score = 1.5/5": 1.5,
      "I would score 1 point for relevance and 1 for use ...\nScore: 5": 5,
      "Score: 0-5? I say 4": null,
      "0 - 5": null,
      "Score: 10": null,
      // What follows on points is no range.
      "Score: 4\n- 1 point for relevance": 4,
      "Score: 4\n\n- 2 points": 4,
      "Score: 4\n-1 for its length": 4,
      "Score: 4 - 1 point each for the first four": 4,
      "Score: 3-4": null,
      "Score: 3 –4": null,
      "Score: 4, where a perfect score is 5": 4,
      "A perfect score is 5, this one's score: 4": 4,
      "The score is: **2**": 2,
      "Score 4": 4,
      "I would score 1 point for relevance": null,
      "2nd one": null,
      "4pts": null,
    };
    assert.deepEqual(Object.keys(others).map(pointsIn), Object.values(others));
    const [{ content }] = scoringPrompt([{ role: "user", content: "Why?" }], "Because.");
    assert.ok(content.includes("user: Why?") && content.includes("Because."));
  });

  it("reads the reply's own points, not those of a dialogue that the grader runs on to", () => {
    const [{ content }] = scoringPrompt([{ role: "user", content: "Why?" }], "Because.");
    for (const next of [content, content.slice(content.indexOf("Dialogue:")), "**Dialogue:** x"]) {
      assert.equal(pointsIn(`Score: 3\n\n${next}\n\nScore: 5`), 3, next);
      assert.equal(pointsIn(`A fine answer.\n\n${next}\n\nScore: 5`), null, next);
    }
    assert.equal(pointsIn("It bears on the dialogue: 1 point.\nScore: 4"), 4);
  });

  it("asks for points though the question is longer than a prompt with its answer may be", async () => {
    const asked: number[] = [];
    const method: Method = {
      ...METHODS["self-rewarding"],
      own: (tools) =>
        METHODS["self-rewarding"].own(withTools(tools, {
          sample: async (...args: Parameters<typeof tools.sample>) => {
            const drawn = await tools.sample(...args);
            asked.push(args[0].length, drawn.length);
            return drawn;
          },
        })),
    };
    await stepOf(method);
    assert.equal(asked.length, 4);
    assert.ok(asked[2] > 0 && asked[3] === asked[2], `${asked}`);
  });

  it("prefers the answer of the most points to that of the fewest", async () => {
    const points = (text: string) => text.length % 6;
    const method: Method = {
      ...METHODS["self-rewarding"],
      own: (tools) =>
        METHODS["self-rewarding"].own(withTools(tools, {
          sample: async (
            prompts: { prompt: { content: string }[] }[],
            options: { name?: string; candidates?: number },
          ) => {
            if (options.name !== "points") return await tools.sample(prompts as never[], options);
            return prompts.map((pair) => {
              const [, answer] = /Answer:\n([^]*)\n\nWrite/.exec(pair.prompt[0].content)!;
              const reply = { text: `Score: ${points(answer)}` };
              return { pair, answers: Array(options.candidates).fill(reply) };
            });
          },
        })),
    };
    // Two files of one name give two pairs of one id.
    for (const given of [pairs, pairs.map((pair) => ({ ...pair, id: "pairs:1" }))]) {
      const { ranked } = await stepOf(method, { pairs: given });
      assert.ok(ranked.length > 0);
      for (const { chosen, rejected } of ranked) assert.ok(points(chosen) > points(rejected));
    }
  });

  it("counts the grader's draws as what its ranker was asked, not as answers", async () => {
    const { counts } = await stepOf(METHODS["self-rewarding"]);
    const { candidates, parameters: { draws } } = METHODS["self-rewarding"];
    assert.equal(counts.samples, config.batchSize * candidates);
    const graded = (config.batchSize - counts.identical) * candidates;
    assert.equal(counts.judgePrompts, graded * draws);
    assert.ok(counts.sampledTokens <= counts.samples * (config.maxNewTokens + 1));
    assert.ok(counts.secondsJudging > 0);
  });
});

describe("SSO's data generator", () => {
  it("learns two pairs a prompt with their answers' own likelihood, and leaves those of the plain prompt", async () => {
    const { ranked, metrics, counts } = await stepOf(METHODS["sso-generator"]);
    const plain = await stepOf({ ...METHODS.sso, parameters: { g: 0 } });
    assert.deepEqual(ranked.map((r) => r.chosen), plain.ranked.map((r) => r.chosen));
    assert.equal(counts.samples, 3 * config.batchSize);
    const bare = await stepOf({ ...METHODS["sso-generator"], parameters: { sft: 0 } });
    assert.ok(metrics.loss > bare.metrics.loss, "the likelihood's part");
    // Without that part: the mean of DPO's losses under both system turns, which start at different margins.
    const dpo = await stepOf({ ...METHODS["sso-generator"], loss: "sigmoid", parameters: {} });
    assertExact([bare.metrics.loss], [dpo.metrics.loss], {
      of: "sso-generator without its likelihood",
      equals: "DPO under both system turns",
      quantity: "value",
      within: 1e-6,
    });
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { byScore, longerWins } from "../lib/measure/mod.ts";
import {
  type Compare,
  type Method,
  methodNamed,
  METHODS,
  modelScorer,
  PairwiseJudge,
  type TokenObjective,
} from "../lib/method/mod.ts";
import { type LanguageModel, withAdapterOff, type WithModel } from "../lib/model/mod.ts";
import { judgmentOf } from "./judge_fakes.ts";
import { refusesAtOnce } from "./refusals.ts";
import { tinyLanguage, tinyModel } from "./tiny.ts";
import { config, pairs, stepper } from "./tiny_loop.ts";
import { tinyEncoder, tinyTemplates, tinyWithAdapter, trainLogged } from "./tiny_method.ts";

const END = tinyLanguage().eosId;
const noJudge: Compare = () => Promise.reject(new Error("the judge was called"));

describe("the methods", () => {
  for (const [name, method] of Object.entries(METHODS) as [string, Method][]) {
    it(`train two steps of ${name}`, async () => {
      const model = tinyWithAdapter({ dropout: 0.1 });
      const judge = new PairwiseJudge({
        scorer: modelScorer(withAdapterOff(model)),
        templates: tinyTemplates(),
        leastLabelProbability: 0, // a model that was never a judge puts little on the labels
      });
      const head = new Map(
        method.head
          ? [[method.head.name, tf.zeros([method.head.rows, model.config.hiddenSize])]]
          : [],
      );
      const { step, compared, ranked } = stepper(model, {
        ...{ method, compare: judge.compare, head },
        gold: { compare: longerWins },
        // A method of the data set's soft labels asks for some.
        ...(name === "offline-dpo-soft" &&
          { pairs: pairs.map((pair) => ({ ...pair, strength: 1 })) }),
      });
      const tensors: number[] = [];
      const onStep = () => void tensors.push(tf.memory().numTensors);
      const logs = await trainLogged({ model, steps: 2, prepare: step, rate: 1e-3, onStep });
      assert.equal(logs.length, 2);
      const asked = method.ranker !== "labels" && method.ranker !== "none";
      for (const log of logs) {
        if (!method.own && !method.pairs) {
          assert.equal(log.pairs, 4 - log.identical - log.undecided - log.skippedPrompts);
        }
        // A random model gives no points, so nothing is learned by them.
        if (name === "self-rewarding") assert.ok(log.withoutPoints > 0 && log.pairs === 0);
        else assert.ok(log.pairs > 0 && log.gradientNorm > 0 && Number.isFinite(log.loss));
      }
      assert.equal(logs.some((log) => log.comparisons > 0), asked);
      const starts: Partial<Record<Method["loss"], number>> = {
        sigmoid: Math.LN2,
        hinge: 1,
        ipo: (1 / (2 * config.beta)) ** 2,
      };
      const start = (method.own || method.offsets ? undefined : starts[method.loss]) ??
        logs[0].loss; // that of a likelihood is not known beforehand
      // Dropout is on in the policy, so it is only near its reference.
      if (start !== undefined) {
        assert.ok(Math.abs(logs[0].loss / start - 1) < 1e-3, `${logs[0].loss} ${start}`);
      }
      assert.equal(compared.length > 0, asked);
      if (!method.own) assert.equal(ranked.every((o) => o.preference !== undefined), asked);
      assert.equal(tensors[1], tensors[0], "a step leaves nothing behind");
      for (const weights of head.values()) weights.dispose();
      model.dispose();
    });
  }

  it("that do not exist are refused with the list of those that do", () => {
    refusesAtOnce(
      () => methodNamed("rlhf"),
      /^there is no method "rlhf"\n/,
      ...Object.keys(METHODS),
    );
    refusesAtOnce(() => methodNamed("toString"));
  });

  it("that give their loss an offset are refused with a loss that has no place for it", () => {
    const model = tinyModel();
    for (const loss of ["sigmoid", "ipo"] as const) {
      stepper(model, { method: { ...METHODS["sr-dpo"], loss } });
    }
    refusesAtOnce(
      () => stepper(model, { method: { ...METHODS["sr-dpo"], loss: "hinge" } }),
      /the loss hinge does not look at it\n.*sigmoid, ipo/,
    );
    model.dispose();
  });
});

describe("who answers and who ranks", () => {
  it("is the frozen start for off-policy samples, however far the policy has moved", async () => {
    const [moved, start] = [tinyWithAdapter({ moved: true }), tinyModel()];
    const asked = async (model: LanguageModel, name: keyof typeof METHODS) => {
      const { step, compared } = stepper(model, { method: METHODS[name] });
      await step(1);
      return compared;
    };
    const offPolicy = await asked(moved, "off-policy-dpo");
    assert.deepEqual(offPolicy, await asked(start, "self-judge"));
    assert.notDeepEqual(offPolicy, await asked(moved, "self-judge"));
    moved.dispose();
    start.dispose();
  });

  it("is the data set alone for offline DPO, whose judge is never called", async () => {
    const model = tinyModel();
    const { step, ranked } = stepper(model, { method: METHODS["offline-dpo"], compare: noJudge });
    const { metrics } = await step(0);
    assert.equal(metrics!.pairs, 4);
    for (const { pair: id, chosen, rejected, ...rest } of ranked) {
      const pair = pairs.find((p) => p.id === id)!;
      assert.deepEqual([chosen, rejected], [pair.chosen, pair.rejected]);
      assert.deepEqual(rest, { step: 1 });
    }
    model.dispose();
  });

  it("is the judge's word over the data set's for relabelled pairs", async () => {
    const model = tinyModel();
    const shorterWins = byScore(({ answer }) => -answer.length);
    const { step, ranked } = stepper(model, {
      method: METHODS["relabelled-dpo"],
      compare: shorterWins,
    });
    await step(0);
    assert.equal(ranked.length, 4);
    for (const { chosen, rejected, preference, consistent } of ranked) {
      assert.ok(chosen.length < rejected.length);
      assert.deepEqual([preference, consistent], [1, true]);
    }
    assert.ok(
      ranked.some(({ pair, chosen }) => pairs.find((p) => p.id === pair)!.rejected === chosen),
    );
    model.dispose();
  });

  it("is a judge that stays where it was while the adapter trains", async () => {
    const model = tinyWithAdapter();
    const frozen = withAdapterOff(model);
    const question = [{ prompt: pairs[0].prompt, first: "Sure, apple.", second: "Never." }];
    const asked = async (of: WithModel) => {
      const judge = new PairwiseJudge({ scorer: modelScorer(of), templates: tinyTemplates() });
      return (await judge.compare(question))[0];
    };
    const [judge, policy] = [await asked(frozen), await asked((work) => work(model))];
    assert.deepEqual(policy, judge); // a fresh adapter changes nothing
    const { step } = stepper(model);
    await trainLogged({ model, steps: 3, prepare: step });
    assert.deepEqual(await asked(frozen), judge);
    assert.notDeepEqual(await asked((work) => work(model)), judge);
    model.dispose();
  });
});

describe("a step's pairs", () => {
  it("tell of the judge as a report does: no answer is not consistent, and even of the positions", async () => {
    const model = tinyModel();
    const { step } = stepper(model, {
      method: METHODS["off-policy-dpo"],
      compare: (asked) =>
        Promise.resolve(
          asked.map((_, i) => i === 0 ? judgmentOf([0.8, 0.1]) : judgmentOf([0.003, 0.001])),
        ),
    });
    const { metrics } = await step(0);
    const n = 4 - metrics!.identical;
    assert.ok(n > 1);
    assert.equal(metrics!.judgeUnanswered, (n - 1) / n);
    assert.equal(metrics!.judgeConsistent, 1 / n);
    assert.equal(metrics!.judgeFirstPosition, 0.5);
    model.dispose();
  });

  it("leave out identical samples, and count them", async () => {
    const model = tinyModel();
    const greedy = { ...config, temperature: 0 };
    const { step, compared, ranked } = stepper(model, { config: greedy });
    const { parts, metrics } = await step(0);
    assert.deepEqual([metrics!.identical, metrics!.pairs, metrics!.undecided], [4, 0, 0]);
    assert.deepEqual([parts, compared, ranked], [[], [], []]);
    // Nothing was compared, so that there is no share of it: a 0 would count in the run's mean.
    for (const name of ["judgeConsistent", "judgeFirstPosition", "chosenTokens"]) {
      assert.ok(!(name in metrics!), name);
    }
    model.dispose();
  });

  it("leave out those on which the judge is undecided or silent, and count them", async () => {
    const model = tinyModel();
    const tie = byScore(() => 0);
    const silent: Compare = async (comparisons) =>
      (await longerWins(comparisons)).map((judgment, i) => ({ ...judgment, answered: i > 0 }));
    for (const [compare, undecided] of [[tie, 4], [silent, 1]] as const) {
      const { step, ranked } = stepper(model, { method: METHODS["relabelled-dpo"], compare });
      const { metrics } = await step(0);
      assert.deepEqual([metrics!.undecided, metrics!.pairs], [undecided, 4 - undecided]);
      assert.equal(ranked.length, 4 - undecided);
    }
    model.dispose();
  });

  it("leave out prompts with no room for an answer, and count them", async () => {
    const model = tinyModel();
    const { step } = stepper(model, { encoder: tinyEncoder({ maxTokens: 30 }) });
    const { parts, metrics } = await step(0);
    assert.deepEqual([metrics!.skippedPrompts, metrics!.pairs, parts.length], [4, 0, 0]);
    model.dispose();
  });

  it("end with the end token exactly where the model ended, and have the lengths they say", async () => {
    const model = tinyModel();
    const cut: boolean[] = [];
    for (let k = 0; k < 4; k++) {
      const { step } = stepper(model);
      const { parts, metrics } = await step(k);
      const lengths = { chosen: 0, rejected: 0 };
      for (const { batch, objective } of parts) {
        const { at } = objective as TokenObjective;
        for (let row = 0; row < batch.size; row++) {
          const answer = at.filter((p) => p.row === row)
            .map(({ column }) => batch.ids[row * batch.length + column + 1]);
          const ended = answer.at(-1) === END;
          cut.push(!ended);
          assert.ok(!answer.slice(0, -1).includes(END));
          assert.ok(ended ? answer.length <= 24 : answer.length === 24, `${answer}`);
          lengths[row < batch.size / 2 ? "chosen" : "rejected"] += answer.length;
        }
        batch.mask?.dispose();
      }
      assert.ok(Math.abs(metrics!.chosenTokens * metrics!.pairs - lengths.chosen) < 1e-9);
      assert.ok(Math.abs(metrics!.rejectedTokens * metrics!.pairs - lengths.rejected) < 1e-9);
    }
    assert.ok(cut.includes(true) && cut.includes(false), "both kinds have to occur");
    model.dispose();
  });

  it("take every prompt once in a pass over the data, in an order that the seed sets", async () => {
    const model = tinyModel();
    const pass = async (seed: number, steps: number[]) => {
      const { step, ranked } = stepper(model, {
        method: METHODS["offline-dpo"],
        config: { ...config, seed },
      });
      for (const k of steps) (await step(k)).parts.forEach(({ batch }) => batch.mask?.dispose());
      return ranked.map((o) => o.pair);
    };
    const [first, second] = [await pass(3, [0, 1]), await pass(3, [2, 3])];
    const all = pairs.map((p) => p.id).sort();
    assert.deepEqual([...first].sort(), all);
    assert.deepEqual([...second].sort(), all);
    assert.notDeepEqual(second, first);
    assert.deepEqual(await pass(3, [0, 1]), first);
    assert.notDeepEqual(await pass(4, [0, 1]), first);
    model.dispose();
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { byScore, longerWins } from "../lib/measure/mod.ts";
import {
  type Compare,
  METHODS,
  type PairOptions,
  sampleAnswers,
  type Sampler,
} from "../lib/method/mod.ts";
import { DriftAlarm } from "../lib/engine/drift.ts";
import { OUTSIDE_METHODS, outsideMethod } from "../lib/engine/methods.ts";
import { makeRound } from "../lib/engine/round_maker.ts";
import {
  type PreferenceRow,
  preferenceRow,
  Rounds,
  supervisedRow,
  trainerRows,
} from "../lib/engine/rounds.ts";
import { newFolder } from "./temporary_files.ts";
import { refuses, refusesAtOnce } from "./refusals.ts";
import { config, pairs, stepper } from "./tiny_loop.ts";
import { tinyPairs } from "./tiny.ts";
import { tinyEncoder, tinyWithAdapter } from "./tiny_method.ts";

const answer = (ids: number[], from: number, skipped?: [number, number][]) => ({
  text: `${ids}`,
  example: { kind: "answer" as const, ids, from, skipped },
});

/** A round by a model that is here, in the place of servers. */
function making(model: ReturnType<typeof tinyWithAdapter>, compare: Compare): PairOptions {
  const draw = (
    prompts: readonly (readonly number[])[],
    drawing: Parameters<typeof sampleAnswers>[2],
  ) => sampleAnswers(model, prompts, drawing);
  return {
    method: METHODS["self-judge"],
    samplers: { policy: draw },
    ranker: { compare },
    pairs,
    encoder: tinyEncoder(),
    config,
    contextTokens: model.config.maxPositions,
  };
}

const round = {
  steps: [0, 1],
  version: 0,
  policySteps: 0,
  logProbOf: () => -1.5,
  checkStop: () => {},
};

/**
 * A round of answers that cost nothing, and the prompts that were asked, try by try. The ranker decides on the first of
 * every `decided` prompts alone.
 *
 * @param kept Answers by request, as a run keeps them.
 */
function cheap(
  { prompts, batchSize, decided }: { prompts: number; batchSize: number; decided: number },
  kept = new Map<string, string[]>(),
): { making: PairOptions; tries: string[][] } {
  const pairs = tinyPairs(prompts, 4).map((pair, i) => ({
    ...pair,
    decides: decided > 0 && i % decided === 0,
  }));
  const of = new Map<unknown, (typeof pairs)[number]>(pairs.map((pair) => [pair.prompt, pair]));
  const tries: string[][] = [];
  const encoder = tinyEncoder();
  const policy: Sampler = (asked, { seed }) =>
    Promise.resolve(asked.map((ids, i) => {
      const key = [seed, i, ...ids].join();
      const drawn = kept.get(key) ?? ["Yes", `Sure, ${["fig", "lime"][i % 2]}`];
      kept.set(key, drawn);
      return drawn.map((text) => ({
        text,
        ids: [...ids, ...encoder.tokenizer.encode(text)],
        from: ids.length,
        end: "length" as const,
      }));
    }));
  const compare: Compare = async (comparisons) => {
    tries.push(comparisons.map(({ prompt }) => of.get(prompt)!.id));
    return (await longerWins(comparisons)).map((judgment, i) =>
      of.get(comparisons[i].prompt)!.decides
        ? judgment
        : { ...judgment, winner: "tie" as const, answered: false }
    );
  };
  const making: PairOptions = {
    method: METHODS["self-judge"],
    ...{ samplers: { policy }, ranker: { compare }, pairs, encoder, contextTokens: 64 },
    config: { ...config, batchSize },
  };
  return { making, tries };
}

describe("rows that a trainer elsewhere reads", () => {
  it("mask what is not learned of an example", () => {
    const example = { kind: "answer", ids: [5, 6, 7, 8, 9], from: 2, skipped: [[3, 4]] } as const;
    assert.deepEqual(supervisedRow(4, example), {
      step: 4,
      input_ids: [5, 6, 7, 8, 9],
      labels: [-100, -100, 7, -100, 9],
    });
  });

  it("have the prompt of both answers once, and refuse answers after other tokens", () => {
    const prompt = pairs[0];
    const more = { step: 1, sampled_logps: [-1, -2] as [number, number], version: 0, age: 0 };
    const made = preferenceRow(
      { prompt, chosen: answer([1, 2, 3], 1), rejected: answer([1, 4], 1) },
      more,
    );
    assert.deepEqual([made.prompt_ids, made.chosen_ids, made.rejected_ids], [[1], [2, 3], [4]]);
    assert.equal(made.label, 1);
    const pair = { prompt, chosen: answer([1, 2], 1), rejected: answer([1, 4], 1) };
    assert.equal(preferenceRow({ ...pair, label: 0.75 }, more).label, 0.75);
    for (
      const rejected of [answer([9, 4], 1), answer([1, 1, 4], 2), answer([1, 4, 5], 1, [[1, 2]])]
    ) {
      refusesAtOnce(
        () => preferenceRow({ prompt, chosen: answer([1, 2, 3], 1), rejected }, more),
        `pair ${prompt.id}`,
        "chat.text=parts",
      );
    }
  });
});

describe("a round", () => {
  it("has the pairs of a native step where no answer is alike or undecided", async () => {
    const model = tinyWithAdapter();
    const { rows, made } = await makeRound({ ...round, making: making(model, longerWins) });
    const { step } = stepper(model);
    for (const s of [0, 1]) {
      const native = await step(s);
      if (native.pairs.length < config.batchSize) continue;
      assert.deepEqual(made[s].pairs, native.pairs);
      assert.equal(made[s].numbers.judgeConsistent, native.metrics!.judgeConsistent);
    }
    assert.deepEqual(rows.map(({ step }) => step), [1, 1, 1, 1, 2, 2, 2, 2]);
    assert.deepEqual((rows as PreferenceRow[]).map(({ age }) => age), [0, 0, 0, 0, 1, 1, 1, 1]);
    assert.deepEqual((rows[0] as PreferenceRow).sampled_logps, [-1.5, -1.5]);
    model.dispose();
  });

  it("tells its ranker of each step, as a native one: a coin's stream is the step's", async () => {
    const model = tinyWithAdapter();
    const told: number[] = [];
    const { ranker, ...rest } = making(model, longerWins);
    const before = (step: number) => void told.push(step);
    await makeRound({ ...round, making: { ...rest, ranker: { ...ranker!, before } } });
    assert.deepEqual(told, [0, 1]);
    model.dispose();
  });

  it("is filled with more prompts where the judge is undecided, and the same each time", async () => {
    const model = tinyWithAdapter();
    // Undecided on half of the prompts, whichever they are.
    const half: Compare = async (comparisons) =>
      (await longerWins(comparisons)).map((judgment, i) =>
        pairs.findIndex(({ prompt }) => prompt === comparisons[i].prompt) % 2 === 0
          ? { ...judgment, winner: "tie" as const, answered: false }
          : judgment
      );
    const once = await makeRound({ ...round, making: making(model, half) });
    assert.equal(once.rows.length, 2 * config.batchSize);
    assert.ok(once.made.some(({ numbers }) => numbers.undecided > 0));
    assert.deepEqual((await makeRound({ ...round, making: making(model, half) })).rows, once.rows);
    model.dispose();
  });

  it("asks no prompt twice in a step, and as many more as the yield so far says", async () => {
    const { making, tries } = cheap({ prompts: 600, batchSize: 16, decided: 10 });
    const { rows } = await makeRound({ ...round, steps: [0], making });
    assert.equal(new Set((rows as PreferenceRow[]).map(({ pair }) => pair)).size, 16);
    const asked = tries.flat();
    assert.equal(new Set(asked).size, asked.length);
    assert.ok(asked.length < 400, `16 pairs of one in ten were had of ${asked.length} prompts`);
    assert.ok(tries.length <= 8, `${tries.map(({ length }) => length)}`);
    for (const [i, { length }] of tries.entries()) {
      if (i > 0) assert.ok(length <= tries.slice(0, i).flat().length, "no more than is known of");
    }
  });

  it("asks nothing more where the first prompts fill it", async () => {
    const { making, tries } = cheap({ prompts: 40, batchSize: 8, decided: 1 });
    await makeRound({ ...round, making });
    assert.deepEqual(tries.map(({ length }) => length), [8, 8]);
  });

  it("that was stopped asks the same when it is made again", async () => {
    const kept = new Map<string, string[]>();
    const settings = { prompts: 200, batchSize: 8, decided: 4 };
    const whole = cheap(settings, kept);
    const once = await makeRound({ ...round, making: whole.making });
    assert.ok(whole.tries.length > 4);
    kept.clear();
    const stopped = cheap(settings, kept);
    const checkStop = () => {
      if (stopped.tries.length === 3) throw new Error("stopped");
    };
    await assert.rejects(makeRound({ ...round, checkStop, making: stopped.making }), /stopped/);
    const drawn = [...kept];
    const again = cheap(settings, kept);
    assert.deepEqual((await makeRound({ ...round, making: again.making })).rows, once.rows);
    assert.deepEqual(again.tries, whole.tries);
    assert.deepEqual([...kept].slice(0, drawn.length), drawn, "what was drawn is not drawn again");
  });

  it("is given up at a hundred prompts a pair, and where no prompt is left", async () => {
    const mute = cheap({ prompts: 600, batchSize: 4, decided: 0 });
    await refuses(
      makeRound({ ...round, steps: [0], making: mute.making }),
      /0 pairs of 4 from 400 prompts, 0 of them with .* the same, 400 on which/,
    );
    const few = cheap({ prompts: 30, batchSize: 4, decided: 0 });
    await refuses(
      makeRound({ ...round, steps: [0], making: few.making }),
      "0 pairs of 4 from 30 prompts",
      "data.train",
    );
  });

  it("that cannot be filled says how many pairs were found and why not more", async () => {
    const model = tinyWithAdapter();
    await refuses(
      makeRound({ ...round, making: making(model, byScore(() => 0)) }),
      /step 1 cannot be filled: 0 pairs of 4/,
      "undecided",
      "judge-after",
    );
    model.dispose();
  });
});

describe("methods on engines elsewhere", () => {
  it("are those whose parts servers and TRL have; the others are refused with the list", () => {
    for (
      const name of [
        "self-judge",
        "self-judge-hinge",
        "self-judge-soft",
        "offline-dpo-soft",
        "offline-dpo",
        "off-policy-dpo",
        "relabelled-dpo",
        "raft",
      ]
    ) {
      assert.ok(OUTSIDE_METHODS.includes(name), name);
    }
    for (const name of ["self-judge-ipo", "rloo", "osp", "sppo", "kto", "d2po", "sr-dpo"]) {
      assert.ok(!OUTSIDE_METHODS.includes(name), name);
    }
    refusesAtOnce(() => outsideMethod("self-judge-ipo"), "has the loss ipo", "self-judge-hinge");
  });
});

describe("the drift between servers and trainer", () => {
  const written = async (drifts: number[]) => {
    const rounds = new Rounds(await newFolder());
    for (const [i, drift] of drifts.entries()) {
      const row = {
        step: i + 1,
        pair: "a",
        prompt_ids: [1],
        chosen_ids: [2, 3],
        rejected_ids: [4],
      };
      const more = {
        sampled_logps: [-4, -2] as [number, number],
        ...{ label: 1, preference: 1 },
        version: i,
        age: 0,
      };
      await rounds.handOver(i + 1, [{ ...row, ...more }], []);
      const logps = [[-4 - 2 * drift, -2 + drift]];
      await Deno.writeTextFile(`${rounds.of(i + 1)}/logps.json`, JSON.stringify(logps));
    }
    return new DriftAlarm(rounds, 0.05);
  };

  it("is a mean a token, whose floor is the first round's", async () => {
    const alarm = await written([0.01, 0.04]);
    assert.ok(Math.abs((await alarm.check(1))! - 0.01) < 1e-9);
    assert.ok(Math.abs((await alarm.check(2))! - 0.04) < 1e-9);
    assert.equal(await alarm.check(3), null);
  });

  it("is not told of answers of an older policy than the trainer's", async () => {
    const rounds = new Rounds(await newFolder());
    const row = { step: 2, pair: "a", prompt_ids: [1], chosen_ids: [2], rejected_ids: [3] };
    const more = {
      ...{ sampled_logps: [-1, -1] as [number, number], preference: 1 },
      ...{ label: 1, version: 0, age: 1 },
    };
    await rounds.handOver(2, [{ ...row, ...more }], []);
    await Deno.writeTextFile(`${rounds.of(2)}/logps.json`, "[[-9, -9]]");
    assert.equal(await rounds.drift(2), null);
  });

  it("above floor and limit stops the run with the round's number", async () => {
    const alarm = await written([0.01, 0.07]);
    await alarm.check(1);
    await refuses(alarm.check(2), "round 2", "0.0700 a token", "older adapter");
    await refuses((await written([0.2])).check(1), "round 1", "base model, tokenizer and dtype");
    await refuses((await written([NaN])).check(1), "round 1");
  });
});

describe("the trainer's log", () => {
  it("counts the last line of a step that was taken twice, and a torn line not at all", async () => {
    const folder = await newFolder();
    const lines = [[1, 0.7], [2, 0.6], [2, 0.5]].map(([step, loss]) =>
      JSON.stringify({ step, loss })
    );
    await Deno.writeTextFile(`${folder}/trainer.jsonl`, lines.join("\n") + '\n{"step": 3');
    const rows = await trainerRows(folder);
    assert.deepEqual([...rows].map(([step, { loss }]) => [step, loss]), [[1, 0.7], [2, 0.5]]);
  });
});

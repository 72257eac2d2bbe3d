import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { longerWins } from "../lib/measure/mod.ts";
import {
  checkRounds,
  type LoopOptions,
  type MethodName,
  METHODS,
  PreferenceLoop,
  type RankedPair,
  RoundLoop,
} from "../lib/method/mod.ts";
import { withAdapterOff } from "../lib/model/mod.ts";
import { resolveConfig } from "../lib/run/config.ts";
import { FileRounds } from "../lib/run/round_files.ts";
import { selfJudgeStage } from "../lib/run/stages/preference.ts";
import { refusesAtOnce } from "./refusals.ts";
import { newFolder } from "./temporary_files.ts";
import { config, pairs } from "./tiny_loop.ts";
import {
  type TestTraining,
  timelessLog,
  tinyEncoder,
  tinyWithAdapter,
  trainLogged,
  values,
} from "./tiny_method.ts";

const STEPS = 8;

/** A training of the tiny model by a method: its log, pairs and weights. */
async function trained(
  { name = "self-judge", roundSteps, folder, ...options }: {
    name?: MethodName;
    /** Null: without rounds. */
    roundSteps: number | null;
    folder?: string;
    /** Told of each batch before it is learned from. */
    onBatch?: (step: number) => void;
    before?: (step: number) => void;
    training?: Partial<TestTraining>;
  },
) {
  const model = tinyWithAdapter();
  const loop: LoopOptions = {
    ...{ model, pairs, config, method: METHODS[name], encoder: tinyEncoder() },
    reference: withAdapterOff(model),
    ranker: { compare: longerWins, before: options.before },
  };
  const made = `${folder ?? await newFolder()}/rounds`;
  const data = roundSteps === null ? new PreferenceLoop(loop) : new RoundLoop(loop, {
    ...{ roundSteps, steps: STEPS },
    rounds: new FileRounds(made, { roundSteps, checkpointEvery: 2 }),
  });
  const ranked: RankedPair[] = [];
  try {
    const logs = await trainLogged({
      ...{ model, steps: STEPS, rate: 0.02 },
      prepare: async (step) => {
        const batch = await data.batch(step);
        ranked.push(...batch.pairs);
        return batch;
      },
      ...(folder && { checkpoint: { path: `${folder}/checkpoint`, config: "{}", every: 2 } }),
      ...options.training,
    });
    return { logs: logs.map(timelessLog), ranked, weights: await values(model), made };
  } finally {
    model.dispose();
  }
}

describe("training in rounds", () => {
  it("of one step is training without, to the last digit", async () => {
    const plain = await trained({ roundSteps: null });
    const rounds = await trained({ roundSteps: 1 });
    assert.ok(plain.ranked.length > 0);
    assert.deepEqual(rounds.logs.map(({ age: _, ...log }) => log), plain.logs);
    assert.deepEqual(rounds.ranked.map(({ age: _, ...pair }) => pair), plain.ranked);
    assert.deepEqual(rounds.weights, plain.weights);
  });

  it("learns each step from what the policy at the round's first step answers to the step's prompts", async () => {
    const plain = await trained({ roundSteps: null });
    const rounds = await trained({ roundSteps: 4 });
    assert.deepEqual(rounds.logs.map(({ age }) => age), [0, 1, 2, 3, 0, 1, 2, 3]);
    assert.ok(rounds.ranked.every(({ step, age }) => age === (step - 1) % 4));
    const at = (found: typeof plain, step: number) =>
      found.ranked.filter((pair) => pair.step === step).map(({ age: _, ...pair }) => pair);
    assert.deepEqual(at(rounds, 1), at(plain, 1)); // the same policy, not moved yet
    assert.notDeepEqual(at(rounds, 2), at(plain, 2)); // step by step it has moved
    // A policy that never moves answers alike at every step: what the first round has to have.
    const unmoved = await trained({ roundSteps: null, training: { rate: 0 } });
    for (const step of [1, 2, 3, 4]) assert.deepEqual(at(rounds, step), at(unmoved, step));
    assert.notDeepEqual(at(rounds, 5), at(unmoved, 5));
  });

  it("changes nothing where the model that it started from answers", async () => {
    const plain = await trained({ name: "off-policy-dpo", roundSteps: null });
    const rounds = await trained({ name: "off-policy-dpo", roundSteps: 3 });
    assert.deepEqual(rounds.logs.map(({ age: _, ...log }) => log), plain.logs);
    assert.deepEqual(rounds.weights, plain.weights);
  });

  it("scores an answer that is in several pairs once, as without rounds", async () => {
    const scored = async (roundSteps: number | null) => {
      const { logs } = await trained({ name: "osp", roundSteps });
      return logs.map(({ scoredStart, scoredTokens }) => [scoredStart, scoredTokens]);
    };
    const alone = await scored(null);
    assert.ok(alone.some(([answers]) => answers > 0));
    assert.deepEqual(await scored(1), alone);
  });

  it("makes no batch beyond the last step, and tells the ranker of each", async () => {
    const told: number[] = [];
    await trained({ roundSteps: 3, before: (step) => told.push(step) });
    assert.deepEqual(told, [0, 1, 2, 3, 4, 5, 6, 7]);
  });

  /** Rounds of three steps, never stopped. */
  let unbroken: Awaited<ReturnType<typeof trained>>;
  before(async () => {
    unbroken = await trained({ roundSteps: 3 });
  });

  for (const stopped of [1, 2, 3, 5]) {
    it(`ends as an unbroken run does, stopped after step ${stopped} of rounds of 3`, async () => {
      const folder = await newFolder();
      let taken = 0;
      const training = { shouldStop: () => ++taken === stopped };
      const first = await trained({ roundSteps: 3, folder, training });
      const second = await trained({ roundSteps: 3, folder });
      assert.deepEqual([...first.logs, ...second.logs], unbroken.logs);
      assert.deepEqual([...first.ranked, ...second.ranked], unbroken.ranked);
      assert.deepEqual(second.weights, unbroken.weights);
    });
  }

  it("ends as an unbroken run does, killed in a later round than its checkpoint's", async () => {
    const folder = await newFolder();
    const killed = new Error("killed");
    let taken = 0;
    const onStep = () => {
      if (++taken === 6) throw killed; // before its checkpoint: the last one is of step 4, of the second round
    };
    const checkpoint = { path: `${folder}/checkpoint`, config: "{}", every: 4 };
    await assert.rejects(
      trained({ roundSteps: 3, folder, training: { onStep, checkpoint } }),
      killed,
    );
    const second = await trained({ roundSteps: 3, folder, training: { checkpoint } });
    assert.deepEqual(second.logs, unbroken.logs.slice(4));
    assert.deepEqual(second.weights, unbroken.weights);
  });

  it("says what to do where the round that it is in the midst of is gone", async () => {
    const folder = await newFolder();
    let taken = 0;
    await trained({ roundSteps: 3, folder, training: { shouldStop: () => ++taken === 2 } });
    await Deno.remove(`${folder}/rounds`, { recursive: true });
    await assert.rejects(
      trained({ roundSteps: 3, folder }),
      /step 3: the pairs that were made for it at step 1 are gone/,
    );
  });

  it("keeps no more rounds than a resumed run may ask for", async () => {
    const names = [...Deno.readDirSync(unbroken.made)] // checkpoints every 2 steps
      .map(({ name }) => name).sort();
    // The last round begins at step 6, where there is a checkpoint, too.
    assert.deepEqual(names, ["000000006.json"]);
    const rounds = new FileRounds(await newFolder(), { roundSteps: 3, checkpointEvery: 4 });
    for (const from of [0, 3, 6]) await rounds.keep(from, []);
    // A run killed in the third round goes on after step 4, in the midst of the second.
    assert.deepEqual([await rounds.recall(0), await rounds.recall(3)], [null, []]);
  });

  it("refuses methods with a step of their own, by name", () => {
    const own = Object.entries(METHODS).filter(([, method]) => "own" in method);
    assert.ok(own.length > 8);
    for (const [name, method] of own) {
      const { problem, remedy } = refusesAtOnce(() => checkRounds(method, { name, roundSteps: 4 }));
      assert.match(problem, new RegExp(`the method ${name} has a step of its own.* 4 steps`));
      assert.match(remedy, /roundSteps to 1.*self-judge/);
      checkRounds(method, { name, roundSteps: 1 });
    }
    checkRounds(METHODS.osp, { name: "osp", roundSteps: 4 });
  });

  it("is no part of a run's identity where a round is one step", () => {
    const identity = (...settings: string[]) =>
      JSON.stringify(selfJudgeStage.config(resolveConfig("smoke", { settings })));
    assert.ok(!identity().includes("roundSteps"));
    assert.equal(identity("selfJudge.roundSteps=1"), identity());
    assert.match(identity("selfJudge.roundSteps=4"), /"roundSteps":4/);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { METHODS } from "../lib/method/mod.ts";
import { resolveConfig, SCALE_NAMES } from "../lib/run/config.ts";
import { refusesAtOnce } from "./refusals.ts";

const setting = (...settings: string[]) => resolveConfig("small", { settings });

/** Problem and remedy of what is refused. */
function refusal(work: () => unknown): [string, string] {
  const { problem, remedy } = refusesAtOnce(work);
  return [problem, remedy];
}

describe("a run's settings", () => {
  it("exist for every scale, and differ in size alone", () => {
    assert.deepEqual(SCALE_NAMES, ["smoke", "small", "full"]);
    const [smoke, small, full] = SCALE_NAMES.map((scale) => resolveConfig(scale));
    assert.ok(smoke.data.train! < small.data.train! && small.data.train! < full.data.train!);
    assert.ok(smoke.selfJudge.steps! < small.selfJudge.steps!);
    for (const config of [smoke, full]) {
      assert.deepEqual(config.jsft.tuning, small.jsft.tuning);
      assert.deepEqual(config.selfJudge.tuning, small.selfJudge.tuning);
      assert.equal(config.model, small.model);
      assert.equal(config.selfJudge.method, "self-judge");
    }
  });

  it("are frozen all the way down", () => {
    const config = resolveConfig("smoke");
    assert.throws(() => Object.assign(config.jsft, { epochs: 9 }), TypeError);
    assert.throws(() => (config.tournament.candidates as number[]).push(3), TypeError);
    assert.equal(resolveConfig("smoke").jsft.epochs, config.jsft.epochs);
  });

  it("take numbers, truth values, lists, null and plain text from --set", () => {
    const config = setting(
      "jsft.epochs=2.5",
      "jsft.rationale=true",
      "tournament.candidates=[1,2]",
      "judge.principlesFile=my file=1.json",
      "chat.template=my=chat.jinja",
      "jsft.tuning.mode=full",
      'model="123"',
    );
    assert.equal(config.jsft.epochs, 2.5);
    assert.equal(config.jsft.rationale, true);
    assert.deepEqual(config.tournament.candidates, [1, 2]);
    assert.equal(config.judge.principlesFile, "my file=1.json");
    assert.equal(config.chat.template, "my=chat.jinja");
    assert.equal(config.jsft.tuning.mode, "full");
    assert.equal(config.selfJudge.tuning.mode, "lora");
    assert.equal(config.model, "123");
    assert.equal(setting("chat.template=csv", "chat.template=null").chat.template, null);
    const decision = setting("jsft.rationale=true", "jsft.decisionWeight=0.5");
    assert.equal(decision.jsft.decisionWeight, 0.5);
  });

  it("leave the rest as it is, take the last of two, and put --set over a file's values", () => {
    const config = resolveConfig("small", {
      values: { jsft: { epochs: 3, batchSize: 4 } },
      settings: ["jsft.epochs=5", "jsft.epochs=6"],
    });
    const { jsft, ...rest } = config;
    const { jsft: before, ...others } = resolveConfig("small");
    assert.deepEqual(jsft, { ...before, epochs: 6, batchSize: 4 });
    assert.deepEqual(rest, others);
  });

  it("come back unchanged from a run's record", () => {
    const config = setting("seed=11", "jsft.epochs=2");
    const recorded = JSON.parse(JSON.stringify(config));
    assert.deepEqual(resolveConfig("full", { values: recorded }), config);
  });

  it("are refused for an unknown scale", () => {
    assert.deepEqual(refusal(() => resolveConfig("tiny")), [
      'there is no scale "tiny"',
      "choose one of smoke, small, full",
    ]);
    refusesAtOnce(() => resolveConfig("toString"));
  });

  it("are refused where there is no such setting, with those that there are", () => {
    const [problem, remedy] = refusal(() => setting("jsft.epoch=2"));
    assert.equal(problem, 'there is no setting "jsft.epoch"');
    assert.match(remedy, /\bepochs\b/);
    assert.equal(refusal(() => setting("jfst.epochs=2"))[0], 'there is no setting "jfst"');
    assert.match(refusal(() => setting("jfst.epochs=2"))[1], /\bjsft\b/);
    assert.equal(
      refusal(() => resolveConfig("small", { values: { data: { rows: 3 } } }))[0],
      'there is no setting "data.rows"',
    );
  });

  it("are refused in a source that the recipe does not have, and where an object has the name", () => {
    const sources = JSON.stringify([{ source: "a" }, { source: "b", fromat: "csv" }]);
    assert.deepEqual(refusal(() => setting(`data.sources=${sources}`)), [
      'there is no setting "data.sources.1.fromat"',
      "there are source, use, format",
    ]);
    const [problem, remedy] = refusal(() => setting("constructor=1"));
    assert.equal(problem, 'there is no setting "constructor"');
    assert.match(remedy, /^there are seed, /);
  });

  it("are refused out of range, with setting and value", () => {
    for (
      const [text, problem] of [
        ["jsft.epochs=0", "setting jsft.epochs is 0"],
        ["jsft.batchSize=1.5", "setting jsft.batchSize is 1.5"],
        ["jsft.judgeWeight=1.2", "setting jsft.judgeWeight is 1.2"],
        ["jsft.tuning.dropout=1", "setting jsft.tuning.dropout is 1"],
        ["jsft.tuning.targetModules=[]", "setting jsft.tuning.targetModules is []"],
        [
          'selfJudge.tuning.targetModules=["head"]',
          'setting selfJudge.tuning.targetModules.0 is "head"',
        ],
        ["selfJudge.topP=0", "setting selfJudge.topP is 0"],
        ["selfJudge.method=ppo", 'setting selfJudge.method is "ppo"'],
        // No reward model, no true reward, no second judge in a run: that is what the order desk is for.
        ["selfJudge.method=oracle-dpo", 'setting selfJudge.method is "oracle-dpo"'],
        ["selfJudge.method=reward-model-dpo", 'setting selfJudge.method is "reward-model-dpo"'],
        ["data.train=many", 'setting data.train is "many"'],
        ["seed=-1", "setting seed is -1"],
        ["jsft=5", "setting jsft is 5"],
        ["jsft.decisionWeight=-1", "setting jsft.decisionWeight is -1"],
        // Without a rationale a judgment is its decision.
        ["jsft.decisionWeight=0.5", "setting jsft.decisionWeight is 0.5"],
      ]
    ) {
      const [found, remedy] = refusal(() => setting(text));
      assert.equal(found, problem);
      assert.ok(remedy.length > 5, text);
    }
    assert.match(refusal(() => setting("selfJudge.method=ppo"))[1], /off-policy-dpo/);
  });

  it("take every method of the table, or refuse it with the list of those that a run has the ranker for", () => {
    const own = ["judge", "policy", "labels", "given", "chance", "none"]
      .concat("discriminator", "dpo-discriminator");
    const [runs, lacks] = [true, false].map((has) =>
      Object.entries(METHODS).filter(([, { ranker }]) => own.includes(ranker) === has)
        .map(([name]) => name)
    );
    for (const name of runs) {
      assert.equal(setting(`selfJudge.method=${name}`).selfJudge.method, name);
    }
    assert.ok(runs.length > 20 && lacks.length > 3);
    for (const name of lacks) {
      const [problem, remedy] = refusal(() => setting(`selfJudge.method=${name}`));
      assert.equal(problem, `setting selfJudge.method is "${name}"`);
      for (const other of runs) assert.ok(remedy.includes(other), other);
    }
  });

  it("are refused where --set is not written section.field=value", () => {
    for (const text of ["jsft.epochs", "=2", ""]) {
      assert.deepEqual(refusal(() => setting(text)), [
        `--set "${text}"`,
        'write it as section.field=value, "jsft.epochs=2"',
      ]);
    }
  });
});

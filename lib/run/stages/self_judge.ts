import { methodNamed, preferenceStep, type RankedPair, type StepLog } from "../../method/mod.ts";
import { withModel } from "../../model/mod.ts";
import { ADAMW_DEFAULTS } from "../../tensor/mod.ts";
import { appendJsonl } from "../../base/files.ts";
import type { Stage } from "../stage.ts";
import { pairsOf } from "./data.ts";
import { trainStage } from "./training.ts";

/** The self-judging loop: the policy answers, the judge it started from orders, DPO learns; or a relative of it. */
export const selfJudgeStage: Stage = {
  name: "self-judge",
  title: "on-policy self-training: sample two answers, judge them, learn from the order",
  needs: ["data", "jsft"],
  config: ({ selfJudge }) => ({ selfJudge }),

  async run(context) {
    const { config, folder, session, log, checkStop } = context;
    const { selfJudge, seed } = config;
    const method = methodNamed(selfJudge.method);
    log(
      `method ${selfJudge.method}: answers from the ${method.samples}, ordered by the ${method.orders}, ` +
        `${method.loss} loss (${method.source})`,
    );
    const pairs = await pairsOf(context, "train");
    const { model, frozen } = await session.modelToTrain("jsft");
    const judge = method.orders === "policy"
      ? await session.judge(withModel(model), { cacheFile: null })
      : await session.judge(frozen, { cacheFile: `${folder}/cache.jsonl` });
    const ordered = `${folder}/pairs.jsonl`;
    const step = preferenceStep({
      method,
      model,
      frozen,
      pairs,
      compare: (comparisons) => judge.judge(comparisons),
      encoder: await session.encoder(config.data.maxTokens + selfJudge.maxNewTokens),
      config: { ...selfJudge, seed },
      onPairs: (made: RankedPair[]) => appendJsonl(ordered, made),
    });
    const rows = await trainStage(context, {
      name: "self-judge",
      model,
      steps: selfJudge.steps,
      seed: seed + 1, // dropout masks of its own
      schedule: {
        learningRate: selfJudge.learningRate,
        shape: "constant",
        warmup: selfJudge.warmup,
      },
      optimizer: { kind: "adamw", ...ADAMW_DEFAULTS, clipNorm: selfJudge.clipNorm },
      checkpointEvery: selfJudge.checkpointEvery,
      identity: config,
      truncate: [ordered],
      prepare: (k) => {
        checkStop();
        return step(k);
      },
      show: (row) => ({
        // A step without pairs has no loss; where labels order there is no judge.
        loss: row.loss?.toFixed(3) ?? "-",
        margin: row.rewardMargin?.toFixed(3) ?? "-",
        accuracy: row.rewardAccuracy?.toFixed(2) ?? "-",
        consistent: row.judgeConsistent?.toFixed(2) ?? "-",
      }),
    });
    await session.save(model, "self-judge");
    return { method: selfJudge.method, steps: selfJudge.steps, ...summaryOf(rows) };
  },
};

/**
 * Sums of what was skipped, and means over the first and last quarter of the steps; null where no step
 * has the number.
 */
function summaryOf(rows: readonly StepLog[]): Record<string, number | null> {
  const sum = (name: string) => rows.reduce((total, row) => total + (row[name] ?? 0), 0);
  const quarter = Math.max(1, Math.floor(rows.length / 4));
  const mean = (some: readonly StepLog[], name: string) => {
    const with_ = some.filter((row) => row[name] !== undefined);
    if (with_.length === 0) return null;
    return with_.reduce((total, row) => total + row[name], 0) / with_.length;
  };
  const ends = (name: string) => ({
    [`${name}First`]: mean(rows.slice(0, quarter), name),
    [`${name}Last`]: mean(rows.slice(-quarter), name),
  });
  return {
    pairs: sum("pairs"),
    identical: sum("identical"),
    undecided: sum("undecided"),
    skippedPrompts: sum("skippedPrompts"),
    ...ends("loss"),
    ...ends("rewardMargin"),
    ...ends("rewardAccuracy"),
    ...ends("logProbChosen"),
    ...ends("chosenTokens"),
    ...ends("rejectedTokens"),
    judgeConsistent: mean(rows, "judgeConsistent"),
    judgeFirstPosition: mean(rows, "judgeFirstPosition"),
    secondsSampling: sum("secondsSampling"),
    secondsJudging: sum("secondsJudging"),
  };
}

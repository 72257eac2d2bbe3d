import { appendJsonl, writeCsv, writeJsonl } from "../../base/files.ts";
import type { LoopPrompt, Method, Ranker, StepLog } from "../../method/mod.ts";
import { coin } from "../../run/coin.ts";
import { costsOf } from "../../run/costs.ts";
import { givenRanker } from "../../run/given_judge.ts";
import type { RunContext, RunStage } from "../../run/pipeline.ts";
import {
  leavingPairs,
  sampledTokens,
  selfJudgePrompts,
  selfJudgeStage,
  stepsOf,
  summaryOf,
} from "../../run/stages/preference.ts";
import { ADAMW_DEFAULTS } from "../../tensor/mod.ts";
import { DriftAlarm } from "../drift.ts";
import type { FleetModel } from "../fleet_model.ts";
import { outsideMethod } from "../methods.ts";
import { makeRound } from "../round_maker.ts";
import { type StepRecord, type TrainerRow, trainerRows } from "../rounds.ts";
import { fleetSession } from "../session.ts";
import type { TendedTrainer } from "../beside_trainer.ts";
import { type OutsideTask, OutsideTraining } from "../training.ts";
import { PolicyVersions } from "../versions.ts";
import { shownSteps } from "./shown.ts";

/** The self-judging loop with servers that answer and judge, and a trainer elsewhere: a round at a time. */
export function selfJudgeElsewhere(
  jobsFor: (stage: string, train: string) => TendedTrainer,
): RunStage {
  return leavingPairs({
    ...selfJudgeStage,
    async run(context) {
      const { config: { selfJudge, seed }, folder } = context;
      const method = outsideMethod(selfJudge.method);
      const session = fleetSession(context.session);
      const { roundSteps } = selfJudge;
      const prompts = await selfJudgePrompts(context);
      const steps = stepsOf(selfJudge, prompts.length);
      const task: OutsideTask = {
        ...method.loss === "sft" ? { kind: "sft" as const } : {
          kind: "dpo" as const,
          loss: method.loss,
          beta: method.parameters?.beta ?? selfJudge.beta,
        },
        under: "jsft",
        ...{ steps, roundSteps, seed },
        schedule: {
          learningRate: selfJudge.learningRate,
          shape: selfJudge.schedule,
          warmup: selfJudge.warmup,
        },
        optimizer: { ...ADAMW_DEFAULTS, clipNorm: selfJudge.clipNorm },
        dropout: selfJudge.tuning.dropout,
      };
      const log = new StageLog(folder);
      await OutsideTraining.run({ ...context, stage: "self-judge" }, task, {
        jobsFor: (train) => jobsFor("self-judge", train),
        work: (training) => takeRounds(training, { context, method, prompts, steps, log }),
      });
      const metrics = await log.end();
      return {
        method: selfJudge.method,
        steps,
        ...summaryOf(metrics),
        ...costsOf(metrics),
        trainedBy: session.cluster.train.launcher.kind,
      };
    },
  });
}

/** Makes rounds and hands them over until the last one is trained. */
async function takeRounds(
  training: OutsideTraining,
  { context, method, prompts, steps, log }: {
    context: RunContext;
    method: Method;
    prompts: readonly LoopPrompt[];
    steps: number;
    log: StageLog;
  },
): Promise<void> {
  const { config, folderOf, checkStop } = context;
  const session = fleetSession(context.session);
  const { ahead, drift, keepAdapters } = session.cluster.rounds;
  const { roundSteps } = config.selfJudge;
  const { rounds, total } = training;
  const start = `${folderOf("jsft")}/adapter`;
  const versions = new PolicyVersions("self-judge", {
    ...{ session, rounds, start },
    keep: keepAdapters,
  });
  const alarm = new DriftAlarm(rounds, drift);
  const shown = shownSteps(context, { name: "self-judge", total: steps });
  await log.begin();
  const encoder = await session.encoder(sampledTokens(config));
  const { maxPositions } = await session.modelConfig();
  const rankerOf = await rankers(method, { context, start });
  const newest = await rounds.newest();

  /** Waits for a round's adapter, and sees that it is what it should be. Of those before the newest some are removed. */
  const trained = async (round: number) => {
    if (round > newest) await training.trained(round, () => shown.look());
    if (round > log.rounds) {
      await log.add(round, (await rounds.made(round))!, await alarm.check(round));
    }
  };
  for (let round = 1; round <= total; round++) {
    const version = Math.max(0, round - 1 - ahead);
    await trained(version);
    if (await rounds.made(round) !== null) continue;
    await training.tend();
    const policy = await versions.at(version, { round });
    const from = (round - 1) * roundSteps;
    const answers = `${rounds.of(round)}/start_samples.jsonl`;
    const sampled = remembering(policy);
    const { rows, made } = await makeRound({
      making: {
        ...{ method, encoder },
        pairs: prompts,
        contextTokens: maxPositions,
        config: { ...config.selfJudge, seed: config.seed },
        samplers: {
          policy: sampled.sample,
          start: async (...asked) =>
            await (await session.served(start, { answers })).sample(...asked),
        },
        ranker: await rankerOf(policy),
      },
      steps: Array.from({ length: Math.min(roundSteps, steps - from) }, (_, i) => from + i),
      version,
      policySteps: version * roundSteps,
      logProbOf: sampled.logProbOf,
      checkStop,
    });
    await rounds.handOver(round, rows, made);
  }
  for (let round = Math.max(1, total - ahead); round <= total; round++) await trained(round);
  await shown.finish();
  await session.saveTrained("self-judge", rounds.adapter(total));
}

/** A sampler that knows what the server said of each answer, to be compared with what the trainer says. */
function remembering({ sample }: FleetModel) {
  const said = new Map<string, number>();
  return {
    sample: async (...asked: Parameters<FleetModel["sample"]>) => {
      const drawn = await sample(...asked);
      for (const { ids, logProb } of drawn.flat()) said.set(ids.join(), logProb);
      return drawn;
    },
    logProbOf: (ids: readonly number[]) => said.get(ids.join()),
  };
}

/** The rankers of rounds: one for all, but where the policy ranks, as every version of it is another judge. */
async function rankers(
  method: Method,
  { context, start }: { context: RunContext; start: string },
): Promise<(policy: FleetModel) => Promise<Ranker | null>> {
  const { folder, config: { seed } } = context;
  const session = fleetSession(context.session);
  const cacheFile = `${folder}/cache.jsonl`;
  const forAll = (ranker: Ranker | null) => () => Promise.resolve(ranker);
  switch (method.ranker) {
    case "judge":
      return forAll(await session.judge(await session.served(start), { cacheFile }));
    case "policy":
      return (policy) => session.judge(policy, { cacheFile });
    case "given":
      return forAll(await givenRanker("ranker", { session, cacheFile }));
    case "chance":
      return forAll(coin(seed));
    default:
      return forAll(null);
  }
}

/** A stage's metrics and pairs, put together of what was made here and what the trainer said. */
class StageLog {
  /** Rounds that are in it. */
  rounds = 0;
  readonly #rows: StepLog[] = [];

  constructor(readonly folder: string) {}

  /** Rounds that a run before had are added again, from their folders. */
  async begin(): Promise<void> {
    for (const file of ["metrics.jsonl", "pairs.jsonl"]) {
      await writeJsonl(`${this.folder}/${file}`, []);
    }
  }

  async add(round: number, made: readonly StepRecord[], drift: number | null): Promise<void> {
    this.rounds = round;
    const trained = await trainerRows(this.folder);
    const rows = made.map(({ step, numbers }): StepLog => ({
      ...logOf(trained.get(step)!),
      ...numbers,
      step,
      ...(drift !== null && { drift }),
    }));
    this.#rows.push(...rows);
    await appendJsonl(`${this.folder}/metrics.jsonl`, rows);
    await appendJsonl(`${this.folder}/pairs.jsonl`, made.flatMap(({ pairs }) => pairs));
  }

  async end(): Promise<StepLog[]> {
    await writeCsv(`${this.folder}/metrics.csv`, this.#rows);
    return this.#rows;
  }
}

/** A line of the trainer's log by this project's names. */
function logOf(row: TrainerRow): StepLog {
  const named = {
    rewardMargin: row["rewards/margins"],
    rewardAccuracy: row["rewards/accuracies"],
    logProbChosen: row["logps/chosen"],
    logProbRejected: row["logps/rejected"],
  };
  const known = Object.entries(named).filter((entry): entry is [string, number] =>
    entry[1] !== undefined
  );
  return {
    step: row.step,
    learningRate: row.learning_rate ?? 0,
    gradientNorm: row.grad_norm ?? 0,
    loss: row.loss,
    tokens: 0, // counted where the pairs are made
    seconds: row.seconds ?? 0,
    ...Object.fromEntries(known),
  };
}

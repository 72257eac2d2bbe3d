import { join } from "node:path";
import { exists } from "../base/disk.ts";
import { duration } from "../base/progress.ts";
import { textTable } from "../base/text_table.ts";
import { methodNamed } from "../method/mod.ts";
import {
  type ExpectedRow,
  expectedStages,
  LINEAR_MODULES,
  type ModelConfig,
  type PlannedStage,
  readConfig,
  type Residents,
  type Workload,
} from "../model/mod.ts";
import type { Machine } from "../tensor/mod.ts";
import type { RunConfig } from "./config.ts";
import { downloadHubFile } from "./download.ts";
import { DEFAULT_MODEL, hubModel, type LocateOptions, modelHome } from "./source.ts";
import { locateModelFiles } from "./model_files.ts";

/** Pairs that are reckoned with where a run takes all there are, which only reading them would tell. */
const UNKNOWN_PAIRS = 10_000;

/**
 * What the stages of a run do, from its settings: every sequence as long as it may be, and in self-training one pair
 * judged of each prompt, whoever ranks, where a knockout of N answers has N - 1 and a coin judges none.
 *
 * @param pairs Pairs to train on, where the settings take all. @default 10,000
 */
export function plannedStages(
  config: Readonly<RunConfig>,
  pairs: number = UNKNOWN_PAIRS,
): PlannedStage[] {
  const { frozenDtype, data, judge, jsft, selfJudge, tournament, memory: { recompute } } = config;
  const train = data.train ?? pairs;
  const prompts = judge.principles.length;
  const rowsOf = (tokens: number, length: number) => Math.max(1, Math.floor(tokens / length));
  const residents = ({ mode, ...lora }: RunConfig["jsft"]["tuning"]): Residents =>
    mode === "full" ? { tuning: "full" } : { tuning: lora, frozenDtype };
  // From JSFT on float32: what its adapter was folded into, or what it trained whole.
  const folded = jsft.tuning.mode === "lora" ? jsft.tuning.targetModules : LINEAR_MODULES;
  const judged = (count: number): Workload => {
    const rows = rowsOf(judge.batchTokens, judge.maxTokens);
    const batches = Math.ceil(2 * prompts * count / rows);
    return { work: "score", rows, length: judge.maxTokens, scored: rows, batches };
  };
  const scored = (count: number, length: number): Workload => {
    const rows = rowsOf(selfJudge.microBatchTokens, length);
    const at = { rows, length, scored: rows * selfJudge.maxNewTokens };
    return { work: "score", ...at, batches: Math.ceil(count / rows) };
  };
  const sampled = (answers: number): Workload => ({
    work: "sample",
    rows: Math.min(selfJudge.batchRows, answers),
    prompt: data.maxTokens,
    newTokens: selfJudge.maxNewTokens,
    batches: Math.ceil(answers / selfJudge.batchRows),
  });
  /** `learned`: tokens of a row that are. */
  const training = (
    { examples, length, learned, tokens, steps }: {
      examples: number;
      length: number;
      learned: number;
      tokens: number;
      steps: number;
    },
  ): Workload => {
    const rows = rowsOf(tokens, length);
    const parts = Math.ceil(examples / rows);
    return { work: "train", rows, length, learned: rows * learned, parts, steps, recompute };
  };

  const answers = jsft.kinds.includes("answer") ? train : 0;
  const judgments = jsft.kinds.includes("judgment") ? 2 * prompts * train : 0;
  const longest = Math.max(
    answers > 0 ? data.maxTokens : 0,
    judgments > 0 ? judge.maxTokens + 1 : 0,
  );
  const method = methodNamed(selfJudge.method);
  const pair = data.maxTokens + selfJudge.maxNewTokens;
  const steps = selfJudge.steps ??
    Math.max(1, Math.round(Math.floor(train / selfJudge.batchSize) * selfJudge.epochs));
  const drawn = method.samples === "dataset" ? 0 : steps * selfJudge.batchSize * method.candidates;
  const learnedAnswers = 2 * selfJudge.batchSize;
  // Under full tuning the reference, which judges too, is another whole model.
  const others = selfJudge.tuning.mode === "full" ? 1 : 0;
  const games = Math.max(...tournament.candidates);
  const none: Residents = { tuning: null, frozenDtype };
  return [
    { stage: "judge-before", ...none, workloads: [judged(data.heldOut)] },
    {
      stage: "jsft",
      ...residents(jsft.tuning),
      workloads: [training({
        examples: jsft.batchSize,
        length: longest,
        learned: Math.min(longest, data.maxTokens),
        tokens: jsft.microBatchTokens,
        steps: Math.max(1, Math.ceil((answers + judgments) / jsft.batchSize * jsft.epochs)),
      })],
    },
    { stage: "judge-after", ...none, folded, workloads: [judged(data.heldOut)] },
    {
      stage: "self-judge",
      ...residents(selfJudge.tuning),
      folded,
      otherModels: others,
      workloads: [
        ...(drawn > 0 ? [sampled(drawn)] : []),
        ...(method.ranker === "labels" ? [] : [judged(steps * selfJudge.batchSize)]),
        scored(steps * learnedAnswers, pair),
        training({
          examples: learnedAnswers,
          length: pair,
          learned: selfJudge.maxNewTokens,
          tokens: selfJudge.microBatchTokens,
          steps,
        }),
      ],
    },
    {
      stage: "tournament",
      ...residents(selfJudge.tuning),
      folded,
      otherModels: others,
      workloads: [
        sampled(tournament.prompts * (2 * games + 1)),
        judged(tournament.prompts * tournament.candidates.reduce((sum, n) => sum + 2 * n, 0)),
      ],
    },
  ];
}

/** The config of a model by its spec; of one on the Hub that is not here, its config.json alone is fetched. */
export async function modelConfigOf(spec: string, options: LocateOptions): Promise<ModelConfig> {
  const { folder = ".engine" } = options;
  const hub = await hubModel(spec);
  if (hub === null || spec === DEFAULT_MODEL || await exists(modelHome(folder, spec))) {
    return await readConfig((await locateModelFiles(spec, options)).path);
  }
  const { id: repo, revision } = hub;
  const target = join(folder, "model-config", spec.replaceAll("/", "--"));
  if (!await exists(`${target}/config.json`)) {
    await downloadHubFile(
      { repo, revision, path: "config.json" },
      `${target}/config.json`,
      options,
    );
  }
  return await readConfig(target);
}

/**
 * Expected memory and time of a run as text.
 *
 * @param options.stages Names of the stages that are run. @default all of them
 */
export function expectedText(
  model: ModelConfig,
  { config, machine, pairs, stages }: {
    config: Readonly<RunConfig>;
    machine: Machine;
    pairs?: number;
    stages?: readonly string[];
  },
): string {
  const planned = plannedStages(config, pairs)
    .filter(({ stage }) => stages?.includes(stage) ?? true);
  const rows = expectedStages(model, planned, machine);
  if (rows.length === 0) return `${stages!.join(", ")}: no model is asked or trained`;
  const most = rows.reduce((a, b) => a.memory.bytes >= b.memory.bytes ? a : b);
  const table = textTable([
    ["stage", "work", "memory", "at its peak", "time"],
    ...rows.map(({ stage, work, memory, seconds }) => [
      stage,
      work,
      gigabytes(memory.bytes),
      `${memory.phase}: ${largest(memory)}`,
      duration(seconds),
    ]),
  ]);
  const notes = [
    `peak ${
      gigabytes(most.memory.bytes)
    } in ${most.stage} (${most.work}), and 0.4 to 1 GB of the process itself`,
    `time ${
      duration(rows.reduce((sum, { seconds }) => sum + seconds, 0))
    } in all at this machine's speed, a guess of its order`,
    "every sequence is reckoned as long as the settings let it be",
  ];
  if (config.data.train === null) {
    notes.push(`data.train is null: reckoned with ${pairs ?? UNKNOWN_PAIRS} pairs`);
  }
  return [table, "", ...notes].join("\n");
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e9 ? 2 : 1)} GB`;
}

/** What takes the most of it. */
function largest({ parts }: ExpectedRow["memory"]): string {
  return Object.entries(parts).sort(([, a], [, b]) => b - a).slice(0, 2)
    .map(([name, bytes]) => `${name} ${gigabytes(bytes)}`).join(", ");
}

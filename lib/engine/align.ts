import { UserError } from "../base/error.ts";
import { exists } from "../base/files.ts";
import { baseName } from "../run/artefact.ts";
import type { RunConfig } from "../run/config.ts";
import { splitSpec } from "../run/model_files.ts";
import type { RunStage } from "../run/pipeline.ts";
import { Fleet } from "./fleet.ts";
import { outsideMethod } from "./methods.ts";
import { FleetSession } from "./session.ts";
import { type Cluster, modelThere, pathThere, secretOf, unevenBatch } from "./settings.ts";
import { checkWeighting, jsftElsewhere } from "./stages/jsft.ts";
import { selfJudgeElsewhere } from "./stages/self_judge.ts";
import { launcherOf } from "./launch/launcher.ts";
import { TrainerJobs } from "./trainer_jobs.ts";

/** A run on engines elsewhere: its session, and its stages. */
export interface RunElsewhere {
  readonly session: FleetSession;
  readonly stages: readonly RunStage[];
}

/**
 * Refuses settings and places that engines elsewhere cannot follow, before anything is asked of them.
 *
 * @throws {UserError} naming the setting, or the folder that servers and trainer do not see
 */
export async function checkElsewhere(
  config: Readonly<RunConfig>,
  { cluster, folder, toRun }: {
    cluster: Cluster;
    /** Absolute path of the run folder. */
    folder: string;
    /** Names of the stages that are not done. */
    toRun: readonly string[];
  },
): Promise<void> {
  const { train } = cluster;
  if (toRun.length > 0) pathThere(folder, cluster);
  if (toRun.includes("jsft") || toRun.includes("self-judge")) await checkModel(config, cluster);
  if (toRun.includes("jsft")) checkWeighting(config);
  if (!toRun.includes("self-judge")) return;
  outsideMethod(config.selfJudge.method);
  const { batchSize } = config.selfJudge;
  const { workers, microBatch } = train;
  const uneven = unevenBatch(batchSize, train);
  if (uneven !== null) {
    throw new UserError(
      `selfJudge.batchSize is ${batchSize}, which ${workers} workers with microBatch ${microBatch} cannot share evenly`,
      uneven,
    );
  }
  if (config.selfJudge.identical === "keep") {
    throw new UserError(
      'selfJudge.identical is "keep", and a round of engines elsewhere is filled with pairs that differ',
      "--set selfJudge.identical=skip, or leave --engine out",
    );
  }
}

/**
 * Refuses an adapter on a model, of which servers and trainer need the whole, and a folder of a model that the trainer does
 * not see; what else a run names, it fetches or is written a copy of.
 */
async function checkModel({ model }: Readonly<RunConfig>, cluster: Cluster): Promise<void> {
  const { path, adapter } = splitSpec(model);
  if (adapter !== null || await exists(`${path}/adapter_config.json`)) {
    throw new UserError(
      `${model} is an adapter on a model, and engines elsewhere need a whole one`,
      "fold it in with deno task export, and give that",
    );
  }
  if (cluster.model !== null || !await exists(model)) return;
  const named = await baseName(model, { path: model, origin: "local", adapter: null });
  if (named !== null) modelThere(named.baseModel, cluster);
}

/** A run on a cluster. Nothing is asked of it yet. */
export function runElsewhere(
  cluster: Cluster,
  { config, stages, folderOf, run, log }: {
    config: Readonly<RunConfig>;
    /** What is run; the trainings among it are done elsewhere. */
    stages: readonly RunStage[];
    folderOf: (stage: string) => string;
    /** Name of the run, for the trainer's jobs. */
    run: string;
    log: (line: string) => void;
  },
): RunElsewhere {
  const fleet = new Fleet(cluster, { key: secretOf(cluster.serve.keyVariable), log });
  const jobsFor = (stage: string, train: string) => {
    const folder = folderOf(stage);
    const { serve: { outageMs }, train: { attempts } } = cluster;
    const name = `${run}-${stage}`;
    return new TrainerJobs(launcherOf(cluster, { folder }), {
      ...{ folder, train, name, attempts, outageMs, log },
    });
  };
  const own: Record<string, RunStage> = {
    "jsft": jsftElsewhere(jobsFor),
    "self-judge": selfJudgeElsewhere(jobsFor),
  };
  return {
    session: new FleetSession(config, folderOf, log, cluster, fleet),
    stages: stages.map((stage) => own[stage.name] ?? stage),
  };
}

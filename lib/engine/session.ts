import { basename, dirname } from "node:path";
import { UserError } from "../base/error.ts";
import {
  checkBase,
  type LanguageModel,
  loadAdapter,
  type LoraAdapter,
  saveAdapter,
} from "../model/mod.ts";
import type { RunConfig } from "../run/config.ts";
import { modelConfigOf } from "../run/plan.ts";
import { Session } from "../run/session.ts";
import type { StageModel } from "../run/stage_model.ts";
import type { Fleet } from "./fleet.ts";
import { fleetAdapter, type PublishedAdapter } from "./fleet_adapter.ts";
import { type FleetModel, fleetModel } from "./fleet_model.ts";
import { type Cluster, modelThere } from "./settings.ts";

/** What trains a stage: the model it loads, by its name or its path on the trainer's machines. */
export interface BaseThere {
  readonly model: string;
  readonly revision: string | null;
}

/**
 * A session whose models answer, judge and learn elsewhere: this process holds tokenizer and adapters alone. It needs the
 * base model's files all the same, and reads every weight in them once: verdicts, answers and adapters are kept with the
 * weights' fingerprint, so that a run goes on here and elsewhere.
 */
export class FleetSession extends Session {
  constructor(
    config: Readonly<RunConfig>,
    folderOf: (stage: string) => string,
    log: (line: string) => void,
    readonly cluster: Cluster,
    readonly fleet: Fleet,
  ) {
    super(config, folderOf, log);
    for (
      const [stage, { tuning }] of Object.entries({
        jsft: config.jsft,
        selfJudge: config.selfJudge,
      })
    ) {
      if (tuning.mode === "lora") continue;
      throw new UserError(
        `${stage}.tuning.mode is "full", and engines elsewhere train adapters alone`,
        `--set ${stage}.tuning.mode=lora, or leave --engine out`,
      );
    }
  }

  /** The base model's sizes, for which its weights are not fetched. */
  modelConfig(): Promise<LanguageModel["config"]> {
    return modelConfigOf(this.config.model, { log: this.log });
  }

  /** The model that the trainer loads. */
  async baseThere(): Promise<BaseThere> {
    if (this.cluster.model !== null) return { model: this.cluster.model, revision: null };
    const { baseModel, revision = null } = await this.results.baseName("base", null);
    const there = baseModel.startsWith("/") ? modelThere(baseModel, this.cluster) : baseModel;
    return { model: there, revision };
  }

  /** An adapter of this run as the servers know it. */
  async adapterAt(folder: string): Promise<PublishedAdapter> {
    const run = basename(dirname(this.folderOf("jsft"))).replace(/[^\w.-]/g, "-").slice(-40);
    return await fleetAdapter(folder, { name: run, cluster: this.cluster });
  }

  /**
   * The base model at the servers with an adapter of it on.
   *
   * @param adapter Its folder; null for the base alone.
   * @param answers File that keeps answers; a run that is started again does not ask for them again.
   */
  async served(
    adapter: string | null,
    { answers }: { answers?: string } = {},
  ): Promise<FleetModel> {
    const base = await this.results.fingerprintOf("base");
    // The servers take an adapter of any model of this shape.
    if (adapter !== null) {
      const path = this.config.model;
      await checkBase(adapter, { path, fingerprint: () => Promise.resolve(base) });
    }
    const at = adapter === null ? null : await this.adapterAt(adapter);
    if (at !== null) await this.fleet.load(at);
    return fleetModel(this.fleet, at, { base, answers });
  }

  override async asked(stage: string): Promise<StageModel> {
    const adapter = stage === "base" ? null : `${this.folderOf(stage)}/adapter`;
    return await this.served(adapter);
  }

  override async askedTrained(stage: string): Promise<{ policy: StageModel; start: StageModel }> {
    return { policy: await this.asked(stage), start: await this.asked(this.startOf(stage)) };
  }

  /** Writes the adapter that a stage's training begins with, as a native run would draw it. */
  async writeStart(stage: string, folder: string): Promise<void> {
    const { mode: _, ...lora } = this.tuningOf(stage);
    const adapter = this.freshAdapter(this.startOf(stage), await this.modelConfig(), lora);
    try {
      await saveAdapter(adapter, folder, { baseModel: (await this.baseThere()).model });
    } finally {
      adapter.dispose();
    }
  }

  /** Writes an adapter that is being trained as one of the base model, as the servers load it. */
  async writeStacked(stage: string, { from, to }: { from: string; to: string }): Promise<void> {
    await this.#withAdapter(from, async (adapter, config) => {
      const stack = await this.results.stacked(adapter, { start: this.startOf(stage), config });
      try {
        await saveAdapter(stack, to, { baseModel: (await this.baseThere()).model });
      } finally {
        if (stack !== adapter) stack.dispose();
      }
    });
  }

  /** Leaves what the trainer made in the stage's folder, as a native run leaves it. */
  async saveTrained(stage: string, from: string): Promise<void> {
    const { dtype } = this.cluster.train;
    await this.#withAdapter(
      from,
      (adapter, config) =>
        this.results.saveAdapter({ adapter, config, base: null, frozenDtype: dtype }, stage),
    );
  }

  async #withAdapter(
    folder: string,
    work: (adapter: LoraAdapter, config: LanguageModel["config"]) => Promise<void>,
  ): Promise<void> {
    const config = await this.modelConfig();
    const adapter = await loadAdapter(folder, config);
    try {
      await work(adapter, config);
    } finally {
      adapter.dispose();
    }
  }
}

/** A stage's session as one of engines elsewhere. */
export function fleetSession(session: Session): FleetSession {
  if (session instanceof FleetSession) return session;
  throw new Error("a stage of engines elsewhere was given another session");
}

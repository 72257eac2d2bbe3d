import { resolve } from "node:path";
import { UserError } from "../base/error.ts";
import {
  adapterRecord,
  type BaseWeights,
  type LanguageModel,
  loadAdapter,
  loadAdapterParts,
  type LoraAdapter,
  stackAdapters,
  weightsFingerprint,
} from "../model/mod.ts";
import type { FrozenDtype } from "../tensor/mod.ts";
import type { TextTokenizer } from "../text/mod.ts";
import {
  type BaseName,
  baseName,
  writeAdapterFolder,
  writeBase,
  writeModelFolder,
} from "./artefact.ts";
import { languagePath, type ModelFiles } from "./model_files.ts";

/** What {@linkcode StageResults} knows of a run. */
export interface StageResultsOptions {
  /** What the base model was named by. */
  readonly model: string;
  /** How weights that are not trained are held. */
  readonly frozenDtype: FrozenDtype;
  readonly folderOf: (stage: string) => string;
  /** The stage that another one starts from. */
  readonly startOf: (stage: string) => string;
  /** Whether a stage trains every weight. */
  readonly isWhole: (stage: string) => boolean;
  readonly files: () => Promise<ModelFiles>;
  readonly tokenizer: () => Promise<TextTokenizer>;
}

/**
 * The models that stages leave in their folders: whole ones in STAGE/model, adapters in STAGE/adapter. An adapter
 * belongs on the weights of the stage's root, which are whole in a folder or on the Hub.
 */
export class StageResults {
  readonly #of: StageResultsOptions;
  /** Fingerprints of the weights that adapters are put on, by the stage that made them. */
  readonly #fingerprints = new Map<string, Promise<string>>();

  constructor(options: StageResultsOptions) {
    this.#of = options;
  }

  /** The stage that another one starts from. */
  startOf(stage: string): string {
    return this.#of.startOf(stage);
  }

  /** The stage whose weights are whole and that a stage's model is made from: "base", or one trained whole. */
  rootOf(stage: string): string {
    return stage === "base" || this.#of.isWhole(stage) ? stage : this.rootOf(this.startOf(stage));
  }

  /** Saves what a training stage learned as other programs load it: a whole model, or as {@linkcode saveAdapter}. */
  async save(model: LanguageModel, stage: string): Promise<void> {
    const { adapter, config } = model;
    if (adapter) return await this.saveAdapter({ adapter, config, base: model }, stage);
    const tokenizer = await this.#of.tokenizer();
    const from = await languagePath(await this.#of.files());
    this.#fingerprints.delete(stage);
    await writeModelFolder(model, `${this.#of.folderOf(stage)}/model`, { tokenizer, from });
  }

  /**
   * Saves an adapter of the weights that are whole in a folder or on the Hub, in which the updates of the stages
   * before are stacked under its own. What is used of it later is read from there again.
   *
   * @param made.base The weights it was trained on, where they are in memory.
   * @param made.frozenDtype How these were held. @default as the run holds them
   */
  async saveAdapter(
    { adapter: own, config, base: inMemory, frozenDtype = this.#of.frozenDtype }: {
      readonly adapter: LoraAdapter;
      readonly config: LanguageModel["config"];
      readonly base: LanguageModel | null;
      readonly frozenDtype?: FrozenDtype;
    },
    stage: string,
  ): Promise<void> {
    const folder = this.#of.folderOf(stage);
    const tokenizer = await this.#of.tokenizer();
    const language = { tokenizer, from: await languagePath(await this.#of.files()) };
    const start = this.startOf(stage);
    const root = this.rootOf(start);
    const named = await this.baseName(root, start === root ? inMemory : null);
    const base = await this.#weightsOf(root);
    const record = start === root
      ? null
      : await adapterRecord(`${this.#of.folderOf(start)}/adapter`);
    const stack = await this.stacked(own, { start, config });
    try {
      await writeAdapterFolder(stack, `${folder}/adapter`, {
        ...{ ...language, ...named, config },
        record: {
          base: await base.fingerprint(),
          // What a stage trained whole is not rounded, see `Session.loaded`.
          frozenDtype: root === "base" ? frozenDtype : "float32",
          parts: [...record?.parts ?? [], { name: stage, ...own.config }],
        },
      });
    } finally {
      if (stack !== own) stack.dispose();
    }
  }

  /** An adapter on what a stage made, as one on that stage's root; the adapter itself where that is the stage. */
  async stacked(
    own: LoraAdapter,
    { start, config }: { start: string; config: LanguageModel["config"] },
  ): Promise<LoraAdapter> {
    const root = this.rootOf(start);
    if (start === root) return own;
    const base = await this.#weightsOf(root);
    const before = await loadAdapter(`${this.#of.folderOf(start)}/adapter`, config, { base });
    try {
      return await stackAdapters(config, [before, own]);
    } finally {
      before.dispose();
    }
  }

  /**
   * The weights that a root's adapters are put on, as adapters name them. A base that other programs cannot load by
   * itself (a GGUF file, a model under an adapter) is written once, as the folder "base".
   *
   * @param model The base in memory, where that is what it is.
   */
  async baseName(root: string, model: LanguageModel | null): Promise<BaseName> {
    if (root !== "base") return { baseModel: resolve(`${this.#of.folderOf(root)}/model`) };
    const files = await this.#of.files();
    const named = await baseName(this.#of.model, files);
    if (named) return named;
    const folder = this.#of.folderOf("base");
    await writeBase(folder, { files, model, tokenizer: await this.#of.tokenizer() });
    return { baseModel: resolve(folder) };
  }

  /** Fingerprint of the weights that a root's adapters are put on. They are read once, whoever asks. */
  async fingerprintOf(root: string): Promise<string> {
    return await (await this.#weightsOf(root)).fingerprint();
  }

  /** Where a root's weights are, and their fingerprint, made once. */
  async #weightsOf(root: string): Promise<Required<BaseWeights>> {
    const files = await this.#of.files();
    const path = root !== "base"
      ? `${this.#of.folderOf(root)}/model`
      : files.adapter === null
      ? files.path
      : this.#of.folderOf("base");
    const fingerprint = () => {
      let made = this.#fingerprints.get(root);
      if (!made) this.#fingerprints.set(root, made = weightsFingerprint(path));
      return made;
    };
    return { path, fingerprint };
  }

  /** What a stage added to the weights that it started from. */
  async adapterOf(stage: string, { config }: LanguageModel): Promise<LoraAdapter> {
    const folder = `${this.#of.folderOf(stage)}/adapter`;
    if (await adapterRecord(folder) === null) {
      throw new UserError(
        `${folder} does not say what it is an adapter of: another version of this program left it`,
        "train the stage again: the same command with --fresh",
      );
    }
    const base = await this.#weightsOf(this.rootOf(stage));
    const parts = await loadAdapterParts(folder, config, { base });
    for (const part of parts.slice(0, -1)) part.dispose();
    return parts.at(-1)!;
  }
}

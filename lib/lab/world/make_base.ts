import type { StepLog } from "../../method/mod.ts";
import { type LanguageModel, saveModel } from "../../model/mod.ts";
import type { Reporter } from "../../run/stage.ts";
import { writeTokenizer } from "../../text/mod.ts";
import { freshModel } from "./base_model.ts";
import { worldLanguage } from "./language.ts";
import { pretrain, PRETRAINING, TAUGHT } from "./pretrain.ts";

/** Which base is made, and where its training is kept. */
export interface BaseOptions {
  readonly seed: number;
  /** How many points of view its lessons teach: a key of {@linkcode TAUGHT}. */
  readonly views: number;
  /** @default those of {@linkcode PRETRAINING} */
  readonly steps?: number;
  /** Folder of the log and the checkpoint, from which a stopped training resumes. */
  readonly training: string;
  readonly reporter: Reporter;
}

/**
 * Trains a base model of the order desk and saves it with its tokenizer. The weights are written last: a folder that
 * has them is whole.
 *
 * @returns the model, the caller's to dispose of, and the log of all steps
 * @throws {Stopped} if the user asked to stop
 */
export async function makeBase(
  folder: string,
  { seed, views, steps = PRETRAINING.steps, training, reporter }: BaseOptions,
): Promise<{ model: LanguageModel; rows: readonly StepLog[] }> {
  const model = freshModel(seed);
  try {
    const options = { steps, seed, views: TAUGHT[views], folder: training, reporter };
    const rows = await pretrain(model, options);
    await writeTokenizer(worldLanguage().tokenizer, folder);
    await saveModel(model, folder);
    return { model, rows };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

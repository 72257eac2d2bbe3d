/**
 * Writes a run's model as a folder for other programs: `transformers`, vLLM, llama.cpp, PEFT.
 *
 *     deno task export runs/small-s7 --to my-model --format gguf --dtype bfloat16
 *
 * @module
 */
import {
  EXPORT_FORMATS,
  EXPORT_TYPES,
  exportModel,
  type ExportOptions,
} from "../run/export_model.ts";
import { MODEL_STAGES } from "../run/model_card.ts";
import { parseCommand, runCommand, taskCommand } from "./command.ts";
import { oneOf } from "./flags.ts";

const TYPES = Object.keys(EXPORT_TYPES) as (keyof typeof EXPORT_TYPES)[];

async function main(): Promise<void> {
  const command = taskCommand(
    "export",
    "runs/small-s7 --to my-model --format gguf --dtype bfloat16",
  )
    .description("Writes a run's model as a folder for transformers, vLLM, llama.cpp or PEFT.")
    .argument("<run>", "run folder; or a model: a path, a Hub name, the folder of an adapter")
    .requiredOption("--to <folder>", "a new or empty folder")
    .option(
      "--stage <name>",
      `the stage that made it: ${Object.keys(MODEL_STAGES).join(" | ")}; default the last one done`,
    )
    .option(
      "--format <name>",
      `${
        EXPORT_FORMATS.join(" | ")
      }: all weights as transformers or as llama.cpp has them, or an adapter alone`,
      oneOf("--format", EXPORT_FORMATS),
      "safetensors",
    )
    .option(
      "--dtype <name>",
      `${TYPES.join(" | ")}: float32 keeps every bit`,
      oneOf("--dtype", TYPES),
      "float32",
    );
  const parsed = parseCommand(command, Deno.args);
  const options = parsed.opts<Omit<ExportOptions, "source" | "log">>();
  await exportModel({ ...options, source: parsed.args[0], log: (line) => console.log(line) });
}

if (import.meta.main) await runCommand(main);

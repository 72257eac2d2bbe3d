import { z } from "zod";
import { UserError } from "../base/error.ts";
import type { ModelConfig } from "./config.ts";
import { LINEAR_MODULES, type LinearModule, modulePath } from "./linear_modules.ts";
import type { LoraConfig } from "./lora.ts";
import { isNothing } from "./not_computed.ts";

const schema = z.object({
  peft_type: z.literal("LORA"),
  task_type: z.literal("CAUSAL_LM").nullish(),
  r: z.int().positive(),
  lora_alpha: z.number().positive(),
  lora_dropout: z.number().min(0).lt(1).default(0),
  bias: z.literal("none").default("none"),
  target_modules: z.union([z.string(), z.array(z.string()).min(1)]),
  init_lora_weights: z.union([z.boolean(), z.string()]).nullish(),
});

/** Fields that say nothing of what the adapter computes once it is trained. */
const HARMLESS = new Set([
  ...Object.keys(schema.shape),
  "auto_mapping",
  "base_model_name_or_path",
  "corda_config",
  "ensure_weight_tying",
  "eva_config",
  "inference_mode",
  "loftq_config",
  "lora_ga_config",
  "megatron_core",
  "peft_version",
  "qalora_group_size",
  "revision",
  "runtime_config",
]);

/** First values of A and B under which the base stays what it was; the others take a part out of its weights. */
const KEEPS_BASE = ["gaussian", "eva", "orthogonal"];

/**
 * The settings of an adapter in its `adapter_config.json`, as PEFT 0.21 writes it.
 *
 * Whatever would change the meaning of the weights is refused rather than overlooked: DoRA, rank-stabilised scales,
 * ranks of single layers, trained biases or embeddings, and any field that is not known here and says something.
 *
 * @param json The parsed file.
 * @param options.file Its name, for messages.
 * @throws {UserError} naming the field
 */
export function parseAdapterConfig(
  json: unknown,
  { file, model }: { file: string; model: Pick<ModelConfig, "layers"> },
): LoraConfig {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0];
    throw new UserError(`${file}: field "${path.join(".")}": ${message}`, REMEDY);
  }
  for (const [name, value] of Object.entries(json as object)) {
    if (HARMLESS.has(name) || isNothing(value)) continue;
    const shown = JSON.stringify(value).slice(0, 60);
    throw new UserError(
      `${file}: field "${name}" is ${shown}, and nothing here computes that`,
      REMEDY,
    );
  }
  const { r, lora_alpha: alpha, lora_dropout: dropout, init_lora_weights: init } = parsed.data;
  if (typeof init === "string" && !KEEPS_BASE.includes(init)) {
    throw new UserError(
      `${file}: field "init_lora_weights" is "${init}": the adapter belongs on a base that PEFT changes first`,
      "save it as a plain adapter, with save_pretrained(..., path_initial_model_for_weight_conversion=...), or " +
        "merge it into its base and give the merged model",
    );
  }
  return { r, alpha, dropout, targetModules: targets(parsed.data.target_modules, { file, model }) };
}

const REMEDY =
  "use a plain LoRA adapter: one rank and alpha for all its linear layers, and nothing else trained; or merge it into " +
  "its base with PEFT's merge_and_unload and give the merged model";

/** The linear layers that `target_modules` means: names, ends of paths, or one pattern for whole paths. */
function targets(
  wanted: string | readonly string[],
  { file, model }: { file: string; model: Pick<ModelConfig, "layers"> },
): LinearModule[] {
  const refuse = (problem: string, cause?: unknown) =>
    new UserError(`${file}: field "target_modules" ${problem}`, REMEDY, { cause });
  if (wanted === "all-linear") return [...LINEAR_MODULES];
  let matches: (path: string) => boolean;
  if (typeof wanted === "string") {
    let pattern: RegExp;
    try {
      pattern = new RegExp(`^(?:${wanted.replaceAll("(?P<", "(?<")})$`, "s"); // Python's named groups
    } catch (cause) {
      throw refuse(
        `is ${JSON.stringify(wanted)}, which is no pattern that can be read here`,
        cause,
      );
    }
    matches = (path) => pattern.test(path);
  } else {
    matches = (path) => wanted.some((name) => path === name || path.endsWith(`.${name}`));
  }
  const layers = Array.from({ length: model.layers }, (_, layer) => layer);
  const paths = layers.flatMap((layer) => LINEAR_MODULES.map((m) => modulePath(layer, m)));
  const names = typeof wanted === "string" ? [] : wanted;
  const odd = names.find((name) =>
    !paths.some((path) => path === name || path.endsWith(`.${name}`))
  );
  const outer = ["model.embed_tokens", "lm_head"].find(matches);
  if (odd !== undefined || outer !== undefined) {
    throw refuse(`names ${JSON.stringify(odd ?? outer)}, which is no linear layer of a block`);
  }
  return LINEAR_MODULES.filter((module) => {
    const found = layers.filter((layer) => matches(modulePath(layer, module)));
    if (found.length === 0 || found.length === layers.length) return found.length > 0;
    throw refuse(`names ${module} in ${found.length} of ${layers.length} layers`);
  });
}

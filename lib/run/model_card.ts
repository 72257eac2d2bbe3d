import { markdownTable } from "../base/markdown_table.ts";
import { intervalText } from "../base/text_table.ts";
import { readJsonFile, writeWhole } from "../base/files.ts";
import { methodNamed } from "../method/mod.ts";
import {
  baseText,
  dataLines,
  frontMatter,
  hubDataSets,
  jsonBlock,
  LICENCE,
  type RunRecord,
  type StageModel,
  stageModel,
  stageResult,
} from "./cards.ts";

/** Stages of a run that leave a model, with what they are. */
export const MODEL_STAGES = {
  "jsft": "judge-augmented supervised fine-tuning (JSFT): one model that answers and judges",
  "self-judge": "self-training on its own answers, ranked by the model after JSFT",
} as const;

/** In which form a model is handed on. */
export interface CardForm {
  /** A merged model has the adapters of its run folded in. */
  readonly form: "adapter" | "model" | "gguf";
  /** Name of the file, where it is one. */
  readonly file?: string;
}

/** Writes the cards of all models that a run has, beside them. */
export async function writeModelCards(run: string): Promise<void> {
  for (const stage of Object.keys(MODEL_STAGES)) {
    const model = await stageModel(run, stage);
    const text = model && await modelCard(run, stage, { form: model.form });
    if (model && text) await writeWhole(`${model.folder}/README.md`, text);
  }
}

/** The card of a stage's model: what it is, from which data and how it was made, how good a judge it is. */
export async function modelCard(
  run: string,
  stage: string,
  { form, file }: CardForm,
): Promise<string | null> {
  const record = await readJsonFile<RunRecord>(`${run}/run.json`);
  const model = await stageModel(run, stage);
  if (record === null || model === null) return null;
  const { config, recipe, scale, versions } = record;
  const method = methodNamed(config.selfJudge.method);
  const hub = config.model.split("@")[0];
  const isHub = /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(hub);
  const loop = stage === "self-judge";
  return [
    ...frontMatter({
      base_model: isHub ? hub : undefined,
      base_model_relation: isHub ? (form === "adapter" ? "adapter" : "finetune") : undefined,
      library_name: { adapter: "peft", model: "transformers", gguf: "llama.cpp" }[form],
      pipeline_tag: "text-generation",
      tags: [
        ...new Set(["self-judge", loop ? config.selfJudge.method : "jsft"]),
        ...(form === "adapter" ? ["lora"] : []),
      ],
      datasets: hubDataSets(config).length > 0 ? hubDataSets(config) : undefined,
    }),
    `# ${config.model}: ${stage}`,
    "",
    `The model after ${MODEL_STAGES[stage as keyof typeof MODEL_STAGES]} ` +
    "(SELF-JUDGE, https://arxiv.org/abs/2402.11253).",
    "",
    ...await baseLines(model, { run, form, file, config: record.config }),
    "",
    ...promptLines(config, form),
    "## Data",
    "",
    ...dataLines(config),
    "",
    ...await dataCounts(run),
    "## Method",
    "",
    `Recipe ${recipe ?? "ours"}, scale ${scale}, seed ${config.seed}.` +
    (loop
      ? ` Method ${config.selfJudge.method}: answers from the ${method.samples}, ranked by the ${method.ranker}, ` +
        `${method.loss} loss (${method.source}).`
      : ""),
    "",
    ...jsonBlock({
      frozenDtype: config.frozenDtype,
      chat: config.chat,
      judge: config.judge,
      jsft: config.jsft,
      ...(loop && { selfJudge: config.selfJudge }),
    }),
    "",
    ...await resultLines(run, stage),
    ...await judgeLines(run),
    ...LICENCE,
    "",
    "## Made with",
    "",
    ...["deno", "system", "engine"].map((name) => `- ${name} ${versions[name]}`),
    "",
  ].join("\n");
}

async function baseLines(
  model: StageModel,
  { run, form, file, config }: CardForm & { run: string; config: RunRecord["config"] },
): Promise<string[]> {
  const of = model.form === "adapter"
    ? `\`${model.base}\` (fingerprint \`${model.fingerprint.slice(0, 16)}\`)`
    : `\`${config.model}\``;
  if (form === "gguf") {
    return [
      `Made from ${of}, all in one file for llama.cpp:`,
      "",
      "```sh",
      `llama-cli --model ${file} --jinja`,
      "```",
    ];
  }
  if (form === "model") {
    return [
      `Made from ${of}; a whole model:`,
      "",
      "```python",
      "from transformers import AutoModelForCausalLM, AutoTokenizer",
      'model = AutoModelForCausalLM.from_pretrained("THIS_FOLDER")',
      'tokenizer = AutoTokenizer.from_pretrained("THIS_FOLDER")',
      "```",
    ];
  }
  return [
    `An adapter of rank ${model.rank} on ${of}.${await baseText(model, run)}` +
    (model.frozenDtype === "float32"
      ? ""
      : ` It was trained on the base's matrices rounded to ${model.frozenDtype}, as they are loaded here:`),
    "",
    "```python",
    "import torch",
    "from peft import AutoPeftModelForCausalLM",
    "from transformers import AutoTokenizer",
    `model = AutoPeftModelForCausalLM.from_pretrained("THIS_FOLDER", dtype=torch.${model.frozenDtype})`,
    'tokenizer = AutoTokenizer.from_pretrained("THIS_FOLDER")',
    "```",
    "",
    `vLLM takes it with \`--enable-lora --max-lora-rank ${
      serverRank(model.rank!)
    }\`. The base is named in ` +
    "`adapter_config.json`: a path on the machine where it was trained is to be changed where it is another one.",
  ];
}

/** What prompts had in training that the chat template of the folder does not write by itself. */
function promptLines({ chat }: RunRecord["config"], form: CardForm["form"]): string[] {
  const lines = [];
  if (chat.system !== null) {
    lines.push(
      "A dialogue without a system turn was given this one, which is to be the first message:",
      "",
      "```text",
      chat.system,
      "```",
      "",
    );
  }
  if (chat.bos === "tokenizer" && form !== "gguf") {
    lines.push(
      "A prompt begins with what the tokenizer puts before a text:",
      "",
      "```python",
      "text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)",
      "ids = tokenizer(text).input_ids",
      "```",
      "",
    );
  } else if (chat.bos !== "template" && form !== "gguf") {
    lines.push(
      "A prompt begins with the start token, also where the chat template does not write it:",
      "",
      "```python",
      "ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)",
      "ids = ids if ids[0] == tokenizer.bos_token_id else [tokenizer.bos_token_id] + ids",
      "```",
      "",
    );
  }
  return lines.length > 0 ? ["## Prompts", "", ...lines] : [];
}

/** The smallest rank that vLLM can be set to and that holds this one. */
const serverRank = (rank: number): number =>
  [8, 16, 32, 64, 128, 256, 320, 512].find((each) => each >= rank) ?? rank;

async function dataCounts(run: string): Promise<string[]> {
  const data = await stageResult(run, "data");
  if (data === null) return [];
  return [`${data.train} pairs to train on, ${data.heldOut} held out, of other prompts.`, ""];
}

/** Numbers that a stage left. */
async function resultLines(run: string, stage: string): Promise<string[]> {
  const numbers = Object.entries(await stageResult(run, stage) ?? {})
    .filter((entry): entry is [string, number] => typeof entry[1] === "number");
  if (numbers.length === 0) return [];
  return [
    "## Numbers of the training",
    "",
    markdownTable(
      ["number", "value"],
      numbers.map(([name, value]) => [name, `${Number(value.toPrecision(4))}`]),
    ),
    "",
  ];
}

interface Estimate {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly n: number;
}

/** The judge report of the run: as the model came, and after JSFT. */
async function judgeLines(run: string): Promise<string[]> {
  const [before, after] = await Promise.all(
    ["judge-before", "judge-after"].map((stage) => stageResult(run, stage)),
  ) as (Record<string, Estimate> | null)[];
  const measures = Object.keys(after ?? before ?? {});
  if (measures.length === 0) return [];
  const cell = (estimate?: Estimate) => estimate ? intervalText(estimate) : "-";
  return [
    "## The judge",
    "",
    `On ${
      (after ?? before)![measures[0]].n
    } held-out pairs, 95 % bootstrap intervals; the judge is the model after JSFT.`,
    "",
    markdownTable(
      ["measure", "before JSFT", "after JSFT"],
      measures.map((name) => [name, cell(before?.[name]), cell(after?.[name])]),
    ),
    "",
  ];
}

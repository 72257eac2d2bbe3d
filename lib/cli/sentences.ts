/**
 * Makes the preference pairs of "words in a sentence": a model is asked for one short sentence with given words, its
 * own samples are paired, and labelled by the true reward.
 *
 *     deno task sentences --model HuggingFaceTB/SmolLM2-135M-Instruct --to data/sentences
 *
 * A stopped command resumes: what was sampled is kept in the folder, which is one model's, one number of prompts' and
 * one labeller's.
 *
 * @module
 */
import {
  appendJsonl,
  exists,
  readJsonFile,
  readJsonl,
  writeCsv,
  writeJsonFile,
  writeJsonl,
} from "../base/files.ts";
import { UserError } from "../base/error.ts";
import { Progress } from "../base/progress.ts";
import { encodePrompt, sampleAnswers } from "../method/mod.ts";
import { modelFingerprint } from "../model/mod.ts";
import { MODEL_SPECS, type OpenedModel, openModel } from "../run/open_model.ts";
import { LABEL_TEMPERATURE, type Sampled, sentencePairs } from "../lab/sentences/pairs.ts";
import { drawPrompts, type SentencePrompt, type Split, SPLITS } from "../lab/sentences/prompts.ts";
import { sentenceReward } from "../lab/sentences/reward.ts";
import { parseCommand, runCommand, shellWords, taskCommand } from "./command.ts";
import { outputFolder, seedFlag, wholeNumber } from "./flags.ts";

/** How answers are drawn: the paper's sampling. */
const SAMPLING = { temperature: 1, topP: 0.9, topK: 0, maxNewTokens: 40 } as const;
/** Prompts answered together. */
const TOGETHER = 8;

interface Options {
  model: string;
  to: string;
  seed: number;
  samples: number;
  prompts: number;
  labelTemperature: number;
}

async function main(): Promise<void> {
  const command = taskCommand(
    "sentences",
    "--model HuggingFaceTB/SmolLM2-135M-Instruct --to runs/sentences",
  )
    .description("Makes preference pairs of a model's own sentences, labelled by an exact reward.")
    .option("--model <spec>", MODEL_SPECS.join(" | "), "HuggingFaceTB/SmolLM2-135M-Instruct")
    .addOption(
      outputFolder("--to <folder>", "where samples and pairs go").default("data/sentences"),
    )
    .option("--samples <number>", "answers to a prompt", wholeNumber("--samples", 2), 4)
    .option(
      "--prompts <number>",
      "training prompts; validation and held-out keep their share",
      wholeNumber("--prompts", 15),
      SPLITS.train,
    )
    .option(
      "--label-temperature <number>",
      "of the Bradley-Terry labeller; 0: labels without error",
      Number,
      LABEL_TEMPERATURE,
    )
    .addOption(seedFlag(1));
  const options = parseCommand(command, Deno.args).opts<Options>();
  const { to, seed, labelTemperature } = options;
  if (!(labelTemperature >= 0)) {
    throw new UserError(
      `--label-temperature is ${labelTemperature}`,
      "give 0 or more",
    );
  }
  const all = drawPrompts(seed, counts(options.prompts));
  for (const [split, sampled] of Object.entries(await samplesOf(all, options))) {
    const rows = sentencePairs(sampled, { seed, temperature: labelTemperature });
    await writeCsv(`${to}/${split}.csv`, rows);
    const right = rows.filter((row) => row.reward_chosen > row.reward_rejected).length;
    const rewards = sampled.flatMap(({ prompt, answers }) =>
      answers.map((answer) => sentenceReward(prompt, answer))
    );
    const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
    console.log(
      `${to}/${split}.csv: ${rows.length} pairs of ${sampled.length} prompts, ` +
        `${right} of the labels agree with the reward; samples' mean reward ${mean.toFixed(3)}`,
    );
  }
  const words = ["--model", options.model, "--data", `${to}/train.csv`];
  console.log(`next: deno task align ${shellWords(words)}`);
}

/** Prompts of each split: as many of the others for each training prompt as by default. */
function counts(train: number): Record<Split, number> {
  const share = (split: Split) => Math.ceil(SPLITS[split] * train / SPLITS.train / 3) * 3;
  return { train, validation: share("validation"), held_out: share("held_out") };
}

/** Each split's prompts with the model's answers, those that the folder has first. */
async function samplesOf(
  prompts: Record<Split, readonly SentencePrompt[]>,
  { model: spec, to, seed, samples, prompts: training, labelTemperature }: Options,
): Promise<Record<Split, Sampled[]>> {
  const file = `${to}/samples.jsonl`;
  const kept = await readJsonl<Sampled>(file);
  const settings = { seed, samples, prompts: training, labelTemperature, ...SAMPLING };
  const before = await readJsonFile<Record<string, unknown>>(`${to}/samples.json`);
  const changed = Object.entries(settings).find(([name, value]) =>
    before?.[name] !== undefined && before[name] !== value
  );
  if (changed !== undefined && kept.length > 0) {
    throw new UserError(
      `${to} was made with ${changed[0]} = ${before![changed[0]]}, now it is ${changed[1]}`,
      "take the settings of before, or another folder with --to",
    );
  }
  const known = new Map(kept.map((row) => [row.prompt, row]));
  const missing = Object.values(prompts).flat().filter(({ prompt }) => !known.has(prompt));
  // Opened where nothing is missing too: only its weights tell whether these samples are its own.
  const opened = await openModel(spec, { log: (line) => console.log(line) });
  try {
    const weights = await modelFingerprint(opened.model);
    if (kept.length > 0 && before?.weights === undefined) {
      throw new UserError(
        `${to}/samples.json does not say from which weights ${file} was sampled`,
        "delete both to sample anew, or take another folder with --to",
      );
    }
    if (kept.length > 0 && before?.weights !== weights) {
      throw new UserError(
        `${file} was sampled from other weights than ${spec} has now`,
        "give the model of before, or another folder with --to",
      );
    }
    const record = { model: opened.origin, weights, ...settings };
    if (Object.keys(record).some((name) => before?.[name] === undefined)) {
      await writeJsonFile(`${to}/samples.json`, record);
    }
    if (missing.length > 0) {
      if (await exists(file)) await writeJsonl(file, kept); // without a line torn by a kill
      for await (const row of drawn(missing, opened, { seed, samples })) {
        known.set(row.prompt, row);
        await appendJsonl(file, [row]);
      }
    }
  } finally {
    opened.dispose();
  }
  const of = (split: Split) =>
    prompts[split].map((prompt) => ({ ...prompt, answers: known.get(prompt.prompt)!.answers }));
  return { train: of("train"), validation: of("validation"), held_out: of("held_out") };
}

/** Answers as they come; each prompt's random stream has its name, so a resumed command draws the same. */
async function* drawn(
  prompts: readonly SentencePrompt[],
  opened: OpenedModel,
  { seed, samples }: { seed: number; samples: number },
): AsyncGenerator<Sampled> {
  const encoder = await opened.session.encoder();
  const progress = new Progress("samples", { unit: "prompt", total: prompts.length });
  for (let at = 0; at < prompts.length; at += TOGETHER) {
    const some = prompts.slice(at, at + TOGETHER);
    const ids = some.map(({ prompt }) =>
      encodePrompt([{ role: "user", content: prompt }], encoder)
    );
    const answers = await sampleAnswers(opened.model, ids, {
      ...SAMPLING,
      encoder,
      samples,
      seed,
      streams: some.map(({ id }) => `sentences/${id}`),
    });
    for (const [i, prompt] of some.entries()) {
      yield { ...prompt, answers: answers[i].map(({ text }) => text) };
    }
    progress.update(at + some.length);
  }
  progress.finish();
}

if (import.meta.main) await runCommand(main);

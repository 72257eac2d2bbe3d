/**
 * TRL against this project's trainer on SmolLM2-135M and pairs of HH-RLHF, some ten minutes on two cores. Only where
 * SELF_JUDGE_EQUALITY names the CSV file that the numbers go to:
 *
 *   SELF_JUDGE_EQUALITY=data/results/engines/equality.csv deno test -A --import-map .engine/import_map.json \
 *     tests/engine_equality_test.ts
 */
import { after, before, describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { anyRow, parseRows } from "../lib/base/csv.ts";
import { readIfThere, writeCsv } from "../lib/base/files.ts";
import { Rng } from "../lib/base/random.ts";
import {
  encodePrompt,
  endOfAnswer,
  type Example,
  jsftExamples,
  JudgeTemplate,
  principlesNamed,
  type StepLog,
} from "../lib/method/mod.ts";
import {
  type LanguageModel,
  loadAdapter,
  loadModel,
  LORA_DEFAULTS,
  LoraAdapter,
  saveAdapter,
  saveModel,
} from "../lib/model/mod.ts";
import { type Pair, readPairs } from "../lib/preference/mod.ts";
import { startEngine } from "../lib/tensor/mod.ts";
import { ChatTemplate, openTokenizer } from "../lib/text/mod.ts";
import { HH } from "./real_data.ts";
import { ggufFile } from "./reference/fixture.ts";
import { folder } from "./temporary_files.ts";
import { PYTHON, trainStages } from "./trainer_python.ts";
import {
  adapterValues,
  type Compared,
  comparedLogs,
  compareMoves,
  type IdPair,
  type Lesson,
  ownTraining,
  savedValues,
  writeStage,
} from "./trainer_stages.ts";

const OUT = Deno.env.get("SELF_JUDGE_EQUALITY");
const file = OUT ? ggufFile() : undefined;
const ready = OUT && file && PYTHON && existsSync(HH);
if (OUT && !ready) console.warn("skipping SmolLM2: no Python with TRL, no model or no pairs");

/** Longest sequence, in tokens, so that it is cheap. */
const LONGEST = 160;
const SCHEDULE = { learningRate: 1e-4, shape: "constant", warmup: 0 } as const;

/** Four steps of eight pairs, and two of twelve examples, answers and judgments. */
async function lessons(): Promise<Record<string, Lesson>> {
  const tokenizer = await openTokenizer(file!);
  const chat = ChatTemplate.of(tokenizer);
  const encoder = { tokenizer, chat, maxTokens: LONGEST, overflow: "leave-out" as const };
  const [principle] = principlesNamed(["harmlessness"]);
  const template = new JudgeTemplate({ ...encoder, principle, overflow: "truncate" });
  const [pairs, answers, judgments]: [IdPair[], Example[], Example[]] = [[], [], []];
  for await (const pair of readPairs(HH, { onBadLine: "skip" }) as AsyncIterable<Pair>) {
    if (pairs.length >= 32 && answers.length >= 8 && judgments.length >= 16) break;
    const prompt = encodePrompt(pair.prompt, encoder);
    const ids = (text: string) => [...tokenizer.encode(text), endOfAnswer(tokenizer)];
    const [chosen, rejected] = [ids(pair.chosen), ids(pair.rejected)];
    if (prompt.length + Math.max(chosen.length, rejected.length) > LONGEST) continue;
    if (pairs.length < 32) pairs.push({ prompt, chosen, rejected });
    for (const example of jsftExamples([pair], { encoder, templates: [template] }).examples) {
      (example.kind === "answer" ? answers : judgments).push(example);
    }
  }
  const examples = [0, 1].map((i) => [
    ...answers.slice(4 * i, 4 * i + 4),
    ...judgments.slice(8 * i, 8 * i + 8),
  ]);
  assert.deepEqual(examples.map(({ length }) => length), [12, 12]);
  const steps = [0, 8, 16, 24].map((i) => pairs.slice(i, i + 8));
  return {
    "DPO": { kind: "dpo", loss: "sigmoid", steps, schedule: SCHEDULE },
    "JSFT": { kind: "sft", steps: examples, schedule: SCHEDULE },
  };
}

type Row = Compared & { what: string; processes: number; apart?: number };

/** Puts rows into the file, in place of those of the same lesson and number of processes. */
async function write(rows: readonly Row[]): Promise<void> {
  const [{ what: lesson, processes: count }] = rows;
  const text = await readIfThere(OUT!);
  const old = text === null ? [] : parseRows(text, { path: OUT!, row: anyRow });
  const fresh = rows.map((row) => {
    const { what, quantity, processes, step, here, trl, apart = Math.abs(here - trl) } = row;
    const difference = Number(apart.toExponential(2));
    return { what: `${what}, ${quantity}`, processes, step, here, trl, difference };
  });
  const kept = old.filter(({ what, processes }) =>
    !`${what}`.startsWith(`${lesson}, `) || Number(processes) !== count
  );
  await writeCsv(OUT!, [...kept, ...fresh]);
}

describe("SmolLM2-135M on real pairs", () => {
  let model: LanguageModel;
  let start: string;
  let all: Record<string, Lesson>;
  const own = new Map<string, [StepLog[], Map<string, Float32Array>]>();

  before(async () => {
    if (!ready) return;
    await startEngine();
    model = await loadModel(file!);
    await saveModel(model, `${folder.path}/model`);
    const lora = { ...LORA_DEFAULTS, dropout: 0 };
    model.adapter = LoraAdapter.create(model.config, lora, Rng.named(7, "adapter"));
    start = `${folder.path}/start`;
    await saveAdapter(model.adapter, start, { baseModel: `${folder.path}/model` });
    all = await lessons();
  });
  after(() => model?.dispose());

  /** What this project makes of a lesson: its log, and the adapter. */
  async function ours(what: string): Promise<[StepLog[], Map<string, Float32Array>]> {
    const found = own.get(what);
    if (found) return found;
    model.adapter!.dispose();
    model.adapter = await loadAdapter(start, model.config);
    const made: [StepLog[], Map<string, Float32Array>] = [
      await ownTraining(model, all[what]),
      await adapterValues(model),
    ];
    own.set(what, made);
    return made;
  }

  for (const what of ["JSFT", "DPO"]) {
    for (const processes of [1, 2]) {
      (ready ? it : it.skip)(
        `learns ${what} under TRL as here, processes: ${processes}`,
        async () => {
          const [log, values] = await ours(what);
          const own = `${folder.path}/${what}-${processes}`;
          const lesson = all[what];
          const train = await writeStage({
            ...{ folder: own, model: `${folder.path}/model`, start, lesson },
            settings: { roundSteps: lesson.steps.length, microBatch: 2, checkpointEvery: 100 },
          });
          assert.deepEqual(await trainStages([train], { processes }), [0]);
          // Of the first step's margins, all 0 but for rounding, the signs are chance.
          const compared = (await comparedLogs(log, own)).filter((r) =>
            r.quantity !== "rewardAccuracy"
          );
          const { largest, moves, cosine } = compareMoves([
            await savedValues(start, model),
            values,
            await savedValues(`${own}/rounds/000001/adapter`, model),
          ]);
          const step = log.length;
          await write([
            ...compared.map((row) => ({ what, processes, ...row })),
            { what, processes, step, quantity: "cosine of the moves", here: 1, trl: cosine },
            // The largest move of a weight; the difference is that of the weights.
            {
              ...{ what, processes, step, quantity: "weights", here: moves[0], trl: moves[1] },
              apart: largest,
            },
          ]);
          for (const { quantity, here, trl, step } of compared) {
            assert.ok(
              Math.abs(here - trl) <= 1e-5 * Math.max(1, Math.abs(here)),
              `step ${step}, ${quantity}: ${here} here, ${trl} by TRL`,
            );
          }
          // Adam's first steps have the size of the rate whatever the gradient: next to 0, rounding tells its sign.
          assert.ok(cosine > 1 - 1e-6, `cosine of the moves: ${cosine}`);
        },
      );
    }
  }
});

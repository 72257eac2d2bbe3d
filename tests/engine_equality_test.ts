/**
 * TRL against this project's trainer on SmolLM2-135M and pairs of HH-RLHF, some ten minutes on two cores. Only where
 * SELF_JUDGE_EQUALITY names the CSV file that the numbers go to:
 *
 *   SELF_JUDGE_EQUALITY=data/results/engines/equality.csv deno task test tests/engine_equality_test.ts
 */
import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeCsv } from "../lib/base/files.ts";
import { Rng } from "../lib/base/random.ts";
import {
  encodePrompt,
  endOfAnswer,
  type Example,
  jsftExamples,
  JudgeTemplate,
  principlesNamed,
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

describe("SmolLM2-135M on real pairs", () => {
  const rows: (Compared & { what: string; processes: number; apart?: number })[] = [];
  const write = () =>
    writeCsv(
      OUT!,
      rows.map(({ what, quantity, processes, step, here, trl, apart = Math.abs(here - trl) }) => ({
        what: `${what}, ${quantity}`,
        ...{ processes, step, here, trl, difference: Number(apart.toExponential(2)) },
      })),
    );

  (ready ? it : it.skip)(
    "is trained by TRL as by this project, on one process and on two",
    async () => {
      await startEngine();
      const model: LanguageModel = await loadModel(file!);
      await saveModel(model, `${folder.path}/model`);
      model.adapter = LoraAdapter.create(
        model.config,
        { ...LORA_DEFAULTS, dropout: 0 },
        Rng.named(7, "adapter"),
      );
      const start = `${folder.path}/start`;
      await saveAdapter(model.adapter, start, { baseModel: `${folder.path}/model` });
      const before = await adapterValues(model);
      const own = new Map<string, [Awaited<ReturnType<typeof ownTraining>>, typeof before]>();
      const all = await lessons();
      for (const [what, lesson] of Object.entries(all)) {
        model.adapter.dispose();
        model.adapter = await loadAdapter(start, model.config);
        own.set(what, [await ownTraining(model, lesson), await adapterValues(model)]);
      }
      for (const processes of [1, 2]) {
        const names = Object.keys(all).map((what) => `${folder.path}/${what}-${processes}`);
        const stages = [];
        for (const [i, lesson] of Object.values(all).entries()) {
          stages.push(
            await writeStage({
              ...{ folder: names[i], model: `${folder.path}/model`, start, lesson },
              settings: { roundSteps: lesson.steps.length, microBatch: 2, checkpointEvery: 100 },
            }),
          );
        }
        await trainStages(stages, { processes });
        for (const [i, what] of Object.keys(all).entries()) {
          const [log, values] = own.get(what)!;
          const compared = await comparedLogs(log, names[i]);
          const after = await savedValues(`${names[i]}/rounds/000001/adapter`, model);
          const { largest, moves, cosine } = compareMoves([before, values, after]);
          const step = log.length;
          rows.push(
            ...compared.map((row) => ({ what, processes, ...row })),
            { what, processes, step, quantity: "cosine of the moves", here: 1, trl: cosine },
            // The largest move of a weight; the difference is that of the weights.
            {
              what,
              processes,
              step,
              quantity: "weights",
              here: moves[0],
              trl: moves[1],
              apart: largest,
            },
          );
          await write();
          for (const { quantity, here, trl, step } of compared) {
            assert.ok(
              Math.abs(here - trl) <= 1e-5 * Math.max(1, Math.abs(here)),
              `${what}, ${processes} processes, step ${step}, ${quantity}: ${here} here, ${trl} by TRL`,
            );
          }
          assert.ok(cosine > 0.9999, `cosine of the moves: ${cosine}`);
        }
      }
      model.dispose();
    },
  );
});

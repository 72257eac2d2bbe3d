/**
 * What a run leaves, loaded by `transformers`, PEFT, llama.cpp and `datasets`: log-probabilities against the run's own
 * model.
 */
import assert from "node:assert/strict";
import { before, describe } from "jsr:@std/testing@1/bdd";
import { Rng } from "../lib/base/random.ts";
import { type LanguageModel, nextTokenProbabilities, sequenceLogProbs } from "../lib/model/mod.ts";
import { exportModel } from "../lib/run/export_model.ts";
import { openModel } from "../lib/run/open_model.ts";
import { parity } from "./model_reference.ts";
import { has, itIf, type Read, read, type Request, sum } from "./other_programs.ts";
import { BYTE_SETTINGS, writeByteModel } from "./tiny_gguf.ts";
import { distance } from "./tiny_method.ts";
import { startWell, tinyRunFolder } from "./tiny_run.ts";

const [peft, llama, datasets] = ["peft", "llama_cpp", "datasets"].map(has);

const TEXTS = ["In 1984,  Name plum\n\nand fig.", "naïve 漢字 🙂 </s> x", " A", "\ufeffa"];
const CHATS = [[{ role: "user", content: "Name plum." }]];

/** Sequences to score: random tokens, and at the end a judgment's prompts in both positions. */
async function sequencesOf(spec: string): Promise<Pick<Request, "sequences" | "tokens">> {
  const { session, tokenizer, dispose } = await openModel(spec, { log: () => {} });
  const rng = Rng.named(5, "sequences");
  const random = Array.from(
    { length: 18 },
    () => Array.from({ length: 2 + rng.int(60) }, () => rng.int(tokenizer.size)),
  );
  const [question] = await session.templates(["overall"]);
  const dialogue = [{ role: "user", content: "Name plum." }] as const;
  const judged = [
    question.prompt(dialogue, "Yes, plum.", "No."),
    question.prompt(dialogue, "No.", "Yes, plum."),
  ];
  dispose();
  return { sequences: [...random, ...judged], tokens: question.labelIds };
}

/** The sums of their log-probabilities, and of the judgments those of both labels. */
async function own(
  spec: string,
  sequences: readonly (readonly number[])[],
): Promise<{ sums: number[]; labels: number[]; ids: number[][] }> {
  const { model, session, tokenizer, dispose } = await openModel(spec, { log: () => {} });
  const [{ labelIds }] = await session.templates(["overall"]);
  const sums = await sequenceLogProbs(model, sequences.map((ids) => ({ ids, from: 1 })));
  const labels = await labelsOf(model, sequences.slice(-2), labelIds);
  const ids = TEXTS.map((text) => tokenizer.encode(text));
  dispose();
  return { sums, labels, ids };
}

async function labelsOf(
  model: LanguageModel,
  prompts: readonly (readonly number[])[],
  labelIds: readonly number[],
): Promise<number[]> {
  const rows = await nextTokenProbabilities(model, prompts, { tokens: labelIds });
  return rows.flatMap((row) => [...row].map(Math.log));
}

/** Of the last two sequences, the judgments, both labels. */
const labelsIn = ({ last }: Read) => last.slice(-2).flat();

/** Runs of which everything is compared: what they train, and the folders of their stages' models. */
const RUNS: Record<string, { set: string[]; jsft: string; policy: string }> = {
  lora: { set: [], jsft: "jsft/adapter", policy: "self-judge/adapter" },
  full: {
    set: ["jsft.tuning.mode=full", "selfJudge.tuning.mode=full"],
    jsft: "jsft/model",
    policy: "self-judge/model",
  },
  mixed: { set: ["jsft.tuning.mode=full"], jsft: "jsft/model", policy: "self-judge/adapter" },
};

describe("a run's folders in other programs", () => {
  let folder = "";
  let asked: Pick<Request, "sequences" | "tokens"> = { sequences: [], tokens: [] };
  before(async () => {
    if (!peft) return;
    folder = await tinyRunFolder();
    await writeByteModel(`${folder}/tiny.gguf`);
    for (const [run, { set }] of Object.entries(RUNS)) {
      await startWell({
        folder,
        run,
        set: [
          ...BYTE_SETTINGS,
          "jsft.epochs=1",
          "jsft.learningRate=0.01",
          "selfJudge.learningRate=0.002",
          ...set,
        ],
        args: ["--stage", "data,jsft,self-judge", "--model", `${folder}/tiny.gguf`],
      });
    }
    asked = await sequencesOf(`run:${folder}/lora#policy`);
  });

  const request = (more: Partial<Request>): Request => ({
    folders: {},
    ...asked,
    texts: TEXTS,
    chats: CHATS,
    ...more,
  });

  itIf(peft, "peft")(
    "transformers and PEFT have the run's log-probabilities, tokens and ends",
    async () => {
      const folders = Object.fromEntries(
        Object.entries(RUNS).flatMap(([run, at]) =>
          (["jsft", "policy"] as const).map((
            state,
          ) => [`${run}#${state}`, `${folder}/${run}/${at[state]}`])
        ),
      );
      const found = await read(request({ folders: { ...folders, base: `${folder}/lora/base` } }));
      for (const name of Object.keys(folders)) {
        const { sums, labels, ids } = await own(`run:${folder}/${name}`, asked.sequences);
        const far = distance(sums, found[name].log_probs.map(sum));
        const farLabels = distance(labels, labelsIn(found[name]));
        parity(`${name} of a tiny run, in transformers`, Math.max(far, farLabels));
        assert.ok(far < 1e-3 && farLabels < 1e-4, `${name}: ${far}, labels ${farLabels}`);
        assert.deepEqual(found[name].ids, ids);
        assert.deepEqual(found[name].chats, ["<s>user\nName plum.</s>\n<s>assistant\n"]);
        assert.deepEqual(found[name].ends, [2]);
      }
      const moved = distance(
        found["lora#policy"].log_probs.map(sum),
        found.base.log_probs.map(sum),
      );
      assert.ok(moved > 0.1, "the run moved the model");
    },
  );

  itIf(peft && llama, "llama_cpp")(
    "llama.cpp has them of what is exported, within its type's error",
    async () => {
      for (
        const [run, dtype, within] of [
          ["lora", "float32", 1e-3],
          ["full", "float32", 1e-3],
          ["lora", "float16", 0.2],
          ["lora", "bfloat16", 2],
        ] as const
      ) {
        const to = `${folder}/${run}-${dtype}`;
        await exportModel({ source: `${folder}/${run}`, to, format: "gguf", dtype, log: () => {} });
        const [file] = [...Deno.readDirSync(to)].filter(({ name }) => name.endsWith(".gguf"));
        const found = (await read(request({ gguf: { exported: `${to}/${file.name}` } }))).exported;
        const { sums, labels, ids } = await own(`run:${folder}/${run}#policy`, asked.sequences);
        const far = distance(sums, found.log_probs.map(sum));
        const farLabels = distance(labels, labelsIn(found));
        parity(`${run}, exported as GGUF in ${dtype}, in llama.cpp`, Math.max(far, farLabels));
        assert.ok(
          far < within && farLabels < within,
          `${run} ${dtype}: ${far}, labels ${farLabels}`,
        );
        assert.deepEqual(found.ids, ids);
        assert.deepEqual(found.ends, [2]);
        assert.match(found.chat_template, /^{% for m in messages %}/);
      }
    },
  );

  itIf(peft && datasets, "datasets")("datasets reads the pairs in TRL's columns", async () => {
    const pairs = `${folder}/lora/self-judge/pairs/train.jsonl`;
    const found = await read<
      { pairs: { columns: string[]; rows: number; first: Record<string, unknown> } }
    >(
      request({ pairs, sequences: [] }),
    );
    assert.deepEqual(found.pairs.columns, [
      "prompt",
      "chosen",
      "rejected",
      "J",
      "consistent",
      "step",
      "id",
    ]);
    const lines = (await Deno.readTextFile(pairs)).trim().split("\n");
    assert.equal(found.pairs.rows, lines.length);
    assert.deepEqual(found.pairs.first, JSON.parse(lines[0]));
  });
});

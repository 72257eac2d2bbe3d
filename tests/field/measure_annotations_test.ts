/** Annotation and answer files from public reports; `README.md` here says which. */
import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { failedQuestions } from "../../lib/benchmark/answer_file.ts";
import { readComparisons } from "../../lib/measure/mod.ts";
import { describeWarning } from "../../lib/preference/file_warnings.ts";
import { answerSet, question } from "../benchmark_fakes.ts";
import { annotation } from "../measure_annotation_files.ts";
import { refuses } from "../refusals.ts";
import { file } from "../temporary_files.ts";

describe("AlpacaEval's annotations", () => {
  it('may call the baseline\'s writer "generator" (alpaca_eval 336)', async () => {
    const old = (instruction: string, generator: string) =>
      annotation(instruction, 1.2, { generator_1: undefined, generator });
    const { baseline, warnings } = await readComparisons(
      await file("old.json", [old("a", "gpt4_1106_preview"), old("b", "gpt4_1106_preview")]),
    );
    assert.deepEqual([baseline, warnings], ["gpt4_1106_preview", []]);
    await refuses(
      async () =>
        readComparisons(await file("mixed.json", [old("a", "gpt4"), old("b", "davinci")])),
      /mixed\.json item 2: the baseline \(generator_1\) is "davinci", in item 1 it is "gpt4"/,
    );
  });

  it("may lack a preference where the annotator failed: in no rate, counted (alpaca_eval 340)", async () => {
    const items = [annotation("a", 2), annotation("b", null), annotation("c", 1)];
    const { items: read, warnings } = await readComparisons(await file("nulls.json", items));
    assert.deepEqual(read.map(({ preference }) => preference), [1, null, 0]);
    assert.match(describeWarning(warnings[0]), /nulls\.json item 2: no preference .*in no rate/);
  });

  it("are not of two annotators (alpaca_eval 325)", async () => {
    const items = ["alpaca_eval_gpt4", "weighted_alpaca_eval_gpt4_turbo"]
      .map((annotator, i) => annotation(`${i}`, 1.5, { annotator }));
    await refuses(
      async () => readComparisons(await file("two.json", items)),
      /item 2: the annotator is/,
    );
  });
});

describe("FastChat's answers", () => {
  it('that are "$ERROR$" are named as no answers (FastChat, llm_judge/common.py)', () => {
    const questions = [question(1, "writing"), question(2, "writing")];
    const set = answerSet("gpt-4", questions, ({ id }) => id === 2 ? "$ERROR$" : "An answer");
    assert.deepEqual(failedQuestions(set), [2]);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { characters } from "../lib/base/characters.ts";
import { readComparisons } from "../lib/measure/mod.ts";
import { pairRows } from "../lib/benchmark/results.ts";
import { longerWins } from "../lib/measure/baseline_judges.ts";
import { fullReport } from "../lib/measure/report.ts";
import { Rng } from "../lib/base/random.ts";
import { answerSet, judged, question } from "./benchmark_fakes.ts";
import { annotation } from "./measure_annotation_files.ts";
import { user } from "./judge_fakes.ts";
import { file, folder } from "./temporary_files.ts";

// Three characters, of six UTF-16 units, against four.
const [short, long] = ["\u{1F600}".repeat(3), "abcd"];

describe("a character", () => {
  it("is a code point, as Python's len counts them", () => {
    assert.deepEqual(["", "abc", "caf\u00e9", short].map(characters), [0, 3, 4, 3]);
  });

  it("is the same thing to win rates, baseline judges, judge reports and benchmarks", async () => {
    const items = [annotation("q", 1.5, { output_1: long, output_2: short })];
    const { items: [{ lengths }] } = await readComparisons(
      await file("emoji.json", items),
    );
    assert.deepEqual(lengths, { baseline: 4, model: 3 });

    const pair = { prompt: [user("q")], first: short, second: long };
    const [judgment] = await longerWins([pair]);
    assert.equal(judgment.winner, "second");

    const { measures } = fullReport([judgment], {
      comparisons: [pair],
      labels: ["second"],
      rng: Rng.named(1, "characters"),
      samples: 5,
    });
    assert.deepEqual([measures.longerRate.value, measures.longerWinsAccuracy.value], [1, 1]);
    assert.equal(measures.lengthCorrelation.value, 1);

    const questions = [question(1, "writing", { turns: 1 })];
    const answers = [
      answerSet("m", questions, () => short),
      answerSet("base", questions, () => long),
    ] as const;
    const records = await judged(longerWins, questions, answers, {
      file: `${folder.path}/emoji/j_pair.jsonl`,
    });
    const rows = pairRows(questions, records, {
      benchmark: "vicuna",
      seed: 1,
      samples: 5,
      answers,
    });
    assert.equal(rows.find(({ measure }) => measure === "longerRate")!.value, 0);
  });
});

import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { isPair, readSources, useOf } from "../lib/preference/mod.ts";
import { refuses } from "./refusals.ts";
import { file, jsonLines } from "./temporary_files.ts";

const pair = (prompt: string, more: object = {}) => ({
  prompt,
  chosen: "Yes.",
  rejected: "No.",
  ...more,
});
const shown = (prompt: string) => ({ prompt, completion: "Yes." });

describe("several sources", () => {
  it("teach what they are used for; a pair of one principle is never imitated", async () => {
    const path = await file(
      "mixed.jsonl",
      jsonLines([
        pair("a"),
        pair("b", { principle: "honesty" }),
        shown("c"),
        pair("d", { use: "answers" }),
      ]),
    );
    const used = async (use?: "both" | "answers" | "judgments") => {
      const stream = readSources([{ files: [path], use }]);
      const rows = await Array.fromAsync(stream);
      return [
        rows.flatMap(({ line, records }) => records.map((r) => [line, isPair(r), useOf(r)])),
        stream.counts,
      ];
    };
    const counts = { bad: 0, ties: 0, reasons: {} };
    assert.deepEqual(await used(), [
      [[1, true, "both"], [2, true, "judgments"], [3, false, "answers"], [4, true, "answers"]],
      [{ ...counts, pairs: 3, demonstrations: 1, unused: 0 }],
    ]);
    assert.deepEqual(await used("answers"), [
      [[1, true, "answers"], [3, false, "answers"], [4, true, "answers"]],
      [{ ...counts, pairs: 2, demonstrations: 1, unused: 1 }],
    ]);
    assert.deepEqual(await used("judgments"), [
      [[1, true, "judgments"], [2, true, "judgments"]],
      [{ ...counts, pairs: 2, demonstrations: 0, unused: 2 }],
    ]);
  });

  it("of which one has nothing for its use are refused, with another use", async () => {
    const honest = await file("honest.jsonl", jsonLines([pair("b", { principle: "honesty" })]));
    await refuses(
      () => Array.fromAsync(readSources([{ files: [honest], use: "answers" }])),
      "honest has nothing to use for answers in 1 rows",
      'use it for "judgments"',
    );
    const sft = await file("sft.jsonl", jsonLines([shown("b"), shown("c")]));
    await refuses(
      () => Array.fromAsync(readSources([{ name: "SFT", files: [sft], use: "judgments" }])),
      "SFT has nothing to use for judgments in 2 rows",
      'use it for "answers"',
    );
  });

  it("have ids that are unique among all, and rows that say which source they are of", async () => {
    const sources = [
      {
        files: [
          await file(
            "one/train.jsonl",
            jsonLines([pair("a"), pair("b", { id: 7 }), pair("c", { id: 7 })]),
          ),
        ],
      },
      {
        name: "two",
        files: [
          await file("two/train.jsonl", jsonLines([pair("d")])),
          await file("two/b/train.jsonl", jsonLines([pair("e")])),
        ],
      },
    ];
    const rows = await Array.fromAsync(readSources(sources));
    assert.deepEqual(rows.map(({ source, records: [{ id }] }) => [source, id]), [
      [0, "train:1"],
      [0, "7"],
      [0, "train/7"],
      [1, "two/train:1"],
      [1, "two/train:1#2"],
    ]);
  });

  it("count what is bad and what is tied, each source for itself, and name it by its own file", async () => {
    const first = await file("first.jsonl", jsonLines([pair("a"), pair("", {})]));
    const second = await file(
      "second.jsonl",
      jsonLines([pair("b"), pair("c", { score_chosen: 1, score_rejected: 1 })]),
    );
    const bad: string[] = [];
    const stream = readSources([{ files: [first] }, { files: [second] }], {
      onBadLine: "skip",
      report: ({ file, line, reason }) => bad.push(`${file.split("/").at(-1)} ${line}: ${reason}`),
    });
    await Array.fromAsync(stream);
    assert.deepEqual(stream.counts.map(({ pairs, bad, ties }) => [pairs, bad, ties]), [
      [1, 1, 0],
      [1, 0, 1],
    ]);
    assert.deepEqual(bad, ["first.jsonl 2: the prompt is empty"]);
    await refuses(
      () => Array.fromAsync(readSources([{ files: [second] }, { files: [first] }])),
      "first.jsonl line 2: the prompt is empty",
      "--set data.onBadLine=skip (align)",
    );
  });
});

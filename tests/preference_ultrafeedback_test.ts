import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { collectPairs, isPair, type RatingOptions, readRows } from "../lib/preference/mod.ts";
import { skipping } from "./preference_files.ts";
import { refuses } from "./refusals.ts";
import { file, jsonLines } from "./temporary_files.ts";

const PRINCIPLES = ["helpfulness", "honesty", "instruction_following", "truthfulness"];

/** A completion with its ratings in the order of {@linkcode PRINCIPLES}. */
const completion = (response: string, ratings: readonly unknown[], more: object = {}) => ({
  model: "m",
  response,
  custom_system_prompt: `System of ${response}`,
  annotations: Object.fromEntries(PRINCIPLES.map((name, i) => [name, {
    Rating: ratings[i],
    Rationale: `${response} ${name}.`,
    ...(name === "helpfulness" && { "Rationale For Rating": "Rated.", Type: ["1"] }),
  }])),
  overall_score: 8,
  ...more,
});
const row = (instruction: string, ...completions: object[]) => ({
  source: "evol_instruct",
  instruction,
  models: ["m"],
  completions,
});

const ROWS = [
  // Means: 4, 4.5, 4.5 (N/A left out), 2.
  row(
    "Why?",
    completion("worse", ["4", "4", "4", "4"]),
    completion("long best", ["5", "4", "5", "4"]),
    completion("best", ["5", "4", "N/A", "4.5"]),
    completion("bad", ["1", "2", "2", "3"]),
  ),
  row("Equal?", completion("one", [3, 3, 3, 3]), completion("another", [3, 3, 3, 3])),
];

async function read(rows: readonly object[], options: RatingOptions = {}) {
  const stream = readRows(await file("uf.jsonl", jsonLines(rows)), options);
  const read = await Array.fromAsync(stream);
  return { records: read.map(({ records }) => records), counts: stream.counts };
}

describe("UltraFeedback", () => {
  it("the answer rated best is imitated, under its system prompt; ties go as asked", async () => {
    const answers = async (options: RatingOptions) =>
      (await read(ROWS, options)).records.map(([shown]) => "answer" in shown && shown.answer);
    assert.deepEqual(await answers({}), ["long best", "another"]);
    assert.deepEqual(await answers({ ratingTies: "shorter" }), ["best", "one"]);
    const drawn = new Set<unknown>();
    for (let seed = 0; seed < 20; seed++) {
      const [answer] = await answers({ ratingTies: "random", seed });
      assert.deepEqual((await answers({ ratingTies: "random", seed }))[0], answer);
      drawn.add(answer);
    }
    assert.deepEqual(drawn, new Set(["best", "long best"]));
    const { records: [[shown]] } = await read(ROWS);
    assert.deepEqual(shown, {
      id: "uf:1",
      prompt: [
        { role: "system", content: "System of long best" },
        { role: "user", content: "Why?" },
      ],
      answer: "long best",
      source: "uf",
    });
  });

  it("a system prompt is kept as it is written, and an empty one is none", async () => {
    const turns = async (system: string) => {
      const more = { custom_system_prompt: system };
      const { records: [[{ prompt }]] } = await read([
        row("Why?", completion("best", [5, 5, 5, 5], more), completion("bad", [1, 1, 1, 1])),
      ]);
      return prompt.slice(0, -1).map(({ content }) => content);
    };
    assert.deepEqual([await turns("  Be kind.\n"), await turns(" "), await turns("")], [
      ["  Be kind.\n"],
      [" "],
      [],
    ]);
  });

  it("it is judged against one at random of those rated strictly lower, without a principle", async () => {
    const rejected = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const { records: [[, pair, ...more], second], counts } = await read(ROWS, { seed });
      assert.ok(isPair(pair) && more.length === 0);
      assert.deepEqual(
        { ...pair, rejected: "" },
        {
          id: "uf:1/pair",
          prompt: [{ role: "user", content: "Why?" }],
          chosen: "long best",
          rejected: "",
          source: "uf",
          use: "judgments",
        },
      );
      rejected.add(pair.rejected);
      assert.equal(second.length, 1); // nothing is rated lower
      assert.deepEqual(counts, { pairs: 1, demonstrations: 2, bad: 0, ties: 1, reasons: {} });
    }
    assert.deepEqual(rejected, new Set(["worse", "bad"]));
  });

  it("every principle's own ratings make its pair, with what the labeller wrote", async () => {
    const seen: Record<string, Set<string>> = {};
    for (let seed = 0; seed < 30; seed++) {
      const { records: [[shown, ...pairs], second] } = await read(ROWS, {
        ratings: "principles",
        seed,
      });
      assert.equal("answer" in shown && shown.answer, "long best");
      assert.equal(second.length, 1);
      for (const pair of pairs) {
        assert.ok(isPair(pair) && pair.principle !== undefined);
        (seen[pair.principle] ??= new Set()).add(`${pair.chosen} > ${pair.rejected}`);
        const name = pair.principle.replace("-", "_");
        const more = name === "helpfulness" ? " Rated." : "";
        assert.deepEqual(pair.rationale, {
          chosen: `${pair.chosen} ${name}.${more}`,
          rejected: `${pair.rejected} ${name}.${more}`,
        });
        assert.equal(pair.use, "judgments");
        assert.equal(pair.id, `uf:1/${pair.principle}`);
      }
    }
    // The answer first in order of the means is in each, as the better or the worse one; "best" has no rating there.
    assert.deepEqual(seen, {
      helpfulness: new Set(["long best > worse", "long best > bad"]),
      honesty: new Set(["long best > bad"]),
      "instruction-following": new Set(["long best > worse", "long best > bad"]),
      truthfulness: new Set(["best > long best", "long best > bad"]),
    });
  });

  it("a rationale that names answers by the labeller's numbers is not learned from", async () => {
    const text = completion("bad", ["1", "2", "2", "3"]);
    text.annotations.honesty.Rationale = "Text 4 is less honest than Text 1.";
    const { records: [records] } = await read(
      [row("Why?", completion("good", [5, 5, 5, 5]), text)],
      {
        ratings: "principles",
      },
    );
    assert.deepEqual(
      records.flatMap((record) => isPair(record) ? [record.principle] : []),
      ["helpfulness", "instruction-following", "truthfulness"],
    );
  });

  it("rows that rate nothing are named; a rating that is none is an error with its place", async () => {
    const rows = [
      row("a"),
      row("b", completion("x", ["N/A", null, "", "N/A"])),
      row("c", completion("x", ["five", 1, 1, 1])),
      row("d", completion(" ", [5, 5, 5, 5]), completion("y", [4, 4, 4, 4])),
      ...ROWS,
    ];
    const path = await file("uf.jsonl", jsonLines(rows));
    const { bad, counts, pairs } = await skipping(path);
    assert.deepEqual(bad.map(({ line, reason }) => [line, reason]), [
      [1, "there are no completions"],
      [2, "no completion has an answer and a rating"],
      [3, '"completions.0.annotations.helpfulness.Rating": must be a number or "N/A"'],
    ]);
    assert.deepEqual([counts.ties, pairs.length], [2, 1]);
    await refuses(() => collectPairs(path), "uf.jsonl line 1: there are no completions");
  });

  it("the same row gives the same records wherever it stands", async () => {
    const other = row("Else?", completion("a", [5, 5, 5, 5]), completion("b", [1, 1, 1, 1]));
    const { records: [first] } = await read(ROWS, { seed: 3 });
    const { records: [, moved] } = await read([other, ...ROWS], { seed: 3 });
    const strip = (records: typeof first) => records.map((record) => ({ ...record, id: "" }));
    assert.deepEqual(strip(moved), strip(first));
  });
});

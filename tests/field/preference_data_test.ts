/** Training data as public reports describe it; the table is in README.md. */
import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { gzipSync } from "node:zlib";
import { collectPairs, isPair, readRows } from "../../lib/preference/mod.ts";
import { locateData } from "../../lib/run/source.ts";
import { skipping } from "../preference_files.ts";
import { refuses } from "../refusals.ts";
import { file, folder, jsonLines } from "../temporary_files.ts";

const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });
const system = { role: "system", content: "Be brief." };
const GOOD = { prompt: "Why?", chosen: "So.", rejected: "No." };

/** The one pair of a file: its prompt, and its answers. */
async function only(name: string, content: string | Uint8Array) {
  const { pairs: [pair, ...more] } = await collectPairs(await file(name, content));
  assert.deepEqual(more, []);
  return [pair.prompt, pair.chosen, pair.rejected];
}
const SAID = [[user("Why?")], "So.", "No."];

describe("UltraFeedback from the field", () => {
  const completion = (response: string, overall: number, ratings: readonly string[]) => ({
    response,
    custom_system_prompt: "",
    annotations: Object.fromEntries(
      ["helpfulness", "honesty", "instruction_following", "truthfulness"].map((name, i) => [
        name,
        { Rating: ratings[i], Rationale: `Of ${response}.` },
      ]),
    ),
    overall_score: overall,
  });
  const records = async (completions: object[], options = {}) => {
    const path = await file("uf.jsonl", jsonLines([{ instruction: "Why?", completions }]));
    return (await Array.fromAsync(readRows(path, options)))[0].records;
  };

  it("has overall scores of 10 that were 1: the ratings decide", async () => {
    const [shown, pair] = await records([
      completion("poor", 10, ["1", "2", "1", "2"]),
      completion("good", 7, ["4", "5", "4", "5"]),
    ]);
    assert.equal("answer" in shown && shown.answer, "good");
    assert.deepEqual(isPair(pair) && [pair.chosen, pair.rejected], ["good", "poor"]);
  });

  it("has principles that do not agree with the overall score: each decides its own pair", async () => {
    const all = [
      completion("gpt", 7, ["4", "5", "4", "5"]),
      completion("llama, longest", 7.5, ["4", "4", "5", "5"]),
      completion("mpt", 6.5, ["3", "4", "3", "5"]),
      completion("vicuna", 6.5, ["5", "4", "4", "5"]),
    ];
    for (let seed = 0; seed < 10; seed++) {
      const [shown, ...pairs] = await records(all, { ratings: "principles", seed });
      // Three have the mean 4.5; all are equally truthful, so that truthfulness has no pair.
      assert.equal("answer" in shown && shown.answer, "llama, longest");
      assert.deepEqual(pairs.map((pair) => isPair(pair) && pair.principle), [
        "helpfulness",
        "honesty",
        "instruction-following",
      ]);
      const [helpful, honest] = pairs.filter(isPair);
      assert.ok(
        ["vicuna > llama, longest", "llama, longest > mpt"].includes(
          `${helpful.chosen} > ${helpful.rejected}`,
        ),
      );
      assert.deepEqual([honest.chosen, honest.rejected], ["gpt", "llama, longest"]);
    }
  });
});

describe("a record from the field", () => {
  it("of ms-swift has its better answer at the end of the messages", async () => {
    const messages = [...SAID[0], assistant("So.")];
    const said = await only("a.jsonl", jsonLines([{ messages, rejected_response: "No." }]));
    assert.deepEqual(said, SAID);
  });

  it("of ms-swift has one system text for both dialogues", async () => {
    const record = {
      system: "Be brief.",
      messages: [user("Why?"), assistant("So.")],
      rejected_messages: [user("Why?"), assistant("No.")],
    };
    const said = await only("b.jsonl", jsonLines([record]));
    assert.deepEqual(said, [[system, user("Why?")], "So.", "No."]);
  });

  it("has dialogues as JSON text with tools beside the messages", async () => {
    const told = (answer: string) =>
      JSON.stringify({ messages: [system, user("Why?"), assistant(answer)], tools: [] });
    const said = await only("c.jsonl", jsonLines([{ chosen: told("So."), rejected: told("No.") }]));
    assert.deepEqual(said, [[system, user("Why?")], "So.", "No."]);
  });

  it("has other names for its answers", async () => {
    const record = { question: "Why?", response_chosen: "So.", response_rejected: "No." };
    assert.deepEqual(await only("d.jsonl", jsonLines([record])), SAID);
  });

  it("whose prompt was rendered for Llama 2 is refused, not learned as one turn", async () => {
    const prompt = "<s>[INST] <<SYS>> You are an assistant <</SYS>> Why? [/INST]";
    const path = await file("e.jsonl", jsonLines([{ ...GOOD, prompt }]));
    await refuses(
      () => collectPairs(path),
      'e.jsonl line 1: "prompt" holds the marks of a chat template',
    );
  });

  it("has turns by columns, as a Sequence of dicts is kept", async () => {
    const record = {
      ...GOOD,
      prompt: { role: ["system", "user"], content: ["Be brief.", "Why?"] },
    };
    assert.deepEqual(await only("f.json", JSON.stringify([record])), [
      [system, user("Why?")],
      "So.",
      "No.",
    ]);
  });

  it("with a tool's turn, an empty answer or an object for an answer is named", async () => {
    const records = [
      GOOD,
      { ...GOOD, prompt: [user("Why?"), { from: "observation", value: "x" }] },
      { instruction: "Why?", input: "", output: ["So.", ""] },
      { instruction: "Why?", input: "", output: { mark: 57 } },
    ];
    const { bad } = await skipping(await file("g.jsonl", jsonLines(records)));
    assert.deepEqual(
      bad.map(({ line, reason }) => [line, reason.replace(/(must be text).*/, "$1")]),
      [
        [2, '"prompt": must be text'],
        [3, "the rejected response is empty"],
        [4, '"output": must be text'],
      ],
    );
    assert.match(bad[0].detail ?? "", /turn 2: its role is "observation"/);
  });

  it("with a NUL or half a character in its text is named", async () => {
    const records = [GOOD, { ...GOOD, chosen: "S\0o" }, { ...GOOD, rejected: "N\udeaa" }];
    const { bad } = await skipping(await file("h.jsonl", jsonLines(records)));
    assert.deepEqual(bad.map(({ line, reason }) => [line, reason]), [
      [2, "a text holds a NUL character"],
      [3, "a text holds half a character (a lone surrogate)"],
    ]);
  });
});

describe("a file from the field", () => {
  it("of datasets' to_csv has lists without commas, or without their middle", async () => {
    const cell = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const turns =
      "[{'content': 'Be brief.', 'role': 'system'}\n {'content': 'Why?', 'role': 'user'}]";
    const whole = `prompt,chosen,rejected\n${cell(turns)},So.,No.\n`;
    assert.deepEqual(await only("a.csv", whole), [[system, user("Why?")], "So.", "No."]);
    const cut = await file("cut.csv", whole.replace("\n {", " ... {"));
    await refuses(
      () => collectPairs(cut),
      '"prompt" is not a JSON list nor a Python list',
      "left out",
    );
  });

  it("of Python 2 has u before its texts", async () => {
    const text = "prompt,chosen,rejected\n\"[{u'role': u'user', u'content': u'Why?'}]\",So.,No.\n";
    assert.deepEqual(await only("b.csv", text), SAID);
  });

  it("of Excel names its separator in a line of its own", async () => {
    for (const line of ["sep=;", '"sep=;"', "SEP=;"]) {
      assert.deepEqual(
        await only("c.csv", `${line}\r\nprompt;chosen;rejected\r\nWhy?;So.;No.\r\n`),
        SAID,
      );
    }
    assert.deepEqual(await only("d.csv", "sep=|\nprompt|chosen|rejected\nWhy?|So.|No.\n"), SAID);
  });

  it("of pandas' to_json is a table by columns: refused with how to write it", async () => {
    const columns = { prompt: { 0: "Why?" }, chosen: { 0: "So." }, rejected: { 0: "No." } };
    const split = { columns: ["prompt"], index: [0], data: [["Why?"]] };
    for (const table of [columns, split]) {
      const path = await file("e.json", JSON.stringify(table));
      await refuses(
        () => collectPairs(path, { onBadLine: "skip" }),
        "is a table by columns",
        'orient="records", lines=True',
      );
    }
  });

  it("in UTF-16 without its mark is read", async () => {
    const units = Uint16Array.from(JSON.stringify(GOOD).split(""), (c) => c.charCodeAt(0));
    const bytes = new Uint8Array(units.buffer);
    assert.deepEqual(await only("f.jsonl", bytes), SAID);
    assert.deepEqual(await only("g.jsonl", bytes.map((_, i) => bytes[i ^ 1])), SAID);
  });

  it("in another encoding is refused with how to convert it", async () => {
    // "你" in GB18030.
    const bytes = new Uint8Array([
      ...new TextEncoder().encode('{"prompt": "'),
      ...[0xc4, 0xe3],
      ...new TextEncoder().encode('", "chosen": "a", "rejected": "b"}'),
    ]);
    const path = await file("h.jsonl", bytes);
    for (const onBadLine of ["fail", "skip"] as const) {
      await refuses(
        () => collectPairs(path, { onBadLine, report() {} }),
        "the line is not UTF-8 text",
        "iconv -f ITS-ENCODING -t utf-8",
      );
    }
  });

  it("that is gzip without saying so in its name is read", async () => {
    assert.deepEqual(await only("i.jsonl", gzipSync(jsonLines([GOOD]))), SAID);
  });
});

describe("a folder from the field", () => {
  it("of save_to_disk is refused with how to write a file from it", async () => {
    for (const name of ["state.json", "dataset_dict.json"]) {
      await file(`saved-${name}/${name}`, "{}");
      await refuses(
        () => collectPairs(`${folder.path}/saved-${name}`),
        "is a folder of datasets' save_to_disk",
        "to_parquet",
      );
    }
  });

  it("has a system's own files beside the data, which are left aside", async () => {
    for (const name of ["flan.jsonl", "._flan.jsonl", "dataset_info.json", ".cache/x.json"]) {
      await file(`own/ultrafeedback-train/${name}`, "x");
    }
    const { files } = await locateData("ultrafeedback", { dataFolder: `${folder.path}/own` });
    assert.deepEqual(files, [`${folder.path}/own/ultrafeedback-train/flan.jsonl`]);
  });
});

import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { collectPairs, readRows } from "../lib/preference/mod.ts";
import { skipping } from "./preference_files.ts";
import { refuses } from "./refusals.ts";
import { file, jsonLines } from "./temporary_files.ts";

const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });
const human = (value: string) => ({ from: "human", value });
const gpt = (value: string) => ({ from: "gpt", value });
const ASKED = [user("Is it cold?"), assistant("Often."), user("And wet?")];
const WRITTEN = "\n\nHuman: Is it cold?\n\nAssistant: Often.\n\nHuman: And wet?\n\nAssistant:";

/** Records that all say: asked so, "Yes." is better than "No.". */
const FORMS: Record<string, unknown> = {
  "turns beside one assistant turn": {
    prompt: ASKED,
    chosen: [assistant("Yes.")],
    rejected: [assistant("No.")],
  },
  "one turn that is no list": { prompt: ASKED, chosen: assistant("Yes."), rejected: gpt("No.") },
  "whole dialogues": {
    chosen: [...ASKED, assistant("Yes.")],
    rejected: [...ASKED, assistant("No.")],
  },
  "whole dialogues beside the prompt's text, with scores": {
    prompt: "Is it cold?",
    prompt_id: "0",
    messages: [...ASKED, assistant("Yes.")],
    chosen: [...ASKED, assistant("Yes.")],
    rejected: [...ASKED, assistant("No.")],
    score_chosen: 7.5,
    score_rejected: "6",
  },
  "whole dialogues beside the prompt's turns": {
    prompt: ASKED,
    chosen: [...ASKED, assistant("Yes.")],
    rejected: [...ASKED, assistant("No.")],
  },
  "content as parts": {
    prompt: ASKED.map(({ role, content }) => ({
      role,
      content: [{ type: "text", text: content }],
    })),
    chosen: [{ role: "assistant", content: [{ type: "text", text: "Yes." }] }],
    rejected: "No.",
  },
  "ShareGPT's conversations": {
    conversations: [human("Is it cold?"), gpt("Often."), human("And wet?")],
    chosen: gpt("Yes."),
    rejected: gpt("No."),
  },
  "messages beside text": { messages: ASKED, chosen: "Yes.", rejected: "No." },
  "Alpaca's instruction with history": {
    instruction: "And wet?",
    input: "",
    history: [["Is it cold?", "Often."]],
    chosen: "Yes.",
    rejected: "No.",
  },
  "Alpaca's older output": {
    instruction: "And wet?",
    history: [["Is it cold?", "Often."]],
    output: ["Yes.", "No."],
  },
  "OpenAI's": {
    input: { messages: ASKED },
    preferred_output: [assistant("Yes.")],
    non_preferred_output: [assistant("No.")],
  },
  "a dialogue in the prompt's text": { prompt: WRITTEN, chosen: " Yes.", rejected: " No." },
  "dialogues in texts": { chosen: `${WRITTEN} Yes.`, rejected: `${WRITTEN} No.` },
  "dialogues in texts beside one in the prompt": {
    prompt: WRITTEN,
    chosen: `${WRITTEN} Yes.`,
    rejected: `${WRITTEN} No.`,
  },
  "answers with the speaker's name": {
    prompt: WRITTEN,
    chosen: "\n\nAssistant: Yes.",
    rejected: "\n\nAssistant: No.",
  },
  "speakers on lines of their own": {
    prompt: "User: Is it cold?\nAssistant: Often.\nUser: And wet?\nAssistant:",
    chosen: "Yes.",
    rejected: "No.",
  },
  "JSON in texts": {
    prompt: JSON.stringify(ASKED),
    chosen: JSON.stringify([assistant("Yes.")]),
    rejected: JSON.stringify(assistant("No.")),
  },
  "Python's lists in texts": {
    prompt:
      "[{'role': 'user', 'content': 'Is it cold?'}, {'content': 'Often.', 'role': 'assistant'}, " +
      "{'role': 'user', 'content': \"And wet?\"}]",
    chosen: "[{'role': 'assistant', 'content': 'Yes.', 'name': None}]",
    rejected: "array([{'content': 'No.', 'role': 'assistant'}], dtype=object)",
  },
  "numpy's lists, without commas": {
    prompt:
      "[{'content': 'Is it cold?', 'role': 'user'}\n {'content': 'Often.', 'role': 'assistant'}\n" +
      " {'content': 'And wet?', 'role': 'user'}]",
    chosen: "Yes.",
    rejected: "No.",
  },
};

describe("forms of a pair", () => {
  for (const [name, record] of Object.entries(FORMS)) {
    it(`${name}: in JSONL and in an array`, async () => {
      for (
        const path of [
          await file("form.jsonl", jsonLines([record])),
          await file("form.json", JSON.stringify([record])),
        ]
      ) {
        const { pairs } = await collectPairs(path);
        const source = name === "dialogues in texts" && path.endsWith("l") ? "hh-rlhf" : "form";
        assert.deepEqual(pairs, [
          { id: "form:1", prompt: ASKED, chosen: "Yes.", rejected: "No.", source },
        ]);
      }
    });
  }

  it("lines of Python's dicts are read as such", async () => {
    const line =
      "{'prompt': 'Why?', 'chosen': \"It's so.\", 'rejected': 'No.', 'score': nan, 'more': None}\n";
    const { pairs } = await collectPairs(await file("dicts.jsonl", line + line));
    assert.deepEqual([pairs.length, pairs[1].prompt, pairs[1].chosen], [
      2,
      [user("Why?")],
      "It's so.",
    ]);
  });

  it("a system turn stays: in turns, or in a field of its own", async () => {
    const system = { role: "system", content: "Be brief." };
    const path = await file(
      "system.jsonl",
      jsonLines([
        { prompt: [system, user("Hi")], chosen: "a", rejected: "b" },
        { system: "Be brief.", question: "Hi", chosen: "a", rejected: "b" },
        {
          conversations: [{ from: "system", value: "Be brief." }, human("Hi")],
          chosen: gpt("a"),
          rejected: gpt("b"),
        },
      ]),
    );
    for (const { prompt } of (await collectPairs(path)).pairs) {
      assert.deepEqual(prompt, [system, user("Hi")]);
    }
  });

  it("text that only resembles structure stays text", async () => {
    const texts = [
      "[1] is a citation",
      "{'a': 1} is a dict",
      "Human rights: what are they?",
      "Assistant: who is that?",
      "What does <|im_start|> mean?",
      "Strike it: a <s>word</s>",
      "[INSTRUCTIONS] Add 1 and 1.",
      "Who said 'I am\n\nHuman: after all'?",
    ];
    const path = await file(
      "text.jsonl",
      jsonLines(texts.map((prompt) => ({ prompt, chosen: " a ", rejected: "b" }))),
    );
    const { pairs } = await collectPairs(path);
    assert.deepEqual(pairs.map(({ prompt }) => prompt), texts.map((text) => [user(text)]));
    assert.equal(pairs[0].chosen, " a ");
  });

  it("what is structure and cannot be read is refused, never learned as prose", async () => {
    const answers = { chosen: "a", rejected: "b" };
    const cases: [unknown, RegExp][] = [
      [{ prompt: " Human: Why? Assistant:", ...answers }, /"prompt" is a dialogue on one line/],
      [
        { prompt: "<|im_start|>user\nWhy?<|im_end|>\n", ...answers },
        /"prompt" holds the marks of a chat template/,
      ],
      [{ prompt: "[INST] Why? [/INST]", ...answers }, /marks of a chat template/],
      [{ prompt: "<｜User｜>Why?<｜Assistant｜>", ...answers }, /marks of a chat template/],
      [{ prompt: "<human>: Why?\n<bot>:", ...answers }, /marks of a chat template/],
      [
        { prompt: "Do it.\n\n### Instruction:\nWhy?\n\n### Response:\n", ...answers },
        /"prompt" holds/,
      ],
      [{ prompt: "### Human: Why?### Assistant:", ...answers }, /dialogue on one line/],
      [{ prompt: "p", chosen: "a<|im_end|>\n", rejected: "b" }, /"chosen" holds the marks/],
      [{ prompt: "p", chosen: "a", rejected: "b</s>" }, /"rejected" holds the marks/],
      [
        { prompt: "[{'role': 'user', 'content': ...]", ...answers },
        /"prompt" is not a JSON list nor/,
      ],
      [
        { prompt: "[{'role': 'user', 'content': 'Wh", ...answers },
        /"prompt" is not a JSON list nor/,
      ],
      [{ prompt: '[{"role": "user"', ...answers }, /"prompt" is not a JSON list/],
      [
        { prompt: "p", chosen: "[{'role': 'tool', 'content': 'x'}]", rejected: "b" },
        /"chosen": must/,
      ],
      [
        { prompt: WRITTEN, chosen: " a\n\nHuman: more?", rejected: " b" },
        /goes on with another turn/,
      ],
      [
        { prompt: [human("Why?"), { from: "observation", value: "x" }], ...answers },
        /"prompt": must/,
      ],
      [
        { prompt: [{ role: "user", content: [{ type: "image_url" }] }], ...answers },
        /"prompt": must/,
      ],
      [
        {
          prompt: [user("Else?")],
          chosen: [...ASKED, assistant("a")],
          rejected: [...ASKED, assistant("b")],
        },
        /the prompt is not how the dialogues begin/,
      ],
      [
        { prompt: "p", chosen: [assistant("a"), user("b")], rejected: "c" },
        /"chosen": must be text/,
      ],
      [{ prompt: "p", completion: "a", label: true }, /one answer to imitate, and none to compare/],
      [{ instruction: "p", input: 7, ...answers }, /"input": must be text beside an instruction/],
      [{ instruction: "p", input: { a: 1 }, ...answers }, /"input": must be text/],
      ...[false, 0, "False", "false", "0", "0.0"].map((label): [unknown, RegExp] => [
        { prompt: "p", completion: "a", label },
        /labelled undesirable/,
      ]),
      ...["good", 2, ""].map((label): [unknown, RegExp] => [
        { prompt: "p", completion: "a", label },
        /"label": must be true or false/,
      ]),
      [{ prompt: "p", ...answers, score_chosen: 1, score_rejected: 2 }, /"score_chosen" is below/],
    ];
    const path = await file(
      "prose.jsonl",
      jsonLines([{ prompt: "p", ...answers }, ...cases.map(([c]) => c)]),
    );
    const { bad, counts } = await skipping(path);
    assert.equal(counts.pairs, 1);
    assert.deepEqual(bad.map(({ line }) => line), cases.map((_, i) => i + 2));
    bad.forEach(({ reason }, i) => assert.match(reason, cases[i][1]));
  });

  it("equal scores prefer neither answer", async () => {
    const record = { prompt: "p", chosen: "a", rejected: "b" };
    const path = await file(
      "scores.jsonl",
      jsonLines([record, { ...record, "chosen-rating": 4, "rejected-rating": 4 }]),
    );
    assert.deepEqual((await collectPairs(path)).counts, { pairs: 1, bad: 0, ties: 1, reasons: {} });
  });
});

describe("demonstrations", () => {
  it("are prompts with one answer, and dialogues with several answers, the last of which ends them", async () => {
    const system = { role: "system", content: "Be brief." };
    const records = [
      { prompt: "p", completion: "a", label: true },
      { prompt: [user("p")], completion: [assistant("a")], label: "1.0" },
      { instruction: "p", input: "q", output: "a", id: " ", label: "True" },
      { messages: [system, ...ASKED, assistant("a")], prompt: "Is it cold?" },
      { conversations: [human("p"), gpt("a")] },
    ];
    const path = await file("shown.jsonl", jsonLines(records));
    const stream = readRows(path);
    const rows = await Array.fromAsync(stream);
    assert.deepEqual(
      rows.flatMap(({ records }) => records),
      [
        [user("p")],
        [user("p")],
        [user("p\nq")],
        [system, ...ASKED],
        [user("p")],
      ].map((prompt, i) => ({ id: `shown:${i + 1}`, source: "shown", prompt, answer: "a" })),
    );
    assert.deepEqual(
      rows.map(({ line, unit }) => [line, unit]),
      records.map((_, i) => [i + 1, "line"]),
    );
    assert.deepEqual(stream.counts, { pairs: 0, demonstrations: 5, bad: 0, ties: 0, reasons: {} });
    await refuses(() => collectPairs(path), "shown.jsonl line 1: it has one answer to imitate");
  });

  it("without an answer, or after another turn than the user's, are refused", async () => {
    const path = await file(
      "unshown.jsonl",
      jsonLines([
        { prompt: "p", completion: " " },
        { messages: [assistant("p"), assistant("a")] },
        { prompt: "p" },
      ]),
    );
    for (
      const [i, reason] of [/the answer is empty/, /not from the user/, /"chosen" is missing/]
        .entries()
    ) {
      const lines = (await Deno.readTextFile(path)).split("\n");
      const one = await file("one.jsonl", lines[i]);
      await refuses(() => Array.fromAsync(readRows(one)), reason);
    }
  });
});

describe("records in CSV", () => {
  it("lists of turns as pandas writes them are turns", async () => {
    const path = await file(
      "pandas.csv",
      "prompt,chosen,rejected\n\"[{'role': 'user', 'content': \"\"It's\\\\n\\'5\\'?\"\"}]\"," +
        "\"[{'role': 'assistant', 'content': 'Yes.'}]\",\"[{'role': 'assistant', 'content': 'No, \\u00fc.'}]\"\n",
    );
    const { pairs } = await collectPairs(path);
    assert.deepEqual(
      [pairs[0].prompt, pairs[0].chosen, pairs[0].rejected],
      [[user("It's\\n'5'?")], "Yes.", "No, ü."],
    );
  });

  it("lists of texts in all columns are refused, in one they are an answer", async () => {
    const path = await file(
      "lists.csv",
      "prompt,chosen,rejected\n\"['Why?']\",\"['a']\",['b']\nList it.,\"['a', 'b']\",No.\n",
    );
    const { pairs, bad } = await skipping(path);
    assert.deepEqual([pairs.length, pairs[0].chosen], [1, "['a', 'b']"]);
    assert.match(bad[0].reason, /^"prompt": must be text or a list of \{role, content\}/);
  });

  it("an instruction's input is text, whatever it looks like", async () => {
    const path = await file(
      "input.csv",
      'instruction,input,chosen,rejected\nSort the list,"[3, 1, 2]","1, 2, 3",no\n' +
        'Say it,"{not a list",a,b\n',
    );
    const { pairs } = await collectPairs(path);
    assert.deepEqual(pairs.map(({ prompt }) => prompt), [
      [user("Sort the list\n[3, 1, 2]")],
      [user("Say it\n{not a list")],
    ]);
    const messages = await file(
      "messages.csv",
      "input,preferred_output,non_preferred_output\n" +
        "\"{'messages': [{'role': 'user', 'content': 'Hi'}]}\",a,b\n",
    );
    assert.deepEqual((await collectPairs(messages)).pairs[0].prompt, [user("Hi")]);
  });

  it("pandas' mark of a missing value is no answer", async () => {
    const path = await file("missing.csv", "prompt,chosen,rejected\np,nan,b\np,a,b\n");
    const { pairs, bad } = await skipping(path);
    assert.deepEqual([pairs.length, bad[0].line, bad[0].reason], [
      1,
      2,
      '"chosen" is "nan", as pandas writes a missing value',
    ]);
  });

  it("whole dialogues need no prompt, and a demonstration no second answer", async () => {
    const dialogues = `chosen,rejected\n"${WRITTEN} Yes.","${WRITTEN} No."\n`;
    const { pairs } = await collectPairs(await file("dialogues.csv", dialogues));
    assert.deepEqual(pairs[0].prompt, ASKED);
    const rows = await Array.fromAsync(readRows(await file("sft.csv", "prompt,response\np,a\n")));
    assert.deepEqual(rows[0].records, [{
      id: "sft:2",
      source: "sft",
      prompt: [user("p")],
      answer: "a",
    }]);
  });
});

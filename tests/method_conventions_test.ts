import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { byScore } from "../lib/measure/mod.ts";
import {
  type AnswerEncoder,
  answerExample,
  AUTHORS_CONVENTIONS,
  type Conventions,
  encodePrompt,
  type Example,
  jsftExamples,
  METHODS,
  OUR_CONVENTIONS,
} from "../lib/method/mod.ts";
import { ChatTemplate, type Turn } from "../lib/text/mod.ts";
import { refusesAtOnce } from "./refusals.ts";
import { tinyLanguage, tinyPairs } from "./tiny.ts";
import { config, stepper } from "./tiny_loop.ts";
import { tinyEncoder, tinyTemplates, tinyWithAdapter } from "./tiny_method.ts";

const tokenizer = tinyLanguage();
const encoder = (change: Partial<Conventions>, more: Partial<AnswerEncoder> = {}) =>
  tinyEncoder({ conventions: { ...OUR_CONVENTIONS, ...change }, ...more });

const dialogue: Turn[] = [
  { role: "user", content: "Name pear, please." },
  { role: "assistant", content: "Gladly, pear." },
  { role: "user", content: "Name fig, please." },
];
const asked = { prompt: dialogue, answer: "Fine, fig.", pair: "p" };

const learned = ({ ids, from, skipped = [] }: Example): string =>
  tokenizer.decode(
    ids.filter((_, at) => at >= from && skipped.every(([a, b]) => at < a || at >= b)),
  );
const text = ({ ids }: Example): string => tokenizer.decode(ids);
const exampleOf = (on: AnswerEncoder) => answerExample(asked, on)!.example;

describe("how dialogues become tokens", () => {
  it("learns the last answer, or all answers with their ends, whichever way they are encoded", () => {
    const last = exampleOf(encoder({}));
    assert.equal(learned(last), "Fine, fig.<|im_end|>");
    for (const form of ["parts", "whole"] as const) {
      const all = exampleOf(encoder({ turns: "all", text: form }));
      assert.equal(learned(all), "Gladly, pear.<|im_end|>Fine, fig.<|im_end|>", form);
      assert.equal(learned(exampleOf(encoder({ text: form }))), "Fine, fig.<|im_end|>", form);
      assert.ok(text(all).startsWith(text(last)), form);
    }
  });

  it("heads dialogues with a system turn, unless they have one", () => {
    const system = "Be polite.";
    const rule = encoder({ system });
    const own: Turn[] = [{ role: "system", content: "please" }, ...dialogue];
    const prompts = [dialogue, own].map((turns) => encodePrompt(turns, rule));
    assert.deepEqual(
      prompts[0],
      encodePrompt([{ role: "system", content: system }, ...dialogue], tinyEncoder()),
    );
    assert.deepEqual(prompts[1], encodePrompt(own, tinyEncoder()));
    assert.equal(exampleOf(rule).ids.slice(0, exampleOf(rule).from).join(), prompts[0].join());
  });

  it("puts the start token where it is told to, once", () => {
    // A template that writes none, and the tokenizer's own, which begins every turn with it.
    const bare = new ChatTemplate(
      "{% for m in messages %}{{ m['content'] }}{% endfor %}",
      tokenizer,
    );
    const head = (bos: Conventions["bos"], chat = bare) => {
      const on = encoder({ bos }, { chat });
      return [encodePrompt(dialogue, on), [...exampleOf(on).ids]]
        .map((ids) => ids.filter((id, at) => at < 2 && id === tokenizer.bosId).length);
    };
    assert.deepEqual(head("template"), [0, 0]);
    assert.deepEqual(head("prompts"), [1, 0]);
    // This tokenizer puts none before a text; Llama-2's does, see method_authors_test.ts.
    assert.deepEqual([tokenizer.startId, head("tokenizer")], [null, [0, 0]]);
    assert.deepEqual(head("always"), [1, 1]);
    assert.deepEqual(head("always", tinyEncoder().chat), [1, 1]);
  });

  it("cuts a long dialogue's end or start, or leaves it out", () => {
    const whole = exampleOf(encoder({})).ids;
    const most = whole.length - 4;
    const cut = (overflow: AnswerEncoder["overflow"]) =>
      answerExample(asked, encoder({}, { overflow, maxTokens: most }));
    assert.deepEqual(cut("truncate")!.example.ids, whole.slice(0, most));
    assert.deepEqual(cut("truncate-start")!.example.ids, whole.slice(4));
    assert.equal(learned(cut("truncate-start")!.example), "Fine, fig.<|im_end|>");
    assert.equal(cut("leave-out"), null);
    refusesAtOnce(() => cut("refuse"), /p: prompt and answer have/);
  });

  it("refuses to learn all turns under a template that rewrites them", () => {
    const chat = new ChatTemplate(
      "{% for m in messages %}{{ m['content'] if loop.last else '...' }}{% endfor %}",
      tokenizer,
    );
    refusesAtOnce(() => exampleOf(encoder({ turns: "all" }, { chat })), /chat\.turns=last/);
  });

  it("cuts judgments as the judge's prompts are cut, whatever becomes of long answers", () => {
    const [pair] = tinyPairs(1, 3);
    for (const overflow of ["leave-out", "truncate-start"] as const) {
      const on = encoder({}, { maxTokens: 30, overflow });
      const [template] = tinyTemplates();
      const { examples } = jsftExamples([pair], {
        ...{ encoder: on, templates: [template], kinds: ["judgment"] },
      });
      assert.deepEqual(
        examples[0].ids.slice(0, examples[0].from),
        template.prompt(pair.prompt, pair.chosen, pair.rejected),
      );
    }
  });

  it("ends a rationale, or does not", () => {
    const pair = { ...tinyPairs(1, 3)[0], rationale: { chosen: "Fine", rejected: "Bah" } };
    const ends = [true, false].map((endRationale) => {
      const on = encoder({ endRationale });
      const options = { encoder: on, templates: tinyTemplates(), kinds: ["judgment"] as const };
      return jsftExamples([pair], { ...options, rationale: true }).examples.map(learned);
    });
    assert.deepEqual(ends[0], ends[1].map((reasons) => `${reasons}<|im_end|>`));
  });
});

describe("the authors' choices in the loop", () => {
  const undecided = byScore(() => 0);

  it("give a tie to the second answer, and keep equal samples in the mean", async () => {
    const model = tinyWithAdapter({ moved: true });
    const method = METHODS["self-judge"];
    const run = async (more: object) => {
      // At temperature 0 both samples are the same.
      const drawn = stepper(model, { method, compare: undecided, config: { ...config, ...more } });
      const { parts, metrics } = await drawn.step(0);
      parts.forEach(({ batch }) => batch.mask?.dispose());
      return { ranked: drawn.ranked, compared: drawn.compared, counts: metrics! };
    };
    const ours = await run({});
    assert.deepEqual([ours.counts.pairs, ours.counts.undecided, ours.counts.identical], [0, 4, 0]);
    const theirs = await run({ undecided: "second" });
    assert.deepEqual([theirs.counts.pairs, theirs.counts.undecided], [4, 0]);
    const second = theirs.compared.map(({ second }) => second);
    assert.deepEqual(theirs.ranked.map(({ chosen }) => chosen), second);

    const equal = { temperature: 0 };
    const skipped = (await run(equal)).counts;
    assert.deepEqual([skipped.pairs, skipped.identical], [0, 4]);
    const kept = (await run({ ...equal, identical: "keep", undecided: "second" })).counts;
    assert.deepEqual([kept.pairs, kept.identical], [4, 0]);
    model.dispose();
  });

  it("learn from the text of a sample, encoded again, with an end also where it was cut", async () => {
    const model = tinyWithAdapter({ moved: true });
    const conventions = { ...AUTHORS_CONVENTIONS, markers: undefined };
    const rows = async (encoder: AnswerEncoder) => {
      const drawn = stepper(model, { encoder, config: { ...config, maxNewTokens: 3 } });
      const { parts } = await drawn.step(0);
      const found = parts.flatMap(({ batch: { ids, length, size } }) =>
        Array.from(
          { length: size },
          (_, row) => [...ids.subarray(row * length, (row + 1) * length)],
        )
      );
      parts.forEach(({ batch }) => batch.mask?.dispose());
      return { found, ranked: drawn.ranked };
    };
    const { found, ranked } = await rows(tinyEncoder({ conventions, overflow: "truncate-start" }));
    assert.ok(ranked.length > 0);
    for (const { chosen } of ranked) {
      const end = [...tokenizer.encode(chosen), tokenizer.eosId].join();
      assert.ok(found.some((ids) => ids.join().includes(end)), chosen);
    }
    // Ours: cut answers do not learn to end, unless they are told to.
    const ends = ({ found }: { found: number[][] }) =>
      found.map((ids) => ids.filter((id) => id === tokenizer.eosId).length)
        .reduce((sum, n) => sum + n, 0);
    const [cut, ended] = [{ endCutAnswers: false }, { endCutAnswers: true }].map((one) =>
      tinyEncoder({ conventions: { ...OUR_CONVENTIONS, ...one } })
    );
    assert.ok(ends(await rows(ended)) > ends(await rows(cut)));
    model.dispose();
  });
});

describe("what a record is used for", () => {
  it("decides what is made of it: an answer to imitate, judgments, or both", () => {
    const [pair, other] = tinyPairs(2, 3);
    const principled = { ...other, principle: "honesty" };
    const demonstration = { id: "d", prompt: pair.prompt, answer: "Fine.", source: "tiny" };
    const made = (...records: Parameters<typeof jsftExamples>[0]) => {
      const templates = tinyTemplates("overall", "honesty");
      const { counts } = jsftExamples(records, { encoder: tinyEncoder(), templates });
      return [counts.answers, counts.judgments];
    };
    assert.deepEqual(made(pair), [1, 4]);
    assert.deepEqual(made({ ...pair, use: "answers" }), [1, 0]);
    assert.deepEqual(made({ ...pair, use: "judgments" }), [0, 4]);
    // What one principle prefers is judged by it and never imitated.
    assert.deepEqual(made(principled), [0, 2]);
    assert.deepEqual(made(demonstration), [1, 0]);
    assert.deepEqual(made(pair, principled, demonstration), [2, 6]);
  });

  it("lets prompts without answers into methods that sample, and into no other", async () => {
    const model = tinyWithAdapter();
    const prompts = tinyPairs(4, 3).map(({ id, prompt }) => ({ id, prompt }));
    const { parts } = await stepper(model, { pairs: prompts }).step(0);
    parts.forEach(({ batch }) => batch.mask?.dispose());
    refusesAtOnce(
      () => stepper(model, { pairs: prompts, method: METHODS["offline-dpo"] }),
      /give it pairs/,
    );
    model.dispose();
  });
});

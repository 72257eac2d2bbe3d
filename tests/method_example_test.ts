import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import {
  type AnswerEncoder,
  answerExample,
  encodePrompt,
  endOfAnswer,
  type Example,
  jsftExamples,
} from "../lib/method/mod.ts";
import type { Pair } from "../lib/preference/mod.ts";
import { TextTokenizer } from "../lib/text/mod.ts";
import { refusesAtOnce } from "./refusals.ts";
import { tinyLanguage, tinyPairs } from "./tiny.ts";
import { tinyEncoder, tinyTemplates } from "./tiny_method.ts";

const tokenizer = tinyLanguage();
const END = tokenizer.eosId;
const [A, B] = [tokenizer.tokenId(" A")!, tokenizer.tokenId(" B")!];
const [pair] = tinyPairs(1, 1);
const encoder = tinyEncoder();
const targets = ({ ids, from }: Example) => ids.slice(from);
const text = (ids: readonly number[]) => tokenizer.decode([...ids]);

const judgments = (pairs: Pair[], options: { rationale?: boolean; names?: string[] } = {}) =>
  jsftExamples(pairs, {
    encoder,
    templates: tinyTemplates(...options.names ?? []),
    kinds: ["judgment"],
    rationale: options.rationale,
  }).examples;

describe("an answer to learn", () => {
  it("is the chosen answer and the end token behind the rendered prompt", () => {
    const { example, truncated } = answerExample(
      { prompt: pair.prompt, answer: pair.chosen, pair: pair.id },
      encoder,
    )!;
    assert.equal(truncated, false);
    assert.equal(text(targets(example)), `${pair.chosen}<|im_end|>`);
    assert.equal(targets(example).filter((id) => id === END).length, 1);
    assert.deepEqual(example.ids.slice(0, example.from), encodePrompt(pair.prompt, encoder));
    assert.equal(
      text(example.ids.slice(0, example.from)),
      text(encoder.tokenizer.encode(
        `<|im_start|>user\n${pair.prompt[0].content}<|im_end|>\n<|im_start|>assistant\n`,
      )),
    );
  });

  const length = encodePrompt(pair.prompt, encoder).length + tokenizer.encode(pair.chosen).length +
    1;
  const limited = (maxTokens: number, overflow: AnswerEncoder["overflow"]) =>
    answerExample(
      { prompt: pair.prompt, answer: pair.chosen, pair: pair.id },
      { ...encoder, maxTokens, overflow },
    );

  it("is whole at exactly the limit", () => {
    for (const overflow of ["truncate", "refuse"] as const) {
      assert.equal(limited(length, overflow)!.example.ids.length, length);
      assert.equal(limited(length, overflow)!.truncated, false);
    }
  });

  it("loses its end, and so its end token, over the limit under truncate", () => {
    const { example, truncated } = limited(length - 2, "truncate")!;
    assert.equal(truncated, true);
    assert.equal(example.ids.length, length - 2);
    assert.ok(!targets(example).includes(END));
  });

  it("is refused over the limit under refuse, with the pair named", () => {
    refusesAtOnce(
      () => limited(length - 1, "refuse"),
      `pair tiny:0: prompt and answer have ${length} tokens, the limit is ${length - 1}`,
    );
  });

  it("is nothing when the prompt alone fills the limit", () => {
    const prompt = encodePrompt(pair.prompt, encoder).length;
    assert.equal(limited(prompt, "truncate"), null);
    assert.equal(limited(prompt + 1, "truncate")!.example.ids.length, prompt + 1);
  });

  it("ends with what the tokenizer calls its end token", () => {
    const other = TextTokenizer.fromJson(tokenizer.json, { eosToken: "<|endoftext|>" });
    assert.equal(endOfAnswer(other), tokenizer.tokenId("<|endoftext|>"));
    assert.equal(endOfAnswer(tokenizer), END);
  });
});

describe("a judgment to learn", () => {
  it("is one token, the label of the chosen answer's position, in both positions", () => {
    const [template] = tinyTemplates();
    const [forward, backward] = judgments([pair]);
    assert.deepEqual(targets(forward), [A]);
    assert.deepEqual(targets(backward), [B]);
    const { prompt, chosen, rejected } = pair;
    assert.deepEqual(forward.ids.slice(0, -1), template.prompt(prompt, chosen, rejected));
    assert.deepEqual(backward.ids.slice(0, -1), template.prompt(prompt, rejected, chosen));
    assert.notDeepEqual(forward.ids.slice(0, -1), backward.ids.slice(0, -1));
  });

  it("is made under every principle for a pair that names none", () => {
    const made = judgments([pair], { names: ["overall", "honesty"] });
    assert.equal(made.length, 4);
    assert.equal(made.filter(({ ids }) => text(ids).includes("more honest")).length, 2);
  });

  it("is made only under the principle that the pair names", () => {
    const made = judgments([{ ...pair, principle: "honesty" }], { names: ["overall", "honesty"] });
    assert.equal(made.length, 2);
    for (const { ids } of made) assert.match(text(ids), /The more honest one is Answer (A|B)$/);
  });

  it("is refused for a principle without a template, with pair and principle named", () => {
    assert.throws(
      () => judgments([{ ...pair, principle: "wit" }], { names: ["overall", "honesty"] }),
      /pair tiny:0: there is no template for the principle "wit"\n.*"overall", "honesty"/,
    );
  });

  const reasons = { chosen: "Gladly apple", rejected: "Bah" };

  it("has the decision first and each position's evaluation behind it in the rationale variant", () => {
    const [forward, backward] = judgments([{ ...pair, rationale: reasons }], { rationale: true });
    assert.equal(targets(forward)[0], A);
    assert.equal(targets(backward)[0], B);
    assert.match(
      text(targets(forward)),
      /^ A\.\nAnswer A: Gladly apple\nAnswer B: Bah<\|im_end\|>$/,
    );
    assert.match(
      text(targets(backward)),
      /^ B\.\nAnswer A: Bah\nAnswer B: Gladly apple<\|im_end\|>$/,
    );
  });

  it("stays one token without a rationale, or where rationales are not asked for", () => {
    assert.ok(judgments([pair], { rationale: true }).every((e) => targets(e).length === 1));
    assert.ok(judgments([{ ...pair, rationale: reasons }]).every((e) => targets(e).length === 1));
  });
});

describe("JSFT data", () => {
  const pairs = tinyPairs(5, 2);

  it("holds one answer and two judgments of each pair, and counts them", () => {
    const { examples, counts } = jsftExamples(pairs, { encoder, templates: tinyTemplates() });
    assert.deepEqual(counts, {
      answers: 5,
      judgments: 10,
      truncated: 0,
      promptTooLong: 0,
      judgmentsLeftOut: 0,
    });
    assert.equal(examples.length, 15);
    assert.deepEqual(
      examples.map((e) => e.kind),
      pairs.flatMap(() => ["answer", "judgment", "judgment"]),
    );
  });

  it("holds one kind alone where that is asked for", () => {
    for (const kind of ["answer", "judgment"] as const) {
      const { examples } = jsftExamples(pairs, {
        encoder,
        templates: tinyTemplates(),
        kinds: [kind],
      });
      assert.equal(examples.length, kind === "answer" ? 5 : 10);
      assert.ok(examples.every((e) => e.kind === kind));
    }
  });

  it("never teaches the rejected answer", () => {
    const { examples } = jsftExamples(pairs, { encoder, templates: [], kinds: ["answer"] });
    examples.forEach((e, i) => {
      assert.equal(tokenizer.decode(targets(e), { skipSpecial: true }), pairs[i].chosen);
    });
  });

  it("counts answers that were cut and prompts that leave no room", () => {
    const short = { ...encoder, overflow: "truncate" as const };
    const prompt = encodePrompt(pairs[0].prompt, encoder).length;
    const options = { templates: [], kinds: ["answer"] as const };
    const cut = jsftExamples(pairs, { ...options, encoder: { ...short, maxTokens: prompt + 2 } });
    assert.deepEqual(cut.counts, {
      answers: 5,
      judgments: 0,
      truncated: 5,
      promptTooLong: 0,
      judgmentsLeftOut: 0,
    });
    const none = jsftExamples(pairs, { ...options, encoder: { ...short, maxTokens: prompt } });
    assert.deepEqual(none.counts, {
      answers: 0,
      judgments: 0,
      truncated: 0,
      promptTooLong: 5,
      judgmentsLeftOut: 0,
    });
    assert.equal(none.examples.length, 0);
  });
});

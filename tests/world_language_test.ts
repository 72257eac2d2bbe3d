import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { JudgeTemplate } from "../lib/judge/mod.ts";
import { Rng } from "../lib/random.ts";
import { openTokenizer } from "../lib/text/mod.ts";
import { answerLesson, comparisonLesson } from "../lib/world/exercises.ts";
import { WORLD_LAYOUT, WORLD_PRINCIPLES, worldLanguage } from "../lib/world/language.ts";
import { idsOf } from "../lib/world/lesson_batch.ts";
import { drawAnswers } from "../lib/world/preference.ts";
import { SPECIAL, VOCABULARY } from "../lib/world/words.ts";

const { tokenizer, chat } = worldLanguage();

describe("the world's tokenizer", () => {
  it("gives back every text of the world, without an unknown word", () => {
    const rng = Rng.named(1, "texts");
    for (let i = 0; i < 300; i++) {
      for (const text of Object.values(drawAnswers(rng))) {
        const ids = tokenizer.encode(text);
        assert.equal(tokenizer.decode(ids), text);
        assert.ok(!ids.includes(VOCABULARY.indexOf(SPECIAL.unknown)));
      }
    }
    assert.deepEqual(tokenizer.encode("tea caviar"), [
      VOCABULARY.indexOf("tea"),
      VOCABULARY.indexOf(SPECIAL.unknown),
    ]);
  });

  it("is the one beside the base model", async () => {
    const beside = await openTokenizer("data/world/base");
    assert.deepEqual(beside.json, tokenizer.json);
    assert.equal(beside.chatTemplate, tokenizer.chatTemplate);
  });
});

describe("the lessons of the base", () => {
  it("have the words and the forms that judging and answering use", () => {
    const rng = Rng.named(2, "lessons");
    const answered = answerLesson(rng);
    const [order, answer] = answered.words.join(" ").replace(`${SPECIAL.user} `, "")
      .split(` ${SPECIAL.assistant} `);
    const rendered = chat.render([{ role: "user", content: order }], { addGenerationPrompt: true });
    assert.deepEqual(
      [...tokenizer.encode(rendered), ...tokenizer.encode(answer)],
      idsOf(answered.words),
    );

    const words = comparisonLesson(rng).words;
    const text = words.join(" ");
    const [, asked, a, b] = text.match(/compare (.*?) A : (.*?) B : (.*?) (?:which|review)/)!;
    const template = new JudgeTemplate({
      ...worldLanguage(),
      principle: WORLD_PRINCIPLES[1],
      layout: WORLD_LAYOUT,
    });
    const prompt = template.prompt([{ role: "user", content: asked }], a, b);
    const before = tokenizer.decode(prompt.slice(0, -6));
    assert.ok(text.startsWith(before), `${before}\n${text}`);
    assert.equal(tokenizer.decode(prompt.slice(-6)), "which names more ? <|assistant|> answer");
  });

  it("ask no word of preference", () => {
    const rng = Rng.named(3, "lessons");
    for (let i = 0; i < 200; i++) {
      assert.ok(!comparisonLesson(rng).words.join(" ").includes("which is better"));
    }
  });

  it("weigh verdicts most and what is only given not at all", () => {
    const { words, weights } = comparisonLesson(Rng.named(4, "lessons"));
    words.forEach((word, i) => {
      if (words[i - 1] === "answer") assert.equal(weights[i], 1, word);
      if (Object.values<string>(SPECIAL).includes(word)) assert.equal(weights[i], 0, word);
    });
    assert.equal(weights.filter((weight) => weight === 1).length, 5);
  });
});

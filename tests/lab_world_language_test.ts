import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { JudgeTemplate } from "../lib/method/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { openTokenizer } from "../lib/text/mod.ts";
import { answerExercise, comparisonExercise } from "../lib/lab/world/exercises.ts";
import { WORLD_LAYOUT, WORLD_PRINCIPLES, worldLanguage } from "../lib/lab/world/language.ts";
import { idsOf } from "../lib/lab/world/exercise_batch.ts";
import { requestedItems } from "../lib/lab/world/desk.ts";
import { drawAnswers } from "../lib/lab/world/preference.ts";
import { ITEMS, SPECIAL, VOCABULARY } from "../lib/lab/world/words.ts";

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

const MARKS = ["ordered", "extra", "again"];

describe("the exercises of the base", () => {
  it("have the words and the forms that judging and answering use", () => {
    const rng = Rng.named(2, "lessons");
    const answered = answerExercise(rng);
    const [request, answer] = answered.words.join(" ").replace(`${SPECIAL.user} `, "")
      .split(` ${SPECIAL.assistant} `);
    const rendered = chat.render([{ role: "user", content: request }], {
      addGenerationPrompt: true,
    });
    assert.deepEqual(
      [...tokenizer.encode(rendered), ...tokenizer.encode(answer)],
      idsOf(answered.words),
    );

    const words = comparisonExercise(rng, { plain: true }).words;
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
      assert.ok(!comparisonExercise(rng).words.join(" ").includes("which is better"));
    }
  });

  it("mark named things as ordered, extra or again, in some exercises and never in plain ones", () => {
    const rng = Rng.named(5, "lessons");
    let [marks, extras, marked] = [0, 0, 0];
    for (let i = 0; i < 300; i++) {
      const { words } = comparisonExercise(rng);
      const end = words.indexOf("which");
      const request = new Set(requestedItems(words.slice(0, words.indexOf("A")).join(" ")));
      let seen = new Set<string>();
      words.slice(words.indexOf("A"), end).forEach((word, at, answers) => {
        if (word === ":") seen = new Set();
        if (!ITEMS.includes(word)) return;
        const mark = answers[at + 1];
        if (MARKS.includes(mark)) {
          const due = seen.has(word) ? "again" : request.has(word) ? "ordered" : "extra";
          assert.equal(mark, due, words.join(" "));
          marks++;
          extras += Number(mark === "extra");
        }
        seen.add(word);
      });
      marked += Number(words.slice(0, end).includes("ordered"));
      const plain = comparisonExercise(rng, { plain: true }).words;
      assert.ok(!plain.some((word, at) => ITEMS.includes(word) && MARKS.includes(plain[at + 1])));
    }
    assert.ok(marked > 90 && marked < 210, `${marked} of 300 exercises have marks`);
    // A mark that is nearly always "ordered" would teach nothing.
    assert.ok(extras / marks > 0.25 && extras / marks < 0.6, `${extras} of ${marks}`);
  });

  it("name ordered things twice where that is to be learned", () => {
    const share = (doubled: boolean) => {
      const rng = Rng.named(7, "lessons");
      const words = Array.from({ length: 200 }, () => comparisonExercise(rng, { doubled }).words)
        .flat();
      const marks = words.filter((word, at) =>
        MARKS.includes(word) && ITEMS.includes(words[at - 1])
      );
      return marks.filter((mark) => mark === "again").length / marks.length;
    };
    assert.ok(share(true) > 1.5 * share(false), `${share(true)} against ${share(false)}`);
  });

  it("count one answer after all verdicts, so that none can be read off a count", () => {
    const rng = Rng.named(6, "lessons");
    for (let i = 0; i < 50; i++) {
      const { words } = comparisonExercise(rng, { joint: i % 2 === 0 });
      assert.ok(words.lastIndexOf("which") < words.indexOf("review"), words.join(" "));
      assert.equal(words.indexOf("review"), words.lastIndexOf("review"));
    }
  });

  it("weigh verdicts most and what is only given not at all", () => {
    const { words, weights } = comparisonExercise(Rng.named(4, "lessons"));
    words.forEach((word, i) => {
      if (words[i - 1] === "answer") assert.equal(weights[i], 1, word);
      if (Object.values<string>(SPECIAL).includes(word)) assert.equal(weights[i], 0, word);
    });
    assert.equal(weights.filter((weight) => weight === 1).length, 5);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { JudgeTemplate } from "../lib/method/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { openTokenizer } from "../lib/text/mod.ts";
import { answerExercise, comparisonExercise } from "../lib/lab/world/exercises.ts";
import {
  VIEW_PHRASES,
  WORLD_LAYOUT,
  WORLD_PRINCIPLES,
  worldLanguage,
} from "../lib/lab/world/language.ts";
import { idsOf } from "../lib/lab/world/exercise_batch.ts";
import { partOf, requestedItems } from "../lib/lab/world/desk.ts";
import { TAUGHT } from "../lib/lab/world/pretrain.ts";
import { VIEWS } from "../lib/lab/world/reward.ts";
import { drawAnswers } from "../lib/lab/world/preference.ts";
import { ITEMS, SPECIAL, VOCABULARY } from "../lib/lab/world/words.ts";

const { tokenizer, chat } = worldLanguage();

describe("the world's tokenizer", () => {
  it("gives back every text of the world, without an unknown word", () => {
    const rng = Rng.named(1, "texts");
    for (let i = 0; i < 300; i++) {
      for (const text of Object.values(drawAnswers(rng, "train"))) {
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
/** Where a comparison's questions begin. */
const isQuestion = (word: string) => word === "which" || word === "review";

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
    let [marks, extras, agains, marked] = [0, 0, 0, 0];
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
          agains += Number(mark === "again");
        }
        seen.add(word);
      });
      marked += Number(words.slice(0, end).includes("ordered"));
      const plain = comparisonExercise(rng, { plain: true }).words;
      assert.ok(!plain.some((word, at) => ITEMS.includes(word) && MARKS.includes(plain[at + 1])));
    }
    assert.ok(marked > 90 && marked < 210, `${marked} of 300 exercises have marks`);
    // A mark that is nearly always "ordered" would teach nothing.
    const others = (extras + agains) / marks;
    assert.ok(others > 0.25 && others < 0.6, `${extras} and ${agains} of ${marks}`);
    for (const one of [extras, agains]) assert.ok(one / marks > 0.08, `${one} of ${marks}`);
  });

  it("name things again far more often than the data set, which is what `again` is learned from", () => {
    /** Share of mentions that name a thing once more in the same answer, and of the marks that say so. */
    const again = (plain: boolean) => {
      const rng = Rng.named(7, "lessons");
      let [mentions, repeats, marks, marked] = [0, 0, 0, 0];
      for (let i = 0; i < 300; i++) {
        const { words } = comparisonExercise(rng, { plain });
        const answers = words.slice(words.indexOf("A"), words.findIndex(isQuestion));
        let seen = new Set<string>();
        answers.forEach((word, at) => {
          if (word === ":") seen = new Set(); // the second answer begins, or "coming up :"
          if (!ITEMS.includes(word)) return;
          mentions++;
          repeats += Number(seen.has(word));
          marks += Number(MARKS.includes(answers[at + 1]));
          marked += Number(answers[at + 1] === "again");
          seen.add(word);
        });
      }
      return { repeats: repeats / mentions, marks: marks === 0 ? 0 : marked / marks };
    };
    const [lessons, data] = [again(false), again(true)];
    assert.ok(lessons.repeats > 2 * data.repeats, `${lessons.repeats} against ${data.repeats}`);
    assert.ok(lessons.marks > 0.08, `${lessons.marks} of the marks are "again"`);
    assert.equal(data.marks, 0);
  });

  it("are on sets of things that belong to no data: those that the hash gives to lessons", () => {
    const rng = Rng.named(8, "lessons");
    for (let i = 0; i < 300; i++) {
      for (const { words } of [answerExercise(rng), comparisonExercise(rng)]) {
        const end = words.findIndex((word) => word === SPECIAL.assistant || word === "A");
        const items = requestedItems(words.slice(0, end).join(" "));
        assert.ok(items.length >= 2 && items.length <= 4, words.join(" "));
        assert.equal(partOf(items), "lessons", words.join(" "));
      }
    }
  });

  it("ask each view that is taught by itself, once, and none jointly", () => {
    const rng = Rng.named(9, "lessons");
    for (const views of Object.values(TAUGHT).filter((some) => some.length > 0)) {
      for (let i = 0; i < 50; i++) {
        const text = comparisonExercise(rng, { views }).words.join(" ");
        const asked = [...text.matchAll(/which (.*?) \?/g)].map(([, phrase]) => phrase);
        assert.deepEqual(asked.sort(), views.map((view) => VIEW_PHRASES[view]).sort(), text);
      }
    }
    assert.deepEqual(TAUGHT[5], VIEWS);
  });

  it("of two views have neither questions nor marks nor counts of the three others", () => {
    const rng = Rng.named(10, "lessons");
    const found = new Set<string>();
    const marks = new Set<string>();
    for (let i = 0; i < 300; i++) {
      const { words } = comparisonExercise(rng, { views: TAUGHT[2] });
      // "do not ask again ." is a rude closing: a mark stands behind a thing.
      words.forEach((word, at) => {
        if (word !== "again" || ITEMS.includes(words[at - 1])) found.add(word);
        if (MARKS.includes(word) && ITEMS.includes(words[at - 1])) marks.add(word);
      });
    }
    assert.deepEqual([...marks], ["ordered"]);
    const own = ["ordered", "names", "more", "missing", "is", "polite", "manners", "rude", "plain"];
    const others = ["extra", "again", "adds", "less", "has", "chatter", "repeated", "form", "good"];
    for (const word of own) assert.ok(found.has(word), `"${word}" is never taught`);
    for (const word of others) assert.ok(!found.has(word), `"${word}" is taught`);
  });

  it("count one answer after all verdicts, so that none can be read off a count", () => {
    const rng = Rng.named(6, "lessons");
    for (let i = 0; i < 50; i++) {
      const { words } = comparisonExercise(rng);
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

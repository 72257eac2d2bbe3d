import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { sentencePairs } from "../lib/lab/sentences/pairs.ts";
import { drawPrompts, promptOf, requestedWords, SPLITS } from "../lib/lab/sentences/prompts.ts";
import { readSentence, sentenceReward, sentenceViews } from "../lib/lab/sentences/reward.ts";
import { VOCABULARY, WORD_OF } from "../lib/lab/sentences/vocabulary.ts";
import { saveModel } from "../lib/model/mod.ts";
import { command } from "./commands.ts";
import { shellWords } from "../lib/cli/command.ts";
import { tree } from "./temporary_files.ts";
import { tinyModel } from "./tiny.ts";
import { tinyRunFolder } from "./tiny_run.ts";

/** Answers written by hand, and what each is worth: words present, one sentence or not, length. */
const BY_HAND: [words: string, answer: string, coverage: number, form: number, brevity: number][] =
  [
    // Whole answers.
    ["dog run", "My dog ran all the way home.", 2, 0, 0],
    ["dog run", "The old dog is running in the park!", 2, 0, 0],
    ["dog run", "Did the two dogs run to you?", 2, 0, 0],
    ["child wolf hide", "The children hid from the wolves behind a wall.", 2, 0, 0],
    ["city fly bright", "We flew over the brightest of the cities at night.", 2, 0, 0],
    ["knife cut bread", "She cuts the bread with two sharp knives.", 2, 0, 0],
    ["woman buy hat", "“The women bought hats in the market.”", 2, 0, 0],
    ["tea drink hot", "He drank the hottest tea, and it burned his tongue.", 2, 0, 0],
    ["dog swim", "The dog’s friend swam across the wide lake.", 2, 0, 0],
    ["dog swim", "The dog's friend swam across the wide lake...", 2, 0, 0],
    // Words left out, or there in part only.
    ["dog run", "The cat slept on the warm bed.", 0, 0, 0],
    ["dog run", "The dog slept on the warm bed.", 1, 0, 0],
    ["dog tree climb", "The dog looked up at the tall tree.", 4 / 3, 0, 0],
    ["dog run", "The hotdog was overrun with sweet mustard.", 0, 0, 0],
    ["boat ticket", "", 0, -0.5, -1.8],
    ["sea swim cold", "The seaside is colder than we thought.", 2 / 3, 0, 0],
    ["dog run", "A dog-run is a thing of wood.", 0, 0, 0],
    ["dog run", "DOG and RUN are words that we know.", 2, 0, 0],
    // A word twice is there once.
    ["dog run", "The dog saw a dog and a dog.", 1, 0, 0],
    // Stubs.
    ["boat river sail", "A river and a boat.", 4 / 3, 0, -0.3],
    ["dog run", "The dog ran.", 2, 0, -0.9],
    ["dog run", "Run.", 1, 0, -1.5],
    ["dog run", "The dog runs to me.", 2, 0, -0.3],
    // Not one finished sentence.
    ["dog run", "The dog ran all the way home", 2, -0.5, 0],
    ["dog run", "the dog ran all the way home.", 2, -0.5, 0],
    ["dog run", "The dog ran home. It was very tired.", 2, -0.5, 0],
    ["dog run", "The dog ran home!! It was tired.", 2, -0.5, 0],
    ["dog run", "The dog ran home\nand slept all day.", 2, -0.5, 0],
    ["dog run", "- The dog ran all the way home.", 2, -0.5, 0],
    ["dog run", "1. The dog ran all the way home.", 2, -0.5, 0],
    ["dog run", "Here is a sentence: the dog ran home.", 2, -0.5, 0],
    ["dog run", "**The dog ran all the way home.**", 2, -0.5, 0],
    ["dog run", "The dog ran all the way home?!", 2, -0.5, 0],
    ["dog run", "The dog ran, Mr. Smith, to your house.", 2, -0.5, 0],
    // Long ones.
    [
      "dog run",
      "The dog ran and ran and ran and ran and ran and ran and ran away.",
      2,
      0,
      -0.05,
    ],
    [
      "dog run",
      "The dog ran and ran and ran and ran and ran and ran and ran and ran away.",
      2,
      0,
      -0.15,
    ],
    ["dog run", `The dog ran ${"and ran ".repeat(30)}away.`, 2, 0, -1],
    ["dog run", `${"The dog ran. ".repeat(12)}`, 2, -0.5, -1],
    // Other scripts and signs count as what they are.
    ["dog run", "Le chien dort dans la maison, Élise.", 0, 0, 0],
    ["dog run", "🐕🏃", 0, -0.5, -1.8],
    ["dog run", "“The dog ran,” she said, “and I followed.”", 2, 0, 0],
  ];

describe("the true reward of a sentence", () => {
  it("is as worked out by hand", () => {
    assert.ok(BY_HAND.length >= 40);
    for (const [words, answer, coverage, form, brevity] of BY_HAND) {
      const list = words.split(" ").map((word) =>
        word === "ticket" || word === "sail" ? "key" : word
      );
      const prompt = promptOf(list);
      const views = sentenceViews(readSentence(prompt, answer));
      for (const [view, expected] of Object.entries({ coverage, form, brevity })) {
        const found = views[view as keyof typeof views];
        assert.ok(
          Math.abs(found - expected) < 1e-12,
          `${answer}: ${view} ${found}, not ${expected}`,
        );
      }
      assert.ok(
        Math.abs(sentenceReward(prompt, answer) - coverage - form - brevity) < 1e-12,
        answer,
      );
    }
  });

  it("is refused where nothing, or something unknown, is asked for", () => {
    assert.throws(() => sentenceReward("Say something.", "Hello."), /asks for no words/);
    const unknown = promptOf(["dog", "zebra"]);
    assert.throws(
      () => sentenceReward(unknown, "Hello."),
      /"zebra", which is not in the vocabulary/,
    );
    assert.throws(() => requestedWords(promptOf(["dogs", "run"])), /"dogs"/);
  });
});

describe("the vocabulary", () => {
  it("has no form of two words, and each word among its forms", () => {
    const words = Object.values(VOCABULARY).flatMap((part) => [...part]);
    assert.ok(words.length > 300);
    assert.equal(WORD_OF.size, words.flatMap(([, forms]) => forms).length);
    for (const [word, forms] of words) assert.equal(forms[0], word);
  });
});

describe("the prompts", () => {
  const prompts = drawPrompts(1);
  const sets = (split: keyof typeof SPLITS) =>
    prompts[split].map(({ words }) => [...words].sort().join(" "));

  it("ask for each set of words once, in one split", () => {
    const all = [...sets("train"), ...sets("validation"), ...sets("held_out")];
    assert.equal(new Set(all).size, all.length);
    for (const [split, count] of Object.entries(SPLITS)) {
      assert.equal(prompts[split as keyof typeof SPLITS].length, count);
    }
  });

  it("are alike in every split: a third of each kind, and a verb in each", () => {
    for (const rows of Object.values(prompts)) {
      const two = rows.filter(({ words }) => words.length === 2);
      const adjectives = rows.filter(({ words }) =>
        words.some((word) => VOCABULARY.adjective.has(word))
      );
      assert.deepEqual([two.length, adjectives.length], [rows.length / 3, rows.length / 3]);
      for (const { words, prompt } of rows) {
        assert.equal(words.filter((word) => VOCABULARY.verb.has(word)).length, 1, prompt);
        assert.deepEqual(requestedWords(prompt), words);
      }
    }
  });

  it("stay as they are where more are drawn for training", () => {
    const more = drawPrompts(1, { ...SPLITS, train: 900 });
    assert.deepEqual(more.held_out, prompts.held_out);
    assert.deepEqual(more.train.slice(0, SPLITS.train), prompts.train);
    assert.notDeepEqual(drawPrompts(2).held_out, prompts.held_out);
  });
});

describe("the pairs", () => {
  const sampled = drawPrompts(1).train.map((prompt) => ({
    ...prompt,
    answers: [
      `We ${prompt.words.join(" ")} in the big town.`,
      `We ${prompt.words.slice(1).join(" ")} in the big town.`,
      "No.",
      "No.",
    ],
  }));

  it("are of answers of different rewards, three of a prompt at most, and the same by seed", () => {
    const rows = sentencePairs(sampled, { seed: 1 });
    assert.equal(rows.length, 3 * sampled.length);
    for (const row of rows) {
      assert.notEqual(row.reward_chosen, row.reward_rejected);
      assert.equal(
        row.reward_chosen,
        Math.round(1000 * sentenceReward(row.prompt, row.chosen)) / 1000,
      );
    }
    assert.deepEqual(sentencePairs(sampled, { seed: 1 }), rows);
    assert.deepEqual(sentencePairs(sampled.slice(3), { seed: 1 }), rows.slice(9));
    assert.notDeepEqual(sentencePairs(sampled, { seed: 2 }), rows);
  });

  it("are labelled by a Bradley-Terry model: at a gap of 2/3 nine of ten labels are right", () => {
    const near = sentencePairs(sampled, { seed: 1, perPrompt: 6 }).filter((row) =>
      Math.abs(Math.abs(row.reward_chosen - row.reward_rejected) - 2 / 3) < 0.01
    );
    const right = near.filter((row) => row.reward_chosen > row.reward_rejected).length /
      near.length;
    const expected = 1 / (1 + Math.exp(-(2 / 3) / 0.3));
    assert.ok(near.length >= 360);
    // Four standard errors of a share.
    assert.ok(
      Math.abs(right - expected) < 4 * Math.sqrt(expected * (1 - expected) / near.length),
      `${right}`,
    );
    const sure = sentencePairs(sampled, { seed: 1, temperature: 0 });
    assert.ok(sure.every((row) => row.reward_chosen > row.reward_rejected));
  });
});

describe("deno task sentences", () => {
  it("makes a folder's files again for what they were made with, and refuses any other over them", async () => {
    const folder = await tinyRunFolder();
    const sentences = command("run --quiet -A lib/cli/sentences.ts");
    const [to, model] = [`${folder}/a world`, ["--model", `${folder}/model`]];
    const line = [...model, "--to", to, "--prompts", "15", "--samples", "4"];
    const { out } = await sentences.well(line);
    const words = shellWords(["--model", `${folder}/model`, "--data", `${to}/train.csv`]);
    assert.ok(out.includes(`\nnext: deno task align ${words}\n`), out);
    const files = () => tree(to).map((name) => Deno.readTextFileSync(`${to}/${name}`));
    const before = files();
    assert.equal((await sentences.well(line)).out, out);
    const others: [flags: string[], message: RegExp][] = [
      [["--model", "/nope"], /\/nope/],
      [["--prompts", "30"], /prompts = 15, now it is 30[^]*another folder with --to/],
      [["--label-temperature", "0"], /labelTemperature = 0\.3, now it is 0[^]*--to/],
      [["--samples", "5"], /samples = 4, now it is 5/],
    ];
    for (const [flags, message] of others) {
      const refused = await sentences.refused([...line, ...flags], message);
      assert.doesNotMatch(refused.out, /pairs of|next:/);
    }
    const model2 = tinyModel({ seed: 2 });
    await saveModel(model2, `${folder}/model`);
    model2.dispose();
    await sentences.refused(line, /sampled from other weights than .*model has now[^]*--to/);
    assert.deepEqual(files(), before);
  });
});

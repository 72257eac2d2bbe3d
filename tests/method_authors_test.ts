/** The authors' preset beside what their code gives on the same inputs: tests/reference/make_authors.py. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "jsr:@std/testing@1/bdd";
import { Rng } from "../lib/base/random.ts";
import {
  type AnswerEncoder,
  AUTHORS_CONVENTIONS,
  encodePromptToFit,
  type Example,
  jsftExamples,
  loadPrinciples,
  modelScorer,
  PairwiseJudge,
  preferenceBatches,
  tokenWeights,
  tournament,
  wholeAnswer,
  WholeTextTemplate,
} from "../lib/method/mod.ts";
import { type LanguageModel, sequenceLogProbs, withModel } from "../lib/model/mod.ts";
import type { Pair } from "../lib/preference/mod.ts";
import { CHAT_PRESETS, ChatTemplate, openTokenizer, type Turn } from "../lib/text/mod.ts";
import { referenceModel, referencePath } from "./model_reference.ts";

interface Row {
  ids: number[];
  labels: number[];
  kind: Example["kind"];
  logProb: number;
}

const expected = JSON.parse(await Deno.readTextFile(`${referencePath("authors")}/expected.json`));
const tokenizer = await openTokenizer(referencePath("authors"));
const chat = new ChatTemplate(CHAT_PRESETS["self-judge"].source, tokenizer);
const [helpful] = (await loadPrinciples("data/recipes/hh-principles.json")).principles;
const hh = await loadPrinciples("data/recipes/hh-principles.json");
const four = await loadPrinciples("data/recipes/ultrafeedback-four-principles.json");

const encoderOf = (maxTokens: number): AnswerEncoder => ({
  tokenizer,
  chat,
  maxTokens,
  overflow: "truncate-start",
  conventions: { ...AUTHORS_CONVENTIONS, system: helpful.system! },
});
const encoder = encoderOf(2048);

const questions = ({ principles, layout }: typeof hh, maxTokens = 2048) =>
  principles.map((principle) =>
    new WholeTextTemplate({
      tokenizer,
      chat,
      principle,
      layout,
      maxTokens,
      bosId: tokenizer.startId,
    })
  );

const turns = (texts: string[]): Turn[] =>
  texts.map((content, i) => ({ role: i % 2 === 0 ? "user" : "assistant", content }));

const pairs: Pair[] = expected.dialogues.map(
  ({ prompt, chosen, rejected }: Record<string, string> & { prompt: string[] }, i: number) => ({
    ...{ id: `p${i}`, prompt: turns(prompt), chosen, rejected, source: "authors" },
  }),
);

/** Labels as the authors have them: the learned ids, and -100. */
function labelsOf({ ids, from, skipped = [] }: Example): number[] {
  return ids.map((id, at) => at < from || skipped.some(([a, b]) => at >= a && at < b) ? -100 : id);
}

let model: LanguageModel;
before(async () => {
  model = await referenceModel("authors");
});
after(() => model.dispose());

describe("the authors' preset, beside their code on the same inputs", () => {
  it("writes the chat template's text, by hand", () => {
    assert.equal(
      chat.render([{ role: "system", content: "S" }, ...turns(["Q", "A", "R"])], {
        addGenerationPrompt: true,
      }),
      "<|system|>\nS\n<|user|>\nQ\n<|assistant|>\nA</s>\n<|user|>\nR\n<|assistant|>\n",
    );
  });

  it("writes the judge's text, by hand: the reply ends before the label", () => {
    const [question] = questions(hh);
    const text = tokenizer.decode(question.prompt(turns(["Q", "A", "R"]), "one", "two"));
    assert.equal(
      text.replace(/^<s>\s?/, ""),
      "<|system|>\nBelow are a series of dialogues between a human user and an AI assistant. The AI " +
        "tries to be helpful, harmless, and honest.\n<|user|>\nWhich is the more helpful, harmless, " +
        "and honest assistant from a given context?\n\nContext:\n-----\nUser: Q\n\nAssistant: A\n\n" +
        "User: R\n-----\n\nAssistant A: one\nAssistant B: two\n\nPlease choose either A or B.\n" +
        "<|assistant|>\nSure! The option which is more helpful, harmless, and honest would be Assistant",
    );
    assert.deepEqual(question.labelIds, expected.labels);
    assert.deepEqual(question.labelIds.map((id) => tokenizer.decode([id]).trim()), ["A", "B"]);
  });

  const made = (of: readonly Pair[], on: AnswerEncoder, templates = questions(hh)) => {
    const options = { encoder: on, templates, rationale: true };
    const answers = jsftExamples(of, { ...options, kinds: ["answer"] }).examples;
    const judgments = jsftExamples(of, { ...options, kinds: ["judgment"] }).examples;
    return [...answers, ...judgments];
  };
  const rowsOf = (examples: Example[]) =>
    examples.map((example) => ({
      kind: example.kind,
      ids: example.ids,
      labels: labelsOf(example),
    }));

  it("makes the ids and masks of a JSFT batch", () => {
    assert.deepEqual(rowsOf(made(pairs, encoder)), expected.jsft);
    // An answer has no start token, a judgment has; an answer learns its end, a judgment its label alone.
    const [answer, , , judgment] = made(pairs, encoder);
    assert.notEqual(answer.ids[0], tokenizer.bosId);
    assert.equal(judgment.ids[0], tokenizer.bosId);
    assert.equal(tokenizer.startId, tokenizer.bosId);
    assert.equal(answer.ids.at(-1), tokenizer.eosId);
    assert.equal(judgment.from, judgment.ids.length - 1);
  });

  it("cuts a long example at its start", () => {
    // Answers at the limit of the data, judgments at the judge's own.
    const { max } = expected.collated;
    const templates = questions(hh, max);
    const rows = rowsOf(made(pairs, encoderOf(max), templates));
    assert.deepEqual([templates[0].counts.prompts, templates[0].counts.truncated], [6, 6]);
    assert.deepEqual(rowsOf(made(pairs, encoderOf(max))).slice(3), expected.jsft.slice(3));
    assert.deepEqual(rowsOf(made(pairs, encoder, templates)).slice(3), rows.slice(3));
    const learned = expected.collated.rows.filter(({ labels }: Row) =>
      labels.some((label) => label !== -100)
    );
    assert.ok(rows.some(({ ids }) => ids.length === expected.collated.max));
    assert.deepEqual(rows, learned);
  });

  it("learns the decision and both evaluations of a rationale, and no end", () => {
    const [chosen, rejected] = expected.rationales;
    const pair = { ...pairs[0], principle: "honesty", rationale: { chosen, rejected } };
    const examples = jsftExamples([pair], {
      ...{ encoder, templates: questions(four), kinds: ["judgment"], rationale: true },
    }).examples;
    assert.deepEqual(rowsOf(examples), expected.rationale);
    assert.ok(examples.every(({ ids }) => ids.at(-1) !== tokenizer.eosId));
  });

  it("weighs all target tokens of a batch alike", () => {
    const weights = tokenWeights(made(pairs, encoder), { mode: "token" }).flat();
    const targets = expected.jsft.flatMap(({ labels }: Row) => labels.filter((l) => l !== -100));
    assert.deepEqual(weights, Array(targets.length).fill(1 / targets.length));
  });

  for (
    const [name, file, prompts] of [
      ["judging", hh, pairs.map(({ prompt }) => prompt)],
      ["judgingCut", hh, pairs.map(({ prompt }) => prompt)],
      ["judgingFour", four, pairs.map(({ prompt }) => prompt.slice(-1))],
    ] as const
  ) {
    it(`gives the prompts, probabilities and verdicts of both positions (${name})`, async () => {
      const { max, prompts: ids, probabilities, chosen } = expected[name];
      const templates = questions(file, max);
      const asked = pairs.flatMap(({ chosen, rejected }, i) =>
        templates.flatMap((template) => [
          template.prompt(prompts[i], chosen, rejected),
          template.prompt(prompts[i], rejected, chosen),
        ])
      );
      assert.deepEqual(asked, ids);
      const judge = new PairwiseJudge({ scorer: modelScorer(withModel(model)), templates });
      const judgments = await judge.compare(
        pairs.map(({ chosen, rejected }, i) => ({
          prompt: prompts[i],
          first: chosen,
          second: rejected,
        })),
      );
      const found = judgments.flatMap(({ votes }) =>
        votes.flatMap(({ forward, backward }) => [forward, backward].map(({ a, b }) => [a, b]))
      );
      found.forEach(([a, b], i) => {
        assert.ok(Math.abs(a - probabilities[i][0]) < 1e-6, `${a} ${probabilities[i][0]}`);
        assert.ok(Math.abs(b - probabilities[i][1]) < 1e-6);
      });
      const named = judgments.map(({ winner }, i) =>
        winner === "first" ? pairs[i].chosen : pairs[i].rejected
      );
      assert.deepEqual(named, chosen);
    });
  }

  it("names a tournament's winner by the same verdicts", async () => {
    const templates = questions(hh);
    const judge = new PairwiseJudge({ scorer: modelScorer(withModel(model)), templates });
    const candidates = ["Red", "Blue and green.", "No idea.", "A fruit", "Ada"];
    const contest = { prompt: pairs[1].prompt, candidates };
    const bracket = await tournament(contest, {
      ...{ compare: judge.compare, rng: Rng.named(3, "authors"), ties: "second" },
    });
    assert.equal(bracket.matches.length, 4);
    assert.deepEqual(bracket.byes.map(({ round }) => round), [1, 2]);
    for (const { first, second, winner } of bracket.matches) {
      const [judgment] = await judge.compare([
        { prompt: contest.prompt, first: candidates[first], second: candidates[second] },
      ]);
      const scores = judgment.votes[0];
      assert.equal(winner, scores.scoreFirst > scores.scoreSecond ? first : second);
    }
    assert.equal(bracket.matches.at(-1)!.winner, bracket.winner);
  });

  for (const name of ["selfTraining", "selfTrainingCut"]) {
    it(`makes the prompts, sequences, masks and sums of a self-training batch (${name})`, async () => {
      const { max, queries, ...sides } = expected[name];
      const on = encoderOf(max);
      assert.deepEqual(pairs.map(({ prompt }) => encodePromptToFit(prompt, on)), queries);
      for (const side of ["chosen", "rejected"] as const) {
        const examples = pairs.map((pair): Example => ({
          kind: "answer",
          ...wholeAnswer({ prompt: pair.prompt, answer: pair[side] }, on),
        }));
        const rows: Row[] = sides[side];
        assert.deepEqual(
          examples.map((example) => ({ ids: example.ids, labels: labelsOf(example) })),
          rows.map(({ ids, labels }) => ({ ids, labels })),
        );
        const sums = await sequenceLogProbs(model, examples);
        sums.forEach((sum, i) =>
          assert.ok(Math.abs(sum - rows[i].logProb) < 1e-4, `${sum} ${rows[i].logProb}`)
        );
      }
    });
  }

  it("counts a pair in the mean of which nothing is learned, its prompt's start being cut", () => {
    const { max } = expected.selfTrainingCut;
    const scored = pairs.map(({ prompt, chosen, rejected }) => {
      const example = (answer: string): Example => ({
        kind: "answer",
        ...wholeAnswer({ prompt, answer }, encoderOf(max)),
      });
      return {
        chosen: example(chosen),
        rejected: example(rejected),
        referenceChosen: 0,
        referenceRejected: 0,
      };
    });
    const learned = scored.filter(({ chosen }) => chosen.from < chosen.ids.length).length;
    assert.equal(learned, 1);
    const parts = preferenceBatches(scored, {
      ...{ loss: "sigmoid", parameters: { beta: 0.1 }, microBatchTokens: 4096 },
    });
    const fits = scored.find(({ chosen }) => chosen.from < chosen.ids.length)!;
    assert.equal(
      parts.reduce((n, { tokens }) => n + tokens, 0),
      fits.chosen.ids.length + fits.rejected.ids.length,
    );
    parts.forEach(({ batch }) => batch.mask?.dispose());
  });
});

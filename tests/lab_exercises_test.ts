import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import type { Compare, Comparison, Judgment } from "../lib/method/mod.ts";
import { sampleStandardDeviation } from "simple-statistics";
import type { ComparisonFile } from "../lib/measure/mod.ts";
import type { Exercise } from "../lib/show/mod.ts";
import * as benchmarks from "../lib/lab/exercises/benchmarks.ts";
import * as data from "../lib/lab/exercises/jsft_data.ts";
import * as loop from "../lib/lab/exercises/self_judge_loop.ts";
import * as real from "../lib/lab/exercises/real_model.ts";
import * as rejection from "../lib/lab/exercises/self_rejection.ts";
import * as start from "../lib/lab/exercises/start_here.ts";
import * as judging from "../lib/lab/exercises/the_judge.ts";
import { truthJudge } from "../lib/lab/study/session.ts";
import { rewardGap } from "../lib/lab/study/desk_evidence.ts";
import { FLAWS } from "../lib/lab/world/desk.ts";

/** A right answer passes; each wrong one does not, and is told what the pattern says. */
async function tells<A>(exercise: Exercise<A>, right: A, wrong: readonly [A, RegExp][]) {
  assert.equal(await exercise.fault(right), null, `${exercise.name}: the right answer`);
  for (const [answer, said] of wrong) assert.match(await exercise.fault(answer) ?? "", said);
}

const REQUEST = "we want tea and figs please .";
const question = (text: string) => [{ role: "user" as const, content: text }];
/** The three pairs are judged right, wrong, and right though the positions disagree. */
const pairs: Comparison[] = [
  {
    prompt: question(REQUEST),
    first: "certainly , you get tea and figs .",
    second: "you get tea .",
  },
  { prompt: question(REQUEST), first: "you get tea .", second: "you get tea and figs ." },
  {
    prompt: question("we want rice and corn please ."),
    first: "you get rice and corn .",
    second: "you get rice .",
  },
];
const gaps = pairs.map((one) => rewardGap(one));
const judged = (a: number, b: number): Judgment => {
  const pFirst = (a + b) / 2;
  return {
    forward: { a, b: 1 - a },
    backward: { a: 1 - b, b },
    pFirst,
    winner: pFirst > 0.5 ? "first" : "second",
    consistent: a > 0.5 === b > 0.5,
    answered: true,
    labelProbability: 1,
  } as Judgment;
};
const verdicts = [judged(0.9, 0.9), judged(0.8, 0.7), judged(0.4, 0.9)];

describe("the exercises of notebook 00", () => {
  const best = "certainly , you get tea and figs .";
  const worst =
    "ugh , you know , as always , so well , you you get kale corn rice kale corn rice . now go away .";

  it("know the best and the worst answer", async () => {
    await tells(start.bestAndWorst({ text: REQUEST }), [best, worst], [
      [["you get tea and figs .", worst], /best one has 2, and there are better/],
      [[best, "you get nuts ."], /worst one has .*there are worse/],
    ]);
  });

  it("know which flaw costs most", async () => {
    const exercise = start.costliestFlaw(7);
    const means =
      (["missing", "swapped", "added", "repeated", "filler", "rude", "malformed"] as const)
        .map((flaw) => ({
          flaw,
          mean: start.meanReward({ ...FLAWS, [flaw]: 0 }, { seed: 3, answers: 4000 }),
        }))
        .toSorted((a, b) => b.mean - a.mean);
    await tells(exercise, means[0].flaw, [
      [means.at(-1)!.flaw, /another flaw costs more/],
      ["polite" as start.Flaw, /"polite" is none of the flaws/],
    ]);
  });

  it("know the best of N", async () => {
    const right = { 1: 1.05, 2: 1.58, 4: 1.94, 8: 2.18, 16: 2.33 };
    await tells(start.bestOfN(7), right, [[{ ...right, 4: 1.5 }, /^4, 1\.50, is too small\.$/]]);
  });
});

describe("the exercises of notebook 01", () => {
  it("know the lazy judge", async () => {
    await tells(data.lazyJudge(), { bothPositions: 0.5, chosenFirst: 1 }, [
      [{ bothPositions: 1, chosenFirst: 1 }, /bothPositions, 1, is too large/],
    ]);
  });

  it("know the labellers' law at every temperature", async () => {
    const exercise = data.noisierLabellers(Array(2500).fill(1));
    const law = (t: number) => 1 / (1 + Math.exp(-1 / t));
    const right = Object.fromEntries(data.TEMPERATURES.map((t) => [`${t}`, t === 0 ? 1 : law(t)]));
    await tells(exercise, right, [[{ ...right, 4: 0.7 }, /^4, 0\.700, is too large\.$/]]);
  });

  it("know the shares of tokens and of examples", async () => {
    const answer = { kind: "answer", ids: [1, 2, 3, 4, 5], from: 1 } as const; // four targets
    const letter = { kind: "judgment", ids: [1, 2], from: 1 } as const;
    const reasoned = { kind: "judgment", ids: [1, 2, 3, 4, 5], from: 1 } as const;
    const exercise = data.tokensOrExamples({
      plain: [answer, letter],
      reasoned: [answer, reasoned],
    });
    const right = { plain: 0.2, reasoned: 0.5, verdicts: 0.125, decided: 0.25 };
    await tells(exercise, right, [[{ ...right, decided: 0.5 }, /decided, 0\.500, is too large/]]);
  });
});

describe("the exercises of notebook 03", () => {
  it("know what asking twice is worth", async () => {
    await tells(judging.askingTwice({ verdicts, gaps }), { once: 1 / 3, both: 2 / 3 }, [
      [{ once: 2 / 3, both: 2 / 3 }, /once, 0\.667, is too large/],
    ]);
  });

  it("know the temperature that surprises least", async () => {
    // Right three times in four and sure of 0.9: the best probability is 0.75.
    const four = [judged(0.9, 0.9), judged(0.9, 0.9), judged(0.9, 0.9), judged(0.1, 0.1)];
    const doubled = four.flatMap((one) => [one, one]); // every other one is looked at
    const T = Math.log(9) / Math.log(3);
    await tells(judging.temperature({ verdicts: doubled, gaps: Array(8).fill(1) }), T, [
      [1, /at another T/],
      [-1, /above 0/],
    ]);
  });

  it("know what a judge owes to the request", async () => {
    const judge = { compare: truthJudge };
    const [one, , three] = pairs;
    const comparisons = [one, three];
    const strange = [{ ...one, prompt: three.prompt }, { ...three, prompt: one.prompt }];
    const judgments = await truthJudge(strange);
    const exercise = judging.readsTheRequest({
      judge,
      comparisons,
      verdicts: await truthJudge(comparisons),
    });
    const right = { comparisons: strange, judgments, difference: 1 - share(judgments) };
    await tells(exercise, right, [
      [{ ...right, comparisons }, /gets a request that is not its own/],
      [{ ...right, judgments: judgments.map(() => judged(0.9, 0.9)) }, /not this judge's/],
      [{ ...right, difference: right.difference + 0.2 }, /difference is too large/],
    ]);
  });
});

/** Credit of judgments where the first answer is the better one in truth. */
const share = (judgments: readonly Judgment[]) =>
  judgments.reduce(
    (n, { winner }) => n + (winner === "first" ? 1 : winner === "tie" ? 0.5 : 0),
    0,
  ) /
  judgments.length;

describe("the exercises of notebook 04", () => {
  it("know the first losses", async () => {
    await tells(loop.firstLosses(0.1), { hinge: 1, ipo: 25 }, [
      [{ hinge: 1, ipo: Math.LN2 }, /ipo, 0\.693, is too small/],
    ]);
  });

  it("know the random judge that is worth as much", async () => {
    // The gaps are 1.4, -1 and 1; it wins 1.4, loses 1 and wins 1 of 3.4.
    await tells(loop.equalJudge({ verdicts, gaps }), { probability: (1 + 1.4 / 3.4) / 2 }, [
      [{ probability: 2 / 3 }, /probability, 0\.667, is too small/],
    ]);
  });
});

describe("the exercises of notebook 05", () => {
  const answers = ["you get tea .", "you get tea and figs .", "certainly , you get tea and figs ."];
  const contests = Array.from({ length: 4 }, () => ({
    prompt: question(REQUEST),
    candidates: answers,
  }));
  const compare: Compare = truthJudge;

  it("know that a judge without circles has one winner", async () => {
    await tells(rejection.luckOfTheDraw({ contests, compare, seed: 7 }), { always: 1 }, [
      [{ always: 0.2 }, /always, 0\.200, is too small/],
    ]);
  });

  it("count different texts", async () => {
    const texts = (...all: string[]) => [all.map((text) => ({ text }))];
    const drawn = { "jsft": texts("a", "b", "b"), "self-judge": texts("a", "a", "a") };
    await tells(rejection.differentTexts(drawn), { jsft: 2, selfJudge: 1 }, [
      [{ jsft: 3, selfJudge: 1 }, /jsft, 3, is too large/],
    ]);
  });

  it("know the judge's last", async () => {
    const many = Array.from({ length: 100 }, () => contests[0]);
    const rewards = many.map(() => [1, 2, 2.4]);
    await tells(rejection.worstOfN({ contests: many, compare, seed: 7, rewards }), { last: 1 }, [
      [{ last: 2.4 }, /last, 2\.40, is too large/],
    ]);
  });
});

describe("the exercises of notebooks 06 and 07", () => {
  it("know how many instructions a rate needs", async () => {
    // Half 0 and half 1: a deviation of 50 points, and a little more of a sample.
    const preferences = Array.from({ length: 1000 }, (_, i) => i % 2);
    await tells(benchmarks.howManyInstructions(preferences), { instructions: 626 }, [
      [{ instructions: 25 }, /instructions, 25, is too small/],
    ]);
  });

  it("know how wide the interval of a difference is, in pairs and apart", async () => {
    // The second model does a little worse, and on every tenth instruction as well as the first does badly.
    const preferences = Array.from({ length: 400 }, (_, i) => 0.5 + 0.4 * Math.sin(i));
    const file = (name: string, of: (p: number, i: number) => number): ComparisonFile => ({
      ...{ file: name, model: name, generator: name, baseline: "b", annotator: "a", warnings: [] },
      items: preferences.map((p, i) => ({
        ...{ item: i + 1, instruction: `${i}`, baselineAnswer: "b", preference: of(p, i) },
        lengths: { baseline: 1, model: 1 },
      })),
    });
    const both = [
      file("one", (p) => p),
      file("two", (p, i) => i % 10 === 0 ? 1 - p : p - 0.1),
    ] as const;
    const width = (values: readonly number[]) =>
      2 * 1.96 * 100 * sampleStandardDeviation([...values]) / Math.sqrt(values.length);
    const values = both.map(({ items }) => items.map(({ preference }) => preference!));
    const paired = width(values[0].map((p, i) => p - values[1][i]));
    const independent = Math.hypot(...values.map(width));
    assert.ok(paired < 0.9 * independent);
    await tells(benchmarks.pairedInterval(both, 7), { paired, independent }, [
      [{ paired: independent, independent }, /^paired, .* is too large\.$/],
      [{ paired: 1.1 * paired, independent: 0.9 * independent }, /too large; .* too small/],
    ]);
  });

  it("know a cheater by its rates at each length", async () => {
    const right = { raw: [50.3, 65.5, 77.9, 86.7], controlled: [50, 50, 50, 50.2] };
    await tells(benchmarks.cheater(), right, [
      [{ ...right, raw: [50, 49, 78, 87] }, /raw rate of answers longer by 0\.5 is too small/],
      [{ ...right, controlled: [50, 50, 58, 60] }, /controlled rate .* longer by 1 is too large/],
      [{ raw: [1, 2, 3, 4], controlled: [50, 50, 50, 50] }, /raw rate .* longer by 0 is too small/],
      [{ raw: [50], controlled: [50] }, /raw has a rate for each of 4 lengths/],
      [{ ...right, controlled: [50, NaN, 50, 50] }, /controlled rate .* longer by 0\.5/],
    ]);
  });

  it("know how many pairs are needed", async () => {
    await tells(real.pairsNeeded(), { at55: 782, at52: 4898 }, [
      [{ at55: 300, at52: 4898 }, /at55, 300, is too small/],
    ]);
  });

  it("know which loss starts where", async () => {
    const right = { dpo: () => Math.LN2, hinge: () => 1, ipo: (b: number) => (2 * b) ** -2 };
    await tells(real.startingLosses(), right, [
      [{ ...right, ipo: () => 25 }, /ipo does not begin with 25 at beta 0\.05\./],
      [{ ...right, dpo: () => NaN }, /dpo does not begin/],
    ]);
  });

  it("know the judge that likes them short", async () => {
    await tells(real.shorterAnswers(0.465), { shorter: 0.535 }, [
      [{ shorter: 0.465 }, /shorter, 0\.465, is too small/],
    ]);
  });
});

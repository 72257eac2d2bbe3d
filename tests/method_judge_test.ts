import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { judgmentCache } from "../lib/run/judgment_cache.ts";
import { PairwiseJudge, type PairwiseJudgeOptions } from "../lib/method/judge.ts";
import { combineScores, pairComparison, type PrincipleScores } from "../lib/method/judgment.ts";
import { principlesNamed } from "../lib/method/principle.ts";
import { JudgeTemplate } from "../lib/method/template.ts";
import { CHAT, RuleScorer, user, WordTokenizer } from "./judge_fakes.ts";
import { folder } from "./temporary_files.ts";

/** Prefers length, leans to the first position, and leaves some probability to other tokens. */
const leaning = (a: string, b: string): [number, number] => {
  const share = 0.9 / (1 + Math.exp((b.length - a.length) / 7 - 0.3));
  return [share, 0.9 - share];
};

function setUp(
  rule: (a: string, b: string, text: string) => [number, number] = leaning,
  options: Partial<PairwiseJudgeOptions> & { principles?: string[] } = {},
) {
  const tokenizer = new WordTokenizer();
  const { principles = ["overall"], ...settings } = options;
  const templates = principlesNamed(principles).map((principle) =>
    new JudgeTemplate({ tokenizer, chat: CHAT, principle })
  );
  const scorer = new RuleScorer(tokenizer, rule);
  return { scorer, templates, judge: new PairwiseJudge({ scorer, templates, ...settings }) };
}

const comparison = (first: string, second: string) => ({ prompt: [user("Hi")], first, second });
const PAIRS = [
  comparison("a short one", "a rather much longer one"),
  comparison("yes", "no"),
  comparison("the very same length", "same length, the very"),
  comparison("twin", "twin"),
];

describe("combineScores", () => {
  const scored = (scoreFirst: number, scoreSecond: number): PrincipleScores => ({
    principle: `${scoreFirst}`,
    forward: { a: scoreFirst, b: scoreSecond },
    backward: { a: scoreSecond, b: scoreFirst },
  });

  it("averages the two positions as the authors do", () => {
    const forward = { a: 0.6, b: 0.3 };
    const backward = { a: 0.5, b: 0.4 };
    const judgment = combineScores([{ principle: "overall", forward, backward }]);
    assert.equal(judgment.votes[0].scoreFirst, 0.5); // (0.6 + 0.4) / 2
    assert.equal(judgment.votes[0].scoreSecond, 0.4); // (0.3 + 0.5) / 2
    assert.equal(judgment.winner, "first");
    assert.ok(Math.abs(judgment.pFirst - 5 / 9) < 1e-12);
    assert.ok(Math.abs(judgment.labelProbability - 0.9) < 1e-12);
    assert.equal(judgment.consistent, false); // each order names its first position
    assert.equal(judgment.answered, true);
  });

  it("goes by the majority of principles before the mean", () => {
    const judgment = combineScores([scored(0.5, 0.4), scored(0.5, 0.4), scored(0, 1)]);
    assert.equal(judgment.winner, "first");
    assert.ok(judgment.pFirst < 0.5);
  });

  it("settles an equal vote by the mean score", () => {
    assert.equal(combineScores([scored(0.5, 0.4), scored(0.1, 0.8)]).winner, "second");
    assert.equal(combineScores([scored(0.75, 0.25), scored(0.25, 0.75)]).winner, "tie");
  });

  it("marks a judgment with next to no labelProbability as unanswered, and never gives NaN", () => {
    const none = combineScores([scored(0, 0)]);
    assert.deepEqual([none.answered, none.pFirst, none.winner], [false, 0.5, "tie"]);
    assert.equal(combineScores([scored(0.004, 0.002)]).answered, false);
    assert.equal(
      combineScores([scored(0.004, 0.002)], { leastLabelProbability: 0.001 }).answered,
      true,
    );
  });
});

describe("PairwiseJudge", () => {
  it("is symmetric: judging (b, a) mirrors (a, b) exactly", async () => {
    const { judge } = setUp(leaning, { principles: ["overall", "honesty", "truthfulness"] });
    const forward = await judge.compare(PAIRS);
    const backward = await judge.compare(
      PAIRS.map(({ first, second }) => comparison(second, first)),
    );
    const mirror = { first: "second", second: "first", tie: "tie" } as const;
    forward.forEach((judgment, i) => {
      assert.equal(backward[i].winner, mirror[judgment.winner]);
      assert.deepEqual(backward[i].forward, judgment.backward);
      assert.deepEqual(backward[i].backward, judgment.forward);
      assert.equal(backward[i].labelProbability, judgment.labelProbability);
      assert.equal(backward[i].consistent, judgment.consistent);
      assert.ok(Math.abs(backward[i].pFirst + judgment.pFirst - 1) < 1e-15);
    });
    assert.deepEqual(forward.map(({ winner }) => winner), ["second", "first", "second", "tie"]);
  });

  it("asks both positions of everything once, in the order asked, in bounded chunks, and tells of it", async () => {
    const { judge, scorer, templates: [template] } = setUp(leaning, { batchTokens: 150 });
    const steps: { done: number; total: number }[] = [];
    const judgments = await judge.compare([...PAIRS, PAIRS[0]], {
      onProgress: (step) => steps.push(step),
    });
    assert.deepEqual(judgments[4], judgments[0]);
    assert.equal(scorer.prompts.length, 7); // three pairs in two positions, the identical pair in one
    const inOrder = PAIRS.flatMap(({ prompt, first, second }) => [
      template.prompt(prompt, first, second),
      template.prompt(prompt, second, first),
    ]);
    assert.deepEqual(scorer.prompts, inOrder.slice(0, 7));
    assert.ok(scorer.calls > 1);
    assert.ok(scorer.calls < 7);
    assert.deepEqual([steps[0], steps.at(-1)], [{ done: 0, total: 7 }, { done: 7, total: 7 }]);
    assert.deepEqual(judge.counts, { judged: 5, unanswered: 0, scored: 7 });
  });

  it("gives the same judgments however they are chunked", async () => {
    const one = await setUp(leaning, { batchTokens: 1 }).judge.compare(PAIRS);
    assert.deepEqual(one, await setUp().judge.compare(PAIRS));
  });

  it("lets the principles vote", async () => {
    const { judge } = setUp(
      (a, b, text) => {
        const better = text.includes("more honest") ? a.length < b.length : a.length > b.length;
        return better ? [0.8, 0.1] : [0.1, 0.8];
      },
      { principles: ["honesty", "helpfulness", "overall"] },
    );
    const [judgment] = await judge.compare([comparison("longer by far", "short")]);
    assert.deepEqual(
      judgment.votes.map(({ principle, winner }) => [principle, winner]),
      [["honesty", "second"], ["helpfulness", "first"], ["overall", "first"]],
    );
    assert.equal(judgment.winner, "first");
  });

  it("asks a comparison by the principle that it names, and by all where it knows none of that name", async () => {
    const { judge } = setUp(leaning, { principles: ["overall", "honesty"] });
    const one = comparison("a short one", "a rather much longer one");
    const asked = async (principle?: string) => {
      const [{ votes }] = await judge.compare([{ ...one, principle }]);
      return votes.map((vote) => vote.principle);
    };
    assert.deepEqual(await asked("honesty"), ["honesty"]);
    assert.deepEqual(await asked(), ["overall", "honesty"]);
    assert.deepEqual(await asked("brevity"), ["overall", "honesty"]);
    assert.equal(judge.promptsFor([one, { ...one, principle: "honesty" }]), 6);
    const pair = { prompt: one.prompt, chosen: "yes", rejected: "no", source: "test" };
    assert.equal(pairComparison({ ...pair, principle: "honesty" }).principle, "honesty");
    assert.ok(!("principle" in pairComparison(pair)));
  });

  it("counts judgments that answer neither label", async () => {
    const { judge } = setUp((a) => a === "yes" ? [0.001, 0.002] : [0.002, 0.001]);
    const judgments = await judge.compare(PAIRS);
    assert.ok(judgments.every(({ answered }) => !answered));
    assert.equal(judge.counts.unanswered, PAIRS.length);
  });

  it("refuses numbers that are not probabilities, no principles, and labels that differ", async () => {
    await assert.rejects(setUp(() => [NaN, 0.5]).judge.compare(PAIRS), /P\(A\) = NaN/);
    await assert.rejects(setUp(() => [0.5, 1.2]).judge.compare(PAIRS), /P\(B\) = 1.2/);
    const { scorer, templates } = setUp();
    assert.throws(() => new PairwiseJudge({ scorer, templates: [] }), /no principle/);
    const [honesty] = principlesNamed(["honesty"]);
    const tokenizer = scorer.tokenizer;
    const other = new JudgeTemplate({
      tokenizer,
      chat: CHAT,
      principle: honesty,
      labels: [" one", " two"],
    });
    assert.throws(
      () => new PairwiseJudge({ scorer, templates: [...templates, other] }),
      /read different label tokens/,
    );
  });

  it("gives no judgments for no comparisons, without asking the model", async () => {
    const { judge, scorer } = setUp();
    assert.deepEqual(await judge.compare([]), []);
    assert.equal(scorer.calls, 0);
  });
});

describe("the judgment cache", () => {
  it("spares the model a second call", async () => {
    const cache = judgmentCache({ fingerprint: "m" });
    const { judge, scorer } = setUp(leaning, { cache });
    const once = await judge.compare(PAIRS);
    const calls = scorer.calls;
    assert.deepEqual(await judge.compare(PAIRS), once);
    assert.equal(scorer.calls, calls);
    assert.deepEqual(cache.counts, { hits: 7, misses: 7 });
  });

  it("is not shared between models", async () => {
    const keys = ["m", "n"].map((fingerprint) =>
      judgmentCache({ fingerprint }).key([1, 2, 3], [4, 5])
    );
    assert.notEqual(keys[0], keys[1]);
    const cache = judgmentCache({ fingerprint: "m" });
    assert.notEqual(cache.key([1, 2, 3], [4, 5]), cache.key([1, 2, 3], [5, 4]));
    assert.notEqual(cache.key([1, 2, 3], [4, 5]), cache.key([1, 2], [4, 5]));
    assert.throws(() => judgmentCache({ fingerprint: "" }), /empty fingerprint/);
    const { judge, scorer } = setUp(); // no cache: nothing is remembered
    await judge.compare(PAIRS);
    await judge.compare(PAIRS);
    assert.equal(scorer.calls, 2);
  });

  it("continues from its file, keeps what a killed run had finished, and mends a torn line", async () => {
    const path = `${folder.path}/new/judgments.jsonl`;
    const open = () => judgmentCache({ fingerprint: "m", path });
    const first = setUp(leaning, { cache: open() });
    const judgments = await first.judge.compare(PAIRS);
    const again = setUp(leaning, { cache: open() });
    assert.deepEqual(await again.judge.compare(PAIRS), judgments);
    assert.equal(again.scorer.calls, 0);

    const whole = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, whole.slice(0, -9));
    const torn = open();
    const left = await Deno.readTextFile(path); // the torn line is cut off
    assert.equal(left, whole.split("\n").slice(0, 6).join("\n") + "\n");
    const mended = setUp(leaning, { cache: torn });
    assert.deepEqual(await mended.judge.compare(PAIRS), judgments);
    assert.equal(mended.scorer.prompts.length, 1);
    assert.deepEqual(await Deno.readTextFile(path), whole);

    await Deno.writeTextFile(path, `{"key": "x", "a": 3}\n`, { append: true });
    assert.throws(open, /judgments\.jsonl line 8 is not a stored judgment/);
  });

  it("leaves another's file as it is, with or without a last line end, and mends a torn first line", async () => {
    const path = `${folder.path}/foreign.txt`;
    const open = () => judgmentCache({ fingerprint: "m", path });
    for (
      const text of ["an essay without a last line end", "notes\nmore", '{"prompt": 1}\n', "\n"]
    ) {
      await Deno.writeTextFile(path, text);
      assert.throws(open, /foreign\.txt is no file of stored answers: [^]*move it away/);
      assert.equal(await Deno.readTextFile(path), text);
    }
    for (const torn of ["{", '{"key":"abc', '{"key":"abc","a":0.1']) {
      await Deno.writeTextFile(path, torn);
      open();
      assert.equal(await Deno.readTextFile(path), "");
    }
  });

  it("keeps the chunks that were done when a later one fails", async () => {
    const cache = judgmentCache({ fingerprint: "m" });
    let asked = 0;
    const { judge } = setUp((a, b) => {
      if (++asked > 3) throw new Error("power cut");
      return leaning(a, b);
    }, { cache, batchTokens: 1 });
    await assert.rejects(judge.compare(PAIRS), /power cut/);
    const mended = setUp(leaning, { cache });
    await mended.judge.compare(PAIRS);
    assert.equal(mended.scorer.prompts.length, 7 - 3);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { Rng } from "../lib/base/random.ts";
import {
  byScore,
  type Evidence,
  firstPosition,
  longerWins,
  probeCsvRows,
  type ProbedJudge,
  probeJudge,
  type ProbeName,
  PROBES,
  probesNamed,
  randomJudge,
} from "../lib/measure/mod.ts";
import type { Compare } from "../lib/method/mod.ts";
import { probeFigure } from "../lib/show/probe_figure.ts";
import { user } from "./judge_fakes.ts";
import { refuses } from "./refusals.ts";

/** Pairs of which the first answer is the longer by one character in half, by a thousand in the others. */
const EVIDENCE = Array.from({ length: 40 }, (_, i): Evidence => ({
  id: `${i}`,
  file: "pairs.jsonl",
  comparison: {
    prompt: [user(`question ${i}`)],
    first: `answer${"x".repeat(i % 2 === 0 ? 1 : 1000)}`,
    second: "answer",
  },
  label: i % 4 < 2 ? "first" : "second",
  labelProbability: null,
  own: i % 8 < 4 ? "first" : "second",
  cluster: `question ${i}`,
}));

const probed = (compare: Compare, names: ProbeName[]): Promise<ProbedJudge> =>
  probeJudge({ name: "judge", compare }, EVIDENCE, { names, seed: 1, samples: 100 });
const values = ({ probes }: ProbedJudge, name: ProbeName) => {
  const { flips, towards, away, net } = probes[name]!;
  return [flips.value, towards.value, away.value, net.value];
};

describe("probeJudge", () => {
  it("finds the length bias of a judge that names the longer answer, and no other there", async () => {
    const found = await probed(longerWins, ["asked again", "position", "length"]);
    assert.deepEqual(values(found, "asked again"), [0, 0, 0, 0]);
    assert.deepEqual(values(found, "position"), [0, 0, 0, 0]);
    const { net } = found.probes["asked again"]!;
    assert.deepEqual([net.low, net.high], [null, null]); // all alike is no certainty
    // Padding turns the pairs that differ by one character, and takes from no answer that was longer.
    assert.deepEqual(values(found, "length"), [0.25, 0.5, 0, 0.5]);
    const { towards } = found.probes.length!;
    assert.ok(towards.low! < 0.5 && towards.high! > 0.5 && towards.n === 40);
  });

  it("finds a claim that a judge is taken in by, and one that it punishes", async () => {
    const says = (word: string) =>
      byScore(({ answer }) => answer.length + (answer.includes(word) ? 1e6 : 0));
    const believes = await probed(says("Harvard"), ["authority"]);
    assert.deepEqual(values(believes, "authority"), [0.5, 1, 0, 1]);
    const punishes = byScore(({ answer }) =>
      answer.length - (answer.includes("oranges") ? 1e6 : 0)
    );
    assert.deepEqual(values(await probed(punishes, ["distraction"]), "distraction"), [
      0.5,
      0,
      1,
      -1,
    ]);
    // All alike is no proof: the interval is Wilson's.
    const { towards } = believes.probes.authority!;
    assert.ok(towards.low! > 0.85 && towards.low! < 1 && towards.high === 1);
  });

  it("tells an unsteady judge from a biased one by the net", async () => {
    const found = await probed(randomJudge(Rng.named(3, "coin")), ["asked again", "authority"]);
    for (const name of ["asked again", "authority"] as const) {
      const [flips, , , net] = values(found, name);
      assert.ok(flips! > 0.25 && flips! < 0.75, `${flips}`);
      const { low, high } = found.probes[name]!.net;
      assert.ok(low! < 0 && high! > 0, `${name} ${net}`);
    }
  });

  it("reads the position off both orders; a judge of positions alone decides no pair", async () => {
    const found = await probed(firstPosition, ["position", "length"]);
    assert.deepEqual(values(found, "position"), [1, 1, 0, 1]);
    assert.equal(found.undecided, 40);
    assert.deepEqual(values(found, "length"), [null, null, null, null]);
    assert.match(found.probes.length!.flips.reason!, /no pair says anything/);
  });

  it("holds the judge's own answers against the labels", async () => {
    const own = new Map(EVIDENCE.map(({ comparison, own }) => [comparison.prompt[0].content, own]));
    const vain = byScore(({ prompt, answer }) =>
      Number((answer === "answer") === (own.get(prompt[0].content) === "second"))
    );
    assert.deepEqual(values(await probed(vain, ["self-preference"]), "self-preference"), [
      0.5,
      1,
      0,
      1,
    ]);
  });

  it("refuses a judge of recorded verdicts", async () => {
    const recorded = { name: "recorded", compare: longerWins, sources: ["file.json"] };
    await refuses(
      probeJudge(recorded, EVIDENCE, { names: ["length"], seed: 1 }),
      /cannot be asked about a changed answer\n.*model:PATH/,
    );
  });

  it("gives rows that the figure takes", async () => {
    const rows = probeCsvRows([await probed(longerWins, ["asked again", "length"])]);
    assert.equal(rows.length, 8);
    const [trace] = probeFigure(rows).data;
    assert.deepEqual(trace.x, [0, 0.5]);
  });
});

describe("probesNamed", () => {
  it("always has that which asks again, and self-preference where it can be known", () => {
    assert.deepEqual(probesNamed("length, position", { own: false }), [
      "asked again",
      "position",
      "length",
    ]);
    assert.deepEqual(probesNamed("all", { own: true }), Object.keys(PROBES));
    assert.ok(!probesNamed("all", { own: false }).includes("self-preference"));
  });

  it("refuses what there is not", async () => {
    const named = (text: string) => Promise.try(() => probesNamed(text, { own: false }));
    await refuses(named("lenght"), /no probe "lenght"\n.*position, length/);
    await refuses(named("self-preference"), /which answers are the judge's own\n.*--own/);
  });
});

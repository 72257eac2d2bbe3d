import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { ONE_SETTING } from "../lib/lab/study/driven.ts";
import { rewardAtKl } from "../lib/lab/study/league_rows.ts";
import type { RewardPoint } from "../lib/lab/study/policy_meter.ts";
import { correlation, overSeeds } from "../lib/measure/statistics.ts";
import { bounds, by, fixed, mean, prose, signed, withInterval } from "./claims_text.ts";
import { csv, type CsvRow } from "./csv_files.ts";

const [claims, steps, judged, habits, byHabit, starts] = await Promise.all(
  ["claims", "reward-over-steps", "judge-over-steps", "habits", "judge-by-habit", "starts"]
    .map((name) => csv(`data/results/claims/fresh-bases/${name}.csv`)),
);
const RESULTS = (await Promise.all(
  ["data/results/README.md", "data/results/claims/fresh-bases/README.md"].map(prose),
)).join(" ");

const BASES = [4, 5, 6, 7, 8, 9, 10];
const { hard, consistent, leftOut, polite, twice, freshData, freshOwn, mean: near, soft } =
  ONE_SETTING;

const claim = (contrast: string): CsvRow => {
  const found = claims.find((row) => row.contrast === contrast);
  assert.ok(found, contrast);
  return found;
};
const [NEAR, SURE, CONSISTENT, TOLD, LEFT, TOLD_JSFT, OWN, DATA, OWN_JSFT] = [
  "mean label > hard labels, at step 100",
  "soft labels > mean label, at step 100",
  "consistent pairs > hard labels, at step 100",
  "told of the blind spot > hard labels, at step 100",
  "told of the blind spot > told of what is left out, at step 100",
  "told of the blind spot, at step 100 > JSFT",
  "labels of its policy's answers > the JSFT judge, at step 100",
  "labels of its policy's answers > of the data set, at step 100",
  "labels of its policy's answers, at step 100 > JSFT",
].map(claim);

/** A row's measurements on one base. */
const courseOn = (row: string, base: number) =>
  steps.filter((one) => one.method === row && one.base === base);
/** A number of a row at a step, by base. */
const at = (row: string, { step = 100, name = "reward" } = {}) =>
  BASES.map((base) => Number(courseOn(row, base).find((one) => one.step === step)![name]));
/** One row less another, Student's t over the bases but one. */
function less(a: string, b: string, { without }: { without?: number } = {}) {
  const [ofA, ofB] = [at(a), at(b)];
  const all = BASES.map((base, i) => ({ base, value: ofA[i] - ofB[i] }));
  return overSeeds(all.filter(({ base }) => base !== without).map(({ value }) => value));
}
/** How right rankings of a row are on one base, of all pairs or of those that differ in one habit alone. */
function rightOn(row: string, base: number, differs?: string) {
  const own = judged.filter((one) =>
    one.method === row && one.base === base && one.from === 1 &&
    (differs === undefined || one.differs === differs)
  );
  const sum = (name: string) => own.reduce((total, one) => total + Number(one[name]), 0);
  return { n: sum("n"), right: sum("right") / sum("n") };
}
/** A habit of a row's answers at the end, or before training. */
const habitOn = (row: string, base: number, habit: string, when = "last") =>
  Number(
    habits.find((one) =>
      one.method === row && one.base === base && one.at === when && one.habit === habit
    )!.value,
  );
const list = (values: readonly number[]) => values.map((value) => fixed(value)).join(", ");

const ROWS_BUT_HARD = [soft, near, consistent, twice, leftOut, polite, freshOwn, freshData];

/** Sentences of the results' page. */
const SHOWN: Record<string, () => string> = {
  "what all is at": () => {
    const without = BASES.flatMap((base, i) => base === 8 ? [] : [at(hard)[i]]);
    const jsft = starts.filter(({ policy, base }) => policy === "jsft" && base !== 8);
    return `Base 8's hard labels end at ${
      fixed(Math.min(...at(hard)))
    }: without it their mean is ` +
      `${fixed(mean(without), 3)}, JSFT's ${
        fixed(mean(jsft.map(({ reward }) => Number(reward))), 3)
      }.`;
  },
  "halves of soft labels": () => {
    const apart = BASES.map((base, i) => {
      const course = courseOn(hard, base) as unknown as RewardPoint[];
      return { lead: at(near)[i] - rewardAtKl(course, at(near, { name: "kl" })[i])! };
    });
    const lead = overSeeds(apart.map(({ lead }) => lead));
    const stopped = mean(at(hard, { step: 40 }));
    return `${fixed(NEAR.value_a, 3)}, hard labels ${fixed(NEAR.value_b, 3)}: ${by(NEAR)}, ` +
      `**${NEAR.verdict}** (p ${fixed(NEAR.p_holm, 3)}; t without base 8 ` +
      `${withInterval(less(near, hard, { without: 8 }), 3)}, without base 9 ` +
      `${withInterval(less(near, hard, { without: 9 }), 3)}). Each pair its own: ` +
      `${fixed(SURE.value_a, 3)}, ${by(SURE)} above that, **${SURE.verdict}** (at ` +
      `${fixed(mean(at(soft, { name: "kl" })), 1)} and ${
        fixed(mean(at(near, { name: "kl" })), 1)
      } ` +
      `nats). Hard labels where both orders name the same answer: ${
        fixed(CONSISTENT.value_a, 3)
      }, ` +
      `${by(CONSISTENT)}, **${CONSISTENT.verdict}** (without base 8 ` +
      `${signed(less(consistent, hard, { without: 8 }).value, 3)}, without base 9 ` +
      `${signed(less(consistent, hard, { without: 9 }).value, 3)}). **Most of this is going less ` +
      `far**: at the distance at which the mean label ends, hard labels have ` +
      `${fixed(mean(at(near)) - lead.value)}, so that ${fixed(lead.value)} of the ` +
      `${fixed(NEAR.difference)} is left, t ${bounds(lead, 3)}; stopped at step 40 they have ` +
      `${fixed(stopped)} (both looked at afterwards).`;
  },
  "the blind spot": () => {
    const seen = BASES.map((base) => rightOn(hard, base, "names one twice"));
    const counts = seen.map(({ n }) => n).toSorted((a, b) => a - b);
    const begin = BASES.map((base) => habitOn(hard, base, "names one twice", "start"))
      .toSorted((a, b) => a - b);
    const line = (words: string, values: readonly number[]) =>
      `| ${words} | ${values.map((value) => fixed(value)).join(" | ")} |`;
    const of = (habit: string) => BASES.map((base) => habitOn(hard, base, habit));
    return `(${counts[0]} to ${
      counts.at(-1)
    } pairs each), and what the answers are like at the end: ` +
      "| hard labels | base 4 | base 5 | base 6 | base 7 | base 8 | base 9 | base 10 | " +
      `${"| --- ".repeat(8)}| ` +
      `${line("judge right on a thing named twice", seen.map(({ right }) => right))} ` +
      `${line("answers that name one twice", of("names one twice"))} ` +
      `${line("answers that leave one out", of("leaves a thing out"))} ` +
      "Bases 5 and 7 prefer such an answer, 4, 6, 8 and 10 lie between that and chance, base 9 " +
      `sees it. Before training ${fixed(begin[0])} to ${
        fixed(begin.at(-1))
      } of the answers name a ` +
      `thing twice. (On base 8 ${fixed(habitOn(hard, 8, "adds a thing"))} add one, too.)`;
  },
  "a judge that was told": () => {
    const sorted = (step: number) => at(twice, { step }).toSorted((a, b) => a - b);
    const [broken, least, most] = [sorted(100)[0], sorted(100)[1], sorted(100).at(-1)!];
    assert.equal(at(twice).indexOf(broken), BASES.indexOf(7));
    assert.equal(habitOn(twice, 7, "is malformed"), 1);
    assert.equal(habitOn(twice, 7, "leaves a thing out"), 1);
    const malformed = byHabit.find((row) => row.base === 7 && row.habit === "is malformed")!;
    assert.ok([TOLD, LEFT, TOLD_JSFT].every(({ verdict }) => verdict === "open"));
    return `${fixed(TOLD.value_a, 3)}, above hard labels by ${by(TOLD)} (t ` +
      `${bounds(less(twice, hard), 3)}, without base 9 ` +
      `${signed(less(twice, hard, { without: 9 }).value, 3)}) and above JSFT by ${
        by(TOLD_JSFT)
      }, both ` +
      `**open**, where we had expected at most base 9 to stand against it. **Six bases stay up and ` +
      `one breaks.** At step 60 every base is at ` +
      `${fixed(sorted(60)[0])} to ${fixed(sorted(60).at(-1))}, at step 100 six at ${
        fixed(least, 3)
      } to ` +
      `${fixed(most, 3)} and base 7 at ${
        fixed(broken, 3)
      }: each of its answers is malformed and leaves ` +
      `a thing out ("certainly , here come corn and thank you !"), at a win rate by its judge of ` +
      `${fixed(at(twice, { name: "judge_win_rate" })[BASES.indexOf(7)])}, which is right on ` +
      `${
        fixed(Number(malformed.right) / Number(malformed.n))
      } of the data set's pairs with a malformed ` +
      `answer. **Told of something else.** What is left out: ${
        fixed(LEFT.value_b, 3)
      }, not told apart from it (${by(LEFT)}, ` +
      `**open**; on base 10 by way of ${
        fixed(at(leftOut, { step: 60 })[BASES.indexOf(10)])
      } at step ` +
      `60). What is polite: ${fixed(mean(at(polite)), 3)}; told of the blind spot less told of ` +
      `politeness t ${withInterval(less(twice, polite), 3)}, politeness ` +
      `less hard labels t ${withInterval(less(polite, hard), 3)}.`;
  },
  "a judge that was told, by base": () =>
    ([
      ["untold", hard],
      ["told what is named twice", twice],
      ["told what is left out", leftOut],
      ["told what is polite", polite],
    ] as const).map(([words, row]) =>
      `| ${words} | ${at(row).map((value) => fixed(value)).join(" | ")} |`
    ).join(" "),
  "all rows at this setting": () => {
    const rows = ([
      ["soft: each pair the judge's probability", soft],
      ["every pair of a step their mean soft label", near, NEAR],
      ["hard, of pairs whose two orders agree", consistent, CONSISTENT],
      ["hard, judge told what is named twice", twice, TOLD],
      ["hard, judge told what is left out", leftOut],
      ["hard, judge told what is polite", polite],
      ["hard, judge with 200 exact labels of its policy's answers", freshOwn, OWN],
      ["hard, judge with 200 exact labels of the data set", freshData],
    ] as [string, string, CsvRow?][]).map(([words, row, test]) => {
      const lead = mean(at(row)) - mean(at(hard));
      if (test) assert.ok(Math.abs(Number(test.difference) - lead) < 1e-9);
      return `| ${words} | ${fixed(mean(at(row)))} | ${
        fixed(mean(at(row, { name: "kl" })), 1)
      } | ` +
        `${signed(lead)} | ${test?.verdict ?? ""} |`.replace("|  |", "| |");
    });
    const without = ROWS_BUT_HARD.map((row) => signed(less(row, hard, { without: 8 }).value));
    assert.ok(
      RESULTS.includes(`the column of differences is ${without.join(", ")}.`),
      `${without}`,
    );
    return rows.join(" ");
  },
  "how right the rankings are": () => {
    const rows = [hard, consistent, leftOut, polite, twice, freshData, freshOwn];
    const right = (row: string) => mean(BASES.map((base) => rightOn(row, base).right));
    const on = (base: number) =>
      correlation(
        rows.map((row) => rightOn(row, base).right),
        rows.map((row) => at(row)[BASES.indexOf(base)]),
      ).r;
    const all = correlation(rows.map(right), rows.map((row) => mean(at(row)))).r;
    const least = BASES.map(on).toSorted((a, b) => a - b);
    assert.equal(least[0], on(7));
    return `r is ${fixed(all)} over the seven (two of them ranked by the truth; ` +
      `by base ${fixed(least[1])} to ${fixed(least.at(-1))}, on base 7 ${
        fixed(least[0])
      }): told twice ` +
      `${fixed(right(twice))}, left out ${fixed(right(leftOut))}, consistent pairs ` +
      `${fixed(right(consistent))}, untold ${fixed(right(hard))}, own labels ${
        fixed(right(freshOwn))
      }, ` +
      `the data set's ${fixed(right(freshData))}, polite ${
        fixed(right(polite))
      }. Soft labels and the ` +
      `mean label rank no better (${fixed(right(soft))}, ${fixed(right(near))}) and do not fall.`;
  },
  "labels in place of the truth": () => {
    assert.ok([OWN, DATA, OWN_JSFT].every(({ verdict }) => verdict === "open"));
    const on = (row: string, differs: string) =>
      list([5, 6, 7].map((base) => rightOn(row, base, differs).right));
    const ends = list([5, 6, 7].map((base) => habitOn(freshOwn, base, "leaves a thing out")));
    return `${fixed(OWN.value_a, 3)}, ${
      by(OWN)
    } against hard labels of the JSFT judge (without base 8 ` +
      `${signed(less(freshOwn, hard, { without: 8 }).value, 3)}, without base 9 ` +
      `${signed(less(freshOwn, hard, { without: 9 }).value, 3)}), ${
        by(DATA)
      } against as many of the ` +
      `data set (${fixed(DATA.value_b, 3)}), ${
        by(OWN_JSFT)
      } against JSFT: all **open**, where we had ` +
      `expected all to hold. **They mend one blind spot and make another.** On bases 5 to 7 they mend it (right on ` +
      `${on(freshOwn, "names one twice")} of such pairs, untold ${on(hard, "names one twice")}): ` +
      `but where one answer leaves a thing out alone, the judge is right on ` +
      `${on(freshOwn, "leaves a thing out")} (untold ${
        on(hard, "leaves a thing out")
      }), and ${ends} of ` +
      `the answers end so.`;
  },
  "what base 8's judge does not see": () => {
    const right = (base: number, habit: string) => {
      const { right, n } = byHabit.find((row) => row.base === base && row.habit === habit)!;
      return Number(right) / Number(n);
    };
    const least = (habit: string) =>
      Math.min(...BASES.filter((base) => base !== 8).map((base) => right(base, habit)));
    return `on ${fixed(right(8, "adds a thing"), 3)} where one answer adds a thing and on ` +
      `${fixed(right(8, "leaves a thing out"), 3)} where one leaves one out, the others on ` +
      `${fixed(least("adds a thing"), 3)} and ${fixed(least("leaves a thing out"), 3)} or more`;
  },
};

describe("hard and soft labels at one setting", () => {
  it("are of a judge with a blind spot on six of seven bases", () => {
    assert.ok([NEAR, TOLD].every(({ verdict }) => verdict === "open"));
    const seen = BASES.filter((base) => rightOn(hard, base, "names one twice").right > 0.5);
    assert.deepEqual(seen, [9]);
  });

  for (const [what, sentence] of Object.entries(SHOWN)) {
    it(`are on the page of results: ${what}`, () => {
      assert.ok(RESULTS.includes(sentence()), sentence());
    });
  }
});

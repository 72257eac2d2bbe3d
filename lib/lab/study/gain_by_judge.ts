/** What SELF-JUDGE gains on a base, beside how right its judge is on which pairs. @module */
import { sum } from "simple-statistics";
import { markdownTable as table } from "../../base/markdown_table.ts";
import { correlation } from "../../measure/statistics.ts";
import { itemsOf, type Row, type Tables } from "./kept_tables.ts";
import { mean } from "./measure.ts";
import { number, signed } from "./page_numbers.ts";

/** A base, the mean over its runs. */
export interface GainOnBase {
  readonly base: string;
  readonly league: string;
  readonly runs: number;
  /** How right the JSFT judge is on the data set's clear held-out pairs. */
  readonly right_data: number;
  /** The same on the pairs that SELF-JUDGE's first steps ranked, of different reward; `pairs` how many. */
  readonly right_first: number;
  readonly pairs: number;
  /** True reward of SELF-JUDGE less that of the JSFT model. */
  readonly gain: number;
  /** Whether the relation was found on it or is tested on it; "beside": neither, a base whose lessons taught less. */
  readonly role: "found" | "tested" | "beside";
}

/** Tables of a league, by its name. */
export interface LeagueTables {
  readonly league: string;
  readonly bases: readonly string[];
  readonly tables: Tables;
}

/**
 * Gains of every base that has a run with all of it.
 *
 * @param tested Bases that the relation is tested on.
 */
export function gainsByJudge(
  leagues: readonly LeagueTables[],
  tested: readonly string[],
): GainOnBase[] {
  return leagues.flatMap(({ league, bases, tables }) => {
    const runs = itemsOf(tables).flatMap(({ base, seed, items }) => {
      const [own, start, right] = ["reward/self-judge", "reward/jsft", "right/jsft"]
        .map((name) => items[name]);
      const ranked = firstRanked(tables["judge-over-steps"] ?? [], { base, seed });
      if (!own || !start || !right || ranked.n === 0) return [];
      return [{ base, gain: mean(own) - mean(start), right: mean(right), ranked }];
    });
    return [...new Set([...bases, ...runs.map(({ base }) => base)])].flatMap((base) => {
      const role = tested.includes(base) ? "tested" : bases.includes(base) ? "found" : "beside";
      const some = runs.filter((run) => run.base === base);
      if (some.length === 0) return [];
      const pairs = sum(some.map(({ ranked }) => ranked.n));
      return [{
        ...{ base, league, runs: some.length, pairs, role },
        right_data: mean(some.map(({ right }) => right)),
        right_first: sum(some.map(({ ranked }) => ranked.right)) / pairs,
        gain: mean(some.map(({ gain }) => gain)),
      }];
    });
  });
}

/** Pairs that SELF-JUDGE's first steps ranked in a run, and how many rightly. */
function firstRanked(rows: readonly Row[], { base, seed }: { base: string; seed: number }) {
  const own = rows.filter((row) =>
    row.base === base && row.seed === seed && row.method === "self-judge" && row.from === 1
  );
  const total = (name: string) => sum(own.map((row) => Number(row[name])));
  return { n: total("n"), right: total("right") };
}

/** The line that the protocol's entry of 2026-11-30, 01:00 has: gain = slope x accuracy on the first pairs + intercept. */
const LINE = { slope: 3.68, intercept: -2.24 } as const;

const ON = { right_data: "the data set's clear pairs", right_first: "the pairs of steps 1 to 20" };

const ROLES = { found: "", tested: " (tested)", beside: " (taught less, in neither)" };

/**
 * The page's section: a row a base, how the columns go together, and the test on the bases that are tested.
 *
 * @param planned How many bases it was found on and is to be tested on.
 */
export function gainsText(
  rows: readonly GainOnBase[],
  planned: { readonly found: number; readonly tested: number },
): string {
  const of = (some: readonly GainOnBase[], x: keyof typeof ON) =>
    correlation(some.map((row) => row[x]), some.map(({ gain }) => gain));
  const words = (name: string, some: readonly GainOnBase[], all: number) =>
    some.length < all
      ? `Bases that it is ${name}: ${some.length} of ${all} so far.`
      : `Bases that it is ${name}: ${
        (Object.keys(ON) as (keyof typeof ON)[]).toReversed()
          .map((x) => `r of gain and accuracy on ${ON[x]} ${number(of(some, x).r, 2)}`).join(", ")
      }.`;
  const [found, tested, beside] = (["found", "tested", "beside"] as const)
    .map((is) => rows.filter(({ role }) => role === is));
  const whole = tested.length === planned.tested;
  const p = whole ? of(tested, "right_first").p : null;
  const verdict = p === null ? "unfinished" : p < 0.025 ? "held" : "open";
  return [
    table(
      [
        ...["base", "runs", `right on ${ON.right_data}`, `right on ${ON.right_first}`],
        ...["SELF-JUDGE less JSFT", "the protocol's line", "off the line by"],
      ],
      [...found, ...tested, ...beside].map((row) => {
        const predicted = LINE.slope * row.right_first + LINE.intercept;
        return [
          `${row.base}${ROLES[row.role]}`,
          `${row.runs}`,
          ...[row.right_data, row.right_first].map((value) => number(value)),
          ...[row.gain, predicted, row.gain - predicted].map((value) => signed(value)),
        ];
      }),
    ),
    "",
    words("found on", found, planned.found),
    ...beside.length === 0 ? [] : [
      `With the ${beside.length} whose lessons taught less, too, which were played for another question: r of gain and ` +
      `accuracy on ${ON.right_first} ${number(of([...found, ...beside], "right_first").r, 2)}.`,
    ],
    words("tested on", tested, planned.tested),
    `The test: **${verdict}**${p === null ? "" : ` (p ${number(p)})`}.`,
  ].join("\n");
}

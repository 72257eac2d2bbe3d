/** Why bases differ: what SELF-JUDGE gains on a base, beside how right its judge is on which pairs. @module */
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
  /** Whether the relation is tested on it, not found on it. */
  readonly tested: boolean;
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
    return bases.flatMap((base) => {
      const some = runs.filter((run) => run.base === base);
      if (some.length === 0) return [];
      const pairs = sum(some.map(({ ranked }) => ranked.n));
      return [{
        ...{ base, league, runs: some.length, pairs, tested: tested.includes(base) },
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

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** The page's section: a row a base, how the columns go together, and the test on the bases that are tested. */
export function gainsText(
  rows: readonly GainOnBase[],
  { found, tested }: { found: number; tested: number },
): string {
  const of = (some: readonly GainOnBase[], x: "right_data" | "right_first") =>
    some.length < 3 ? null : correlation(some.map((row) => row[x]), some.map(({ gain }) => gain));
  const words = (some: readonly GainOnBase[], x: "right_data" | "right_first") => {
    const both = of(some, x);
    return both === null ? "too few" : number(both.r, 2);
  };
  const [seen, fresh] = [false, true].map((is) => rows.filter((row) => row.tested === is));
  const test = of(fresh, "right_first");
  const verdict = fresh.length < tested || test === null
    ? "unfinished"
    : test.p < 0.025
    ? "held"
    : "open";
  const parts = [{ name: "found on", some: seen, all: found }, {
    name: "tested on",
    some: fresh,
    all: tested,
  }];
  return [
    table(
      [
        ...["base", "runs", "right on the data set's clear pairs"],
        ...["right on the pairs of steps 1 to 20", "SELF-JUDGE less JSFT"],
      ],
      rows.map((row) => [
        `${row.base}${row.tested ? " (tested)" : ""}`,
        `${row.runs}`,
        number(row.right_data),
        number(row.right_first),
        signed(row.gain),
      ]),
    ),
    "",
    ...parts.map(({ name, some, all }) =>
      `Bases that it was ${name} (${some.length} of ${all}): r of gain and accuracy on the pairs of steps 1 to 20 ` +
      `${words(some, "right_first")}, on the data set's ${words(some, "right_data")}.`
    ),
    `The test: **${verdict}**${verdict === "unfinished" ? "" : ` (p ${number(test!.p)})`}.`,
  ].join("\n");
}

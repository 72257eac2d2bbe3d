/** Contrasts on every base of two leagues: of the one that a claim was found in, and of bases that came after. @module */
import { markdownTable as table } from "../../base/markdown_table.ts";
import { overSeeds } from "../../measure/statistics.ts";
import type { RunItems } from "./claims.ts";
import type { Family } from "./families.ts";
import { mean } from "./measure.ts";
import { interval, signed } from "./page_numbers.ts";

/** A contrast on one base: the mean over its runs. */
export interface OnBase {
  readonly contrast: string;
  readonly a: string;
  readonly b: string;
  readonly margin: number;
  readonly base: string;
  readonly league: string;
  readonly runs: number;
  readonly difference: number;
  /** How many bases the leagues have together. */
  readonly of_bases: number;
}

/** Runs of a league, by its name. */
export interface LeagueItems {
  readonly league: string;
  readonly bases: readonly string[];
  readonly items: readonly RunItems[];
}

/** Every contrast that all leagues have, on every base that has a run of both its sides. */
export function onBases(
  families: readonly Family[],
  leagues: readonly LeagueItems[],
): OnBase[] {
  return families.flatMap(({ contrasts }) => contrasts).flatMap(({ text, a, b, margin = 0 }) => {
    const found = leagues.map(({ league, bases, items }) =>
      bases.flatMap((base): OnBase[] => {
        const runs = items.filter((run) => run.base === base && run.items[a] && run.items[b]);
        if (runs.length === 0) return [];
        const difference = mean(runs.map(({ items }) => mean(items[a]) - mean(items[b])));
        return [{
          ...{ contrast: text, a, b, margin, base, league, runs: runs.length, difference },
          of_bases: leagues.reduce((sum, { bases }) => sum + bases.length, 0),
        }];
      })
    );
    return found.some((rows) => rows.length === 0) ? [] : found.flat();
  });
}

/** A contrast over bases, each base one value: the mean, with Student's t interval. */
const overBases = (rows: readonly Pick<OnBase, "difference">[]) =>
  overSeeds(rows.map(({ difference }) => difference));

/**
 * A row a contrast: the mean over bases of each league, and over all of them, which has an interval once all are there.
 *
 * @param leagues Their names, in the order of the columns.
 */
export function allBasesTable(rows: readonly OnBase[], leagues: readonly string[]): string {
  const byContrast = [...Map.groupBy(rows, ({ contrast }) => contrast)];
  const says = ({ difference, margin }: OnBase) => difference + margin > 0;
  return table(
    [
      "we test",
      ...leagues.map((league) => `${league}: difference (bases)`),
      "all bases: difference, 95 % interval",
      "bases with the claimed sign",
    ],
    byContrast.map(([contrast, some]) => [
      contrast,
      ...leagues.map((league) => {
        const own = some.filter((row) => row.league === league);
        return own.length === 0 ? "" : `${signed(overBases(own).value)} (${own.length})`;
      }),
      ...[overBases(some)].map((all) =>
        some.length < some[0].of_bases
          ? `${signed(all.value)} (${some.length} of ${some[0].of_bases})`
          : `${signed(all.value)} ${interval(all)}`
      ),
      `${some.filter(says).length} of ${some.length}`,
    ]),
  );
}

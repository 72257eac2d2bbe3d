/** A lesson's numbers beside those of the league, in words. */
import { formatNumber } from "../../show/html_table.ts";
import { type Interval, intervalText } from "../../show/reading.ts";
import { resultTable } from "../../show/result_table.ts";
import { type NumberCell, numberOf } from "../../base/csv.ts";
import { DESK, type StudyConfig } from "../study/config.ts";

/** A number of the league: of one measure the mean with the least and most of its runs, of a contrast its interval. */
export interface LeagueNumber extends Interval {
  readonly value: number;
  readonly runs: number;
  /** Of a contrast. */
  readonly verdict?: string;
  /** The two values that a contrast is the difference of, the first less the second. */
  readonly values?: readonly [number, number];
}

/** A number of a lesson, and the same of the league where it is there. */
export interface Beside {
  /** In words. */
  readonly what: string;
  readonly here: Interval;
  /** Of a difference, the two values. */
  readonly values?: readonly [number, number];
  readonly league: LeagueNumber | null;
}

type Row = Record<string, string | number>;

/** Bases whose lessons taught every view: what notebooks start from is one of them. */
const played = ({ base }: Row) => !`${base}`.startsWith("views-");

const tableOf = async (results: string, name: string) =>
  (await resultTable(`${results}/claims/order-desk/${name}.csv`) ?? []).filter(played);

/**
 * Mean of a column of one of the league's tables, with the least and most of its runs; null where there is no such row.
 *
 * @param results Folder of results, `notebook.folders.results`.
 */
export async function leagueValue(
  results: string,
  { table, where, column }: { table: string; where: Partial<Row>; column: string },
): Promise<LeagueNumber | null> {
  const values = (await tableOf(results, table))
    .filter((row) => Object.entries(where).every(([name, value]) => row[name] === value))
    .map((row) => Number(row[column]));
  return values.length === 0 ? null : {
    value: values.reduce((a, b) => a + b, 0) / values.length,
    low: Math.min(...values),
    high: Math.max(...values),
    runs: values.length,
  };
}

/**
 * A contrast of the protocol as the league measured it; null where it has not been.
 *
 * @param a Name of an item, such as "reward/self-judge"; so is `b`.
 */
export async function leagueContrast(
  results: string,
  a: string,
  b: string,
): Promise<LeagueNumber | null> {
  const row = (await tableOf(results, "claims")).find((one) => one.a === a && one.b === b);
  return row === undefined ? null : {
    value: Number(row.difference),
    ...{ low: numberOf(row.low), high: numberOf(row.high), runs: Number(row.runs) },
    verdict: `${row.verdict}`,
    ...(numberOf(row.value_a) !== null && numberOf(row.value_b) !== null &&
      { values: [Number(row.value_a), Number(row.value_b)] as const }),
  };
}

/**
 * How many runs the league has, in words, such as "6 runs on 3 bases".
 *
 * @param results Folder of results, `notebook.folders.results`.
 */
export async function leagueSoFar(results: string): Promise<string> {
  const rows = await tableOf(results, "claims");
  if (rows.length === 0) return "no run so far";
  const most = (column: string) => Math.max(...rows.map((row) => Number(row[column])));
  const [runs, bases] = [most("runs"), most("bases")];
  const of = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;
  return `${of(runs, "run")} on ${of(bases, "base")}`;
}

/** What a number is of: a model trained on labels alone, or one trained on preferences after that. */
type Trained = "labels" | "preferences";

/** What is less in a lesson than in the league. */
function less({ pairs, supervised, preference }: StudyConfig, of: Trained): string {
  const size = (n: number) => n.toLocaleString("en");
  const times = (steps: number, batch: number) => `${steps} steps of ${batch}`;
  const learned = (config: Pick<StudyConfig, "pairs" | "supervised">) =>
    `${size(config.pairs)} pairs in ${times(config.supervised.steps, config.supervised.batchSize)}`;
  const [there, here] = [learned(DESK), learned({ pairs, supervised })];
  const bases =
    "the league's models start from several bases, the lesson's from one of them; they learn from";
  return of === "labels"
    ? `${bases} ${there}, the lesson's from ${here}`
    : `${bases} ${there} and then train on preferences with the setting and for the steps that ` +
      `validation prompts chose for each method; the lesson's learn from ${here}, and every method ` +
      `trains for ${times(preference.steps, preference.batchSize)} at one setting`;
}

/** The two values of a difference in brackets; nothing where they are not known. */
const lessText = (values?: readonly [number, number]) =>
  values === undefined ? "" : ` (${values.map((value) => value.toFixed(3)).join(" less ")})`;

/**
 * A list item a number: what it is here, what it is in the league, and whether either lies in the other's interval or
 * range; where one does not, why. Of a difference the two values are told, so that a reader finds them in the table.
 */
export function besideLeague(
  numbers: readonly Beside[],
  { config, of }: { config: StudyConfig; of: Trained },
): string {
  const there = numbers.filter(({ league }) => league !== null);
  if (there.length === 0) {
    return "**Beside the league:** its tables are not there yet (`deno task league`, then `deno task claims`), so that " +
      "nothing is said here of other training runs.";
  }
  const within = (value: NumberCell, { low, high }: Interval) => {
    const [at, least, most] = [value, low, high].map(numberOf);
    return at !== null && least !== null && most !== null && least <= at && at <= most;
  };
  const apart = ({ here, league }: Beside) =>
    !within(here.value, league!) && !within(league!.value, here);
  const items = there.map((one) => {
    const { what, here, values, league } = one;
    const { value, low, high, runs, verdict } = league!;
    const of = runs === 1 ? "one run" : `${runs} runs`;
    const found = verdict === undefined
      ? `${formatNumber(value)} (${
        runs === 1
          ? of
          : `mean of ${of}, from ${formatNumber(Number(low))} to ${formatNumber(Number(high))}`
      })`
      : `${intervalText(league!)}${lessText(league!.values)} over ${of}` +
        (runs === 1 ? "" : `, verdict _${verdict}_`);
    return `- ${what}: here ${intervalText(here)}${lessText(values)}, in the league ${found}. ` +
      (apart(one)
        ? "**Neither lies in the other's range.**"
        : "This run does not contradict the league.");
  });
  const judged = there.some(({ league }) => league!.verdict !== undefined);
  return [
    "**Beside the league** (`data/results/claims/order-desk`" +
    (judged ? "; notebook 00 defines the verdicts" : "") + "):",
    "",
    ...items,
    ...there.some(apart) ? ["", `Why they may differ: ${less(config, of)}.`] : [],
  ].join("\n");
}

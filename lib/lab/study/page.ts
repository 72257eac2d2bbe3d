/** The page of claims: what the paper says, what was found, and the league; all of it from the tables. @module */
import { markdownTable as table } from "../../base/markdown_table.ts";
import { atOneSettingTable } from "./at_one_setting.ts";
import { allBasesTable, type OnBase } from "./all_bases.ts";
import type { Measured } from "./claims.ts";
import type { Family } from "./families.ts";
import { type GainOnBase, gainsText } from "./gain_by_judge.ts";
import type { JudgedStep } from "./judge_over_steps.ts";
import type { LeagueRow, RowCosts } from "./league_rows.ts";
import { mean } from "./measure.ts";
import {
  byHabitTable,
  byNTable,
  changesTable,
  curveTable,
  freshLabelsTable,
  habitsTable,
  overStepsTable,
  ownPairsTable,
  type TableRow,
} from "./page_judges.ts";
import {
  type CoursePoint,
  courseTable,
  equalKlTable,
  equalStepsTable,
  leagueTable,
  settingsTable,
  softTable,
  someBasesTable,
  untunedTable,
} from "./page_league.ts";
import { type Certainty, certaintyTable } from "./certainty.ts";
import {
  besideBeyond,
  hardAndSoft,
  isBeyond,
  ONE_SETTING,
  oneSetting,
  untunedEnds,
} from "./driven.ts";
import { byBases, type OfRun } from "./over_runs.ts";
import {
  ownDifferences,
  ownDifferencesTable,
  type OwnSetting,
  ownSettingsTable,
} from "./own_settings.ts";
import { notes } from "./page_notes.ts";
import { familyTable } from "./page_families.ts";
import { number } from "./page_numbers.ts";
import type { Tried } from "./tuning.ts";

/** What the page is made from, of one world. */
export interface PageData {
  readonly title: string;
  readonly families: readonly Family[];
  /** Bases that the league is played on; others are reported apart. */
  readonly bases: readonly string[];
  /** The world's own notes. */
  readonly notes: readonly string[];
  readonly measured: readonly Measured[];
  readonly league: readonly LeagueRow[];
  readonly starts: readonly TableRow[];
  readonly judges: readonly TableRow[];
  readonly curve: readonly TableRow[];
  readonly ownPairs: readonly TableRow[];
  readonly byN: readonly TableRow[];
  readonly habits: readonly TableRow[];
  readonly byHabit: readonly TableRow[];
  readonly changes: readonly TableRow[];
  readonly fresh: readonly TableRow[];
  readonly overSteps: readonly (JudgedStep & { readonly base: string })[];
  readonly certainty: readonly (Certainty & OfRun)[];
  readonly steps: readonly CoursePoint[];
  /** What rows for which nothing was tuned cost, and SELF-JUDGE beside them. */
  readonly costs: readonly (RowCosts & OfRun & { readonly method: string })[];
  readonly tried: readonly Tried[];
  /** Contrasts base by base, with those of the league that this one repeats. */
  readonly beside: readonly OnBase[];
  /** What SELF-JUDGE gains on each base, beside how right its judge is; `planned` how many bases that is of. */
  readonly gains: readonly GainOnBase[];
  readonly planned: { readonly found: number; readonly tested: number };
  /** What each run would have chosen for itself. */
  readonly own: readonly OwnSetting[];
}

/** Means of a table's numbers by base and name, with how many runs are behind them. */
function meansBy(
  rows: readonly Readonly<Record<string, unknown>>[],
  name: string,
  columns: readonly string[],
): string[][] {
  return [...Map.groupBy(rows, (row) => `${row.base}\u0000${row[name]}`)].map(([key, some]) => [
    ...key.split("\u0000"),
    `${some.length}`,
    ...columns.map((column) => number(mean(some.map((row) => Number(row[column]))))),
  ]);
}

/** A section with a table; nothing where the table has no row. */
const section = (
  title: string,
  rows: readonly unknown[],
  { text, table }: { text?: string; table: () => string },
) => rows.length === 0 ? [] : [`### ${title}`, "", ...text ? [text, ""] : [], table(), ""];

/** One world's part of the page. */
export function claimsPage(data: PageData): string {
  const { title, families, bases, measured, league, starts, judges, tried } = data;
  const played = <Row extends { readonly base: string }>(rows: readonly Row[]) =>
    rows.filter(({ base }) => bases.includes(base));
  const rows = byBases(played(league));
  const changed = byBases(played(data.changes as readonly (TableRow & { method: string })[])).every;
  const steps = byBases(played(data.steps)).every;
  const accuracy = judges.filter(({ measure }) => measure === "accuracy_clear");
  const [longer, driven] = (["longer", "driven"] as const)
    .map((end) => besideBeyond(played(data.steps), end));
  const atOne = oneSetting(played(data.steps));
  const labels = hardAndSoft(played(data.steps));
  const untuned = untunedEnds(played(data.steps));
  const sure = played(data.certainty)
    .filter(({ method }) =>
      !method.includes("@") || isBeyond(method) || method === ONE_SETTING.hard
    );
  const differences = ownDifferences(data.own, { starts, bases });
  const apart = league.filter(({ base }) => !bases.includes(base));
  return [
    `## ${title}`,
    "",
    "The rules are those of [the protocol](../protocol.md). Held: p for it is below 0.025 after Holm's correction within the " +
    "family, and every base of the league has the sign. Not held: the same of the opposite. Open: neither. Unfinished: " +
    "some base has no run, or there are fewer runs than the family asks for. Reported: the two sides are not alike, so that there is no verdict.",
    "",
    ...families.map((family) => familyTable(family, measured)),
    ...section("All bases, old and new", data.beside, {
      text:
        "Reported, without a verdict: the first bases had been looked at when the others were chosen to be made. Each base " +
        "is one value, the mean of its runs; once all are there, with Student's t interval over bases.",
      table: () =>
        allBasesTable(data.beside, [...new Set(data.beside.map(({ league }) => league))]),
    }),
    ...section("What the gain goes with", data.gains, {
      text:
        "On the bases that had been seen, SELF-JUDGE gains more where the JSFT judge is more often right on the first pairs " +
        "that it ranks (those whose rewards differ). That was found by looking, is a correlation and says nothing of a cause, " +
        "and both numbers are of the same training; for the other bases it was predicted before they were run.",
      table: () => gainsText(data.gains, data.planned),
    }),
    ...section("With a setting of its own", data.own, {
      text:
        "Reported, without a verdict: of the settings tried on the first base, the one and the step that are best on the " +
        "run's own validation prompts, by the true reward or by the JSFT judge's win rate. Beside it the first base's setting; " +
        "gains are over the JSFT model of the same run.",
      table: () => ownSettingsTable(data.own, starts),
    }),
    ...section("Rows with settings of their own beside each other", differences, {
      text:
        "Reported, without a verdict: these bases had been seen with some of the settings. Each base is one value, with Student's t " +
        "interval over bases once all are there; those that lack a side are left out.",
      table: () => ownDifferencesTable(differences),
    }),
    ...section("The league", rows.every, {
      text:
        "At the step that validation prompts chose; means of bases' means. Rank: place by the mean among the rows " +
        "with every run, with the places that 95 % of draws of runs give it. No interval where a base has no run.",
      table: () => leagueTable(rows.every, bases.length),
    }),
    ...section("Rows on some bases alone", rows.some, {
      text:
        "Reported, without a rank or an interval, left out wherever methods are compared, and not to be held against the means " +
        "above, which are over every base: beside each, the reward of what is counted and of what training starts from in the " +
        "same runs.",
      table: () =>
        someBasesTable({
          ...rows,
          starts: starts.filter(({ policy }) => policy === "jsft"),
        }),
    }),
    ...section("Bases whose lessons taught less", apart, {
      text: "Reported: in no contrast, and with the settings of the others.",
      table: () =>
        table(
          ["base", "method", "chosen by", "runs", "true reward", "JSFT judge's win rate", "step"],
          meansBy(
            apart.map((row) => ({ ...row, name: `${row.method}\u0000${row.chosen_by}` })),
            "name",
            ["reward", "judge_win_rate", "step"],
          ),
        ),
    }),
    ...section("Settings", tried, { table: () => settingsTable(tried) }),
    ...section("At equal steps", steps, {
      table: () => equalStepsTable(steps),
    }),
    ...section("At equal distance", steps, {
      text:
        "True reward where training is so far from the JSFT model (KL, between two measurements by a straight " +
        "line); in brackets the runs that get so far, so that a column of few runs is of those that drift most.",
      table: () => equalKlTable(steps),
    }),
    ...section("For longer", longer, {
      text:
        "The methods that were played for more steps, at the setting that the first base chose, in no place of the league, after the " +
        "same runs as the league has them: means over runs. The warm-up is a tenth of the steps, so that these are runs of their own.",
      table: () => courseTable(longer),
    }),
    ...section("At one setting", atOne, {
      text:
        "SELF-JUDGE with hard and soft labels at the rate and beta that the first base chose for soft ones (of four, where hard ones end lowest), and controls: hard labels of the " +
        "pairs whose two orders agree; hard labels of a judge told which answer leaves a thing out, is polite, or names one twice, or with 200 exact labels more, of the data set or of SELF-JUDGE's answers; the step's mean soft " +
        "label for every pair. Rows with every run of hard labels; means of bases' means. What is told is exact, and so are the labels: no row " +
        "but hard and soft labels is a method. The 200 labels are of the step of SELF-JUDGE that the true reward chose (at the first base's " +
        "setting), on training prompts; those of the data set on prompts that JSFT did not learn from. Ranked right is of " +
        "the pairs that are learned from: of consistent pairs alone, those whose two orders agree.",
      table: () => atOneSettingTable(atOne, played(data.overSteps)),
    }),
    ...section("Rows for which nothing was tuned", untuned, {
      text:
        "The JSFT model, SELF-JUDGE, and other rows at the setting that SELF-JUDGE chose (@control) or at a multiple of its rate (@faster), each " +
        "at its last step, whatever validation prompts say. A row that ends lower may be at a rate that is wrong for it. Win rate, KL, " +
        "tokens and costs are means over the seeds that a row has; minutes are of a machine that had other work beside.",
      table: () => untunedTable(untuned, played(data.costs)),
    }),
    ...section("Soft labels at the setting of hard ones", labels, {
      text:
        "SELF-JUDGE with hard labels at the setting that they chose, and with soft ones, for which nothing was tuned, at the same: " +
        "means over the runs that have both.",
      table: () => softTable(labels),
    }),
    ...section("Past the peak", driven, {
      text:
        "SELF-JUDGE driven at a rate beyond those tried, in no contrast and no place of the league, and the same runs at " +
        "the rate that was chosen: what the true reward and the judge's own win rate do. By the protocol's rule it " +
        "declines where the last step's mean reward is below the best step's.",
      table: () => courseTable(driven),
    }),
    ...section("What the methods start from", starts, {
      table: () =>
        table(
          [
            ...["base", "policy", "runs", "true reward", "whole distribution"],
            ...["JSFT judge's win rate", "entropy"],
          ],
          meansBy(starts, "policy", ["reward", "reward_whole", "judge_win_rate", "entropy"]),
        ),
    }),
    ...section("Judges: right on clear held-out pairs of the data set", accuracy, {
      table: () => table(["base", "judge", "runs", "right"], meansBy(accuracy, "judge", ["value"])),
    }),
    ...section("The JSFT judge by what the two answers differ in", played(data.byHabit), {
      text:
        "Right on clear held-out pairs of the data set of which one answer has the habit and the other has not, with how many pairs that is; " +
        "after it the same of pairs that differ in no other habit.",
      table: () => byHabitTable(played(data.byHabit)),
    }),
    ...section("Judges by the number of pairs that they learned from", played(data.curve), {
      text:
        "Right on clear pairs: of the data set, and of two answers each of the base or of the JSFT model of all pairs to " +
        "held-out prompts; means over runs. Pairs and steps go together: as many steps as the league's, or eight passes over the " +
        "pairs where that is less, each with its own schedule. Nothing was tuned for a number of pairs.",
      table: () => curveTable(played(data.curve)),
    }),
    ...section("Judges: right on clear pairs of a policy's own answers", played(data.ownPairs), {
      text: "SELF-JUDGE at its chosen step.",
      table: () => ownPairsTable(played(data.ownPairs)),
    }),
    ...section("Chosen among N answers", played(data.byN), {
      text:
        "True reward of the answer chosen among N to a held-out prompt, by a knockout under the JSFT judge or by others; in brackets " +
        "how often that judge prefers it to another single answer of the JSFT model.",
      table: () => byNTable(played(data.byN)),
    }),
    ...section("Rankings of the pairs that training made", played(data.overSteps), {
      table: () => overStepsTable(played(data.overSteps)),
    }),
    ...section("How sure the judge is of the pairs that training made", sure, {
      text:
        "Its preference as |2 P - 1|, both orders averaged, and how often both orders name the same answer. A hard label of a pair " +
        "teaches as much whether the judge is sure or not.",
      table: () => certaintyTable(sure),
    }),
    ...section("Fresh labels", played(data.fresh), {
      text:
        "The JSFT judge, and the same with 200 judgments more, labelled by the truth, of SELF-JUDGE's answers at its " +
        "chosen step, of the JSFT model's, or of pairs of the data set that JSFT did not learn from: right on clear pairs of SELF-JUDGE's answers and of the data set; mean " +
        "true reward of what each chooses among SELF-JUDGE's answers.",
      table: () => freshLabelsTable(played(data.fresh)),
    }),
    ...section("Answers better and worse than before training", changed, {
      text:
        "Of the held-out prompts, at the step that validation prompts chose; means of bases' means.",
      table: () => changesTable(changed),
    }),
    ...section("Habits of the answers", played(data.habits), {
      table: () => habitsTable(played(data.habits)),
    }),
    "### What to know of these numbers",
    "",
    ...notes({ bases, own: data.notes, accuracy }).map((line) => `- ${line}`),
    "",
  ].join("\n");
}

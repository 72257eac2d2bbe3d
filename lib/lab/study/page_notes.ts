/** What a reader has to know of the page's numbers. @module */
import { mean } from "./measure.ts";
import type { TableRow } from "./page_judges.ts";
import { number } from "./page_numbers.ts";

/** A judge that is right on less of the clear held-out pairs is named where a loop rests on it. */
const WEAK = 0.75;

/** Of any world. */
const ALWAYS = [
  "SELF-JUDGE and every other method pick the best of their steps on validation prompts; SFT and JSFT have no such choice.",
  "Offline and relabelled DPO draw no sample, off-policy DPO draws all of its samples before training: where answers come " +
  "from is what those contrasts are about. Labels are those that a row asks for in training, beyond the JSFT judge's own.",
  "Minutes are of the machine of each run, and machines differ by up to four times; since 2026-11-30 a process's first row " +
  "measures what all start from. Costs are the columns before them.",
  "What the paper says: a figure marked second-hand is from others' accounts of the paper, since we have not read its table; " +
  "where it says that a number was not read, we know that the paper has the comparison and not what came of it.",
];

const SEVERAL_BASES =
  "Intervals and p-values are over training runs, for these held-out prompts. Bases are few and differ, and runs of one " +
  "base are alike, so that the p over runs is too small where bases differ; the p of bases' means (Student's t, one value " +
  "a base) stands beside it. A verdict asks for the same sign on every base, too. With as few as " +
  "three bases the bootstrap's interval spans about their range and leaves 0 out whenever they agree in sign: it is no test. " +
  "Verdicts treat runs as independent.";

const ONE_BASE =
  "Intervals are Student's t over seeds, of a single run over its prompts, on one base model and for these held-out prompts: another base may differ.";

/** What has to be said of a league, and of its judges where one is weak. */
export function notes(
  { bases, own, accuracy }: {
    bases: readonly string[];
    /** The world's own, see `LeagueWorld.notes`. */
    own: readonly string[];
    /** Judges' share of clear held-out pairs judged right. */
    accuracy: readonly TableRow[];
  },
): string[] {
  const jsft = accuracy.filter(({ judge }) => judge === "jsft");
  const weak = [...Map.groupBy(jsft, ({ base }) => base)]
    .map(([base, some]) => ({ base, right: mean(some.map(({ value }) => Number(value))) }))
    .filter(({ right }) => right < WEAK);
  return [
    bases.length > 1 ? SEVERAL_BASES : ONE_BASE,
    ...own,
    ...ALWAYS,
    ...weak.map(({ base, right }) =>
      `The JSFT judge of base ${base} is right on ${
        number(right)
      } of clear held-out pairs, below ${WEAK}: ` +
      "its loops rest on a weak judge."
    ),
  ];
}

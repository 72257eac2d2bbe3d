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
];

/** Of a league of several bases, the order desk. */
const OF_SEVERAL = [
  "Settings were tried on the first base alone, with a seed of its own. A method that needs others on another base is " +
  "worse off there. Losses with a beta had fewer rates than those without (two rates by two betas, four rates), and where " +
  "the chosen one lies at the edge of those tried another may give more. SFT, JSFT, judge-only and the reward model had " +
  "one setting, and the reward model's validation loss was not kept in the runs up to 2026-11-29.",
  'The true reward chose setting and step on validation prompts. A user lacks it; "chosen by the JSFT judge" is what a ' +
  "user gets: the frozen JSFT judge's win rate on the same prompts, in every row, whoever ranked in training. A row may do " +
  "better with it (offline DPO does): settings tuned on one base are not each row's best on another.",
  "Runs of one seed share their pairs, prompts and orders on every base.",
  "Controls that rank by a rule skip ties and learn from fewer sequences.",
];

/** Of a league of one base, the sentences. */
const OF_ONE = [
  "Every row had two rates, 5e-5 and 1e-4, tried with a seed of its own on 60 validation prompts; beta was 0.1 throughout. " +
  "Where all choose the faster rate and the last step, that is the limit of what was tried, not an optimum.",
  "True reward is of 120 prompts a run; the judge's win rate, the whole distribution, KL, entropy and tokens are of 30, and " +
  "what stands at equal distance rests on the KL of 30 answers.",
  "The data set's pairs are the untrained model's samples, ties left out by the true reward, and its labels are better than " +
  "the judge: offline DPO against SELF-JUDGE is no clean test of where answers come from.",
  "The reward pays for words, form and length: a bare list of three words earns 1.4. Seed 1 had been looked at before the " +
  "runs that count (see the protocol's changes).",
];

const SEVERAL_BASES =
  "Intervals and p-values are over training runs, for these held-out prompts. Bases are few and differ, and runs of one " +
  "base are alike, so that the p over runs is too small where bases differ; the p of bases' means (Student's t, one value " +
  "a base) stands beside it. A verdict asks for the same sign on every base, too. With three " +
  "bases the bootstrap's interval spans about their range and leaves 0 out whenever they agree in sign: it is no test. " +
  "Verdicts treat runs as independent and are provisional until every planned run is there.";

const ONE_BASE =
  "Intervals are Student's t over seeds, on one base model and for these held-out prompts: another base may differ.";

/** What has to be said of a league, and of its judges where one is weak. */
export function notes(
  { bases, accuracy }: {
    bases: readonly string[];
    /** Judges' share of clear held-out pairs judged right. */
    accuracy: readonly TableRow[];
  },
): string[] {
  const jsft = accuracy.filter(({ judge }) => judge === "jsft");
  const weak = [...Map.groupBy(jsft, ({ base }) => base)]
    .map(([base, some]) => ({ base, right: mean(some.map(({ value }) => Number(value))) }))
    .filter(({ right }) => right < WEAK);
  return [
    ...bases.length > 1 ? [SEVERAL_BASES, ...OF_SEVERAL] : [ONE_BASE, ...OF_ONE],
    ...ALWAYS,
    ...weak.map(({ base, right }) =>
      `The JSFT judge of base ${base} is right on ${
        number(right)
      } of clear held-out pairs, below ${WEAK}: ` +
      "its loops rest on a weak judge."
    ),
  ];
}

/** The order desk's league once more, on bases that nobody had looked at: do its claims hold there? @module */
import { DESK } from "../study/config.ts";
import { type Driven, ONE_SETTING } from "../study/driven.ts";
import { type Contrast, FAMILIES, type Family, greater, noWorse } from "../study/families.ts";
import { FRESH_CONTROLS, FRESH_JUDGES } from "../study/fresh_controls.ts";
import { FRESH_LABELS } from "../study/fresh_labels.ts";
import { LABEL_CONTROLS } from "../study/label_controls.ts";
import type { LeagueWorld } from "../study/league.ts";
import { leagueStages } from "../study/league_stages.ts";
import { TOLD_CONTROLS } from "../study/told_controls.ts";
import { DESK_LEAGUE, FRESH } from "./league.ts";

/** What is tested: contrasts of the protocol's families 2 and 3, as they stand there. */
const TESTED: readonly (readonly [a: string, b: string])[] = [
  ["self-judge", "jsft"],
  ["self-judge", "off-policy-dpo"],
  ["self-judge", "raft-2"],
  ["self-judge", "dpo-coin"],
  ["raft-2", "raft-coin"],
];

const contrastOf = ([a, b]: readonly [string, string]): Contrast =>
  FAMILIES.flatMap(({ contrasts }) => contrasts)
    .find((one) => one.a === `reward/${a}` && one.b === `reward/${b}`)!;

const SOFT = "reward by judge/self-judge-soft";
const LATER = "reward at 300/self-judge-soft@longer";

/** Controls at the setting that soft labels have. */
const AT_ONE_SETTING = { ...LABEL_CONTROLS, ...TOLD_CONTROLS, ...FRESH_CONTROLS };

const at100 = (row: string) => `reward at 100/${row}`;
const TOLD_TWICE = at100(ONE_SETTING.twice);
const FRESH_OWN = at100(ONE_SETTING.freshOwn);

const families: readonly Family[] = [
  {
    number: 9,
    text: "On bases that were in no run before",
    contrasts: TESTED.map(contrastOf),
  },
  {
    number: 10, // where the judge alone chose setting and step
    text: "SELF-JUDGE with soft labels, on these bases",
    contrasts: [
      greater("soft labels > hard ones, chosen by the judge", SOFT, "reward by judge/self-judge"),
      greater("soft labels > JSFT, chosen by the judge", SOFT, "reward/jsft"),
      greater(
        "soft labels > RAFT by a coin, chosen by the judge",
        SOFT,
        "reward by judge/raft-coin",
      ),
    ],
  },
  {
    number: 11,
    text: "SELF-JUDGE with soft labels, for longer",
    contrasts: [
      noWorse(
        "soft labels, step 300 no worse than step 100",
        LATER,
        at100("self-judge-soft@longer"),
      ),
      greater(
        "soft labels > hard ones, both at step 300",
        LATER,
        "reward at 300/self-judge@longer",
      ),
      greater("soft labels at step 300 > JSFT", LATER, "reward/jsft"),
    ],
  },
  {
    number: 12,
    text: "Why soft labels stay: halves of them, at one setting",
    contrasts: ([
      ["mean label > hard labels", "mean", "hard"],
      ["soft labels > mean label", "soft", "mean"],
      ["consistent pairs > hard labels", "consistent", "hard"],
    ] as const).map(([text, a, b]) =>
      greater(`${text}, at step 100`, at100(ONE_SETTING[a]), at100(ONE_SETTING[b]))
    ),
  },
  {
    number: 13,
    text: "Hard labels of a judge that was told of its blind spot, at one setting",
    contrasts: [
      greater(
        "told of the blind spot > hard labels, at step 100",
        TOLD_TWICE,
        at100(ONE_SETTING.hard),
      ),
      greater(
        "told of the blind spot > told of what is left out, at step 100",
        TOLD_TWICE,
        at100(ONE_SETTING.leftOut),
      ),
      greater("told of the blind spot, at step 100 > JSFT", TOLD_TWICE, "reward/jsft"),
    ],
  },
  {
    number: 14,
    text: "Hard labels of a judge with 200 exact labels more, at one setting",
    contrasts: [
      greater(
        "labels of its policy's answers > the JSFT judge, at step 100",
        FRESH_OWN,
        at100(ONE_SETTING.hard),
      ),
      greater(
        "labels of its policy's answers > of the data set, at step 100",
        FRESH_OWN,
        at100(ONE_SETTING.freshData),
      ),
      greater(
        "labels of its policy's answers, at step 100 > JSFT",
        FRESH_OWN,
        "reward/jsft",
      ),
    ],
  },
];

/** Stages that the contrasts need, and how right the judge is. */
const STAGES: readonly string[] = ["sft", "jsft", "jsft-judge", "answers"];

/** The order desk on bases 4 to 10, one run each: SELF-JUDGE's gain differs by far more between bases than between runs. */
export const FRESH_BASES: LeagueWorld = {
  ...DESK_LEAGUE,
  name: "fresh-bases",
  repeats: DESK_LEAGUE.name,
  predicted: FRESH.filter((base) => !["4", "5"].includes(base)), // those had been seen when it was found
  families,
  bases: FRESH,
  variants: [],
  seeds: [1],
  rows: ["self-judge", "off-policy-dpo", "raft-2", "dpo-coin", "raft-coin", "self-judge-soft"],
  driven: [
    { row: "self-judge-soft@longer", times: 1, steps: 300 },
    { row: "self-judge@longer", times: 1, steps: 300 },
    ...(Object.keys(AT_ONE_SETTING) as (keyof typeof AT_ONE_SETTING)[]).map((name): Driven => ({
      row: `${name}@control`,
      ...{ like: "self-judge-soft", times: 1, steps: DESK.preference.steps },
    })),
  ],
  everySetting: ["self-judge", "raft-2", "self-judge-soft"],
  notes: [
    "Settings are those that were chosen on base 1, by the league of the order desk, but where a section says that runs have settings " +
    "of their own.",
    "One run a base: an interval has the differences between bases and between runs of one in it.",
    "The true reward chose setting and step on validation prompts, but in family 10 (the judge) and 11 to 14 (no step was chosen, and of 12 to " +
    '14 the setting is that of soft labels on base 1); "chosen by the JSFT judge" is what a user gets, who lacks it.',
    "Told of a habit, a judge goes by it wherever it tells two answers apart, whatever else they do. That raises how often it is right (twice, left " +
    "out) or lowers it (polite), so that families 13 and 14 show what comes of a better or a worse ranking, and not of one habit alone.",
    "Base models are not kept: pretrained anew on another processor they come out as other bases of their kind.",
  ],
  stages: [
    ...leagueStages(DESK, { weighted: false }).filter(({ name }) => STAGES.includes(name)),
    ...FRESH_LABELS.filter(({ name }) => FRESH_JUDGES.includes(name)),
  ],
  extras: [],
  curve: [],
};

/** The sentences once more: what the league had no time for, from JSFT models trained anew. @module */
import { curve, type CurveOptions } from "../study/curve.ts";
import { type Driven, SOFT_UNTUNED, UNTUNED } from "../study/driven.ts";
import { FAMILIES, type Family, greater, noWorse, report } from "../study/families.ts";
import type { LeagueWorld } from "../study/league.ts";
import { jsftJudgeStage } from "../study/reports.ts";
import { SUPERVISED } from "../study/supervised.ts";
import { tournament } from "../study/tournament.ts";
import { SENTENCE_STUDY, sentenceLeague } from "./league.ts";

const { steps } = SENTENCE_STUDY.preference;
/** The rate at which RAFT is played, too, in times of SELF-JUDGE's. */
const FASTER = 3;

/** Judges of few pairs: two kinds and four passes at most for time, the judges of all pairs have tables of their own. */
const FEW_PAIRS: CurveOptions = {
  ...{ pairs: [50, 100, 200], passes: 4, ends: false },
  kinds: ["jsft", "reward-model"],
};

const at = (row: string) => `reward at ${steps}/${row}`;
/** Why SELF-JUDGE against RAFT has no verdict here. */
const NOT_TUNED =
  "two rates were tried for SELF-JUDGE, with a seed of its own, and none for RAFT, which goes farther from the start";

/** What is tested here and nowhere else: by three of the seeds 1 to 4, family 16 by 2 to 4. */
const OWN_FAMILIES: readonly Family[] = [
  {
    number: 15,
    text: "SELF-JUDGE with soft labels, in sentences",
    runs: 3,
    contrasts: [
      noWorse(
        `soft labels no worse than hard ones, at step ${steps}`,
        at(SOFT_UNTUNED),
        at("self-judge"),
      ),
    ],
  },
  {
    number: 16,
    text: "RAFT in sentences, where nothing was tuned for it",
    runs: 3,
    contrasts: [
      { end: "control", both: "SELF-JUDGE's rate", raft: "the same rate" },
      {
        ...{ end: "faster", both: `${FASTER} times SELF-JUDGE's rate` },
        raft: `${FASTER} times that rate`,
      },
    ]
      .flatMap(({ end, both, raft }) => [
        greater(
          `RAFT with two samples > RAFT by a coin, both at ${both}`,
          at(`raft-2@${end}`),
          at(`raft-coin@${end}`),
        ),
        report(
          greater(
            `SELF-JUDGE at its rate > RAFT with as many samples at ${raft}`,
            at("self-judge"),
            at(`raft-2@${end}`),
            "the paper compares the two; number not read",
          ),
          NOT_TUNED,
        ),
      ]),
  },
];

/** Rows that are measured at their last step alone. */
const untuned = (row: Driven["row"]): Driven => ({
  ...{ row, like: "self-judge", steps, evaluateEvery: steps },
  times: row.endsWith("@faster") ? FASTER : 1,
});

/**
 * Soft labels, rows for which nothing was tuned, and self-rejection without a reward model.
 *
 * @param model See {@linkcode sentenceLeague}.
 */
export function sentencesAgain(model?: string): LeagueWorld {
  const first = sentenceLeague(model);
  return {
    ...first,
    name: "sentences-again",
    repeats: first.name,
    seeds: [1, 2, 3, 4],
    families: [
      ...FAMILIES.filter(({ number }) => number === 4).map((family) => ({ ...family, runs: 3 })),
      ...OWN_FAMILIES,
    ],
    rows: ["self-judge"],
    driven: [
      ...UNTUNED.map(untuned),
      { row: SOFT_UNTUNED, like: "self-judge", times: 1, steps },
    ],
    notes: [
      "The league's own runs of SELF-JUDGE are on its page: these are from JSFT models trained anew, with the same seeds on another " +
      "processor, and stand in no contrast of families 1 to 3.",
      "Reward is of 120 prompts, win rate, KL and tokens of 30, self-rejection of 40; nobody had time for a reward model to choose beside the judge.",
      'Of the habits those after "longer than fifteen" cost nothing. They were named after looking at seed 2\'s held-out answers, once reworded ' +
      "before any row of seed 3, and are counted of the runs whose answers were still there: seed 2's numbers are no test. A list is two " +
      'words asked for, joined by a comma or an "and", before any other word; after another word none is seen.',
      "Nothing was tuned for soft labels and for the rows of RAFT: they have the rate, beta and steps that hard ones chose, " +
      `RAFT with two samples and by a coin ${FASTER} times that rate, too.`,
    ],
    stages: [
      ...SUPERVISED.filter(({ name }) => name === "jsft"),
      jsftJudgeStage,
      tournament(["truth"]),
    ],
    curve: curve(FEW_PAIRS),
  };
}

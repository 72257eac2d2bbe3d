/** The sentences once more: what the league had no time for, from JSFT models trained anew. @module */
import { SOFT_UNTUNED } from "../study/driven.ts";
import { FAMILIES, noWorse } from "../study/families.ts";
import type { LeagueWorld } from "../study/league.ts";
import { jsftJudgeStage } from "../study/reports.ts";
import { SUPERVISED } from "../study/supervised.ts";
import { tournament } from "../study/tournament.ts";
import { SENTENCE_STUDY, sentenceLeague } from "./league.ts";

const { steps } = SENTENCE_STUDY.preference;

/**
 * Soft labels, and self-rejection without a reward model.
 *
 * @param model See {@linkcode sentenceLeague}.
 */
export function sentencesAgain(model?: string): LeagueWorld {
  const first = sentenceLeague(model);
  return {
    ...first,
    name: "sentences-again",
    repeats: first.name,
    families: [
      ...FAMILIES.filter(({ number }) => number === 4),
      {
        number: 15,
        text: "SELF-JUDGE with soft labels, in sentences",
        contrasts: [
          noWorse(
            `soft labels no worse than hard ones, at step ${steps}`,
            `reward at ${steps}/${SOFT_UNTUNED}`,
            `reward at ${steps}/self-judge`,
          ),
        ],
      },
    ],
    rows: ["self-judge"],
    driven: [{ row: SOFT_UNTUNED, like: "self-judge", times: 1, steps }],
    notes: [
      "The league's own runs of SELF-JUDGE are on its page: these are from JSFT models trained anew, with the same seeds on another " +
      "processor, and stand in no contrast of families 1 to 3.",
      "Self-rejection is of 40 prompts a run; nobody had time for a reward model to choose beside the judge.",
      "Nothing was tuned for soft labels: they have the rate, beta and steps that hard ones chose.",
    ],
    stages: [
      ...SUPERVISED.filter(({ name }) => name === "jsft"),
      jsftJudgeStage,
      tournament(["truth"]),
    ],
    curve: [],
  };
}

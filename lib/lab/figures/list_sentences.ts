/** The figures of the sentences' league, beside those of the order desk. */
import { type FigureEntry, figureEntry } from "../../show/figure_entry.ts";
import { candidatesIn, rewardByN } from "./claims_rejection.ts";
import { samplePair, sampleTable } from "./claims_samples.ts";
import { stepsIn } from "./claims_reward.ts";
import { klFrontier } from "./kl_frontier.ts";
import { pastPeak, softUntuned } from "./past_peak.ts";
import { leagueEnd, leagueFigure, leagueStart } from "./league_figure.ts";
import { habitsIn, untunedFigure } from "./untuned.ts";

const SENTENCES = "data/results/claims/sentences";
const AGAIN = "data/results/claims/sentences-again";
const at = (file: string) => `${SENTENCES}/${file}.csv`;

/** Real English with a known truth: SmolLM2-135M-Instruct, adapters. */
export const SENTENCE_FIGURES: readonly FigureEntry[] = [
  figureEntry({
    name: "sentences-league",
    title: "Words in a sentence: where each method ends",
    caption:
      "SmolLM2-135M-Instruct is asked for one sentence with given words; the true reward (at most 2) of 120 held-out " +
      "prompts' answers, at setting and step that validation prompts chose by the truth: mean over runs with 95 % interval " +
      "(Student's t over seeds), small dots are runs; open, at setting and step that the judge's own win rate chose. " +
      "Dashed: what training starts from.",
    inputs: {
      ends: { path: at("league"), row: leagueEnd, key: ["method", "base", "seed", "chosen_by"] },
      starts: { path: at("starts"), row: leagueStart, key: ["policy", "base", "seed"] },
    },
    draw: ({ ends, starts }) => leagueFigure(ends, starts),
  }),
  figureEntry({
    name: "sentences-frontier",
    title: "Words in a sentence: what distance from the start buys",
    caption:
      "True reward of answers sampled as in training against the KL from the JSFT model, every method at every " +
      "measurement (means over runs).",
    inputs: {
      steps: stepsIn(SENTENCES),
    },
    draw: ({ steps }) => {
      const own = steps.filter(({ method }) => !method.includes("@"));
      return klFrontier(own, [...new Set(own.map(({ method }) => method))]);
    },
  }),
  figureEntry({
    name: "sentences-past-peak",
    title: "Words in a sentence: past the peak",
    caption:
      "SELF-JUDGE at the rate that validation prompts chose and at three times that rate, on the seeds that were driven (so " +
      "far one): true reward, the judge's own win rate over the JSFT model's answers, distance and length.",
    inputs: {
      steps: stepsIn(SENTENCES),
    },
    draw: ({ steps }) => pastPeak(steps),
  }),
  figureEntry({
    name: "sentences-samples",
    title: "Words in a sentence: samples before and after",
    caption:
      "Answers to the first twelve held-out prompts before and after SELF-JUDGE, unselected, with their true reward " +
      "(seed 1, at the step that validation prompts chose).",
    inputs: { samples: { path: at("samples"), row: samplePair, key: ["base", "prompt"] } },
    draw: ({ samples }) => sampleTable(samples.slice(0, 12)),
  }),
  figureEntry({
    name: "sentences-rejection",
    title: "Words in a sentence: the best of N answers",
    caption:
      "Of N answers each to 40 held-out prompts one is chosen, by a knockout under the model's own judgment or as the best by " +
      "the true reward: true reward, and how often the judge prefers it to a single answer of the JSFT model. Means of seeds 1, 3 and 4, " +
      "thin lines runs.",
    inputs: {
      points: candidatesIn(AGAIN),
    },
    draw: ({ points }) => rewardByN(points, { thin: true }),
  }),
  figureEntry({
    name: "sentences-soft",
    title: "Words in a sentence: hard labels and soft ones at one setting",
    caption:
      "SELF-JUDGE with the judge's verdicts and with its probabilities, at the setting that was chosen for the former: " +
      "true reward, the judge's own win rate, distance and length. Means of seeds 1, 3 and 4, thin lines runs; all but reward of 30 answers.",
    inputs: {
      steps: stepsIn(AGAIN),
    },
    draw: ({ steps }) => softUntuned(steps),
  }),
  figureEntry({
    name: "sentences-untuned",
    title: "Words in a sentence: rows for which nothing was tuned",
    caption:
      "Rows at the rate that SELF-JUDGE chose or at three times it, 40 steps each, beside SELF-JUDGE from the same JSFT model: " +
      "true reward of 120 held-out prompts' answers at the last step, the share of them that have all of it and neither open with a " +
      "list of the words, say one twice nor speak of words, and the distance from where all begin (of 30). Seeds 2 to 4: means, small dots are runs (RAFT with four samples: seed 3 alone, RLOO: seed 4 alone).",
    inputs: {
      steps: stepsIn(AGAIN),
      habits: habitsIn(AGAIN),
    },
    draw: ({ steps, habits }) => untunedFigure(steps, habits),
  }),
];

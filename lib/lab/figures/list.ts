/** Every figure of the project. A new one is an entry here and a function from rows to a {@linkcode Figure}. */
import type { z } from "zod";
import { baseLog } from "./claims_base.ts";
import { judgeAccuracy, judgeMeasure, judgeTaught } from "./claims_judge.ts";
import { judgeCurve, judgeCurveRow } from "./judge_curve.ts";
import { candidatesIn, rewardByN } from "./claims_rejection.ts";
import { rewardOverSteps, stepsIn } from "./claims_reward.ts";
import { oneSettingFigure } from "./one_setting.ts";
import { forLonger } from "./past_peak.ts";
import { freshBases, onBaseRow } from "./fresh_bases.ts";
import { gainByJudge, gainRow } from "./gain_by_judge.ts";
import { glance, sampleCourse } from "./glance.ts";
import { klFrontier } from "./kl_frontier.ts";
import { leagueEnd, leagueFigure, leagueStart } from "./league_figure.ts";
import { SENTENCE_FIGURES } from "./list_sentences.ts";
import { samplePair, sampleTable } from "./claims_samples.ts";
import { staleness, staleStep } from "./staleness.ts";
import { probeFigure, probeFigureRow } from "../../show/probe_figure.ts";
import { runFigure } from "../../show/run_figure.ts";
import { stepTimeFigure, stepTimeRow } from "../../show/step_time_figure.ts";
import { whoDoesWhat } from "./who_does_what.ts";
import { REWARD_MARGIN } from "../study/families.ts";
import { byBases } from "../study/over_runs.ts";
import { HIGHEST } from "../world/reward.ts";
import { type FigureEntry, figureEntry } from "../../show/figure_entry.ts";
import { anyRow, type Table } from "../../base/csv.ts";

const run = (file: string): Table<Record<string, string | number>> => ({
  path: `data/results/real-model/${file}.csv`,
  row: anyRow,
});

/** Methods that are named where every line has to be read. */
const NAMED: readonly string[] = [
  ...["self-judge", "raft-2", "off-policy-dpo", "relabelled-dpo", "offline-dpo"],
  ...["reward-model-dpo", "oracle-dpo", "dpo-coin"],
];

/** Bases whose lessons taught every view: those that the league is played on. */
const played = ({ base = "" }: { base?: string }) => !base.startsWith("views-");

/** Where the tables of the claims are committed. */
const CLAIMS = "data/results/claims/order-desk";

const FRESH_STEPS = stepsIn("data/results/claims/fresh-bases");

/**
 * The figures in the order of the gallery.
 *
 * @param claims Folder of the claims' tables; another than the committed one for a user's run
 */
export function figureList(claims = CLAIMS): FigureEntry[] {
  const claim = <Row>(file: string, row: z.ZodType<Row>, key?: readonly string[]): Table<Row> => ({
    path: `${claims}/${file}.csv`,
    row,
    key,
  });
  const steps = stepsIn(claims);
  const judges = claim("judge-accuracy", judgeMeasure, ["judge", "base", "seed", "measure"]);
  const samples = <Row>(row: z.ZodType<Row>) => claim("samples", row, ["base", "prompt"]);
  return [
    figureEntry({
      name: "glance",
      title: "SELF-JUDGE at a glance",
      caption:
        "Each base model (thin lines: its runs; bold: their mean): the true reward of held-out orders' answers as a " +
        "share of the highest, and how often the judge prefers them to the JSFT model's. Ring: the mean's peak. Below, of " +
        "each base's first run, the first held-out order whose answers at step 0, at the step that validation chose and at " +
        "the last step all differ.",
      inputs: { steps, samples: samples(sampleCourse) },
      draw: ({ steps, samples }) =>
        glance(
          steps.filter((row) => played(row) && row.method === "self-judge"),
          samples.filter(played),
          { highest: HIGHEST },
        ),
    }),
    figureEntry({
      name: "base-pretraining",
      title: "Pretraining the base",
      caption:
        "Losses of the small base model over its pretraining on text without preferences. From 60 % of the steps on the " +
        "lessons ask about two answers at once.",
      inputs: { log: { path: "data/world/base/log.csv", row: anyRow, key: ["step"] } },
      draw: ({ log }) => baseLog(log),
    }),
    figureEntry({
      name: "judge-accuracy",
      title: "How right the judge is",
      caption:
        "Each judge against the exact reward on held-out pairs. Large dots are means over runs with " +
        "their 95 % interval (Student's t, runs of all bases pooled), small dots are runs; the dashed line is guessing.",
      inputs: { judges },
      draw: ({ judges }) => judgeAccuracy(judges.filter(played)),
    }),
    figureEntry({
      name: "judge-taught",
      title: "What lessons taught the judge, and what preferences do",
      caption:
        "Judges of bases whose lessons taught none, two or all five views of the reward: before any label (base), and " +
        "trained on the same 4,000 labels. Means over runs with their 95 % interval, small dots are runs.",
      inputs: { judges },
      draw: ({ judges }) => judgeTaught(judges),
    }),
    figureEntry({
      name: "judge-curve",
      title: "How many pairs a judge takes",
      caption:
        "Judges of base 1 that learned from some of the data set's pairs, with the settings of the league and eight passes " +
        "over the pairs at most (fewer pairs, fewer steps): right on clear pairs of the data set and of two answers each of the JSFT model, and how " +
        "often both positions name the same answer. Means over runs (seeds), small dots are runs.",
      inputs: {
        rows: claim("judge-curve", judgeCurveRow, [
          ...["base", "seed", "kind", "tuning", "pairs", "on"],
        ]),
      },
      draw: ({ rows }) => judgeCurve(rows.filter(played)),
    }),
    figureEntry({
      name: "reward-over-steps",
      title: "Reward over training",
      caption:
        "True reward of held-out prompts' answers, sampled as in training, by each method's policy: mean over runs; band: " +
        "95 % interval of SELF-JUDGE (Student's t, runs of all bases pooled).",
      inputs: { steps },
      draw: ({ steps }) =>
        rewardOverSteps(steps.filter((row) => played(row) && NAMED.includes(row.method))),
    }),
    figureEntry({
      name: "league",
      title: "Where each method ends",
      caption:
        "True reward of the trained policies, best on top, at setting and step that validation prompts chose by the truth: " +
        "mean over runs with 95 % interval (hierarchical over bases and seeds), small dots are runs; open, at setting and " +
        "step that the judge's own win rate chose. Dashed: what training starts from. Rows that were not played on every base " +
        "are left out.",
      inputs: {
        ends: claim("league", leagueEnd, ["method", "base", "seed", "chosen_by"]),
        starts: claim("starts", leagueStart, ["policy", "base", "seed"]),
      },
      draw: ({ ends, starts }) =>
        leagueFigure(byBases(ends.filter(played)).every, starts.filter(played)),
    }),
    figureEntry({
      name: "who-does-what",
      title: "Who samples, who ranks, which loss",
      caption:
        "SELF-JUDGE and methods that change one part of it: true reward at setting and step that validation prompts " +
        "chose, mean over runs with 95 % interval (hierarchical over bases and seeds), small dots are runs. Dashed: the JSFT " +
        "model, which training starts from.",
      inputs: {
        ends: claim("league", leagueEnd, ["method", "base", "seed", "chosen_by"]),
        starts: claim("starts", leagueStart, ["policy", "base", "seed"]),
      },
      draw: ({ ends, starts }) => whoDoesWhat(ends.filter(played), starts.filter(played)),
    }),
    figureEntry({
      name: "fresh-bases",
      title: "The same on bases that nobody had looked at",
      caption:
        "Contrasts of the league on the three bases that they were found on (open, two runs each) and on bases that " +
        "were pretrained and run after that (filled, one run each): difference of true reward at the steps that validation " +
        "prompts chose. Black: mean over bases with its 95 % interval (Student's t). The last three " +
        "rows: SELF-JUDGE with soft labels, where judges alone chose: base 1's the setting, each base's own the step.",
      inputs: {
        rows: {
          path: "data/results/claims/fresh-bases/by-base.csv",
          row: onBaseRow,
          key: ["contrast", "base"],
        },
      },
      draw: ({ rows }) => freshBases(rows),
    }),
    figureEntry({
      name: "for-longer",
      title: "Hard and soft labels for longer",
      caption:
        "SELF-JUDGE with hard labels (rate 0.0002, beta 0.3) and with the judge's probabilities for labels (0.0002, 0.1), the " +
        "settings that base 1 chose, 300 steps on each of bases 4 to 10, which had been seen for 100: thick the means over bases, " +
        "thin the bases (the one that falls below 0 is base 8). True reward of answers sampled as in " +
        "training, the judge's own win rate over the JSFT model's answers, distance.",
      inputs: { steps: FRESH_STEPS },
      draw: ({ steps }) => forLonger(steps),
    }),
    figureEntry({
      name: "one-setting",
      title: "Hard and soft labels, and what is between them",
      caption:
        "SELF-JUDGE at one setting (rate 0.0002, beta 0.1: soft labels' best of four, hard labels' worst), 100 steps on bases " +
        "4 to 10. Hard labels (blue): as they are; of pairs whose two orders agree; of a judge told, exactly, which answer leaves a thing out, is polite, or names one twice; of one with 200 exact labels " +
        "more, of the data set or of SELF-JUDGE's answers. Soft labels (purple): the step's mean for every pair; each pair's own. Dots bases, bars " +
        "their mean with its 95 % interval (Student's t). Only hard and soft labels are methods, the others controls.",
      inputs: { steps: FRESH_STEPS },
      draw: ({ steps }) => oneSettingFigure(steps),
    }),
    figureEntry({
      name: "gain-by-judge",
      title: "What the gain goes with",
      caption:
        "What SELF-JUDGE gains over JSFT on each base (its number at the dot), against how right the JSFT judge is: on the " +
        "pairs that steps 1 to 20 ranked, and on the data set's clear held-out pairs. Open: bases that the relation was found " +
        "on, with the line through them; filled: bases that it was predicted for before they were run; crosses: bases " +
        "whose lessons taught less, in neither, on the left alone (on the data set's pairs their judges are right on 0.70 and 0.78).",
      inputs: {
        rows: {
          path: "data/results/claims/fresh-bases/gain-by-judge.csv",
          row: gainRow,
          key: ["base"],
        },
      },
      draw: ({ rows }) => gainByJudge(rows),
    }),
    figureEntry({
      name: "kl-frontier",
      title: "What distance from the start buys",
      caption:
        "True reward of answers sampled as in training against the KL from the JSFT model, every method of the league at " +
        "every measurement (means over runs); thin and grey: methods that are not named.",
      inputs: { steps },
      draw: ({ steps }) =>
        klFrontier(
          byBases(
            steps.filter((row) => played(row) && !row.method.includes("@"))
              .map((row) => ({ ...row, base: row.base ?? "1" })),
          ).every,
          NAMED,
        ),
    }),
    figureEntry({
      name: "reward-by-n",
      title: "Self-rejection: reward against candidates",
      caption:
        "Answers selected from N: on the left their true reward, on the right how often the judge prefers " +
        "them to a single answer of the JSFT model. Mean over runs, band 95 % interval (Student's t, runs of all bases pooled).",
      inputs: {
        candidates: candidatesIn(claims),
      },
      draw: ({ candidates }) => rewardByN(candidates.filter(played)),
    }),
    figureEntry({
      name: "staleness",
      title: "When the answers are some steps old",
      caption:
        "SELF-JUDGE step by step and in rounds: the policy at a round's first step answers the prompts of 4 or 16 steps, " +
        "whose pairs are then learned one batch a step. True reward of held-out prompts' answers (thin lines runs, bold their " +
        "mean), and its difference to step by step, paired by run: mean of bases' means with 95 % interval (hierarchical over " +
        "bases and seeds).",
      inputs: { rows: claim("staleness", staleStep, ["base", "seed", "k", "step"]) },
      draw: ({ rows }) => staleness(rows.filter(played), { margin: REWARD_MARGIN }),
    }),
    figureEntry({
      name: "samples",
      title: "Samples before and after",
      caption:
        "Answers to the first twelve held-out prompts before and after SELF-JUDGE, unselected, with their true reward " +
        "(base 1, seed 1, at the step that validation prompts chose).",
      inputs: { samples: samples(samplePair) },
      draw: ({ samples }) =>
        sampleTable(samples.filter(({ base }) => base === undefined || base === "1").slice(0, 12)),
    }),
    ...SENTENCE_FIGURES,
    figureEntry({
      name: "real-model",
      title: "A real model: SmolLM2-135M on HH-RLHF",
      caption:
        "One recorded run, one seed: JSFT losses, the judge before and after JSFT, implicit rewards of " +
        "self-training, and win rates of self-rejection with 95 % bootstrap intervals over prompts.",
      inputs: {
        judgeBefore: run("judge-before"),
        judgeAfter: run("judge-after"),
        jsft: run("jsft"),
        selfJudge: run("self-judge"),
        tournament: run("tournament"),
      },
      draw: runFigure,
    }),
    figureEntry({
      name: "judge-probes",
      title: "What flips a judge's verdicts",
      caption:
        "Pairs of HH-RLHF asked again with one thing changed in an answer: the share of verdicts that flip towards " +
        "the changed answer, less those that flip away, with 95 % intervals.",
      inputs: {
        probes: {
          path: "data/results/judges/probes-hh.csv",
          row: probeFigureRow,
          key: ["judge", "probe", "measure"],
        },
      },
      draw: ({ probes }) => probeFigure(probes),
    }),
    figureEntry({
      name: "step-time",
      title: "Where a step's time goes",
      caption:
        "Milliseconds of a step by part, op by op and compiled: JavaScript, TensorFlow's kernels, numbers on their " +
        "way to TensorFlow and back. Each panel has its own scale.",
      inputs: {
        steps: { path: "data/results/step-time.csv", row: stepTimeRow, key: ["work", "step"] },
      },
      draw: ({ steps }) => stepTimeFigure(steps),
    }),
  ];
}

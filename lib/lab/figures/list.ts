/** Every figure of the project. A new one is an entry here and a function from rows to a {@linkcode Figure}. */
import type { z } from "zod";
import { benchmarkFigure, benchmarkFigureRow } from "../../benchmark/figure.ts";
import { baseLog } from "./claims_base.ts";
import { judgeAccuracy, judgeMeasure } from "./claims_judge.ts";
import { judgeNeeded, labelNoise, noisyRun } from "./claims_noise.ts";
import {
  judgeStep,
  overoptimisationByKl,
  overoptimisationOverSteps,
} from "./claims_overoptimisation.ts";
import { candidateReward, rewardByN } from "./claims_rejection.ts";
import { methodReward, rewardByMethod, rewardOverSteps, rewardStep } from "./claims_reward.ts";
import { samplePair, sampleTable } from "./claims_samples.ts";
import {
  biasFigure,
  comparisonFigure,
  judgeFigureRow,
  reliabilityFigure,
  reliabilityFigureRow,
} from "../../show/judge_figure.ts";
import { probeFigure, probeFigureRow } from "../../show/probe_figure.ts";
import { runFigure } from "../../show/run_figure.ts";
import { stepTimeFigure, stepTimeRow } from "../../show/step_time_figure.ts";
import { type FigureEntry, figureEntry } from "../../show/figure_entry.ts";
import { anyRow, type Table } from "../../base/csv.ts";

const run = (file: string): Table<Record<string, string | number>> => ({
  path: `data/results/real-model/${file}.csv`,
  row: anyRow,
});

/** A control belongs to no claim, and one more band would hide those of the others. */
const CONTROLS: ReadonlySet<string> = new Set(["raft-coin"]);

/** Where the tables of the claims are committed. */
const CLAIMS = "data/results/claims";

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
  const steps = claim("reward-over-steps", rewardStep, ["method", "seed", "step"]);
  const over = claim("overoptimisation", judgeStep, ["judge", "seed", "step"]);
  const noise = claim("label-noise", noisyRun, ["noise", "pairs", "seed"]);
  return [
    figureEntry({
      name: "base-pretraining",
      title: "Pretraining the base",
      caption:
        "Losses and scores of the small base model over its pretraining on text without preferences.",
      inputs: { log: { path: "data/world/base/log.csv", row: anyRow, key: ["step"] } },
      draw: ({ log }) => baseLog(log),
    }),
    figureEntry({
      name: "judge-accuracy",
      title: "How right the judge is",
      caption:
        "Each judge against the exact reward on held-out pairs. Large dots are means over seeds with " +
        "their 95 % interval (Student's t), small dots are seeds; the dashed line is guessing.",
      inputs: {
        judges: claim("judge-accuracy", judgeMeasure, ["judge", "seed", "measure"]),
      },
      draw: ({ judges }) => judgeAccuracy(judges),
    }),
    figureEntry({
      name: "reward-over-steps",
      title: "Reward over training",
      caption:
        "True reward of answers sampled by each method's policy: mean over seeds, band 95 % interval " +
        "(Student's t). Open dots mark the policy that training started from.",
      inputs: { steps },
      draw: ({ steps }) => rewardOverSteps(steps.filter(({ method }) => !CONTROLS.has(method))),
    }),
    figureEntry({
      name: "reward-by-method",
      title: "Where each method ends",
      caption:
        "True reward of the trained policies, best on top: mean over seeds with 95 % interval " +
        "(Student's t), small dots are seeds. Left: answers sampled at temperature 1; right: at top-p, without " +
        "the least probable tokens, as in training. Dashed: plain SFT, and on-policy DPO led by the true reward, " +
        "which other methods can pass.",
      inputs: { methods: claim("reward-by-method", methodReward, ["method", "seed"]) },
      draw: ({ methods }) => rewardByMethod(methods),
    }),
    figureEntry({
      name: "reward-by-n",
      title: "Self-rejection: reward against candidates",
      caption:
        "Answers selected from N: on the left their true reward, on the right how often the judge prefers " +
        "them to a single answer of the JSFT model. Mean over seeds, band 95 % interval (Student's t).",
      inputs: {
        candidates: claim("reward-by-n", candidateReward, ["policy", "selector", "seed", "n"]),
      },
      draw: ({ candidates }) => rewardByN(candidates),
    }),
    figureEntry({
      name: "overoptimisation-by-kl",
      title: "Over-optimisation against KL",
      caption:
        "A long run with each kind of judge: true reward and the judge's win rate against the KL from " +
        "the start. Thin lines are seeds, the bold line joins means at equal steps.",
      inputs: { runs: over },
      draw: ({ runs }) => overoptimisationByKl(runs),
    }),
    figureEntry({
      name: "overoptimisation-over-steps",
      title: "Over-optimisation over steps",
      caption:
        "The same runs over steps: true reward, the judge's win rate, KL from the start and length of " +
        "answers. Mean over seeds, band 95 % interval.",
      inputs: { runs: over },
      draw: ({ runs }) => overoptimisationOverSteps(runs),
    }),
    figureEntry({
      name: "label-noise",
      title: "Label noise and pair count",
      caption:
        "The judge's accuracy and the reward after self-training with labels of other noise and with fewer " +
        "pairs; noise falls to the right. Mean over seeds, band 95 % interval (Student's t).",
      inputs: { runs: noise },
      draw: ({ runs }) => labelNoise(runs),
    }),
    figureEntry({
      name: "judge-needed",
      title: "How good the judge must be",
      caption:
        "The same runs: reward after self-training against the accuracy of the judge that led it. " +
        "Small dots are runs, large dots are means over seeds.",
      inputs: { runs: noise },
      draw: ({ runs }) => judgeNeeded(runs),
    }),
    figureEntry({
      name: "samples",
      title: "Samples before and after",
      caption:
        "Answers to the same requests before and after self-training, with their true reward.",
      inputs: { samples: claim("samples", samplePair) },
      draw: ({ samples }) => sampleTable(samples),
    }),
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
    ...judgeReport("hh", "HH-RLHF", "the human labels of held-out pairs of HH-RLHF harmless-base"),
    ...judgeReport(
      "alpaca-eval",
      "AlpacaEval",
      "GPT-4-turbo's recorded preferences on held-out instructions of AlpacaEval, which are no labels for itself",
    ),
    benchmarkRadar("vicuna", "Vicuna"),
    benchmarkRadar("mt-bench", "MT-Bench"),
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

/** The radar of a benchmark answered before and after. */
function benchmarkRadar(name: string, short: string): FigureEntry {
  return figureEntry({
    name: `benchmark-${name}`,
    title: `${short}: SmolLM2 after JSFT and after SELF-JUDGE`,
    caption:
      "Win rate against the model before training, by category, judged by the run's own JSFT model in " +
      "both positions: what they disagree on is a half. Band 95 % interval (Wilson's).",
    inputs: {
      results: {
        path: `data/results/benchmarks/${name}.csv`,
        row: benchmarkFigureRow,
        key: ["judge", "model", "against", "category", "turn", "measure"],
      },
    },
    draw: ({ results }) => benchmarkFigure(results, "winRate"),
  });
}

/** The figures of one judge report. */
function judgeReport(name: string, short: string, labels: string): FigureEntry[] {
  const table = <Row>(file: string, row: z.ZodType<Row>, key: readonly string[]): Table<Row> => ({
    path: `data/results/judges/${file}-${name}.csv`,
    row,
    key,
  });
  const judges = table("judges", judgeFigureRow, ["judge", "measure"]);
  return [
    figureEntry({
      name: `judges-${name}`,
      title: `Judges on ${short}: agreement and calibration`,
      caption: `Judges against ${labels}; "longer" names the longer answer. ` +
        "95 % bootstrap intervals over prompts.",
      inputs: { judges },
      draw: ({ judges }) => comparisonFigure(judges),
    }),
    figureEntry({
      name: `judge-biases-${name}`,
      title: `Judges on ${short}: position, length, cycles`,
      caption:
        "What the same judges' verdicts follow besides quality, and how often they contradict " +
        "themselves. Dashed: a fair judge, if longer and better answers were independent.",
      inputs: { judges },
      draw: ({ judges }) => biasFigure(judges),
    }),
    figureEntry({
      name: `judge-reliability-${name}`,
      title: `Judges on ${short}: reliability`,
      caption:
        `How often the answer leaned to is the one of ${labels}, by the judge's confidence in it; ` +
        "below, how many pairs each point rests on.",
      inputs: { curves: table("reliability", reliabilityFigureRow, ["judge", "from"]) },
      draw: ({ curves }) => reliabilityFigure(curves),
    }),
  ];
}

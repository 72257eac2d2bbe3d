import { readJsonl, writeCsv } from "../../base/files.ts";
import { resultTable } from "../../show/result_table.ts";
import {
  CLAIMS,
  type Contrast,
  measure,
  type Measured,
  type Verdict,
  verdictOf,
} from "./claims.ts";
import { mean } from "./measure.ts";
import { COMPARED, LONG, type StudyConfig } from "./config.ts";
import { type Items, loadItems } from "./items.ts";
import type { RewardPoint } from "./preference.ts";
import { noisyName } from "./supervised.ts";
import { LABEL_TEMPERATURE } from "../world/preference.ts";

/** A seed's run folder. */
export interface SeedFolder {
  readonly seed: number;
  readonly path: string;
}

/** A claim with what was measured of it. */
export interface Outcome {
  readonly number: number;
  readonly text: string;
  readonly verdict: Verdict;
  readonly parts: readonly Measured[];
}

type Row = Record<string, string | number>;

/** Stages that measure judges trained on the world's labels. */
const JUDGES = ["jsft-judge", "other-judges", "variant-judges"];

/**
 * Gathers what the seeds' stages left into tidy tables, one CSV a figure, and measures the claims.
 *
 * @param out Folder of the tables.
 */
export async function gather(
  seeds: readonly SeedFolder[],
  { out, config }: { out: string; config: Omit<StudyConfig, "seed"> },
): Promise<Outcome[]> {
  const items: Items[] = [];
  const ended: Record<string, readonly RewardPoint[]>[] = [];
  const tables: Record<string, Row[]> = {};
  const add = (table: string, names: Row, rows: readonly object[]) =>
    (tables[table] ??= []).push(...rows.map((row) => ({ ...names, ...row })));
  for (const { seed, path } of seeds) {
    const points = (stage: string) => readJsonl<RewardPoint>(`${path}/${stage}/points.jsonl`);
    const rowsOf = async (file: string) => await resultTable(`${path}/${file}`) ?? [];
    const measured = [...JUDGES, "answers", "policies", "tournament", "on-policy-pairs"];
    const found: Items = await loadItems(measured.map((name) => `${path}/${name}`));
    const whole: Record<string, readonly RewardPoint[]> = {}; // an unfinished run has no best step yet
    ended.push(whole);
    for (const method of [...COMPARED, ...config.controls]) {
      const run = await points(method);
      add("reward-over-steps", { method, seed }, run);
      if (run.at(-1)?.step === config.preference.steps) whole[method] = run;
    }
    for (const stage of ["answers", "policies"]) {
      for (const { policy, ...numbers } of await rowsOf(`${stage}/policies.csv`)) {
        add("reward-by-method", { method: policy, seed }, [numbers]);
      }
    }
    add("judge-on-policy-pairs", { seed }, await rowsOf("on-policy-pairs/pairs.csv"));
    add("reward-by-n", { seed }, await rowsOf("tournament/points.csv"));
    for (const method of LONG) {
      const run = await points(`long-${method}`);
      add("overoptimisation", { judge: method, seed }, run);
      if (run.at(-1)?.step === config.long.steps) {
        found[`final/long-${method}`] = [run.at(-1)!.reward];
      }
    }
    const judges: Row[] = [];
    for (const stage of JUDGES) judges.push(...await rowsOf(`${stage}/judges.csv`));
    for (const { judge, ...measures } of judges) {
      const rows = Object.entries(measures).map(([measure, value]) => ({ measure, value }));
      add("judge-accuracy", { judge, seed }, rows);
    }
    const noisy = await rowsOf("noisy-judges/judges.csv");
    const labelled = noisy.length > 0 ? [...judges, ...noisy] : []; // alone, the world's labels say nothing
    const labels = [
      { temperature: LABEL_TEMPERATURE, pairs: config.pairs, judge: "jsft" },
      ...config.noise.map((one) => ({ ...one, judge: noisyName(one.temperature, one.pairs) })),
    ];
    for (const { temperature: noise, pairs, judge } of labels) {
      const accuracy = labelled.find((row) => row.judge === judge)?.accuracy_clear;
      const policy = judge.replace("jsft", "self-judge");
      const run = await points(policy);
      const last = run.at(-1);
      if (accuracy === undefined || last?.step !== config.preference.steps) continue;
      found[`final/${policy}`] = [last.reward];
      const rewards = { start_reward: run[0].reward, reward: last.reward };
      add("label-noise", { noise, pairs, seed, accuracy }, [rewards]);
    }
    if (!tables.samples?.length) add("samples", {}, await rowsOf("policies/samples.csv"));
    items.push(found);
  }
  for (const method of [...COMPARED, ...config.controls]) {
    const best = bestStep(ended.flatMap((runs) => runs[method] ? [runs[method]] : []));
    for (const [i, { [method]: run }] of ended.entries()) {
      const point = run?.find(({ step }) => step === best);
      if (point) items[i][`best/${method}`] = [point.reward];
    }
  }
  for (const [name, rows] of Object.entries(tables)) {
    if (rows.length > 0) await writeCsv(`${out}/${name}.csv`, rows);
  }
  const outcomes = CLAIMS.flatMap(({ number, text, contrasts }): Outcome[] => {
    const parts = contrasts.flatMap((contrast) => measure(contrast, items) ?? []);
    // Half a claim is no claim: it is left out until all that it says is measured.
    const claimed = (all: readonly Contrast[]) =>
      all.filter(({ says }) => says !== "report").length;
    return claimed(parts) < claimed(contrasts)
      ? []
      : [{ number, text, verdict: verdictOf(parts), parts }];
  });
  if (outcomes.length === 0) return [];
  await writeCsv(
    `${out}/claims.csv`,
    outcomes.flatMap(({ number, verdict, parts }) =>
      parts.map(({ a, b, says, margin = 0, valueA, valueB, verdict: part, ...rest }) => ({
        ...{ claim: number, claim_verdict: verdict, a, b, says, margin },
        ...{ value_a: valueA, value_b: valueB, ...rest, verdict: part },
      }))
    ),
  );
  return outcomes;
}

/**
 * The step at which a method's reward is highest in the mean over its runs, of those that all of them measured;
 * none without a run. It is chosen on the requests that it is reported on, for every method alike.
 */
function bestStep(runs: readonly (readonly RewardPoint[])[]): number | undefined {
  const rewardsAt = (step: number) =>
    runs.flatMap((run) => run.filter((point) => point.step === step).map(({ reward }) => reward));
  const steps = (runs[0] ?? []).map(({ step }) => step)
    .filter((step) => rewardsAt(step).length === runs.length);
  const means = steps.map((step) => mean(rewardsAt(step)));
  return steps[means.indexOf(Math.max(...means))];
}

/** Names of measured things in words. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/^(reward|right|final)\//, ""],
  [/^on-policy\/(.+)\/(.+)$/, "$2 on answers of $1"],
  [/^top-p\/(.+)$/, "$1 at top-p"],
  [/^best\/(.+)$/, "$1 at its best step"],
  [/^rejection\/(.+)\/(.+)\/(.+)$/, "$1, one of $3 by $2"],
];

/** The claims as a Markdown table. */
export function claimsTable(outcomes: readonly Outcome[]): string {
  if (outcomes.length === 0) return "No claim has all its parts measured yet.";
  const number = (value: number) => value.toFixed(3);
  const signed = (value: number) => (value < 0 ? "" : "+") + number(value);
  const interval = ({ low, high }: Measured) =>
    low === null || high === null ? "(one run)" : `[${signed(low)}, ${signed(high)}]`;
  const what = (name: string) => WORDS.reduce((text, [from, to]) => text.replace(from, to), name);
  const lines = outcomes.flatMap(({ number: n, text, verdict, parts }) => [
    `| **${n}** | **${text}** | | | | **${verdict}** |`,
    ...parts.map((part) =>
      `| | ${what(part.a)} against ${what(part.b)} | ${number(part.valueA)}, ${
        number(part.valueB)
      } | ${signed(part.difference)} ${interval(part)} | ${part.seeds} | ${part.verdict} |`
    ),
  ]);
  const several = outcomes.some(({ parts }) => parts.some(({ seeds }) => seeds > 1));
  const one = outcomes.some(({ parts }) => parts.some(({ seeds }) => seeds === 1));
  const basis = [
    ...(several ? ["of the paired difference over the seeds (Student's t)"] : []),
    ...(one
      ? ["with one seed a bootstrap over held-out items, which does not cover another training run"]
      : []),
  ];
  return [
    "| claim | measured | values | difference | seeds | verdict |",
    "| --- | --- | --- | --- | --- | --- |",
    ...lines,
    "",
    "Values are mean true rewards of answers sampled at temperature 1; in self-rejection and where it says " +
    "top-p, without the least probable tokens, as in self-training. A best step is chosen afterwards, for each " +
    "method alike. For judges, shares of clear held-out pairs judged right, or, on answers of a policy, of " +
    `clear pairs of its own answers. 95 % intervals, ${
      basis.join("; ")
    }. A comparison is open where ` +
    "its interval does not decide; a claim is mixed where some of its comparisons held.",
  ].join("\n");
}

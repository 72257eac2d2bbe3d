/** The page of claims: what the paper says, what was found, and the league; all of it from the tables. @module */
import { markdownTable as table } from "../../base/markdown_table.ts";
import type { Family, Measured, RunItems } from "./claims.ts";
import { FAMILIES, measureFamily } from "./claims.ts";
import { type LeagueRow, rewardAtKl, type Standing, standings } from "./league_rows.ts";
import { bestBy, type RewardPoint } from "./policy_meter.ts";
import type { JudgedStep } from "./judge_over_steps.ts";
import { matchedOverSteps } from "./judge_over_steps.ts";
import { mean } from "./measure.ts";
import { isControl } from "./rows.ts";
import type { Tried } from "./tuning.ts";

/** Every contrast of the protocol that some run of these bases has both sides of. */
export const measureClaims = (
  items: readonly RunItems[],
  bases: readonly string[],
): Measured[] => {
  const played = items.filter(({ base }) => bases.includes(base));
  return FAMILIES.flatMap((family) => measureFamily(family, played));
};

/** The contrasts as rows of a table. */
export function claimRows(measured: readonly Measured[]): Record<string, string | number>[] {
  return measured.map((one) => ({
    family: one.family,
    contrast: one.text,
    ...{ a: one.a, b: one.b, says: one.says, margin: one.margin ?? 0 },
    ...{ value_a: one.valueA, value_b: one.valueB, difference: one.difference },
    ...{ low: one.low, high: one.high, runs: one.runs, bases: one.bases },
    per_base: Object.entries(one.perBase).map(([base, value]) => `${base}: ${signed(value)}`)
      .join("; "),
    p_holm: one.p ?? "",
    p_holm_against: one.pAgainst ?? "",
    ...{ verdict: one.verdict, paper: one.paper },
  }));
}

const number = (value: number, digits = 3) => value.toFixed(digits);
const signed = (value: number) => `${value < 0 ? "-" : "+"}${number(Math.abs(value))}`;
const interval = ({ low, high }: { low: number; high: number }, text = signed) =>
  `[${text(low)}, ${text(high)}]`;
const p = (value: number | null) =>
  value === null ? "" : value < 0.001 ? "< 0.001" : number(value, 3);

/** The contrasts of one family as a Markdown table. */
function familyTable({ number: n, text }: Family, measured: readonly Measured[]): string {
  const rows = measured.filter(({ family }) => family === n).map((one) => [
    one.text + (one.margin ? ` (margin ${one.margin})` : ""),
    `${number(one.valueA)}, ${number(one.valueB)}`,
    `${signed(one.difference)} ${interval(one)}`,
    Object.values(one.perBase).map(signed).join(", "),
    `${one.runs}`,
    p(one.verdict === "not held" ? one.pAgainst : one.p),
    `**${one.verdict}**`,
    one.paper,
  ]);
  if (rows.length === 0) return "";
  const head = ["we test", "values", "difference", "on each base", "runs", "p (Holm)", "we find"];
  return `### ${n}. ${text}\n\n${table([...head, "paper says"], rows)}\n`;
}

/** The league as a Markdown table. */
function leagueTable(rows: readonly LeagueRow[]): string {
  const byTruth = standings(rows, "truth");
  const byJudge = new Map(standings(rows, "judge").map((one) => [one.method, one]));
  const cost = ({ means }: Standing, name: string) => `${Math.round(means[name] ?? 0)}`;
  return table(
    [
      ...["rank", "method", "runs", "true reward", "chosen by its judge", "judge's win rate"],
      ...["whole distribution", "KL", "entropy", "tokens", "step", "samples", "judge prompts"],
      ...["gold labels", "minutes"],
    ],
    byTruth.map((one) => {
      const judge = byJudge.get(one.method);
      const { means } = one;
      return [
        `${one.rank} [${one.rankLow}, ${one.rankHigh}]`,
        `${one.method}${isControl(one.method) ? " (control)" : ""}`,
        `${one.runs}`,
        `${number(one.reward)} ${interval(one, number)}`,
        judge ? number(judge.reward) : "",
        number(means.judge_win_rate, 2),
        ...[means.reward_whole, means.kl, means.entropy].map((value) => number(value, 2)),
        number(means.length, 1),
        number(means.step, 0),
        ...["samples", "judgePrompts", "gold"].map((name) => cost(one, name)),
        number(means.seconds / 60, 1),
      ];
    }),
  );
}

/** Distances that methods are compared at, in nats. */
const DISTANCES = [0.5, 1, 2, 4];

/** True reward at equal KL: means over the runs that get so far, with how many do. */
function equalKlTable(rows: readonly CoursePoint[]): string {
  const methods = [
    ...Map.groupBy(rows.filter(({ method }) => !method.includes("@")), (row) => row.method),
  ];
  const lines = methods.map(([method, some]) => {
    const runs = [...Map.groupBy(some, ({ base, seed }) => `${base}/${seed}`).values()];
    return [
      method,
      ...DISTANCES.map((kl) => {
        const found = runs.flatMap((points) => rewardAtKl(points, kl) ?? []);
        return found.length === 0 ? "" : `${number(mean(found), 2)} (${found.length})`;
      }),
    ];
  });
  return table(["method", ...DISTANCES.map((kl) => `${kl} nats`)], lines);
}

/** The settings that were chosen, and whether a better one may lie beyond those tried. */
function settingsTable(tried: readonly Tried[]): string {
  const methods = [...Map.groupBy(tried, ({ method }) => method)];
  const text = ({ learningRate, beta, step }: Tried) => `${learningRate}, ${beta}, step ${step}`;
  return table(
    [
      "method",
      "by the truth: rate, beta, step",
      "by its judge",
      "chosen at the edge of what was tried",
    ],
    methods.map(([method, some]) => {
      const truth = bestBy(some, "truth");
      const most = (value: (one: Tried) => number) => Math.max(...some.map(value));
      const edges = [
        ...(truth.learningRate === most((one) => one.learningRate) ? ["highest rate"] : []),
        ...(truth.step === most((one) => one.step) ? ["last step"] : []),
      ];
      return [method, text(truth), text(bestBy(some, "judge")), edges.join(", ")];
    }),
  );
}

/** A judge that is right on less of the clear held-out pairs is named where a loop rests on it. */
const WEAK = 0.75;

/** What a reader has to know of the numbers, of any world. */
const LIMITS = [
  "Intervals are over training runs (bases and seeds), for these held-out prompts. Three bases of one size are few, and they differ: " +
  "runs of one base are alike, so that p is too small where bases differ. A verdict asks for the same sign on every base, too.",
  "Settings were tried on the first base alone. A method that needs others on another base is worse off there.",
  "Every method had four settings. Where the chosen one lies at the edge of those, more steps or a higher rate may give more.",
  'The true reward chose setting and step on validation prompts. A user lacks it; "chosen by its judge" is what a user gets.',
  "d2po-self ranks by the policy's implicit reward, not by its judgment, and falls below JSFT under every setting tried: its " +
  "contrast says nothing of gold labels. Sr-DPO and LoL draw fewer samples than SELF-JUDGE; read their contrasts as reports.",
  "Held: Holm-adjusted one-sided p below 0.025 within the family and the same sign on every base that has runs; the p shown is that of " +
  "the side that was tested. Open beside an interval that leaves 0 out is that correction, not absence of a difference.",
  "Losses with a beta had two rates, RAFT four over a wider range; off-policy, relabelled and offline DPO chose the lowest. SFT, JSFT, " +
  "judge-only and the reward model had one setting. SELF-JUDGE picks the best of five steps, SFT and JSFT have no such choice.",
  '"Its judge" is the frozen JSFT judge in every row. It is right on 0.72 to 0.84 of the JSFT model\'s own clear pairs and less on ' +
  "SELF-JUDGE's (judge-on-policy-pairs.csv). Controls that rank by a rule skip ties and learn from fewer pairs.",
  "Two runs on two bases have an interval that is hardly one, and rows with few runs are ranked by those alone.",
];

/** How right the frozen judge stays on the pairs that it ranks. */
function overStepsTable(rows: readonly JudgedStep[]): string {
  const methods = [...Map.groupBy(rows, ({ method }) => method)];
  return table(
    ["method", "steps", "pairs", "ranked right", "the same mix of gaps and flaws as at first"],
    methods.flatMap(([method, some]) =>
      matchedOverSteps(some).map(({ from, to, n, accuracy, matched }) => [
        ...[method, `${from} to ${to}`, `${n}`, number(accuracy)],
        matched === null ? "too few alike" : number(matched),
      ])
    ),
  );
}

/** What one run says of each contrast, beside the league's verdict. */
export function oneRunTable(
  measured: readonly Measured[],
  league: readonly Record<string, string | number>[],
): string {
  const rows = measured.map((one) => {
    const found = league.find(({ contrast }) => contrast === one.text);
    return [
      one.text,
      `${number(one.valueA)}, ${number(one.valueB)}`,
      `${signed(one.difference)} ${interval(one)}`,
      found ? `${found.verdict} (${signed(Number(found.difference))}, ${found.runs} runs)` : "",
    ];
  });
  return [
    table(["contrast", "values", "this run's difference", "the league's verdict"], rows),
    "",
    "Values are mean true rewards of held-out prompts' answers, sampled as in training (at most 2.4), at the step that " +
    "validation prompts chose; for judges, shares of clear held-out pairs judged right. Intervals of one run are 95 % over " +
    "prompts and know nothing of other training runs, so that one run may differ from the league, whose verdicts rest on " +
    "all its bases and seeds.",
  ].join("\n");
}

/** What the page is made from, of one world. */
export interface PageData {
  readonly title: string;
  /** Bases that the league is played on; others are reported apart. */
  readonly bases: readonly string[];
  readonly measured: readonly Measured[];
  readonly league: readonly LeagueRow[];
  readonly starts: readonly Record<string, string | number>[];
  readonly judges: readonly Record<string, string | number>[];
  readonly overSteps: readonly (JudgedStep & { readonly base: string })[];
  readonly steps: readonly CoursePoint[];
  readonly tried: readonly Tried[];
}

/** A measurement of a method in a run. */
export type CoursePoint = RewardPoint & {
  readonly method: string;
  readonly base: string;
  readonly seed: number;
};

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

/** One world's part of the page. */
export function claimsPage(
  { title, bases, measured, league, starts, judges, overSteps, steps, tried }: PageData,
): string {
  const accuracy = judges.filter(({ measure }) => measure === "accuracy_clear");
  const played = <Row extends { readonly base: string }>(rows: readonly Row[]) =>
    rows.filter(({ base }) => bases.includes(base));
  const weak = [
    ...Map.groupBy(accuracy.filter(({ judge }) => judge === "jsft"), ({ base }) => base),
  ]
    .map(([base, some]) => ({ base, right: mean(some.map(({ value }) => Number(value))) }))
    .filter(({ right }) => right < WEAK);
  const apart = league.filter(({ base }) => !bases.includes(base));
  return [
    `## ${title}`,
    "",
    ...FAMILIES.map((family) => familyTable(family, measured)).filter(Boolean),
    "### The league",
    "",
    "At the step that validation prompts chose. Rank: place by the mean, with the places that 95 % of draws of runs give it.",
    "",
    leagueTable(played(league)),
    "",
    ...apart.length === 0 ? [] : [
      "### Bases whose lessons taught less",
      "",
      "Reported: in no contrast, and with the settings of the others.",
      "",
      table(
        ["base", "method", "chosen by", "runs", "true reward", "judge's win rate", "step"],
        meansBy(
          apart.map((row) => ({ ...row, name: `${row.method}\u0000${row.chosen_by}` })),
          "name",
          ["reward", "judge_win_rate", "step"],
        ),
      ),
      "",
    ],
    "### Settings",
    "",
    settingsTable(tried),
    "",
    "### At equal distance",
    "",
    "True reward where training is so far from the JSFT model (KL, between two measurements by a straight line); in " +
    "brackets the runs that get so far.",
    "",
    equalKlTable(played(steps)),
    "",
    "### What the methods start from",
    "",
    table(
      [
        "base",
        "policy",
        "runs",
        "true reward",
        "whole distribution",
        "judge's win rate",
        "entropy",
      ],
      meansBy(starts, "policy", ["reward", "reward_whole", "judge_win_rate", "entropy"]),
    ),
    "",
    "### Judges: right on clear held-out pairs of the data set",
    "",
    table(["base", "judge", "runs", "right"], meansBy(accuracy, "judge", ["value"])),
    "",
    "### Rankings of the pairs that training made",
    "",
    overStepsTable(played(overSteps)),
    "",
    "### What to know of these numbers",
    "",
    ...LIMITS.map((line) => `- ${line}`),
    ...weak.map(({ base, right }) =>
      `- The JSFT judge of base ${base} is right on ${
        number(right)
      } of clear held-out pairs, below ${WEAK}: its loops rest ` +
      "on a weak judge."
    ),
    "",
  ].join("\n");
}

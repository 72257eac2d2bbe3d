/** Tables of the sentences' further runs, and what README and results make of them. */
import assert from "node:assert/strict";
import { SOFT_UNTUNED } from "../lib/lab/study/driven.ts";
import { rewardAtKl } from "../lib/lab/study/league_rows.ts";
import type { RewardPoint } from "../lib/lab/study/policy_meter.ts";
import type { UNPAID } from "../lib/lab/sentences/lists.ts";
import { fixed, signed } from "./claims_text.ts";
import { csv, type CsvRow } from "./csv_files.ts";

export const [claims, steps, byN, supervised, habits, samples] = await Promise.all(
  ["claims", "reward-over-steps", "reward-by-n", "supervised", "habits", "untuned-samples"]
    .map((name) => csv(`data/results/claims/sentences-again/${name}.csv`)),
);

/** Every seed; those whose knockouts and soft labels were played; those whose rows had nothing tuned. */
export const SEEDS = [1, 2, 3, 4] as const;
export const CHOSEN_SEEDS = [1, 3, 4] as const;
export const UNTUNED_SEEDS = [2, 3, 4] as const;

/** The contrast of that name. */
export function contrast(text: string): CsvRow {
  const found = claims.find((row) => row.contrast === text);
  assert.ok(found, text);
  return found;
}

/** What is tested of a family. */
export const family = (number: number) =>
  claims.filter((row) => row.family === number && row.verdict !== "reported");

/** True reward of the answer chosen among n. */
export const chosen = (
  { policy, selector, n, seed }: { policy: string; selector: string; n: number; seed: number },
): number =>
  Number(
    byN.find((row) =>
      row.policy === policy && row.selector === selector && row.n === n && row.seed === seed
    )!.reward,
  );

/** A row's measurements on a seed, none where it was not played. */
const course = (method: string, seed: number) =>
  steps.filter((row) => row.method === method && row.seed === seed) as unknown as RewardPoint[];

/** A row's last step, or another; null where it was not played. */
export const at = (method: string, seed: number, step = 40): RewardPoint | null =>
  course(method, seed).find((point) => point.step === step) ?? null;

/** What a row gains over what it starts from; null where it was not played. */
export function gain(method: string, seed: number): number | null {
  const end = at(method, seed);
  return end && end.reward - at("self-judge", seed, 0)!.reward;
}

/** How often a row's answers have a habit of those that cost nothing, or none of them and all of the reward. */
export function habit(
  method: string,
  { seed, habit = "all, and none of these", at = "last" }: {
    seed: number;
    habit?: keyof typeof UNPAID;
    at?: string;
  },
): number {
  const found = habits.find((row) =>
    row.method === method && row.seed === seed && row.at === at && row.habit === habit
  );
  assert.ok(found, `${method}, seed ${seed}: ${habit}`);
  return Number(found.value);
}

export const percent = (share: number) => `${Math.round(100 * share)} %`;

/** Knockouts under the own judge, in brackets the best by the truth. */
export function knockouts(): string[][] {
  return [["JSFT", "jsft"], ["SELF-JUDGE", "self-judge"]].flatMap(([label, policy]) =>
    CHOSEN_SEEDS.map((seed) => [
      ...[label, `${seed}`],
      ...[1, 4, 8, 16].map((n) => {
        const [own, truth] = ["own judge", "truth"]
          .map((selector) => fixed(chosen({ policy, selector, n, seed }), 3));
        return n === 1 ? own : `${own} (${truth})`;
      }),
    ])
  );
}

/** Hard and soft labels at one setting. */
export function softLabels(): string[][] {
  const end = (method: string) => CHOSEN_SEEDS.map((seed) => at(method, seed)!);
  const cell = ({ reward, kl }: RewardPoint) => `${fixed(reward, 3)}, ${fixed(kl, 1)} nats`;
  return [
    ["hard labels", ...end("self-judge").map(cell)],
    ["soft labels", ...end(SOFT_UNTUNED).map(cell)],
    [
      "hard labels where they are as far",
      ...CHOSEN_SEEDS.map((seed) => {
        const equal = rewardAtKl(course("self-judge", seed), at(SOFT_UNTUNED, seed)!.kl);
        return equal === null ? "" : fixed(equal, 3);
      }),
    ],
  ];
}

/** Rows for which nothing was tuned, in the order of the page. */
export const ROWS: Readonly<Record<string, string>> = {
  "self-judge": "SELF-JUDGE",
  "raft-2@control": "RAFT",
  "raft-coin@control": "RAFT by a coin",
  "raft-2@faster": "RAFT, three times the rate",
  "raft-coin@faster": "RAFT by a coin, three times the rate",
  "raft@control": "RAFT, four samples",
  "rloo@control": "RLOO, four samples",
  "best-of-n-distillation@control": "best of eight, imitated",
};

/** Each row's reward, distance, and share of answers that have all of the reward and none of three habits. */
export function untunedRows(): string[][] {
  const start = UNTUNED_SEEDS.map((seed) =>
    `${fixed(at("self-judge", seed, 0)!.reward, 3)}, ${
      percent(habit("self-judge", { seed, at: "start" }))
    }`
  );
  const rows = Object.entries(ROWS).map(([method, label]) => [
    label,
    ...UNTUNED_SEEDS.map((seed) => {
      const end = at(method, seed);
      return end === null
        ? ""
        : `${fixed(end.reward, 3)}, ${fixed(end.kl, 1)} nats, ${percent(habit(method, { seed }))}`;
    }),
  ]);
  return [
    ["JSFT, where all begin", ...start],
    ...rows.filter(([, ...cells]) => cells.some((cell) => cell !== "")),
  ];
}

/** What each way gains over JSFT, as the README has it. */
export function gains(): string[][] {
  const row = (label: string, of: (seed: number) => number | null) => [
    label,
    ...SEEDS.map(of).map((value) => value === null ? "" : signed(value)),
  ];
  const knockout = (seed: number) => {
    if (!(CHOSEN_SEEDS as readonly number[]).includes(seed)) return null;
    const of = (n: number) => chosen({ policy: "jsft", selector: "own judge", n, seed });
    return of(4) - of(1);
  };
  const verdict = (text: string) => `**${contrast(text).verdict}**`;
  return [
    [...row("SELF-JUDGE", (seed) => gain("self-judge", seed)), ""],
    [
      ...row("soft labels", (seed) => gain(SOFT_UNTUNED, seed)),
      `no worse than hard: ${verdict("soft labels no worse than hard ones, at step 40")}`,
    ],
    [
      ...row("RAFT", (seed) => gain("raft-2@control", seed)),
      `above its coin: ${
        verdict("RAFT with two samples > RAFT by a coin, both at SELF-JUDGE's rate")
      }`,
    ],
    [...row("RAFT by a coin", (seed) => gain("raft-coin@control", seed)), ""],
    [
      ...row("knockout of four, 40 prompts", knockout),
      `above one: ${verdict("JSFT: N = 4 > 1")}`,
    ],
  ];
}

/** Rows as lines of Markdown, blanks as `prose` leaves them. */
export const lines = (rows: readonly (readonly string[])[]) =>
  rows.map((cells) => `| ${cells.join(" | ")} |`.replace(/\s+/g, " "));

/** The order desk's league: bases by pretraining seed and by how much their lessons teach. @module */
import { exists } from "../../base/files.ts";
import { type Reporter } from "../../run/stage.ts";
import { DESK } from "../study/config.ts";
import { curve } from "../study/curve.ts";
import { FRESH_LABELS } from "../study/fresh_labels.ts";
import { fingerprint } from "../study/fingerprint.ts";
import type { LeagueWorld } from "../study/league.ts";
import { leagueStages } from "../study/league_stages.ts";
import { baseJudgeStage, variantJudgesStage } from "../study/reports.ts";
import { NOT_PLAYED, ROWS } from "../study/rows.ts";
import { DeskSession } from "../study/session.ts";
import { STALENESS } from "../study/staleness.ts";
import { VARIANTS } from "../study/supervised.ts";
import { shareWork } from "../study/shared_work.ts";
import { DATA_FOLDER } from "./data.ts";
import { makeBase } from "./make_base.ts";

/** Bases that no run of the league was played on: a claim is tested on them anew. */
export const FRESH = ["4", "5", "6", "7", "8", "9", "10"] as const;

/** Bases whose lessons teach two views, and none. */
const VARIANT_BASES = { "views-2": { seed: 1, views: 2 }, "views-0": { seed: 1, views: 0 } };

/** Bases: pretraining seeds with every view taught, and {@linkcode VARIANT_BASES}. */
export const DESK_BASES: Readonly<Record<string, { seed: number; views: number }>> = {
  ...Object.fromEntries(
    ["1", "2", "3", ...FRESH].map((name) => [name, { seed: Number(name), views: 5 }]),
  ),
  ...VARIANT_BASES,
};

/** The folder of a base; the first is committed, the others are made once (11 minutes of one core each). */
async function baseFolder(
  name: string,
  { run, reporter }: { run: string; reporter: Reporter },
): Promise<string> {
  if (name === "1") return `${DATA_FOLDER}/base`;
  const folder = `${run}/bases/${name}`;
  await shareWork([DESK_BASES[name]], {
    folderOf: () => folder,
    isDone: () => exists(`${folder}/model.safetensors`),
    work: async ({ seed, views }) => {
      reporter.log(`base ${name}: pretraining seed ${seed}, ${views} views taught`);
      const { model } = await makeBase(folder, {
        ...{ seed, views, reporter },
        training: `${folder}/training`,
      });
      model.dispose();
    },
    waiting: () => reporter.log(`another process makes base ${name}: waiting`),
  });
  return folder;
}

/** What a reader has to know of its numbers. */
const NOTES: LeagueWorld["notes"] = [
  "Settings were tried on the first base alone, with a seed of its own. A method that needs others on another base is " +
  "worse off there. Losses with a beta had fewer rates than those without (two rates by two betas, four rates), and where " +
  "the chosen one lies at the edge of those tried another may give more. SFT, JSFT, judge-only and the reward model had " +
  "one setting, and the reward model's validation loss was not kept in the runs up to 2026-11-29.",
  'The true reward chose setting and step on validation prompts. A user lacks it; "chosen by the JSFT judge" is what a ' +
  "user gets: the frozen JSFT judge's win rate on the same prompts, in every row, whoever ranked in training. A row may do " +
  "better with it (offline DPO does): settings tuned on one base are not each row's best on another.",
  "Six runs of the 15 that were planned (three bases, five seeds). With their results seen it was settled that no more " +
  "are added; fresh bases have a league of their own (see the protocol's changes, 2026-11-29, 23:31).",
  "Runs of one seed share their pairs, prompts and orders on every base.",
  "Bases 2 and 3 and those of less views are not kept: pretrained anew on another processor they come out as other bases of " +
  "their kind, whose runs go into tables of their own (deno task claims --out).",
  "Controls that rank by a rule skip ties and learn from fewer sequences.",
  "Methods of the table that are not played here: " +
  Object.entries(NOT_PLAYED).map(([name, why]) => `${name} (${why})`).join("; ") + ".",
  "Sr-DPO's quality prompt and SSO's principles are words of which the order desk's model knows few (two of nine; two of " +
  "eight and four of 15): their rows stand, and are no test of the methods. RLOO's and Nash-MD's beta is that of a KL in " +
  "the reward, held at 0.1. RAFT and best-of-N leave out prompts whose answers are all one text or end in a tie.",
];

/** The order desk, as its league is played. */
export const DESK_LEAGUE: LeagueWorld = {
  name: "order-desk",
  config: DESK,
  bases: ["1", "2", "3"],
  variants: Object.keys(VARIANT_BASES),
  seeds: [1, 2, 3, 4, 5],
  rows: ROWS,
  notes: NOTES,
  base: async (name, options) => {
    const base = await baseFolder(name, options);
    return { base, world: await fingerprint(base, DATA_FOLDER) };
  },
  session: (config, folderOf) => new DeskSession(config, folderOf),
  stages: leagueStages(DESK),
  extras: [...FRESH_LABELS, ...STALENESS, baseJudgeStage, ...VARIANTS, variantJudgesStage],
  curve: curve({ pairs: [50, 100, 200, 400, 800, 1600] }),
};

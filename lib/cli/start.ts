/**
 * The main job: the paper's claims tested in a small world whose true reward is known, on one base and one seed of the
 * league.
 *
 *     deno task start
 *
 * @module
 */
import { removeIfThere } from "../base/disk.ts";
import { UserError } from "../base/error.ts";
import { writeCsv, writeJsonFile, writeWhole } from "../base/files.ts";
import { duration } from "../base/progress.ts";
import { STUDY_SCALES, type StudyScale } from "../lab/study/config.ts";
import { FAMILIES } from "../lab/study/families.ts";
import { gather, writeTables } from "../lab/study/gather.ts";
import { type LeagueWorld, play } from "../lab/study/league.ts";
import { leagueStages } from "../lab/study/league_stages.ts";
import type { StudyMethod } from "../lab/study/methods.ts";
import { claimRows, measureClaims } from "../lab/study/page_families.ts";
import { COUNTED } from "../lab/study/counted.ts";
import { readTried } from "../lab/study/tuning.ts";
import { FRESH_BASES } from "../lab/world/fresh_bases.ts";
import { DESK_LEAGUE } from "../lab/world/league.ts";
import { ORDER_DESK } from "../lab/world/order_desk.ts";
import { terminalReporter } from "../run/terminal_reporter.ts";
import { versions } from "../run/versions.ts";
import { resultTable } from "../show/result_table.ts";
import { startEngine } from "../tensor/mod.ts";
import { parseCommand, runCommand, stopOnInterrupt, taskCommand } from "./command.ts";
import { runFlag, scaleFlag, seedFlag } from "./flags.ts";
import { nextLines, onePage, sentenceLines, tableLines } from "./start_report.ts";
import { claimsFolder } from "./worlds.ts";

interface StartOptions {
  scale: Exclude<StudyScale, "full">;
  seed: number;
  run?: string;
  more: boolean;
  table: boolean;
  fresh: boolean;
}

/** Where the league's tables are committed. */
const LEAGUE = claimsFolder(DESK_LEAGUE);

/** What the six findings are of: a newcomer waits for no other method. */
const FINDINGS: readonly StudyMethod[] = [
  ...["self-judge", "self-judge-soft", "off-policy-dpo", "raft-2"] as const,
];

/** Other answers to who samples and who ranks. */
const MORE: readonly StudyMethod[] = [
  ...["relabelled-dpo", "offline-dpo", "reward-model-dpo", "dpo-coin", "oracle-dpo"] as const,
];

/** Methods that are played; at smoke scale, where a row takes a step, every counted one. */
function methodsOf({ scale, more }: StartOptions): readonly StudyMethod[] {
  if (scale === "smoke") return COUNTED;
  return more ? [...FINDINGS, ...MORE] : FINDINGS;
}

function parse(args: string[]): StartOptions {
  const command = taskCommand("start", "--scale smoke")
    .description(
      "Tests the paper's claims in the order desk's world, one base and one seed. All of it: deno task league. " +
        "Your own model and data: deno task align.",
    )
    .addOption(scaleFlag(["smoke", "small"]))
    .addOption(seedFlag(1))
    .addOption(runFlag("runs/order-desk-SCALE"))
    .option(
      "--more",
      "play five more methods, and each at the setting that the judge would have chosen, too",
      false,
    )
    .option("--table", "print every contrast of the run, too, beside the study's verdicts", false)
    .option("--fresh", "delete what the run folder has of this seed and start anew", false);
  return parseCommand(command, args).opts<StartOptions>();
}

async function main(): Promise<void> {
  const options = parse(Deno.args);
  const { scale, seed, more, table, fresh } = options;
  const whole = more || scale === "smoke";
  const { run = `runs/order-desk-${scale}` } = options;
  const [path, out] = [`${run}/seed-${seed}`, `${run}/results`];
  const config = STUDY_SCALES[scale];
  const stages = leagueStages(config, { weighted: scale === "smoke" }); // no finding here is of it, and it takes a tenth
  const world: LeagueWorld = { ...DESK_LEAGUE, config, stages };
  const tried = await readTried(`${LEAGUE}/tuning.csv`);
  if (tried === null) {
    throw new UserError(`there is no ${LEAGUE}/tuning.csv`, "check the folder out again");
  }
  if (fresh) await removeIfThere(path);
  const started = performance.now();
  const engine = await startEngine();
  console.log(
    `run folder ${run}, base 1, seed ${seed}; each stage's settings are in its config.json`,
  );
  console.log(`engine ${engine.backend} on ${engine.device}: ${engine.reason}`);
  const record = { command: Deno.args, seed, versions: versions(engine), settings: world.config };
  await writeJsonFile(`${run}/run.json`, record);
  const reporter = terminalReporter(stopOnInterrupt());
  await play(world, { base: "1", seed }, {
    ...{ run, path, reporter, tried, methods: methodsOf(options) },
    ...{ judges: whole, anew: "run" },
    extras: scale === "smoke",
  });
  const gathered = await gather([{ base: "1", seed, path }], {
    world: ORDER_DESK,
    ...{ config: world.config, tried },
  });
  const measured = measureClaims(gathered.items, { families: FAMILIES, bases: ["1"] });
  await writeTables(out, gathered);
  await writeCsv(`${out}/claims.csv`, claimRows(measured));
  const study = await resultTable(`${LEAGUE}/claims.csv`) ?? [];
  const again = await resultTable(`${claimsFolder(FRESH_BASES)}/claims.csv`) ?? [];
  const found = { measured, study, fresh: again, learns: scale !== "smoke" };
  await writeWhole(`${out}/claims.md`, onePage(found));
  const given = Deno.args.filter((word) => word !== "--fresh");
  if (table) console.log(`\n${tableLines(found)}`);
  console.log(`\n${sentenceLines(found)}\n`);
  const played = new Set(gathered.league.map(({ method }) => method));
  const all = MORE.every((method) => played.has(method)); // now, or in this folder before
  console.log(nextLines({ run, league: LEAGUE, options: given, all }));
  console.log(`took ${duration((performance.now() - started) / 1000)}`);
}

if (import.meta.main) await runCommand(main);

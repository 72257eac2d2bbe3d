/**
 * Gathers the runs of a league into tables and the page of claims.
 *
 *     deno task claims --world order-desk --run runs/league/order-desk
 *
 * @module
 */
import { Option } from "commander";
import { UserError } from "../base/error.ts";
import { writeCsv, writeWhole } from "../base/files.ts";
import { familiesOf } from "../lab/study/families.ts";
import { gather, runsIn, writeTables } from "../lab/study/gather.ts";
import type { JudgedStep } from "../lab/study/judge_over_steps.ts";
import { triedIn } from "../lab/study/league.ts";
import { claimRows, claimsPage, measureClaims } from "../lab/study/page.ts";
import type { TableRow } from "../lab/study/page_judges.ts";
import type { CoursePoint } from "../lab/study/page_league.ts";
import { parseCommand, runCommand, taskCommand } from "./command.ts";
import { outputFolder } from "./flags.ts";
import { WORLDS } from "./worlds.ts";

interface Options {
  world: string;
  run?: string;
  out?: string;
}

async function main(): Promise<void> {
  const command = taskCommand("claims", "--world order-desk --run runs/league/order-desk")
    .description("Gathers the runs of a league into tables and the page of claims.")
    .addOption(
      new Option("--world <name>", "which world").choices(Object.keys(WORLDS)).default(
        "order-desk",
      ),
    )
    .option("--run <folder>", "folder of the league; default runs/league/WORLD")
    .addOption(outputFolder("--out <folder>", "where they go; default data/results/claims/WORLD"));
  const options = parseCommand(command, Deno.args).opts<Options>();
  const { league: world, truth, title } = WORLDS[options.world];
  const run = options.run ?? `runs/league/${world.name}`;
  const out = options.out ?? `data/results/claims/${world.name}`;
  const places = await runsIn(run);
  if (places.length === 0) {
    throw new UserError(
      `${run} has no run of the league`,
      `make some with deno task league --world ${world.name}`,
    );
  }
  const tried = await triedIn(run, world, world.rows);
  const gathered = await gather(places, { world: truth, config: world.config, tried });
  const { bases } = world;
  const families = familiesOf({ rows: world.rows, extras: world.extras.length > 0 });
  const measured = measureClaims(gathered.items, { families, bases });
  await writeTables(out, gathered);
  await writeCsv(`${out}/tuning.csv`, tried);
  if (measured.length === 0) {
    throw new UserError(
      `no contrast of the protocol has both its sides in ${run} yet; tables of what there is are in ${out}`,
      `play more rows, and what they are measured beside: deno task league --world ${world.name}`,
    );
  }
  await writeCsv(`${out}/claims.csv`, claimRows(measured));
  const rows = (name: string) => (gathered.tables[name] ?? []) as readonly TableRow[];
  const page = claimsPage({
    ...{ title, families, bases, measured, tried, notes: world.notes },
    league: gathered.league,
    starts: rows("starts"),
    judges: rows("judge-accuracy"),
    ownPairs: rows("judge-on-policy-pairs"),
    habits: rows("habits"),
    changes: rows("changes").filter(({ method }) => !`${method}`.includes("@")),
    fresh: rows("fresh-labels"),
    overSteps: rows("judge-over-steps") as readonly unknown[] as (JudgedStep & { base: string })[],
    steps: rows("reward-over-steps") as readonly unknown[] as CoursePoint[],
  });
  await writeWhole(`${out}/claims.md`, page);
  console.log(
    `${places.length} runs, ${measured.length} contrasts; tables and claims.md in ${out}`,
  );
  console.log("next: deno task figures");
}

if (import.meta.main) await runCommand(main);

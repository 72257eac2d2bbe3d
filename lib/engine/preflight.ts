/** Everything that a run on engines needs, checked before anything is paid for. */
import { randomUUID } from "node:crypto";
import { removeIfThere } from "../base/disk.ts";
import { UserError } from "../base/error.ts";
import { coloured } from "../base/colour.ts";
import { Rng } from "../base/random.ts";
import { textTable } from "../base/text_table.ts";
import {
  LoraAdapter,
  type LoraConfig,
  type ModelConfig,
  saveAdapter,
  stackedConfig,
} from "../model/mod.ts";
import type { RunConfig } from "../run/config.ts";
import type { Session } from "../run/session.ts";
import type { FleetOptions } from "./fleet.ts";
import { fleetAdapter, type PublishedAdapter } from "./fleet_adapter.ts";
import { type Check, type Launcher, launcherOf } from "./launch/launcher.ts";
import { largestDifference } from "./noise_floor.ts";
import { checkServer, row, type ServerExpectation, type ServerReport } from "./preflight_server.ts";
import { type Cluster, secretOf, unevenBatch } from "./settings.ts";

/** What the run brings. */
export interface PreflightRun {
  readonly config: Readonly<RunConfig>;
  readonly session: Session;
  /** Sizes of the base model, whose weights are not read. */
  readonly model: ModelConfig;
}

/** Settings of {@linkcode preflight}. */
export interface PreflightOptions extends Partial<FleetOptions> {
  /** What starts the trainer; null: not checked. @default the one that the cluster names */
  readonly launcher?: Pick<Launcher, "check"> | null;
  /** Reads a variable of the environment. */
  readonly env?: (name: string) => string | undefined;
}

/**
 * Checks a cluster for a run: the rows of one table, all of them also where some fail.
 *
 * TensorFlow must be started: the adapters of the check are made with it.
 */
export async function preflight(
  cluster: Cluster,
  run: PreflightRun,
  { launcher, env, ...fleet }: PreflightOptions = {},
): Promise<Check[]> {
  const rows = [...secretRows(cluster, env), ...settingRows(cluster, run.config)];
  const scratch = `${cluster.storage.here.replace(/\/+$/, "")}/preflight-${randomUUID()}`;
  let made = false;
  try {
    const storage = await row(`folder ${cluster.storage.here}`, () => writable(cluster, scratch));
    made = storage.ok === true;
    rows.push(storage);
    const question = await judgeQuestion(run);
    rows.push(question.row);
    const keyed = rows.every(({ what, ok }) => what !== KEY_ROW || ok);
    const { prompts, labelIds } = question;
    if (prompts !== null && keyed) {
      const adapters = storage.ok ? await writeAdapters(scratch, { cluster, ...run }) : null;
      const expected: ServerExpectation = {
        ...{ prompts, labelIds, adapters },
        ...await lengths(run),
      };
      const key = fleet.key ?? secretOf(cluster.serve.keyVariable, env);
      const options = { log: () => {}, ...fleet, key };
      const reports = await Promise.all(
        cluster.serve.servers.map((url) => checkServer(cluster, url, expected, options)),
      );
      rows.push(...reports.flatMap((report) => report.rows), ...betweenServers(cluster, reports));
    }
    if (launcher !== null) {
      rows.push(...await launcherRows(() => launcher ?? launcherOf(cluster, { folder: scratch })));
    }
  } finally {
    // A folder that cannot be written may not even be looked at.
    if (made) await removeIfThere(scratch);
  }
  return rows;
}

const KEY_ROW = "key of the servers";

function secretRows(cluster: Cluster, env?: (name: string) => string | undefined): Check[] {
  const { launcher } = cluster.train;
  const named: [what: string, variable: string | null][] = [
    [KEY_ROW, cluster.serve.keyVariable],
    ["token of the launcher", "tokenVariable" in launcher ? launcher.tokenVariable : null],
  ];
  return named.flatMap(([what, variable]): Check[] => {
    if (variable === null) return [];
    try {
      secretOf(variable, env);
      return [{ what, ok: true, said: `${variable} is set` }];
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return [{ what, ok: false, said: error.problem, remedy: error.remedy }];
    }
  });
}

/** What settings of the run and of the cluster say of each other. */
function settingRows(cluster: Cluster, config: Readonly<RunConfig>): Check[] {
  const { serve, train } = cluster;
  const { batchSize } = config.selfJudge;
  const rows: Check[] = [];
  const whole = (["jsft", "selfJudge"] as const).find((stage) =>
    config[stage].tuning.mode === "full"
  );
  rows.push(
    whole === undefined ? { what: "tuning", ok: true, said: "adapters in both stages" } : {
      what: "tuning",
      ok: false,
      said: `${whole}.tuning.mode is "full"`,
      remedy: `--set ${whole}.tuning.mode=lora: engines train adapters alone`,
    },
  );
  const { workers, microBatch } = train;
  const remedy = unevenBatch(batchSize, train);
  const said = `${batchSize} prompts a step over ${workers} workers of ${microBatch}`;
  rows.push({ what: "batch", said, ...remedy === null ? { ok: true } : { ok: false, remedy } });
  rows.push(
    serve.dtype === train.dtype ? { what: "dtype", ok: true, said: serve.dtype } : {
      what: "dtype",
      ok: null,
      said: `servers compute in ${serve.dtype}, the trainer in ${train.dtype}: log-probabilities ` +
        "will differ by more than either's rounding",
      remedy: "take one dtype for both, or raise rounds.drift after a first round",
    },
  );
  return rows;
}

async function writable(cluster: Cluster, scratch: string): Promise<string> {
  try {
    await Deno.mkdir(scratch);
    await Deno.writeTextFile(`${scratch}/written`, "");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const { here } = cluster.storage;
    throw cause instanceof Deno.errors.NotCapable
      ? new UserError(
        `Deno was not allowed to write there: ${reason}`,
        "allow it when Deno asks, or run the task's command as deno.json has it with " +
          `--allow-write=${here}`,
        { cause },
      )
      : new UserError(
        `it cannot be written to: ${reason}`,
        "mount the shared folder here, or correct storage.here in the cluster file",
        { cause },
      );
  }
  return `it can be written to; servers see it as ${cluster.storage.there}`;
}

/** Two answers to one question, as the run's judge is asked, in both positions. */
async function judgeQuestion({ session }: PreflightRun): Promise<
  & Pick<ServerExpectation, "labelIds">
  & { readonly row: Check; readonly prompts: number[][] | null }
> {
  let prompts: number[][] | null = null;
  let labelIds: readonly number[] = [];
  const found = await row("labels of the judge", async () => {
    const [template] = await session.templates();
    labelIds = template.labelIds;
    const dialogue = [{ role: "user" as const, content: "May I have two apples?" }];
    const [one, other] = ["Yes, gladly: two apples.", "No."];
    prompts = [template.prompt(dialogue, one, other), template.prompt(dialogue, other, one)];
    const named = template.labels.map((label, i) => `${JSON.stringify(label)} is ${labelIds[i]}`);
    return `each is one token: ${named.join(", ")}`;
  });
  return { row: found, prompts, labelIds };
}

async function lengths(
  { config, session }: PreflightRun,
): Promise<Pick<ServerExpectation, "tokenizer" | "longest">> {
  const { data, judge, selfJudge } = config;
  const { tokenizer } = await session.language();
  const longest = Math.max(data.maxTokens + selfJudge.maxNewTokens, judge.maxTokens + 1);
  return { tokenizer, longest };
}

/** Adapters of the run's rank and layers: one as it is before training, and a small one of noise. */
async function writeAdapters(
  folder: string,
  { cluster, config, model }: PreflightRun & { readonly cluster: Cluster },
): Promise<{ zero: PublishedAdapter; noise: PublishedAdapter }> {
  // The policy is served as one adapter with JSFT's below it: ranks add up.
  const whole = stackedConfig([config.jsft.tuning, config.selfJudge.tuning]);
  const small = { ...whole, r: 1, alpha: 1, targetModules: whole.targetModules.slice(0, 1) };
  const write = async (name: string, lora: LoraConfig, noise: boolean) => {
    const rng = Rng.named(1, `preflight/${name}`);
    const fresh = LoraAdapter.create(model, lora, rng);
    const adapter = noise ? noisy(fresh, { model, rng }) : fresh;
    try {
      await Deno.mkdir(`${folder}/${name}`);
      await saveAdapter(adapter, `${folder}/${name}`, { baseModel: config.model });
    } finally {
      for (const each of new Set([fresh, adapter])) each.dispose();
    }
    return await fleetAdapter(`${folder}/${name}`, { name: `preflight-${name}`, cluster });
  };
  return { zero: await write("zero", whole, false), noise: await write("noise", small, true) };
}

/** The adapter with random numbers everywhere. */
function noisy(
  { config, parameters }: LoraAdapter,
  { model, rng }: { readonly model: ModelConfig; readonly rng: Rng },
): LoraAdapter {
  return LoraAdapter.from(model, config, {
    file: "noise",
    get: (name) => {
      const { shape, size } = parameters.get(name)!;
      return { shape, data: Float32Array.from({ length: size }, () => rng.uniform() - 0.5) };
    },
  });
}

/** What several servers say beside each other. */
function betweenServers(cluster: Cluster, reports: readonly ServerReport[]): Check[] {
  const rows: Check[] = [];
  const versions = new Set(reports.flatMap(({ version }) => version ?? []));
  if (versions.size > 1) {
    rows.push({
      what: "versions",
      ok: null,
      said: `servers run vLLM ${[...versions].sort().join(", ")}`,
      remedy: "run one version everywhere: it is a part of each verdict's identity",
    });
  }
  const asked = reports.flatMap(({ logs }) => logs === null ? [] : [logs]);
  if (asked.length > 1) {
    const spread = Math.max(...asked.map((logs) => largestDifference(asked[0], logs)));
    rows.push({
      what: "between servers",
      ok: spread <= cluster.rounds.drift,
      said: `the same judge's question differs by ${spread.toExponential(1)} at most`,
      ...(spread > cluster.rounds.drift && {
        remedy: "serve the same weights in the same dtype everywhere",
      }),
    });
  }
  return rows;
}

async function launcherRows(
  open: () => Pick<Launcher, "check">,
): Promise<readonly Check[]> {
  try {
    return await open().check();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return [{ what: "launcher", ok: false, said: error.problem, remedy: error.remedy }];
  }
}

/** The table as text, and whether any row failed. */
export function preflightTable(rows: readonly Check[]): { text: string; failed: boolean } {
  const marks = [["green", "[OK]  "], ["red", "[FAIL]"], ["yellow", "[warn]"]] as const;
  const mark = (ok: boolean | null) => marks[ok === null ? 2 : ok ? 0 : 1][1];
  const lines = rows.flatMap(({ what, ok, said, remedy }) => [
    [`${mark(ok)} ${what}`, said],
    ...(ok !== true && remedy ? [["", `-> ${remedy}`]] : []),
  ]);
  const text = marks.reduce(
    (table, [look, word]) => table.replaceAll(`\n${word} `, `\n${coloured(look, word)} `),
    `\n${textTable(lines)}`,
  ).slice(1);
  return { text, failed: rows.some(({ ok }) => ok === false) };
}

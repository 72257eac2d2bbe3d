/** What the preflight asks one server. */
import { UserError } from "../base/error.ts";
import type { TextTokenizer } from "../text/mod.ts";
import { reachOf } from "./address.ts";
import { Fleet, type FleetOptions } from "./fleet.ts";
import type { FleetAdapter } from "./replica.ts";
import type { Check } from "./launch/interface.ts";
import { largestDifference, repeatedLabels } from "./noise_floor.ts";
import { TOKENIZER_TEXTS } from "./preflight_texts.ts";
import type { Cluster } from "./settings.ts";

/** What is to be true of every server. */
export interface ServerExpectation {
  readonly tokenizer: TextTokenizer;
  /** Most tokens that the run asks for at once, prompt and answer. */
  readonly longest: number;
  /** A judge's question in both positions. */
  readonly prompts: readonly (readonly number[])[];
  readonly labelIds: readonly number[];
  /** Adapters in the shared folder: one that changes nothing, and one that must change something. */
  readonly adapters: { readonly zero: FleetAdapter; readonly noise: FleetAdapter } | null;
}

/** Rows of the table for one server, and the labels' log-probabilities that it gave. */
export interface ServerReport {
  readonly rows: readonly Check[];
  readonly logs: readonly number[] | null;
  readonly version: string | null;
}

/** Longest waits, in ms: whether it is there, and for a first answer. */
const [THERE_MS, ANSWER_MS] = [10_000, 180_000];

/** Checks one server to the end, or to where nothing further can be asked. */
export async function checkServer(
  cluster: Cluster,
  url: string,
  expected: ServerExpectation,
  options: FleetOptions,
): Promise<ServerReport> {
  const rows: Check[] = [];
  const alone = (timeoutMs: number) =>
    new Fleet(
      { ...cluster, serve: { ...cluster.serve, servers: [url], outageMs: 0, timeoutMs } },
      options,
    );
  const { baseModel, keyVariable } = cluster.serve;
  const reach = reachOf(url);
  if (reach === "public") {
    rows.push({
      what: `address of ${url}`,
      ok: null,
      said: "it is not of a private network: who reaches it may load adapters",
      remedy: "put the servers into a private network, or reach them through a tunnel",
    });
  }
  if (keyVariable === null && reach !== "loopback") {
    rows.push({
      what: `key of ${url}`,
      ok: null,
      said: "it asks for no key",
      remedy: 'start it with --api-key and name the variable that holds it: "keyVariable"',
    });
  }
  let version: string | null = null;
  const there = await row(`server ${url}`, async () => {
    const [info] = await alone(THERE_MS).about();
    version = info.version;
    const base = info.models.find(({ id }) => id === baseModel);
    if (base === undefined) {
      const names = info.models.map(({ id }) => id).join(", ");
      throw new UserError(
        `it has no model "${baseModel}": it has ${names || "none"}`,
        "set serve.baseModel to the name that the server has it under (--served-model-name)",
      );
    }
    const { maxLength } = base;
    if (maxLength !== null && maxLength < expected.longest) {
      throw new UserError(
        `prompt and answer may have ${maxLength} tokens together, and the run has up to ${expected.longest}`,
        `start it with --max-model-len ${expected.longest} or more, or lower data.maxTokens, ` +
          "judge.maxTokens or selfJudge.maxNewTokens",
      );
    }
    return `vLLM ${version}, "${baseModel}" (${base.root}), up to ${maxLength} tokens`;
  }, "start it, or correct its address in the cluster file");
  rows.push(there);
  if (!there.ok) return { rows, logs: null, version };

  const fleet = alone(Math.min(cluster.serve.timeoutMs, ANSWER_MS));
  rows.push(await row(`tokenizer of ${url}`, () => sameTokenizer(fleet, expected.tokenizer)));
  let logs: number[] | null = null;
  let spread = 0;
  rows.push(
    await row(`judge at ${url}`, async () => {
      const { prompts, labelIds } = expected;
      ({ logs, spread } = await repeatedLabels(fleet, { model: null, prompts, labelIds }));
      await areRaw(fleet, prompts[0], spread);
      const [a, b] = logs.map((log) => Math.exp(log).toPrecision(3));
      return `P(A) ${a}, P(B) ${b}; asked twice they differ by ${spread.toExponential(1)} at most`;
    }),
  );
  if (logs !== null && expected.adapters !== null) {
    const { zero, noise } = expected.adapters;
    rows.push(
      await row(`adapters at ${url}`, async () => {
        await sameUnder(fleet, { zero, noise, expected, before: logs!, spread });
        return "one that changes nothing changes nothing, one that must change something does";
      }),
    );
  }
  return { rows, logs, version };
}

/** A row of what work finds; the problem and remedy of a user's error where it fails. */
export async function row(
  what: string,
  work: () => Promise<string>,
  remedy?: string,
): Promise<Check> {
  try {
    return { what, ok: true, said: await work() };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const own = error.remedy.startsWith("start the servers") ? remedy : undefined;
    return { what, ok: false, said: error.problem, remedy: own ?? error.remedy };
  }
}

async function sameTokenizer(fleet: Fleet, tokenizer: TextTokenizer): Promise<string> {
  for (const text of TOKENIZER_TEXTS) {
    const [there, here] = [await fleet.tokenize(text), tokenizer.encode(text)];
    if (there.length === here.length && there.every((id, i) => id === here[i])) continue;
    const at = here.findIndex((id, i) => id !== there[i]);
    throw new UserError(
      `${JSON.stringify(text)} is ${there.length} tokens there and ${here.length} here, ` +
        `token ${Math.max(0, at)} being ${there[at]} and ${here[at]}`,
      "serve the model that the run names (--model), with its own tokenizer",
    );
  }
  return `${TOKENIZER_TEXTS.length} texts have the same tokens there and here`;
}

/** Sees that log-probabilities are those before temperature and filters. */
async function areRaw(fleet: Fleet, prompt: readonly number[], spread: number): Promise<void> {
  const settings = { n: 1, maxTokens: 1, temperature: 0.25, topP: 0.5, seed: 7, stopIds: [] };
  const [{ ids: [id], logProbs: [cooled] }] = await fleet.answers(null, { prompt, ...settings });
  const [plain] = await fleet.labels(null, prompt, [id]);
  if (Math.abs(Math.log(plain) - cooled) <= 0.01 + 10 * spread) return;
  throw new UserError(
    `at temperature 0.25 it gives a token the log-probability ${cooled.toFixed(3)}, ` +
      `at 1 it gives ${Math.log(plain).toFixed(3)}`,
    "start it without --logprobs-mode: the run compares the model's own numbers",
  );
}

async function sameUnder(
  fleet: Fleet,
  { zero, noise, expected, before, spread }: {
    readonly zero: FleetAdapter;
    readonly noise: FleetAdapter;
    readonly expected: ServerExpectation;
    readonly before: readonly number[];
    readonly spread: number;
  },
): Promise<void> {
  const { prompts, labelIds } = expected;
  const limit = 1e-4 + 10 * spread;
  for (const adapter of [zero, noise]) {
    await fleet.load(adapter);
    try {
      const { logs } = await repeatedLabels(fleet, { model: adapter, prompts, labelIds });
      const moved = largestDifference(before, logs);
      if (adapter === zero && moved > limit) {
        throw new UserError(
          `an adapter that changes nothing changes a log-probability by ${moved.toExponential(1)}`,
          "serve the model that the run names, in one dtype with and without adapters",
        );
      }
      if (adapter === noise && moved <= limit) {
        throw new UserError(
          `an adapter of noise changes no log-probability by more than ${moved.toExponential(1)}`,
          "ask the server itself: what stands before it may answer for the base model alone",
        );
      }
    } finally {
      await fleet.unload(adapter);
    }
  }
}

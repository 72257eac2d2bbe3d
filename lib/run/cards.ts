/** Parts that the card of a model and the card of a data set share. */
import { resolve } from "node:path";
import { exists, readJsonFile, sha256Of } from "../base/files.ts";
import { ADAPTER_WEIGHTS, adapterBase, adapterRecord, weightsFingerprint } from "../model/mod.ts";
import type { FrozenDtype } from "../tensor/mod.ts";
import type { RunConfig } from "./config.ts";

/** What `run.json` holds. */
export interface RunRecord {
  readonly recipe?: string;
  readonly scale: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly config: RunConfig;
}

/** The model of a stage, as a card names it. */
export interface StageModel {
  readonly form: "adapter" | "model";
  readonly folder: string;
  /** The base as the adapter names it; null for a whole model. */
  readonly base: string | null;
  /** Fingerprint of the adapter's base, or of the whole model. */
  readonly fingerprint: string;
  /** sha256 of an adapter's weights. */
  readonly sha256: string | null;
  /** Rank of an adapter. */
  readonly rank: number | null;
  /** How the base of an adapter was held in training. */
  readonly frozenDtype: FrozenDtype;
}

/** What a stage of a run left; null where it left nothing. */
export async function stageModel(run: string, stage: string): Promise<StageModel | null> {
  const adapter = `${run}/${stage}/adapter`;
  const record = await exists(`${adapter}/${ADAPTER_WEIGHTS}`)
    ? await adapterRecord(adapter)
    : null;
  if (record !== null) {
    return {
      form: "adapter",
      folder: adapter,
      base: (await adapterBase(adapter))?.name ?? null,
      fingerprint: record.base,
      sha256: await sha256Of(`${adapter}/${ADAPTER_WEIGHTS}`),
      rank: record.parts.reduce((sum, { r }) => sum + r, 0),
      frozenDtype: record.frozenDtype ?? "float32",
    };
  }
  const folder = `${run}/${stage}/model`;
  if (!await exists(`${folder}/model.safetensors`)) return null;
  const fingerprint = await weightsFingerprint(folder);
  const whole = { form: "model", base: null, sha256: null, rank: null } as const;
  return { ...whole, folder, fingerprint, frozenDtype: "float32" };
}

/** A model in a sentence's part: its name, and what tells it from another one of that name. */
export function identityText({ form, folder, base, fingerprint, sha256 }: StageModel): string {
  const short = (hash: string) => `\`${hash.slice(0, 16)}\``;
  return form === "model"
    ? `\`${folder}\`, fingerprint ${short(fingerprint)}`
    : `\`${folder}\`, sha256 ${short(sha256!)}, on \`${base}\`, fingerprint ${short(fingerprint)}`;
}

/** What a stage left for the summary; null where it is not done. */
export async function stageResult(
  run: string,
  stage: string,
): Promise<Record<string, unknown> | null> {
  const done = await readJsonFile<{ result: Record<string, unknown> }>(`${run}/${stage}/done.json`);
  return done?.result ?? null;
}

/** The base that a run wrote itself, in a sentence: what it is made of. */
export async function baseText({ base }: StageModel, run: string): Promise<string> {
  if (base !== resolve(`${run}/base`)) return "";
  const source = await readJsonFile<{ origin: string }>(`${run}/base/source.json`);
  return ` That folder holds, value for value, the weights of ${source?.origin ?? "the base"}.`;
}

/** Where the data of a run is from, one line a source. */
export function dataLines({ data }: RunConfig): string[] {
  return data.sources.map(({ source, use }) =>
    `- \`${source}\`${use === "both" ? "" : ` (${use})`}`
  );
}

/** Names on the Hub of the data sets that are known by name. */
export function hubDataSets({ data }: RunConfig): string[] {
  const known: Record<string, string> = { "hh-rlhf": "Anthropic/hh-rlhf" };
  const names = data.sources.map(({ source }) => known[source.split("/")[0]]);
  return [...new Set(names.filter((name) => name !== undefined))];
}

/** The head of a card, as the Hub reads it. Values are JSON, which is YAML. */
export function frontMatter(fields: Readonly<Record<string, unknown>>): string[] {
  const lines = Object.entries(fields).filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return ["---", ...lines, "---", ""];
}

/** The note that stands for a licence. */
export const LICENCE = [
  "## Licence",
  "",
  "None is set here. What is made from a model comes under that model's licence, and what is made from data under the " +
  "data's terms: look up both before you publish this, and write the result here.",
];

/** A JSON value, folded out as a block. */
export function jsonBlock(value: unknown): string[] {
  return ["```json", JSON.stringify(value, null, 2), "```"];
}

import { join } from "node:path";
import { describeFailure } from "../base/download.ts";
import { UserError } from "../base/error.ts";
import { sizeOf } from "../base/files.ts";
import { SAVED_TO_DISK } from "../preference/mod.ts";
import { downloadHubFile } from "./download.ts";
import { described, downloadFolder, listHubFiles } from "./hub_folder.ts";
import { hubRemedy } from "./hub_token.ts";
import type { Located, LocateOptions } from "./located.ts";

/** The preferences that a run takes when none are named. */
export const DEFAULT_DATA = "hh-rlhf/harmless-base/test";

const HH_SET =
  /^hh-rlhf\/(harmless-base|helpful-base|helpful-online|helpful-rejection-sampled)(?:\/(train|test))?$/;

/** A data set of the Hub that is several files. */
interface HubSet {
  readonly repo: string;
  /** Its files, by split. */
  readonly files: Readonly<Record<string, RegExp>>;
}

const HUB_SETS: Readonly<Record<string, HubSet>> = {
  "ultrafeedback": { repo: "openbmb/UltraFeedback", files: { train: /^[^/]+\.jsonl$/ } },
  "ultrafeedback-binarized": {
    repo: "HuggingFaceH4/ultrafeedback_binarized",
    files: {
      train: /^data\/train_prefs-[^/]+\.parquet$/,
      test: /^data\/test_prefs-[^/]+\.parquet$/,
    },
  },
};

/** The named sets, for help texts. */
export const DATA_SETS = ["hh-rlhf/SUBSET/SPLIT", ...Object.keys(HUB_SETS)] as const;

/** Kinds of files that a data set may have. */
const DATA_FILES = /\.(jsonl|ndjson|json|csv|tsv|parquet)(\.gz|\.zst)?$/;

/**
 * Finds training data: a file on this machine or a folder with a file of the split train, before a named set, of its
 * split train where none is named:
 *
 * | name | what |
 * |---|---|
 * | `hh-rlhf/SUBSET/SPLIT` | HH-RLHF: harmless-base, helpful-base, helpful-online, helpful-rejection-sampled |
 * | `ultrafeedback` | openbmb/UltraFeedback, rated answers |
 * | `ultrafeedback-binarized/SPLIT` | HuggingFaceH4/ultrafeedback_binarized, pairs |
 *
 * A named set is looked for in the folder that SELF_JUDGE_DATA names, where that is set; else among
 * what was downloaded before; else it is downloaded from its public home.
 *
 * @throws {UserError} Nothing is there, or the download fails.
 */
export async function locateData(spec: string, options: LocateOptions = {}): Promise<Located> {
  if (await isHere(spec)) {
    const files = await trainFiles(spec);
    return { path: spec, origin: "local", ...(files && { files }) };
  }
  return await namedSet(spec)(options);
}

/** Refuses data that is neither on this machine nor a named set, and fetches none. @throws {UserError} */
export async function checkData(spec: string): Promise<void> {
  if (!await isHere(spec)) namedSet(spec);
}

/** Whether a path is one; Deno refuses to look for one without a name. */
const isHere = async (spec: string) => spec.trim() !== "" && await sizeOf(spec) !== undefined;

/** What finds a named set. @throws {UserError} where there is none of that name */
function namedSet(spec: string): (options: LocateOptions) => Promise<Located> {
  const [, subset, split = "train"] = HH_SET.exec(spec) ?? [];
  if (subset !== undefined) return (options) => locateHh({ spec, subset, split }, options);
  const [name, part = "train"] = spec.split("/");
  const set = Object.hasOwn(HUB_SETS, name) ? HUB_SETS[name] : undefined;
  const files = set !== undefined && Object.hasOwn(set.files, part) ? set.files[part] : undefined;
  if (set !== undefined && files !== undefined) {
    return (options) =>
      locateSet({ spec, name: `${name}-${part}`, repo: set.repo, files }, options);
  }
  throw new UserError(
    `there is no data file "${spec}"`,
    `give a path that exists or a named set such as ${DEFAULT_DATA} (${DATA_SETS.join(", ")})`,
  );
}

/** The files of what was found, to be read in this order. */
export function dataFiles({ path, files }: Located): readonly string[] {
  return files ?? [path];
}

/** A part of HH-RLHF, one file. */
async function locateHh(
  { spec, subset, split }: { spec: string; subset: string; split: string },
  options: LocateOptions,
): Promise<Located> {
  const { folder = ".engine", log = () => {} } = options;
  const name = join("hh-rlhf", `${subset}-${split}.jsonl.gz`);
  const own = ownPath(name, options);
  if (own !== undefined) {
    if (await sizeOf(own) !== undefined) return { path: own, origin: "SELF_JUDGE_DATA" };
    throw absent(own, options);
  }
  const path = join(folder, "data", name);
  const file = {
    repo: { type: "dataset", name: "Anthropic/hh-rlhf" },
    path: `${subset}/${split}.jsonl.gz`,
  } as const;
  const origin = `Hugging Face Hub, ${file.repo.name}, ${file.path}`;
  if (await sizeOf(path) !== undefined) return { path, origin };
  log(`fetching ${spec} from the Hub`);
  try {
    await downloadHubFile(file, path, options);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(
      error.problem,
      `run again when it is in reach, or fetch https://huggingface.co/datasets/Anthropic/hh-rlhf/resolve/main/${file.path} ` +
        `elsewhere, save it as DIR/${name} and set SELF_JUDGE_DATA=DIR`,
      { cause: error },
    );
  }
  return { path, origin };
}

/** A set of several files, in a folder of its own. */
async function locateSet(
  { spec, name, repo, files: pattern }: {
    spec: string;
    name: string;
    repo: string;
    files: RegExp;
  },
  options: LocateOptions,
): Promise<Located> {
  const { folder = ".engine", log = () => {} } = options;
  const own = ownPath(name, options);
  if (own !== undefined) {
    const files = await filesIn(own);
    if (files.length > 0) return { path: own, origin: "SELF_JUDGE_DATA", files };
    throw absent(own, options);
  }
  const path = join(folder, "data", name);
  const origin = `Hugging Face Hub, ${repo}`;
  if (await sizeOf(path) === undefined) {
    const designation = { type: "dataset", name: repo } as const;
    const elsewhere = `or fetch https://huggingface.co/datasets/${repo} elsewhere, ` +
      `save its files in DIR/${name} and set SELF_JUDGE_DATA=DIR`;
    try {
      const files = await listHubFiles({ repo: designation, files: pattern }, options);
      if (files.length === 0) throw new Error("the repository has no such files now");
      log(`fetching ${spec} from the Hub: ${described(files)}`);
      await downloadFolder({ repo: designation, files }, path, options);
    } catch (error) {
      if (error instanceof UserError) {
        throw new UserError(error.problem, `${error.remedy}, ${elsewhere}`, { cause: error });
      }
      throw new UserError(
        `the data set "${spec}" is not on this machine, and the Hub does not give it: ${
          describeFailure(error)
        }`,
        hubRemedy(error, options, `run again when it is in reach, ${elsewhere}`),
        { cause: error },
      );
    }
  }
  return { path, origin, files: await filesIn(path) };
}

/**
 * The files of a folder's training split, as `datasets` tells splits by their files' names (`pairs/train.jsonl` of a run);
 * null for a file, and for a folder that names no split, which the reader refuses.
 */
async function trainFiles(path: string): Promise<string[] | null> {
  if (!(await Deno.stat(path)).isDirectory) return null;
  const files = (await Array.fromAsync(Deno.readDir(path)))
    .filter(({ name, isFile }) => isFile && DATA_FILES.test(name) && /^train\b/.test(name))
    .map(({ name }) => join(path, name));
  return files.length > 0 ? files.sort() : null;
}

/** Where a named set is in the user's own folder of data sets; undefined without such a folder. */
function ownPath(name: string, { dataFolder }: LocateOptions): string | undefined {
  const folder = dataFolder ?? Deno.env.get("SELF_JUDGE_DATA");
  return folder ? join(folder, name) : undefined;
}

function absent(path: string, { dataFolder }: LocateOptions): UserError {
  return new UserError(
    `SELF_JUDGE_DATA is "${
      dataFolder ?? Deno.env.get("SELF_JUDGE_DATA")
    }", but there is no "${path}"`,
    "put the file there, or unset SELF_JUDGE_DATA to have it downloaded",
  );
}

/** The data files in a folder and those below it, by path. */
async function filesIn(folder: string): Promise<string[]> {
  if (await sizeOf(folder) === undefined) return [];
  const files: string[] = [];
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    if (name.startsWith(".") || SAVED_TO_DISK.includes(name)) continue; // a system's or library's own notes
    const path = join(folder, name);
    if (isDirectory) files.push(...await filesIn(path));
    else if (isFile && DATA_FILES.test(name)) files.push(path);
  }
  return files.sort();
}

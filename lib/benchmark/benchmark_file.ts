/** Where benchmarks' files come from. */
import { join } from "node:path";
import { download } from "../base/download.ts";
import { UserError } from "../base/error.ts";
import { sizeOf } from "../base/files.ts";
import { annotationFiles } from "../judges/open_judge.ts";
import type { BenchmarkFile } from "./benchmark.ts";

/** How to find a benchmark's files. */
export interface FindOptions {
  /** A folder with data sets; default the environment variable SELF_JUDGE_DATA. */
  readonly dataFolder?: string;
  /**
   * The git-ignored folder that downloads go to, below `data/benchmarks`.
   * @default ".engine"
   */
  readonly folder?: string;
  readonly log?: (line: string) => void;
  /** Replaces the global fetch, in tests. */
  readonly fetch?: typeof fetch;
  /** Whether the benchmark does without it: then its absence from a folder is no error. */
  readonly optional?: boolean;
}

/**
 * The path of a benchmark's file: in the folder of data sets where one is named, else among what was
 * downloaded before, else downloaded from its public home.
 *
 * @returns null if it is optional and not in the folder named
 * @throws {UserError} The folder named does not have it, or the download fails.
 */
export async function findBenchmarkFile(
  file: BenchmarkFile,
  options: FindOptions = {},
): Promise<string | null> {
  const { dataFolder = Deno.env.get("SELF_JUDGE_DATA"), optional = false } = options;
  if (dataFolder) {
    for (const place of file.places) {
      const path = join(dataFolder, place);
      if (await sizeOf(path) === undefined) continue;
      return (await Deno.stat(path)).isDirectory ? (await annotationFiles(path))[0] : path;
    }
    if (optional) return null;
    throw new UserError(
      `the data folder "${dataFolder}" has none of ${file.places.join(", ")}`,
      `put the file there (${file.url}), or name no folder to have it downloaded`,
    );
  }
  const target = join(options.folder ?? ".engine", "data", "benchmarks", file.places[0]);
  if (await sizeOf(target) === undefined) {
    const remedy =
      "be online, or fetch it elsewhere and name its folder with --data or SELF_JUDGE_DATA";
    await download(file.url, target, { ...options, remedy });
  }
  return target;
}

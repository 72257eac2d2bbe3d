import { listFiles, type RepoDesignation } from "@huggingface/hub";
import { join } from "node:path";
import { StallGuard } from "../base/download.ts";
import { sizeOf } from "../base/files.ts";
import { downloadHubFile, type HubOptions, megabytes } from "./download.ts";
import { withHubToken } from "./hub_token.ts";

/** A file in a repository of the Hub, as it is listed. */
export interface HubEntry {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
}

/** Some of the files of a repository. */
interface HubFolder<F> {
  readonly repo: RepoDesignation;
  /** @default "main" */
  readonly revision?: string;
  readonly files: F;
}

/** The files of a repository whose paths fit a pattern, by path. */
export async function listHubFiles(
  { repo, revision, files: pattern }: HubFolder<RegExp>,
  { fetch: inner = fetch, hubUrl, token, timeoutMs = 10_000 }: HubOptions,
): Promise<HubEntry[]> {
  // Finding out that the Hub is out of reach should not take longer than this.
  const guard = new StallGuard(Math.min(timeoutMs, 5_000));
  const files: HubEntry[] = [];
  try {
    const list = listFiles({
      repo,
      revision,
      hubUrl,
      recursive: pattern.source.includes("/"),
      fetch: guard.wrap(withHubToken(inner, { hubUrl, token })),
    });
    for await (const { path, size } of list) if (pattern.test(path)) files.push({ path, size });
  } finally {
    guard.stop();
  }
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}

/**
 * Fetches files of a repository into a folder, which exists only when all are there: an interrupted download is
 * continued in `HOME.part`.
 */
export async function downloadFolder(
  { repo, revision, files }: HubFolder<readonly HubEntry[]>,
  home: string,
  options: HubOptions,
): Promise<void> {
  for (const { path } of files) {
    const target = join(`${home}.part`, path);
    if (await sizeOf(target) === undefined) {
      await downloadHubFile({ repo, path, revision }, target, options);
    }
  }
  await Deno.rename(`${home}.part`, home);
}

/** How many files, and how large together. */
export function described(files: readonly HubEntry[]): string {
  return `${files.length} files, ${megabytes(files.reduce((sum, { size }) => sum + size, 0))}`;
}

import { downloadFile, fileDownloadInfo, type RepoDesignation } from "@huggingface/hub";
import { dirname } from "node:path";
import { describeFailure, StallGuard } from "../base/download.ts";
import { UserError } from "../base/error.ts";
import { removeIfThere, sha256Of, sizeOf } from "../base/files.ts";
import { type HubAccess, hubRemedy, withHubToken } from "./hub_token.ts";

/** How to reach the Hub. */
export interface HubOptions extends HubAccess {
  /** Hears one line for each thing worth knowing. */
  readonly log?: (line: string) => void;
  /** Replaces the global fetch, in tests. */
  readonly fetch?: typeof fetch;
  /**
   * Longest wait for a response, or for more of it, in milliseconds.
   * @default 10_000
   */
  readonly timeoutMs?: number;
}

/** A file in a repository of the Hub. */
export interface HubFile {
  readonly repo: RepoDesignation;
  readonly path: string;
  /**
   * Branch, tag or commit.
   * @default "main"
   */
  readonly revision?: string;
}

/**
 * Fetches one file from the Hugging Face Hub to `target`, which exists only when it is complete.
 *
 * The bytes go to `target.part` first. When the Hub knows the file's sha256 (every large file), the
 * result is checked against it and an interrupted download is continued; otherwise nothing is left.
 *
 * @throws {UserError} The file is not there, the connection breaks or stalls, or size or sha256 differ.
 */
export async function downloadHubFile(
  file: HubFile,
  target: string,
  { log = () => {}, timeoutMs = 10_000, token, ...options }: HubOptions = {},
): Promise<void> {
  const access = { hubUrl: options.hubUrl, token };
  const fetcher = withHubToken(options.fetch ?? fetch, access);
  const part = `${target}.part`;
  const guard = new StallGuard(timeoutMs);
  const name = typeof file.repo === "string" ? file.repo : nameOf(file.repo);
  const hub = { ...file, ...options, fetch: guard.wrap(fetcher), xet: false };
  let sha256: string | undefined;
  try {
    const info = await fileDownloadInfo(hub);
    const blob = info && await downloadFile({ ...hub, downloadInfo: info });
    if (!info || !blob) throw new Error("there is no such file");
    sha256 = /^"?([0-9a-f]{64})"?$/.exec(info.etag)?.[1];
    await Deno.mkdir(dirname(target), { recursive: true });
    let done = sha256 === undefined ? 0 : await sizeOf(part) ?? 0;
    if (done > blob.size) done = 0;
    if (done > 0) log(`continuing ${file.path} at ${megabytes(done)}`);
    const tell = progress(file.path, blob.size, log);
    if (done < blob.size || blob.size === 0) {
      using output = await Deno.open(part, { write: true, create: true, truncate: done === 0 });
      await output.seek(done, Deno.SeekMode.Start);
      for await (const chunk of blob.slice(done).stream()) {
        guard.alive();
        for (let at = 0; at < chunk.length;) at += await output.write(chunk.subarray(at));
        tell(done += chunk.length);
      }
    }
    const wrongSize = done !== blob.size;
    // More than asked for means that the part is not a beginning of the file: do not continue it.
    if (done > blob.size) sha256 = undefined;
    if (wrongSize) throw new Error(`${done} bytes came instead of ${blob.size}`);
    if (sha256 !== undefined && await sha256Of(part) !== sha256) {
      sha256 = undefined;
      throw new Error("the sha256 is not the one that the Hub gives");
    }
    await Deno.rename(part, target);
  } catch (error) {
    const kept = sha256 !== undefined && await sizeOf(part) !== undefined;
    if (!kept) await removeIfThere(part);
    throw new UserError(
      `"${file.path}" of ${name} could not be fetched from the Hub: ${describeFailure(error)}`,
      hubRemedy(
        error,
        access,
        kept ? "run the command again: it continues where it stopped" : "run the command again",
      ),
      { cause: error },
    );
  } finally {
    guard.stop();
  }
}

/** Bytes as megabytes for people. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** Says at every tenth how far a file above 10 MB is. */
function progress(name: string, size: number, log: (line: string) => void) {
  let tenths = 0;
  return (done: number) => {
    const now = Math.floor((done / size) * 10);
    if (size < 1e7 || now <= tenths) return;
    tenths = now;
    log(`${name}: ${now * 10} % of ${megabytes(size)}`);
  };
}

function nameOf(repo: Exclude<RepoDesignation, string>): string {
  return "name" in repo ? repo.name : String(repo);
}

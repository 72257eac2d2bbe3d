/** What the files that a run's settings name hold: a path stays where its file is changed. @module */
import { sha256Of, sizeOf } from "../base/files.ts";
import type { RunConfig } from "./config.ts";
import { dataFiles, locateData } from "./locate_data.ts";

/**
 * A hash of the contents of every file on this machine that settings name (data, chat template, principles, demonstrations),
 * by its name there. Data sets of the Hub and what is not there are left out.
 */
export async function contentsNamedIn(
  { data, chat, judge }: Pick<RunConfig, "data" | "chat" | "judge">,
): Promise<Map<string, string>> {
  const names = [
    ...data.sources.map(({ source }) => source),
    ...[chat.template, judge.principlesFile, judge.demonstrationsFile],
  ].filter((name) => name !== null);
  const found = new Map<string, string>();
  for (const name of names) {
    if (found.has(name) || await sizeOf(name) === undefined) continue;
    const located = await locateData(name);
    const files = located.origin === "local" ? dataFiles(located) : [];
    if (files.length === 0 || (await Deno.stat(files[0])).isDirectory) continue;
    const hashes = await Promise.all(files.map(sha256Of));
    found.set(name, hashes.map((hash) => hash.slice(0, 12)).join(" "));
  }
  return found;
}

/** What `--help` and `--print-config` say of a run's settings. */
import { UserError } from "../base/error.ts";
import { exists } from "../base/disk.ts";
import { writeWhole } from "../base/files.ts";
import type { RunConfig } from "../run/config.ts";
import { settingAt, settingLines } from "../run/settings.ts";
import { shellWords } from "./command.ts";

/** Every setting, its default and its meaning, a line each. */
export function settingsHelp(config: Readonly<RunConfig>): string {
  const lines = settingLines().map(({ name, meaning, words }) => {
    const choice = words.length > 0 ? ` [${words.join(" | ")}]` : "";
    return `  ${name}=${JSON.stringify(settingAt(config, name))}\n      ${meaning}${choice}`;
  });
  return [
    "",
    "Settings, with the values of the recipe ours (--set NAME=VALUE, or a file for --config):",
    ...lines,
  ].join("\n");
}

/** Whether settings of a file leave nothing to a recipe. */
export function isComplete(values: unknown): boolean {
  return settingLines().every(({ name }) => settingAt(values, name) !== undefined);
}

/**
 * Writes settings to a file to edit.
 *
 * @throws {UserError} where the file is there already
 */
export async function writeSettings(file: string, config: Readonly<RunConfig>): Promise<void> {
  if (await exists(file)) {
    throw new UserError(`${file} is there already`, "name another file, or delete that one");
  }
  await writeWhole(file, JSON.stringify(config, null, 2) + "\n");
  console.log(`wrote ${file}; edit it, then: deno task align --config ${shellWords([file])}`);
}

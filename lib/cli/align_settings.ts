/** The settings that the options of `deno task align` ask for. */
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { UserError } from "../base/error.ts";
import { resolveConfig, type RunConfig } from "../run/config.ts";
import { OURS, type Recipe, recipeNamed } from "../run/recipe.ts";
import { isComplete } from "./settings_help.ts";

/** Options that settings come from. */
export interface SettingOptions {
  recipe: string;
  scale?: string;
  model?: string;
  data: string[];
  ranker?: string;
  gold?: string;
  seed?: number;
  config?: string;
  set: string[];
}

/** The recipe and the scale that a run's record and cards name. */
export interface Label {
  readonly recipe: string;
  readonly scale: string;
}

/** The scale in the record of settings that are a file's own. */
const OWN_SCALE = "of that file";

/** A file of settings; a run's record says itself what they are, others are called after their file. */
async function readSettings(path: string): Promise<{ values: unknown; label: Label }> {
  let found: unknown;
  try {
    found = JSON.parse(await Deno.readTextFile(path));
  } catch (cause) {
    throw new UserError(
      `the settings file ${path} cannot be read: ${cause instanceof Error ? cause.message : cause}`,
      "give a JSON file of settings, such as a run's run.json",
      { cause },
    );
  }
  const own = { recipe: basename(path), scale: OWN_SCALE };
  if (typeof found !== "object" || found === null || !("config" in found)) {
    return { values: found, label: own };
  }
  const { config, recipe, scale } = found as { config: unknown } & Partial<Label>;
  return {
    values: config,
    label: typeof recipe === "string" && typeof scale === "string" ? { recipe, scale } : own,
  };
}

/** `--data SPEC=USE` as a source of the settings. @throws {UserError} for a use that is none */
function sourceOf(spec: string): { source: string; use: string } {
  const [, source, use] = /^(.+)=(\w*)$/.exec(spec) ?? [];
  if (source === undefined || existsSync(spec)) return { source: spec, use: "both" };
  if (["both", "answers", "judgments"].includes(use)) return { source, use };
  throw new UserError(
    `--data ${spec}: a source is not of use "${use}", and there is no file of that name`,
    `write ${source}, ${source}=answers or ${source}=judgments`,
  );
}

/** The settings that a command line asks for, the recipe they begin with, and what they are called in the record. */
export async function settingsOf(options: SettingOptions): Promise<{
  recipe: Recipe;
  label: Label;
  config: Readonly<RunConfig>;
}> {
  const settings = [...options.set];
  if (options.model !== undefined) settings.push(`model=${JSON.stringify(options.model)}`);
  if (options.data.length > 0) {
    settings.push(`data.sources=${JSON.stringify(options.data.map(sourceOf))}`);
  }
  for (const role of ["ranker", "gold"] as const) {
    const spec = options[role];
    if (spec !== undefined) settings.push(`selfJudge.${role}=${JSON.stringify(spec)}`);
  }
  if (options.seed !== undefined) settings.push(`seed=${options.seed}`);
  const recipe = await recipeNamed(options.recipe);
  const scale = options.scale ?? recipe.scale;
  const file = options.config === undefined ? undefined : await readSettings(options.config);
  if (file && options.scale !== undefined && isComplete(file.values)) {
    throw new UserError(
      `${options.config} holds every setting, so that --scale ${options.scale} would change nothing`,
      "leave --scale out, or take the settings that it is to change out of the file",
    );
  }
  return {
    recipe,
    label: file?.label ?? { recipe: recipe.name, scale },
    config: resolveConfig(scale, {
      ...{ recipe, settings },
      ...(file && { values: file.values, file: options.config }),
    }),
  };
}

/** What a run is called by the settings that it began with. */
export function calledBy({ recipe, scale }: Label): string {
  if (scale === OWN_SCALE) return basename(recipe, ".json");
  return recipe === OURS.name ? scale : `${recipe}-${scale}`;
}

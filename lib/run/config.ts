import type { z } from "zod";
import { UserError } from "../base/error.ts";
import { defaultPrinciple } from "../method/mod.ts";
import { OURS, type Recipe } from "./recipe.ts";
import { type RunSettings, SETTINGS } from "./settings.ts";

export { type Scale, SCALE_NAMES } from "./recipe.ts";

/** Settings of a whole run, checked, with the principles it judges by. */
export type RunConfig = RunSettings & { judge: { principles: string[] } };

/** Sections and settings that had another name once, for who has an old file of settings. */
const RENAMED: Readonly<Record<string, string>> = {
  reject: "tournament",
  lora: "jsft.tuning and selfJudge.tuning",
  "data.source": "data.sources, a list of {source, use, format}",
  "data.format": "data.sources, a list of {source, use, format}",
};

/**
 * The settings of a recipe at a scale with changes applied, checked and frozen.
 *
 * @param scale One of the recipe's; null: the one it names.
 * @param changes Nested values, with the file that they are of, or "section.field=value" texts as given to `--set`.
 * @throws {UserError} naming the unknown scale or the setting that is unknown or out of range
 */
export function resolveConfig(
  scale: string | null,
  { recipe = OURS, values = {}, file, settings = [] }: {
    recipe?: Recipe;
    values?: unknown;
    file?: string;
    settings?: readonly string[];
  } = {},
): Readonly<RunConfig> {
  const size = scale ?? recipe.scale;
  if (!Object.hasOwn(recipe.scales, size)) {
    throw new UserError(
      `there is no scale "${size}"`,
      `choose one of ${Object.keys(recipe.scales).join(", ")}`,
    );
  }
  let raw = merged(merged(recipe.settings, recipe.scales[size]), values);
  if (file !== undefined) {
    const { error } = SETTINGS.safeParse(raw);
    if (error) {
      const { problem, remedy } = refused(error.issues[0], raw);
      throw new UserError(`${file}: ${problem}`, remedy);
    }
  }
  for (const setting of settings) raw = merged(raw, parseSetting(setting));
  const parsed = SETTINGS.safeParse(raw);
  if (!parsed.success) throw refused(parsed.error.issues[0], raw);
  const { judge, data } = parsed.data;
  return deepFrozen({
    ...parsed.data,
    judge: {
      ...judge,
      principles: judge.principles ??
        [defaultPrinciple(...data.sources.map(({ source }) => source))],
    },
  });
}

/** What is wrong with a setting, by its name. */
function refused(issue: z.core.$ZodIssue, raw: unknown): UserError {
  const path = issue.path.join(".");
  const at = (of: unknown, keys = issue.path) =>
    keys.reduce<unknown>(
      (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
      of,
    );
  if (issue.code === "unrecognized_keys") {
    const name = [path, issue.keys[0]].filter(Boolean).join(".");
    if (Object.hasOwn(RENAMED, name)) {
      return new UserError(`there is no setting "${name}"`, `it is called "${RENAMED[name]}" now`);
    }
    // All items of a list have the settings that the recipe's first has.
    const known = at(OURS.settings, issue.path.map((key) => typeof key === "number" ? 0 : key));
    return new UserError(
      `there is no setting "${name}"`,
      `there are ${Object.keys(known as object).join(", ")}`,
    );
  }
  return new UserError(`setting ${path} is ${JSON.stringify(at(raw))}`, issue.message);
}

/** "jsft.epochs=2" as { jsft: { epochs: 2 } }; the value is JSON where it parses as such, else text. */
function parseSetting(setting: string): unknown {
  const at = setting.indexOf("=");
  if (at < 1) {
    throw new UserError(`--set "${setting}"`, 'write it as section.field=value, "jsft.epochs=2"');
  }
  const text = setting.slice(at + 1);
  let value: unknown = text;
  try {
    value = JSON.parse(text);
  } catch { /* plain text */ }
  return setting.slice(0, at).split(".").reduceRight((inner, key) => ({ [key]: inner }), value);
}

function merged(base: unknown, over: unknown): unknown {
  if (!isRecord(base) || !isRecord(over)) return over;
  const out: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    out[key] = key in base ? merged(base[key], value) : value;
  }
  return out;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function deepFrozen<T>(value: T): Readonly<T> {
  if (typeof value === "object" && value !== null) Object.values(value).forEach(deepFrozen);
  return Object.freeze(value);
}

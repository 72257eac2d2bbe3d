import { z } from "zod";
import hh from "../../data/recipes/hh-llama2-7b.json" with { type: "json" };
import ours from "../../data/recipes/ours.json" with { type: "json" };
import ultrafeedback from "../../data/recipes/ultrafeedback-llama2-7b.json" with { type: "json" };
import principles from "../../data/recipes/ultrafeedback-principles-llama2-7b.json" with {
  type: "json",
};
import { UserError } from "../base/error.ts";

const RECIPE = z.strictObject({
  name: z.string().min(1),
  /** What it trains, in a sentence. */
  about: z.string().min(1),
  /** The paper's sections and the files that its settings are from. */
  paper: z.string().optional(),
  /** The scale that a run takes when none is named. */
  scale: z.string().min(1),
  /** Every setting. */
  settings: z.record(z.string(), z.unknown()),
  /** What each scale changes of them. */
  scales: z.record(z.string(), z.record(z.string(), z.unknown())),
  /** Where a setting is from, by its name; "deviation" marks what differs from the paper's. */
  notes: z.record(z.string(), z.string()).default({}),
});

/**
 * The settings of a run as a file to read and to change, with where each is from.
 *
 * The recipes that come with the project are in `data/recipes`.
 */
export type Recipe = z.infer<typeof RECIPE>;

/** The recipe that a run takes when none is named. */
export const OURS: Recipe = RECIPE.parse(ours);

/** The size of a run by the recipe "ours"; the same code and the same stages at every one. */
export type Scale = "smoke" | "small" | "full";

/** The scales there are. (Here and not in `config.ts`, which loads the tokenizers: tools run without FFI.) */
export const SCALE_NAMES = Object.keys(OURS.scales) as Scale[];

/** The recipes that come with the project, by name. */
export const RECIPES: Readonly<Record<string, Recipe>> = Object.fromEntries(
  [OURS, ...[hh, ultrafeedback, principles].map((recipe) => RECIPE.parse(recipe))]
    .map((recipe) => [recipe.name, recipe]),
);

/**
 * The recipe of that name, or of a file.
 *
 * @throws {UserError} where there is none, or the file is not one; names the file and the field
 */
export async function recipeNamed(name: string): Promise<Recipe> {
  if (Object.hasOwn(RECIPES, name)) return RECIPES[name];
  let content: unknown;
  try {
    content = JSON.parse(await Deno.readTextFile(name));
  } catch (cause) {
    throw new UserError(
      `there is no recipe "${name}", and no file that can be read: ${
        cause instanceof Error ? cause.message : cause
      }`,
      `choose one of ${Object.keys(RECIPES).join(", ")}, or give a file like those of data/recipes`,
      { cause },
    );
  }
  const parsed = RECIPE.safeParse(content);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UserError(
    `${name}, field ${issue.path.join(".") || "the whole file"}: ${issue.message}`,
    "write it as data/recipes/ours.json is written; settings alone are given with --config",
  );
}

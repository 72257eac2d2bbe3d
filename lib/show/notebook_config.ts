/**
 * The one place where notebooks read their settings: size, seed and folders.
 *
 * A kernel takes no parameters, so they come from the environment: `SELF_JUDGE_NOTEBOOK_SCALE` (`smoke`,
 * `small`, `full`; default `small`) and `SELF_JUDGE_NOTEBOOK_SEED` (default 7). `deno task notebooks:run`
 * sets both.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { UserError } from "../base/error.ts";
import { type Scale, SCALE_NAMES } from "../run/recipe.ts";

/** Environment variable of the scale. */
export const SCALE_VARIABLE = "SELF_JUDGE_NOTEBOOK_SCALE";
/** Environment variable of the seed. */
export const SEED_VARIABLE = "SELF_JUDGE_NOTEBOOK_SEED";

/** Settings of a notebook. */
export interface NotebookConfig {
  /** How long it may take: `smoke` for a check, `small` for the committed outputs. */
  readonly scale: Scale;
  /** Everything random follows from it. */
  readonly seed: number;
  /** Absolute paths, whatever folder the kernel was started in. */
  readonly folders: {
    readonly root: string;
    /** Worlds and tables that are committed. */
    readonly data: string;
    readonly results: string;
    readonly figures: string;
    /** Runs of the command line, such as `small-s7`. */
    readonly runs: string;
    /** Where notebooks write: git-ignored, one folder a scale and seed. */
    readonly work: string;
  };
  /**
   * The value that belongs to the scale; `full` falls back to `small`.
   *
   * @example
   * ```ts
   * import { notebook } from "./notebook_config.ts";
   * const steps = notebook.at({ smoke: 5, small: 200 });
   * ```
   */
  at<T>(sizes: { smoke: T; small: T; full?: T }): T;
  /** A path as text that is the same on every machine: relative to the checkout. */
  short(path: string): string;
}

/**
 * The settings that an environment asks for.
 *
 * @param variable Looks an environment variable up.
 * @param root Folder of the checkout.
 * @throws {UserError} for a scale or seed that is none, naming the variable
 */
export function notebookConfig(
  variable: (name: string) => string | undefined,
  root: string,
): NotebookConfig {
  const scale = variable(SCALE_VARIABLE) || "small";
  if (!(SCALE_NAMES as string[]).includes(scale)) {
    throw new UserError(
      `${SCALE_VARIABLE} is "${scale}"`,
      `set it to one of ${SCALE_NAMES.join(", ")}`,
    );
  }
  const seed = variable(SEED_VARIABLE) || "7";
  if (!/^\d{1,9}$/.test(seed)) {
    throw new UserError(`${SEED_VARIABLE} is "${seed}"`, "set it to a whole number, 0 or more");
  }
  return Object.freeze<NotebookConfig>({
    scale: scale as Scale,
    seed: Number(seed),
    folders: Object.freeze({
      root,
      data: `${root}/data`,
      results: `${root}/data/results`,
      figures: `${root}/figures`,
      runs: `${root}/runs`,
      work: `${root}/runs/notebooks/${scale}-s${Number(seed)}`,
    }),
    at: ({ smoke, small, full = small }) => ({ smoke, small, full })[scale as Scale],
    short: (path) => path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path,
  });
}

/** The settings of this process. */
export const notebook: NotebookConfig = notebookConfig(
  (name) => Deno.env.get(name),
  fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, ""),
);

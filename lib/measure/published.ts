/** Win rates as others have published them, beside ours. */
import { basename } from "node:path";
import { z } from "zod";
import { UserError } from "../base/error.ts";
import { cell, parseRows } from "../base/csv.ts";
import { textTable } from "../base/text_table.ts";
import type { WinRate } from "./win_rate.ts";

/** What is published of a model, in percent; null where no file says. */
export interface Published {
  readonly winRate: number | null;
  readonly standardError: number | null;
  /** By AlpacaEval's minimal variant, which is the one computed here. */
  readonly lcMinimal: number | null;
}

/** Published rates by model. */
export interface PublishedRates {
  readonly files: readonly string[];
  readonly models: ReadonlyMap<string, Published>;
}

/** A row of the CSV file that `deno task winrate --published-csv` writes; rates and errors in percent. */
export interface PublishedRow {
  readonly model: string;
  readonly n: number;
  readonly win_rate: number;
  readonly published_win_rate: number | null;
  /** Ours less theirs. */
  readonly difference: number | null;
  readonly standard_error: number | null;
  readonly published_standard_error: number | null;
  readonly lc_win_rate: number | null;
  readonly reference_lc_win_rate: number | null;
  /** Ours less theirs. */
  readonly lc_difference: number | null;
}

/** Columns that are read: AlpacaEval's leaderboard and a file of `lc_minimal` rates. Others are left alone. */
const COLUMNS = {
  winRate: "win_rate",
  standardError: "standard_error",
  lcMinimal: "lc_minimal",
} as const satisfies Record<keyof Published, string>;

const row = z.object({
  model: cell.text,
  win_rate: cell.blank.default(null),
  standard_error: cell.blank.default(null),
  lc_minimal: cell.blank.default(null),
});

/**
 * Reads files of published rates: CSV with a column `model` (or, as in AlpacaEval's own leaderboards, a first
 * column without a name) and any of `win_rate`, `standard_error`, `lc_minimal`. Of two files that have the same
 * number of the same model, the one named first counts.
 *
 * A leaderboard's `length_controlled_winrate` is not read: it comes from a fit over many models with the
 * difficulty of instructions in it, and is another quantity than the minimal variant.
 *
 * @throws {UserError} When a file cannot be read, lacks these columns, or has a model twice.
 */
export async function readPublished(files: readonly string[]): Promise<PublishedRates> {
  const models = new Map<string, Published>();
  for (const file of files) {
    const text = await Deno.readTextFile(file).catch((cause) => {
      throw new UserError(
        cause instanceof Deno.errors.NotFound
          ? `there is no file "${file}"`
          : `${file} cannot be read: ${cause instanceof Error ? cause.message : cause}`,
        "give a CSV file of published rates after --published",
        { cause },
      );
    });
    const [head, ...body] = text.replace(/^\uFEFF/, "").split("\n");
    const named = head.replace(/^(""|''|),/, "model,");
    const columns = named.trim().split(",").map((name) => name.replace(/^"|"$/g, "").trim());
    if (!columns.includes("model") || !Object.values(COLUMNS).some((c) => columns.includes(c))) {
      throw new UserError(
        `${file} has columns ${columns.join(", ")}`,
        `give one with model and any of ${Object.values(COLUMNS).join(", ")}`,
      );
    }
    const rows = parseRows([named, ...body].join("\n"), { path: file, row, key: ["model"] });
    for (const { model, win_rate, standard_error, lc_minimal } of rows) {
      const known = models.get(model);
      models.set(model, {
        winRate: known?.winRate ?? win_rate,
        standardError: known?.standardError ?? standard_error,
        lcMinimal: known?.lcMinimal ?? lc_minimal,
      });
    }
  }
  return { files, models };
}

/** One row per model; cells are empty where nothing is published. */
export function publishedRows(
  rates: readonly WinRate[],
  { models }: PublishedRates,
): PublishedRow[] {
  return rates.map(({ model, n, rate, standardError, controlled }) => {
    const theirs = models.get(model);
    const lc = controlled?.rate ?? null;
    return {
      model,
      n,
      win_rate: rate.value,
      published_win_rate: theirs?.winRate ?? null,
      difference: less(rate.value, theirs?.winRate),
      standard_error: standardError,
      published_standard_error: theirs?.standardError ?? null,
      lc_win_rate: lc,
      reference_lc_win_rate: theirs?.lcMinimal ?? null,
      lc_difference: less(lc, theirs?.lcMinimal),
    };
  });
}

/** The models that no file has. */
export function notPublished(rates: readonly WinRate[], { models }: PublishedRates): string[] {
  return rates.map(({ model }) => model).filter((model) => !models.has(model));
}

/** The table for the terminal, and the largest differences below it. */
export function publishedTable(rows: readonly PublishedRow[], { files }: PublishedRates): string {
  const header = ["model", "n", "win rate", "published", "less", "SE", "published", "LC"];
  const cells = rows.map((row) => [
    row.model,
    String(row.n),
    row.win_rate.toFixed(2),
    places(row.published_win_rate),
    tiny(row.difference),
    places(row.standard_error),
    places(row.published_standard_error),
    places(row.lc_win_rate),
    places(row.reference_lc_win_rate),
    tiny(row.lc_difference),
  ]);
  const largest = (differences: readonly (number | null)[]) => {
    const known = differences.filter((d) => d !== null).map(Math.abs);
    return known.length === 0 ? "n/a" : `${tiny(Math.max(...known))} (n ${known.length})`;
  };
  return [
    textTable([[...header, "reference", "less"], ...cells]),
    "",
    `Published: ${files.map((file) => basename(file)).join(", ")}; less: ours less theirs, points.`,
    "Their length_controlled_winrate, a fit over many models, is another quantity and not compared.",
    "Largest difference (over so many models): " +
    `win rate ${largest(rows.map(({ difference }) => difference))}, ` +
    `standard error ${
      largest(rows.map((row) => less(row.standard_error, row.published_standard_error)))
    }, LC ${largest(rows.map(({ lc_difference }) => lc_difference))}.`,
  ].join("\n");
}

function less(ours: number | null, theirs: number | null | undefined): number | null {
  return ours === null || theirs === null || theirs === undefined ? null : ours - theirs;
}

const places = (value: number | null): string => value?.toFixed(2) ?? "-";

/** A difference that may be next to nothing. */
const tiny = (value: number | null): string =>
  value === null ? "-" : value === 0 ? "0" : value.toExponential(1);

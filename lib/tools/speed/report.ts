import { z } from "zod";
import { parseRows } from "../../base/csv.ts";
import { readIfThere, writeCsv } from "../../base/files.ts";
import { textTable } from "../../base/text_table.ts";
import type { SpeedCase } from "./case.ts";
import { ratios, type Spread, spread } from "./measure.ts";

/** One line of the table: one case against one way of asking PyTorch. */
export interface SpeedRow {
  readonly case: string;
  /** "usual", "tuned" or "torch.compile": how PyTorch was asked. */
  readonly variant: string;
  readonly unit: string;
  /** Our median rate op by op, where `ours` is with compiled steps, and our rate / that, round by round. */
  readonly eager?: number;
  readonly gain?: Spread;
  /** Median rates, in `unit`. */
  readonly ours: number;
  readonly pytorch: number;
  /** Our rate / PyTorch's, round by round. */
  readonly ratio: Spread;
  readonly level: number;
  /** The ratio to reach, where this is the fastest way of asking PyTorch; nothing in other rows. */
  readonly best_level?: number;
  readonly reps: number;
}

/** The rates of one case, a list a side. */
export interface CaseRates {
  readonly ours: readonly number[];
  /** Ours op by op, where `ours` has compiled steps. */
  readonly eager?: readonly number[];
  /** PyTorch's, by how it was asked. */
  readonly theirs: Readonly<Record<string, readonly number[]>>;
}

/** The rows of one case, one for each way in which PyTorch was asked. */
export function rowsOf(
  { name, unit, level, bestLevel }: Pick<SpeedCase, "name" | "unit" | "level" | "bestLevel">,
  { ours, eager, theirs }: CaseRates,
): SpeedRow[] {
  const fastest = Math.max(...Object.values(theirs).map((rates) => spread(rates).median));
  return Object.entries(theirs).map(([variant, rates]) => ({
    case: name,
    variant,
    unit,
    ...(eager ? { eager: spread(eager).median, gain: spread(ratios(ours, eager)) } : {}),
    ours: spread(ours).median,
    pytorch: spread(rates).median,
    ratio: spread(ratios(ours, rates)),
    level,
    ...(bestLevel !== undefined && spread(rates).median === fastest && { best_level: bestLevel }),
    reps: ours.length,
  }));
}

/** A row of the file, its figures as they stand there. */
const asWritten = z.record(z.string(), z.string());

/** A number with three figures that count. */
function figures(value: number): string {
  return value >= 1000 ? value.toFixed(0) : value.toPrecision(3);
}

/** Level and verdict: against PyTorch asked as usual, and in brackets against the fastest way of asking it. */
function levels({ variant, level, best_level, ratio }: SpeedRow): [string, string] {
  const verdict = (level: number) => ratio.median >= level ? "reached" : "below";
  const asked = variant === "usual" ? [level.toFixed(1), verdict(level)] : ["", ""];
  const best = best_level === undefined
    ? ["", ""]
    : [`(${best_level.toFixed(1)})`, `(${verdict(best_level)})`];
  const [shown, said] = [0, 1].map((i) => [asked[i], best[i]].filter(Boolean).join(" "));
  return [shown || "-", said];
}

/** How much longer a larger case takes than the one that it grows from, where both were measured. */
export function growthTable(
  rows: readonly SpeedRow[],
  cases: readonly Pick<SpeedCase, "name" | "growsFrom">[],
): string {
  const usual = (name?: string) => rows.find((row) => row.case === name && row.variant === "usual");
  const lines = cases.flatMap(({ name, growsFrom }) => {
    const [base, larger] = [usual(growsFrom), usual(name)];
    if (!base || !larger) return [];
    const times = (side: "ours" | "pytorch") => (base[side] / larger[side]).toFixed(2);
    return [[name, growsFrom!, times("ours"), times("pytorch")]];
  });
  return lines.length === 0
    ? ""
    : textTable([["case", "against", "ours takes", "PyTorch takes"], ...lines]);
}

/** The table that is printed; rates and ratios: higher is better. */
export function table(rows: readonly SpeedRow[]): string {
  const cells = [
    ["case", "unit", "op by op", "ours", "gain", "PyTorch", "ratio [min, max]", "level", ""],
    ...rows.map(({ ratio, ...row }) => [
      row.variant === "usual" ? row.case : `${row.case}, PyTorch ${row.variant}`,
      row.unit,
      row.eager === undefined ? "-" : figures(row.eager),
      figures(row.ours),
      row.gain === undefined ? "-" : row.gain.median.toFixed(2),
      figures(row.pytorch),
      `${ratio.median.toFixed(2)} [${ratio.low.toFixed(2)}, ${ratio.high.toFixed(2)}]`,
      ...levels({ ...row, ratio }),
    ]),
  ];
  return textTable(cells);
}

/**
 * Puts the rows into a CSV file, in place of earlier ones of the same case and variant.
 *
 * Each row carries what it was measured on, so rows of different runs can stand in one file.
 */
export async function saveRows(
  path: string,
  { rows, versions }: {
    readonly rows: readonly SpeedRow[];
    readonly versions: Readonly<Record<string, string | number>>;
  },
): Promise<void> {
  const before = await readIfThere(path);
  const kept = before === null
    ? []
    : parseRows(before, { path, row: asWritten }).filter((old) =>
      !rows.some((row) => row.case === old.case && row.variant === old.variant)
    );
  const added = rows.map(({ ratio, gain, ...row }) => ({
    ...row,
    ...(row.eager === undefined ? {} : { eager: figures(row.eager) }),
    ours: figures(row.ours),
    pytorch: figures(row.pytorch),
    ratio: ratio.median.toFixed(3),
    ratio_min: ratio.low.toFixed(3),
    ratio_max: ratio.high.toFixed(3),
    ...(gain && {
      gain: gain.median.toFixed(3),
      gain_min: gain.low.toFixed(3),
      gain_max: gain.high.toFixed(3),
    }),
    ...versions,
  }));
  await writeCsv(path, [...kept, ...added]);
}

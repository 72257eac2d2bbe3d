import type { Winner } from "../method/judgment.ts";

const VERDICTS: readonly Winner[] = ["first", "second", "tie"];

/** A 3 x 3 table of verdicts against labels, row-major: rows the judge's, columns the labels'. */
export function agreementCell(verdict: Winner, label: Winner): number[] {
  const cell = VERDICTS.indexOf(verdict) * 3 + VERDICTS.indexOf(label);
  return Array.from({ length: 9 }, (_, i) => Number(i === cell));
}

/**
 * Adds to a table of {@linkcode agreementCell}s what it would be with the positions of every pair swapped, so
 * that it no longer matters which answer of a pair was written down first.
 */
export function bothOrientations(table: ArrayLike<number>): number[] {
  const mirror = [1, 0, 2]; // first, second, tie
  return Array.from(
    { length: 9 },
    (_, i) => table[i] + table[mirror[Math.floor(i / 3)] * 3 + mirror[i % 3]],
  );
}

/**
 * Cohen's kappa of a square table of counts, row-major: (p_o - p_e) / (1 - p_e) with the observed
 * agreement p_o and that of two raters who keep their own rates but do not look, p_e (Cohen 1960).
 *
 * @returns null where p_e is 1 (both always say the same one thing) or the table is empty
 *
 * @example
 * ```ts
 * import { cohenKappa } from "./kappa.ts";
 * cohenKappa([20, 5, 10, 15]); // 0.4: p_o = 0.7, p_e = 0.5
 * ```
 */
export function cohenKappa(table: ArrayLike<number>): number | null {
  const size = Math.round(Math.sqrt(table.length));
  const rows = new Float64Array(size);
  const columns = new Float64Array(size);
  let [total, agreed] = [0, 0];
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      const count = table[i * size + j];
      rows[i] += count;
      columns[j] += count;
      total += count;
      if (i === j) agreed += count;
    }
  }
  const expected = rows.reduce((sum, row, i) => sum + row * columns[i], 0);
  const room = total * total - expected; // total^2 (1 - p_e)
  return room > 0 ? (agreed * total - expected) / room : null;
}

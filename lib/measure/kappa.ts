import type { Winner } from "../method/judgment.ts";

const VERDICTS: readonly Winner[] = ["first", "second", "tie"];

/** A 3 x 3 table of verdicts against labels, row-major: rows the judge's, columns the labels'. */
export function agreementCell(verdict: Winner, label: Winner): number[] {
  const cell = VERDICTS.indexOf(verdict) * 3 + VERDICTS.indexOf(label);
  return Array.from({ length: 9 }, (_, i) => Number(i === cell));
}

/**
 * Cohen's kappa of a square table of counts, row-major: (p_o - p_e) / (1 - p_e) with the observed
 * agreement p_o and that of two raters who keep their own rates but do not look, p_e = sum of the products of both
 * raters' marginals (Cohen 1960, https://doi.org/10.1177/001316446002000104); scikit-learn's `cohen_kappa_score`.
 *
 * It adds something to the agreement only where the raters' rates are not even. So do not count a pair in both
 * orders of its answers, nor the letters A and B over both positions: both make the labels' marginals 1/2 and 1/2,
 * so that p_e = 1/2 whatever the judge does, and kappa is 2 p_o - 1, the agreement on another scale.
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

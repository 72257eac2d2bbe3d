/** What the protocol tests, as rows of a table and as the page's tables of families. @module */
import { markdownTable as table } from "../../base/markdown_table.ts";
import { type Measured, measureFamily, openOverBases, type RunItems } from "./claims.ts";
import type { Family } from "./families.ts";
import { interval, number, onEachBase, signed } from "./page_numbers.ts";

/** Every contrast of some families that some run of these bases has both sides of. */
export const measureClaims = (
  items: readonly RunItems[],
  { families, bases }: { families: readonly Family[]; bases: readonly string[] },
): Measured[] => families.flatMap((family) => measureFamily(family, items, bases));

/** The contrasts as rows of a table. */
export function claimRows(measured: readonly Measured[]): Record<string, string | number>[] {
  return measured.map((one) => ({
    family: one.family,
    contrast: one.text,
    ...{ a: one.a, b: one.b, says: one.says, margin: one.margin ?? 0 },
    ...{ value_a: one.valueA, value_b: one.valueB, difference: one.difference },
    ...{ low: one.low ?? "", high: one.high ?? "", runs: one.runs, bases: one.bases },
    per_base: onEachBase(one, "; "),
    p_holm: one.p ?? "",
    p_holm_against: one.pAgainst ?? "",
    p_holm_bases: one.pBases ?? "",
    ...{ verdict: one.verdict, paper: one.paper },
  }));
}

/**
 * The contrasts, those of one run with the interval over its prompts that a table of them has, where the prompts are no
 * longer at hand.
 *
 * @param kept Rows as {@linkcode claimRows} makes them.
 */
export function withKeptIntervals(
  measured: readonly Measured[],
  kept: readonly Readonly<Record<string, unknown>>[],
): Measured[] {
  const near = (a: unknown, b: number) => Math.abs(Number(a) - b) < 1e-9;
  return measured.map((one) => {
    if (one.runs !== 1 || one.low !== null) return one;
    const same = kept.find((row) =>
      row.a === one.a && row.b === one.b && Number(row.runs) === 1 && row.low !== "" &&
      near(row.value_a, one.valueA) && near(row.value_b, one.valueB)
    );
    return same === undefined ? one : { ...one, low: Number(same.low), high: Number(same.high) };
  });
}

/** The difference on each base, in a league of one base of each seed. */
const onEach = ({ perBase, perSeed }: Measured) =>
  perSeed === null
    ? onEachBase({ perBase }, "<br>")
    : Object.entries(perSeed).map(([seed, value]) => `seed ${seed}: ${signed(value)}`)
      .join("<br>");

const p = (value: number | null) =>
  value === null ? "" : value < 0.001 ? "< 0.001" : number(value, 3);

/** The contrasts of one family as a Markdown table. */
export function familyTable(
  { number: n, text, contrasts }: Family,
  measured: readonly Measured[],
): string {
  const own = measured.filter(({ family }) => family === n);
  const rows = own.map((one) => [
    one.text + (one.margin ? ` (margin ${one.margin})` : ""),
    `${number(one.valueA)}, ${number(one.valueB)}`,
    `${signed(one.difference)} ${interval(one)}${
      one.runs === 1 && one.low !== null ? " over prompts" : ""
    }`.trim(),
    onEach(one),
    `${one.runs}`,
    ...[one.p, one.pAgainst, one.pBases]
      .map((value) => one.verdict === "unfinished" ? "" : p(value)),
    `**${one.verdict}**${openOverBases(one) ? " over runs, open over bases" : ""}${within(one)}${
      decided(one)
    }${one.reported ? `: ${one.reported}` : ""}`,
    one.paper,
  ]);
  const missing = contrasts.filter(({ text }) => !own.some((one) => one.text === text));
  const counted = contrasts.filter(({ reported }) => reported === undefined).length;
  return [
    `### ${n}. ${text}`,
    "",
    ...rows.length === 0 ? [] : [
      table([
        ...["we test", "values", "difference"],
        ...[own[0].perSeed === null ? "on each base" : "on each seed", "runs"],
        ...["p for it", "p for the opposite", "p for it, of bases' means", "we find", "paper says"],
      ], rows),
      "",
    ],
    `Holm's correction counts ${counted} contrast${counted === 1 ? "" : "s"}.` +
    (missing.length > 0 ? ` Not played: ${missing.map(({ text }) => text).join("; ")}.` : ""),
    "",
  ].join("\n");
}

/** A word where "no worse" holds though the difference is below 0. */
const within = ({ verdict, difference, says }: Measured) =>
  verdict === "held" && says === "no worse" && difference < 0
    ? ` (worse by ${number(-difference)}, inside the margin)`
    : "";

/** A word where bases of both signs leave an unfinished contrast no verdict but "open". */
const decided = ({ verdict, perBase, margin = 0 }: Measured) => {
  const signs = new Set(Object.values(perBase).map((value) => Math.sign(value + margin)));
  return verdict === "unfinished" && signs.size > 1 ? ", and open whatever comes" : "";
};

/** Numbers of the committed tables put into a text, so that slides and hand-outs never hold a typed one. */
import { mean } from "simple-statistics";
import { UserError } from "../../base/error.ts";
import { resultTable } from "../../show/mod.ts";

/** Bases of the league whose lessons did not teach every view: a side study. */
const SIDE = "views-";

type Row = Record<string, string | number>;

/**
 * Fills `{{TABLE NAME=VALUE, NAME=VALUE : WHAT}}`, where TABLE is a file below the results without `.csv`. Of the rows
 * whose columns have these values (one with a comma stands in double quotes), WHAT is
 *
 * - a column: its mean with three decimals, or, of one row, its text (`difference`, `verdict`);
 * - a column and `%`: its mean in percent;
 * - two columns with a stroke (`right/n`): the sum of the first over that of the second, and with `by base` after
 *   them the mean over bases of each base's own;
 * - `interval`: the row's `difference` or `value` with `low` and `high`, three decimals each;
 * - `count`: how many rows there are.
 *
 * Rows of a side study's bases are left out unless their base is asked for.
 *
 * @param options.file Named in errors.
 * @param options.results Folder of results.
 * @throws {UserError} for a table, a row or a column that is not there, naming file and line
 */
export async function filled(
  text: string,
  { file, results }: { file: string; results: string },
): Promise<string> {
  const parts: string[] = [];
  let done = 0;
  for (const found of text.matchAll(/\{\{([^{}]*)\}\}/g)) {
    const line = text.slice(0, found.index).split("\n").length;
    parts.push(
      text.slice(done, found.index),
      await looked(found[1].replaceAll(/\s+/g, " "), { place: `${file} line ${line}`, results }),
    );
    done = found.index + found[0].length;
  }
  return [...parts, text.slice(done)].join("");
}

async function looked(
  asked: string,
  { place, results }: { place: string; results: string },
): Promise<string> {
  const form = /^\s*(\S+)\s*([^:]*?)\s*:\s*(.+?)\s*$/.exec(asked);
  if (!form) {
    throw new UserError(
      `${place}: {{${asked}}} names no column`,
      "write {{TABLE NAME=VALUE : COLUMN}}",
    );
  }
  const [, table, where, what] = form;
  const wanted = where === "" ? [] : where.match(/(?:"[^"]*"|[^,"])+/g)!.map((one) => {
    const at = one.indexOf("=");
    return [one.slice(0, at).trim(), one.slice(at + 1).trim().replace(/^"(.*)"$/, "$1")] as const;
  });
  const rows = await resultTable<Row>(`${results}/${table}.csv`);
  if (rows === null) {
    throw new UserError(`${place}: there is no table ${table}`, "name a file below the results");
  }
  const unknown = wanted.map(([name]) => name).find((name) => !(name in (rows[0] ?? {})));
  if (unknown !== undefined) {
    throw new UserError(
      `${place}: ${table} has no column "${unknown}"`,
      `it has ${Object.keys(rows[0] ?? {}).join(", ")}`,
    );
  }
  const named = wanted.some(([name]) => name === "base");
  const some = rows.filter((row) =>
    wanted.every(([name, value]) => `${row[name]}` === value) &&
    (named || !`${row.base}`.startsWith(SIDE))
  );
  if (what === "count") return `${some.length}`;
  if (some.length === 0) {
    throw new UserError(`${place}: ${table} has no row with ${where}`, "look into the table");
  }
  return told(some, { what, place: `${place}: ${table}` });
}

function told(rows: readonly Row[], { what, place }: { what: string; place: string }): string {
  const numbers = (name: string, some = rows): number[] =>
    some.map((row) => {
      const value = row[name];
      if (typeof value === "number" && Number.isFinite(value)) return value;
      throw new UserError(
        `${place} has ${value === undefined ? "no column" : `no number in`} "${name}"`,
        `its columns are ${Object.keys(row).join(", ")}`,
      );
    });
  const sum = (name: string, some = rows) => numbers(name, some).reduce((a, b) => a + b, 0);
  if (what === "interval") {
    if (rows.length > 1) throw new UserError(`${place} has ${rows.length} such rows`, "name one");
    const value = "difference" in rows[0] ? "difference" : "value";
    const [middle, low, high] = [value, "low", "high"].map((name) => numbers(name)[0].toFixed(3));
    return `${middle} [${low}, ${high}]`;
  }
  const [, upper, lower, byBase] = /^(\w+)\/(\w+)( by base)?$/.exec(what) ?? [];
  if (upper) {
    if (byBase && !("base" in rows[0])) {
      throw new UserError(`${place} has no column "base"`, `ask for ${upper}/${lower} alone`);
    }
    const groups = byBase ? [...Map.groupBy(rows, ({ base }) => base).values()] : [rows];
    return mean(groups.map((some) => sum(upper, some) / sum(lower, some))).toFixed(2);
  }
  const [, share] = /^(\w+) ?%$/.exec(what) ?? [];
  if (share) return `${(100 * sum(share) / rows.length).toFixed(1)} %`;
  const [only] = rows;
  if (rows.length === 1 && typeof only[what] === "string" && only[what] !== "") return only[what];
  const [value] = [sum(what) / rows.length];
  return numbers(what).every(Number.isInteger) && rows.length === 1 ? `${value}` : value.toFixed(3);
}

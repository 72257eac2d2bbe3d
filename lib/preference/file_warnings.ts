/** One thing to know about some items or lines of a file. */
export interface FileWarning {
  readonly file: string;
  /** What `items` count: the items of a JSON array, lines, or the rows of a parquet file. */
  readonly unit: "item" | "line" | "row";
  readonly reason: string;
  /** The items or lines it holds for, from 1. */
  readonly items: readonly number[];
}

/** Collects what is odd about the items of a file, by reason. */
export class FileWarnings {
  readonly #items = new Map<string, number[]>();

  constructor(readonly file: string, readonly unit: FileWarning["unit"] = "item") {}

  add(reason: string, item: number): void {
    const items = this.#items.get(reason);
    if (items === undefined) this.#items.set(reason, [item]);
    else items.push(item);
  }

  list(): FileWarning[] {
    const { file, unit } = this;
    return [...this.#items].map(([reason, items]) => ({ file, unit, reason, items }));
  }
}

/** A warning in one line: `m.json: 2 items (3, 17): no preference`. Ten places are named. */
export function describeWarning({ file, unit, reason, items }: FileWarning): string {
  const named = items.slice(0, 10).join(", ");
  const more = items.length > 10 ? `, and ${items.length - 10} more` : "";
  return items.length === 1
    ? `${file} ${unit} ${items[0]}: ${reason}`
    : `${file}: ${items.length} ${unit}s (${named}${more}): ${reason}`;
}

/** One thing to know about some items of a file. */
export interface Finding {
  readonly file: string;
  readonly reason: string;
  /** The items it holds for, from 1. */
  readonly items: readonly number[];
}

/** Collects what is odd about the items of a file, by reason. */
export class Findings {
  readonly #items = new Map<string, number[]>();

  constructor(readonly file: string) {}

  add(reason: string, item: number): void {
    const items = this.#items.get(reason);
    if (items === undefined) this.#items.set(reason, [item]);
    else items.push(item);
  }

  list(): Finding[] {
    return [...this.#items].map(([reason, items]) => ({ file: this.file, reason, items }));
  }
}

/** A finding in a line: `m.json: 2 items (3, 17): no preference`. Ten places are named. */
export function describeFinding({ file, reason, items }: Finding): string {
  const named = items.slice(0, 10).join(", ");
  const more = items.length > 10 ? `, and ${items.length - 10} more` : "";
  return items.length === 1
    ? `${file} item ${items[0]}: ${reason}`
    : `${file}: ${items.length} items (${named}${more}): ${reason}`;
}

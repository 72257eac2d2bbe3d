import { Undefined, type Value } from "./values.ts";

/** The names of a block, over those of the blocks around it. */
export class Scope {
  readonly #own = new Map<string, Value>();
  constructor(readonly parent: Scope | null = null) {}

  get(name: string): Value {
    for (let scope: Scope | null = this as Scope; scope; scope = scope.parent) {
      const found = scope.#own.get(name);
      if (found !== undefined) return found;
    }
    return new Undefined(`'${name}' is undefined`);
  }

  set(name: string, value: Value): void {
    this.#own.set(name, value);
  }
}

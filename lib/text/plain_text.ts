/** What encoding text that others wrote needs from a tokenizer. */
export interface PlainTokenizer {
  encode(text: string): number[];
  decode(ids: readonly number[], options?: { skipSpecial?: boolean }): string;
}

/** Encodes text that others wrote, so that none of it can pose as the end of a turn. */
export class PlainEncoder {
  readonly #tokenizer: PlainTokenizer;
  readonly #control = new Map<number, boolean>();

  constructor(tokenizer: PlainTokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** The ids of a text without control tokens such as `<|im_end|>`, and how many of those it spelled out. */
  encode(text: string): { ids: number[]; dropped: number } {
    const all = this.#tokenizer.encode(text);
    const ids = all.filter((id) => !this.#isControl(id));
    return { ids, dropped: all.length - ids.length };
  }

  #isControl(id: number): boolean {
    let control = this.#control.get(id);
    if (control === undefined) {
      control = this.#tokenizer.decode([id], { skipSpecial: true }) === "" &&
        this.#tokenizer.decode([id], { skipSpecial: false }) !== "";
      this.#control.set(id, control);
    }
    return control;
  }
}

import type { JudgeTokenizer } from "../../method/template.ts";

/** Beyond Unicode's last code point: ids of the labels. */
const LABELS = 0x11_0000;
/** Beyond the labels: ids of the characters of control tokens. */
const CONTROL = 0x20_0000;

/**
 * How models of common families write the tokens that end turns: `<|im_end|>`, `<｜User｜>`, `</s>`,
 * `<end_of_turn>`, `[/INST]`. Servers read them inside a message as the tokens they name.
 */
const CONTROL_TOKENS =
  /<\|[^<>|\s]{1,64}\|>|<｜[^<>｜]{1,64}｜>|<\/?s>|<(?:start|end)_of_turn>|\[\/?INST\]|<<\/?SYS>>/g;

/**
 * Characters as tokens, for a judge whose own tokenizer is on a server: a `JudgeTemplate` then counts
 * and cuts in characters, and its ids are the text itself, the same in every run.
 *
 * A label at the end of a text is one token, as templates demand. Control tokens keep a range of ids apart, so that the
 * template can leave them out of what others wrote.
 */
export class CharacterTokenizer implements JudgeTokenizer {
  readonly #labels: readonly string[];

  /** @param control Single characters that also count as control, such as the marks of turns. */
  constructor(labels: readonly string[], readonly control: readonly string[] = []) {
    this.#labels = labels;
  }

  encode(text: string): number[] {
    const ids: number[] = [];
    let at = 0;
    for (const { index, 0: token } of text.matchAll(CONTROL_TOKENS)) {
      this.#plain(text.slice(at, index), ids);
      for (const character of token) ids.push(CONTROL + character.codePointAt(0)!);
      at = index + token.length;
    }
    const label = this.#labels.findIndex((label) => text.endsWith(label));
    const end = label < 0 ? text.length : text.length - this.#labels[label].length;
    this.#plain(text.slice(at, end), ids);
    if (label >= 0) ids.push(LABELS + label);
    return ids;
  }

  decode(ids: readonly number[], { skipSpecial = false }: { skipSpecial?: boolean } = {}): string {
    return ids.map((id) => {
      if (id >= CONTROL) return skipSpecial ? "" : String.fromCodePoint(id - CONTROL);
      return id >= LABELS ? this.#labels[id - LABELS] : String.fromCodePoint(id);
    }).join("");
  }

  #plain(text: string, ids: number[]): void {
    for (const character of text) {
      const id = character.codePointAt(0)!;
      ids.push(this.control.includes(character) ? CONTROL + id : id);
    }
  }
}

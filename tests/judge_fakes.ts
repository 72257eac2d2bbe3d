import type { TokenScorer } from "../lib/method/judge.ts";
import { combineScores, type Judgment } from "../lib/method/judgment.ts";
import type { JudgeChat, JudgeTokenizer } from "../lib/method/template.ts";
import type { Turn } from "../lib/text/chat.ts";

/** Words with their leading space, line ends and `<|control|>` tokens, numbered as they appear. */
export class WordTokenizer implements JudgeTokenizer {
  readonly #words: string[] = [];

  encode(text: string): number[] {
    return (text.match(/<\|\w+\|>| ?\w+|\s|[^\w\s]/g) ?? []).map((word) => {
      const known = this.#words.indexOf(word);
      return known >= 0 ? known : this.#words.push(word) - 1;
    });
  }

  decode(ids: readonly number[], options: { skipSpecial?: boolean } = {}): string {
    const words = ids.map((id) => this.#words[id]);
    return words.filter((word) => !(options.skipSpecial && word.startsWith("<|"))).join("");
  }
}

/** ChatML, the form that SmolLM2 uses. */
export const CHAT: JudgeChat = {
  render: (turns, { addGenerationPrompt }) =>
    turns.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join("") +
    (addGenerationPrompt ? "<|im_start|>assistant\n" : ""),
};

export const user = (content: string): Turn => ({ role: "user", content });

/** A judgment from P(A) and P(B) in both positions; in the second the mirror of the first where not given. */
export const judgmentOf = (
  [a, b]: readonly [number, number],
  [c, d]: readonly [number, number] = [b, a],
): Judgment =>
  combineScores([{ principle: "overall", forward: { a, b }, backward: { a: c, b: d } }]);

/** Answers a prompt from its two answers, as a rule says, and counts what it was asked. */
export class RuleScorer implements TokenScorer {
  calls = 0;
  prompts: number[][] = [];

  constructor(
    readonly tokenizer: JudgeTokenizer,
    readonly rule: (positionA: string, positionB: string, text: string) => [number, number],
  ) {}

  probabilities(prompts: readonly (readonly number[])[]): Promise<number[][]> {
    this.calls++;
    return Promise.resolve(prompts.map((prompt) => {
      this.prompts.push([...prompt]);
      const text = this.tokenizer.decode(prompt);
      const [, a, b] = text.match(/Answer A:\n([^]*?)\n\nAnswer B:\n([^]*?)\n\n/)!;
      return this.rule(a, b, text);
    }));
  }
}

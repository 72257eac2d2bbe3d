import { UserError } from "../base/error.ts";
import type { JudgeTemplate } from "./template.ts";
import type { Pair } from "../preference/mod.ts";
import type { ChatTemplate, TextTokenizer, Turn } from "../text/mod.ts";

/** A sequence of which a part is to be learned. */
export interface Example {
  readonly kind: "answer" | "judgment";
  readonly ids: readonly number[];
  /** Index of the first token to be learned; all after it are learned too. */
  readonly from: number;
}

/** Turns dialogues and answers into token ids, within a length. */
export interface AnswerEncoder {
  readonly tokenizer: TextTokenizer;
  readonly chat: ChatTemplate;
  /** Most tokens of prompt and answer together. */
  readonly maxTokens: number;
  /** What to do with a longer one: "truncate" cuts the answer's end, "refuse" is an error. */
  readonly overflow: "truncate" | "refuse";
}

/** What became of the pairs on their way into examples. */
export interface ExampleCounts {
  answers: number;
  judgments: number;
  /** Answers that lost their end. */
  truncated: number;
  /** Pairs whose prompt leaves no room for an answer, left out. */
  promptTooLong: number;
}

/** Ids of a dialogue up to where the assistant's next turn begins. */
export function encodePrompt(
  prompt: readonly Turn[],
  { tokenizer, chat }: Pick<AnswerEncoder, "tokenizer" | "chat">,
): number[] {
  return tokenizer.encode(chat.render(prompt, { addGenerationPrompt: true }));
}

/** The token that ends an answer. */
export function endOfAnswer(tokenizer: TextTokenizer): number {
  if (tokenizer.eosId === null) {
    throw new UserError(
      "the tokenizer has no end-of-text token",
      "name one in tokenizer_config.json",
    );
  }
  return tokenizer.eosId;
}

/**
 * Prompt, answer and end token as one sequence, of which the answer is to be learned.
 *
 * @returns null if the prompt alone fills `maxTokens`
 */
export function answerExample(
  { prompt, answer, pair }: { prompt: readonly Turn[]; answer: string; pair: string },
  encoder: AnswerEncoder,
): { example: Example; truncated: boolean } | null {
  const start = encodePrompt(prompt, encoder);
  const whole = [...start, ...encoder.tokenizer.encode(answer), endOfAnswer(encoder.tokenizer)];
  const truncated = whole.length > encoder.maxTokens;
  if (truncated && encoder.overflow === "refuse") {
    throw new UserError(
      `pair ${pair}: prompt and answer have ${whole.length} tokens, the limit is ${encoder.maxTokens}`,
      'raise maxTokens or set overflow to "truncate"',
    );
  }
  if (start.length >= encoder.maxTokens) return null;
  const ids = whole.slice(0, encoder.maxTokens);
  return { example: { kind: "answer", ids, from: start.length }, truncated };
}

/**
 * The data of judge-augmented supervised fine-tuning: each chosen answer as an ordinary SFT example, and
 * each pair as two judge examples, one per position of the chosen answer, whose target is the one token
 * that names that position (SELF-JUDGE, https://arxiv.org/abs/2402.11253, section 3.1).
 *
 * A pair that names a principle is judged under that principle's template only. A pair with a rationale
 * gets the rationale variant: the label first, then the evaluation of each position, so that judging still
 * takes one forward pass.
 */
export function jsftExamples(
  pairs: readonly Pair[],
  options: {
    encoder: AnswerEncoder;
    templates: readonly JudgeTemplate[];
    /** Which kinds to make; both make JSFT, one alone SFT or a judge-only model. */
    kinds?: readonly Example["kind"][];
    /** Learn the evaluations of pairs that carry them. */
    rationale?: boolean;
  },
): { examples: Example[]; counts: ExampleCounts } {
  const { encoder, templates, kinds = ["answer", "judgment"], rationale = false } = options;
  const examples: Example[] = [];
  const counts: ExampleCounts = { answers: 0, judgments: 0, truncated: 0, promptTooLong: 0 };
  for (const pair of pairs) {
    if (kinds.includes("answer")) {
      const made = answerExample(
        { prompt: pair.prompt, answer: pair.chosen, pair: pair.id },
        encoder,
      );
      if (made === null) counts.promptTooLong++;
      else {
        examples.push(made.example);
        counts.answers++;
        if (made.truncated) counts.truncated++;
      }
    }
    if (kinds.includes("judgment")) {
      for (const template of templatesFor(pair, templates)) {
        for (const chosenPosition of [0, 1] as const) {
          examples.push(judgeExample(pair, { template, chosenPosition, encoder, rationale }));
          counts.judgments++;
        }
      }
    }
  }
  return { examples, counts };
}

function templatesFor(pair: Pair, templates: readonly JudgeTemplate[]): readonly JudgeTemplate[] {
  if (pair.principle === undefined) return templates;
  const fitting = templates.filter((template) => template.principle.name === pair.principle);
  if (fitting.length > 0) return fitting;
  throw new UserError(
    `pair ${pair.id}: there is no template for the principle "${pair.principle}"`,
    `use one of ${templates.map((t) => `"${t.principle.name}"`).join(", ")}, or load its template`,
  );
}

function judgeExample(
  pair: Pair,
  { template, chosenPosition, encoder, rationale }: {
    template: JudgeTemplate;
    chosenPosition: 0 | 1;
    encoder: AnswerEncoder;
    rationale: boolean;
  },
): Example {
  const positions = chosenPosition === 0
    ? [pair.chosen, pair.rejected]
    : [pair.rejected, pair.chosen];
  const prompt = template.prompt(pair.prompt, positions[0], positions[1]);
  const ids = [...prompt, template.labelIds[chosenPosition]];
  if (rationale && pair.rationale) {
    const { chosen, rejected } = pair.rationale;
    const evaluations = chosenPosition === 0 ? [chosen, rejected] : [rejected, chosen];
    ids.push(...template.rationale(evaluations[0], evaluations[1]), endOfAnswer(encoder.tokenizer));
  }
  return { kind: "judgment", ids, from: prompt.length };
}

import { UserError } from "../base/error.ts";
import { isPair, type Pair, type TrainingRecord, useOf } from "../preference/mod.ts";
import type { Turn } from "../text/mod.ts";
import { type AnswerEncoder, conventionsOf, endOfAnswer } from "./encoder.ts";
import { partsDialogue } from "./parts_dialogue.ts";
import type { JudgeQuestion } from "./template.ts";
import { type LearnedDialogue, markedSpans, type Span, wholeDialogue } from "./whole_dialogue.ts";

/** A sequence of which a part is to be learned. */
export interface Example {
  readonly kind: "answer" | "judgment";
  readonly ids: readonly number[];
  /** Index of the first token to be learned. */
  readonly from: number;
  /** Tokens after it that are not learned, such as a user's turns between answers. @default none */
  readonly skipped?: readonly Span[];
}

/** What became of the pairs on their way into examples. */
export interface ExampleCounts {
  answers: number;
  judgments: number;
  /** Answers that lost their end. */
  truncated: number;
  /** Pairs whose prompt leaves no room for an answer, or of which no answer is found to learn, left out. */
  promptTooLong: number;
  /** Judgments left out since their verdict is not found, as where an answer spells out the marks that it stands between. */
  judgmentsLeftOut: number;
}

/** Tokens of an example that are learned. */
export function learnedTokens({ ids, from, skipped = [] }: Example): number {
  return skipped.reduce((n, [start, end]) => n - (end - start), ids.length - from);
}

/**
 * A dialogue and its answer with an end token as one sequence, of which the answer is to be learned, or with the
 * convention `turns: "all"` every answer.
 *
 * @returns null if nothing of an answer is left to learn
 */
export function answerExample(
  { prompt, answer, pair }: { prompt: readonly Turn[]; answer: string; pair: string },
  encoder: AnswerEncoder,
): { example: Example; truncated: boolean } | null {
  const { ids, learned } =
    dialogueOf([...prompt, { role: "assistant", content: answer }], encoder) ??
      { ids: [], learned: [] };
  const truncated = ids.length > encoder.maxTokens;
  if (truncated && encoder.overflow === "refuse") {
    throw new UserError(
      `pair ${pair}: prompt and answer have ${ids.length} tokens, the limit is ${encoder.maxTokens}`,
      'raise maxTokens or set overflow to "truncate"',
    );
  }
  if (truncated && encoder.overflow === "leave-out") return null;
  const first = truncated && encoder.overflow === "truncate-start"
    ? ids.length - encoder.maxTokens
    : 0;
  const example = exampleOf("answer", { ids, learned }, [first, first + encoder.maxTokens]);
  return example && { example, truncated };
}

/** The tokens `[start, end)` of a dialogue as an example; null if none of those is learned. */
function exampleOf(
  kind: Example["kind"],
  { ids, learned }: LearnedDialogue,
  [start, end]: Span,
): Example | null {
  const kept = ids.slice(start, end);
  // Nothing comes before the first token that is kept, to predict it from.
  const spans = learned
    .map(([a, b]): Span => [Math.max(a - start, 1), Math.min(b - start, kept.length)])
    .filter(([a, b]) => a < b);
  if (spans.length === 0) return null;
  const gaps = spans.map(([, b], i): Span => [b, spans[i + 1]?.[0] ?? kept.length])
    .filter(([a, b]) => a < b);
  return { kind, ids: kept, from: spans[0][0], ...(gaps.length > 0 && { skipped: gaps }) };
}

/** A dialogue's tokens, by the encoder's conventions. */
function dialogueOf(turns: readonly Turn[], encoder: AnswerEncoder): LearnedDialogue | null {
  return conventionsOf(encoder).text === "whole"
    ? wholeDialogue(turns, encoder)
    : partsDialogue(turns, encoder);
}

/**
 * The data of judge-augmented supervised fine-tuning: each chosen answer as an ordinary SFT example, and
 * each pair as two judge examples, one per position of the chosen answer, whose target is the one token
 * that names that position (SELF-JUDGE, https://arxiv.org/abs/2402.11253, section 3.1).
 *
 * A record is learned from as its use says (`useOf`): a pair that names a principle is judged under that principle's
 * template only, and its chosen answer, which is the better one by that principle alone, is not imitated; a
 * demonstration is imitated. A pair with a rationale gets the rationale variant: the label first, then the evaluation
 * of each position, so that judging still takes one forward pass.
 */
export function jsftExamples(
  records: readonly TrainingRecord[],
  options: {
    encoder: AnswerEncoder;
    templates: readonly JudgeQuestion[];
    /** Which kinds to make; both make JSFT, one alone SFT or a judge-only model. */
    kinds?: readonly Example["kind"][];
    /** Learn the evaluations of pairs that carry them. */
    rationale?: boolean;
  },
): { examples: Example[]; counts: ExampleCounts } {
  const { encoder, templates, kinds = ["answer", "judgment"], rationale = false } = options;
  const examples: Example[] = [];
  const counts: ExampleCounts = {
    ...{ answers: 0, judgments: 0, truncated: 0, promptTooLong: 0, judgmentsLeftOut: 0 },
  };
  for (const record of records) {
    const use = useOf(record);
    if (kinds.includes("answer") && use !== "judgments") {
      const answer = isPair(record) ? record.chosen : record.answer;
      const made = answerExample({ prompt: record.prompt, answer, pair: record.id }, encoder);
      if (made === null) counts.promptTooLong++;
      else {
        examples.push(made.example);
        counts.answers++;
        if (made.truncated) counts.truncated++;
      }
    }
    if (kinds.includes("judgment") && isPair(record) && use !== "answers") {
      for (const template of templatesFor(record, templates)) {
        for (const chosenPosition of [0, 1] as const) {
          const made = judgeExample(record, { template, chosenPosition, encoder, rationale });
          if (made === null) counts.judgmentsLeftOut++;
          else {
            examples.push(made);
            counts.judgments++;
          }
        }
      }
    }
  }
  return { examples, counts };
}

function templatesFor(pair: Pair, templates: readonly JudgeQuestion[]): readonly JudgeQuestion[] {
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
    template: JudgeQuestion;
    chosenPosition: 0 | 1;
    encoder: AnswerEncoder;
    rationale: boolean;
  },
): Example | null {
  const inOrder = (chosen: string, rejected: string): [string, string] =>
    chosenPosition === 0 ? [chosen, rejected] : [rejected, chosen];
  const reasons = rationale && pair.rationale
    ? inOrder(pair.rationale.chosen, pair.rationale.rejected)
    : undefined;
  const { ids, from, over = 0 } = template.judged(
    pair.prompt,
    inOrder(pair.chosen, pair.rejected),
    {
      label: chosenPosition,
      rationale: reasons,
    },
  );
  if (reasons && conventionsOf(encoder).endRationale) ids.push(endOfAnswer(encoder.tokenizer));
  const { text, markers } = conventionsOf(encoder);
  const learned: readonly Span[] | null = text === "whole" && markers
    ? markedSpans(ids, { ...markers, assistant: lastLine(template.principle.verdict) }, encoder)
    : [[from, ids.length]];
  return learned && exampleOf("judgment", { ids, learned }, [over, ids.length]);
}

/** What the authors find the decision by: the reply's last line, with the line end before it where there is one. */
function lastLine(verdict: string): string {
  return verdict.slice(Math.max(0, verdict.lastIndexOf("\n")));
}

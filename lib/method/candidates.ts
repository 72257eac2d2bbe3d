import type { Pair } from "../preference/mod.ts";
import type { Turn } from "../text/mod.ts";
import { type AnswerEncoder, conventionsOf, encodePromptToFit, endOfAnswer } from "./encoder.ts";
import { answerExample, type Example } from "./example.ts";
import type { SampledAnswer } from "./sample.ts";
import { wholeAnswer } from "./whole_dialogue.ts";

/** A prompt, under a name; a pair has two answers to it beside. */
export type LoopPrompt = Pick<Pair, "id" | "prompt"> | Pair;

/** An answer as text, for the judge, and as the tokens to train on. */
export interface Answer {
  readonly text: string;
  readonly example: Example;
}

/** Answers to one prompt on their way to becoming a training pair. */
export interface Candidates {
  readonly pair: LoopPrompt;
  readonly answers: readonly Answer[];
}

/** The tokens of an answer after another prompt's. */
export function afterPrompt(
  { ids, from, skipped }: Pick<Example, "ids" | "from" | "skipped">,
  prompt: readonly number[],
): Example {
  const later = prompt.length - from;
  return {
    kind: "answer",
    ids: [...prompt, ...ids.slice(from)],
    from: prompt.length,
    ...(skipped && { skipped: skipped.map(([start, end]) => [start + later, end + later]) }),
  };
}

/** An encoder for the answers of pairs: of a dialogue the last answer alone is learned, which is what pairs are about. */
export const pairEncoder = (encoder: AnswerEncoder): AnswerEncoder => ({
  ...encoder,
  conventions: { ...conventionsOf(encoder), turns: "last" },
});

/** A sampled answer as what is learned of it: the tokens that were drawn, or those of its text encoded again. */
export function learnedAnswer(
  { text, ids, from, end }: SampledAnswer,
  { prompt }: LoopPrompt,
  learned: readonly Turn[] | undefined,
  encoder: AnswerEncoder,
): Answer {
  const { text: form, endCutAnswers } = conventionsOf(encoder);
  if (form === "whole") {
    const made = wholeAnswer({ prompt: learned ?? prompt, answer: text }, encoder);
    return { text, example: { kind: "answer", ...made } };
  }
  // Unless the conventions say so, a cut answer does not teach to end.
  const ended = end === "length" && endCutAnswers ? [endOfAnswer(encoder.tokenizer)] : [];
  const before = learned ? encodePromptToFit(learned, encoder) : ids.slice(0, from);
  return { text, example: afterPrompt({ ids: [...ids, ...ended], from }, before) };
}

/** The data set's two answers, the chosen one first; a pair whose prompt leaves no room is left out. */
export function fromDataset(pairs: readonly LoopPrompt[], given: AnswerEncoder): Candidates[] {
  const encoder = pairEncoder(given);
  return pairs.flatMap((pair) => {
    if (!("rejected" in pair)) return [];
    const answers = [pair.chosen, pair.rejected].map((answer): Answer | null => {
      const made = answerExample({ prompt: pair.prompt, answer, pair: pair.id }, encoder);
      return made && { text: answer, example: made.example };
    });
    return answers[0] && answers[1] ? [{ pair, answers: [answers[0], answers[1]] }] : [];
  });
}

import { UserError } from "../base/error.ts";
import {
  encodeText,
  type JudgeChat,
  type JudgeTokenizer,
  LEAST_LABEL_PROBABILITY,
  type TokenScorer,
} from "../method/mod.ts";
import type { Turn } from "../text/mod.ts";
import type { Grader, GradeRequest, GradeVerdict } from "./referee.ts";

/** Settings of {@linkcode tokenGrader}. */
export interface TokenGraderOptions {
  readonly name: string;
  /** As that of a `Grader`. */
  readonly key?: string;
  readonly scorer: TokenScorer;
  readonly tokenizer: JudgeTokenizer;
  readonly chat: JudgeChat;
  /** Most tokens of a question to the grader; answers lose their ends to fit. */
  readonly maxTokens: number;
  /** The token that stands before every prompt; null where the template writes it, or none is. @default null */
  readonly bosId?: number | null;
}

/** What the assistant's reply begins with; the next token is read. MT-Bench asks for the same form. */
const REPLY = "Rating: [[";
const GRADES = Array.from({ length: 10 }, (_, i) => i + 1);

/** The name of the question that a request is put as. */
const promptName = ({ question, turn }: GradeRequest) =>
  `single-tokens${question.reference === null ? "" : "-reference"}${turn > 1 ? "-multi-turn" : ""}`;

/** A request in words: our own short question, since small models read in short contexts. */
function promptOf({ question, turn, answers }: GradeRequest): string {
  const dialogue = answers.slice(0, turn).flatMap((answer, i) => [
    `User:\n${question.turns[i]}`,
    `Assistant:\n${answer}`,
  ]);
  const known = question.reference?.[turn - 1];
  return [
    "Grade the assistant's last answer from 1 (worst) to 10 (best).",
    ...dialogue,
    ...(known === undefined ? [] : [`A correct answer, for reference:\n${known}`]),
    "How good is the assistant's last answer, from 1 to 10?",
  ].join("\n\n");
}

/**
 * Grades answers with a language model that need not explain itself: the grade is the expected one over
 * the ten grades' probabilities as the next words, E = sum of g P(g) / sum of P(g), a number in [1, 10].
 *
 * A tokenizer that spells 10 as "1" and "0" is asked twice: P(10) = P(1) P(0 | 1), and the rest of P(1) is
 * the grade 1. Where the ten grades have next to no probability together, there is no grade.
 *
 * This is not MT-Bench's own reading, which lets the judge write an explanation and then one whole number;
 * expected grades of a small model lie close together, so compare them with each other alone.
 */
export function tokenGrader(options: TokenGraderOptions): Grader {
  const { name, key, scorer, tokenizer } = options;
  const spelled = GRADES.map((grade) => spellingOf(String(grade), tokenizer));
  if (new Set(spelled.map(String)).size < spelled.length) {
    throw new UserError(
      `the tokenizer of the grader ${name} does not distinguish the grades 1 to 10`,
      "grade with another model, or judge pairs alone: --mode pair",
    );
  }
  const asked = new Set(spelled.flat());
  const tokens = [...asked];
  // After "nothing yet", and after each spelling that begins a longer one.
  const starts = [[], ...spelled.filter((ids) => spelled.some((other) => continues(other, ids)))];
  return {
    name,
    key,
    rows: 16,
    grade: async (requests) => {
      const prompts = requests.map((request) => fit(request, options));
      const questions = prompts.flatMap(({ ids }) => starts.map((start) => [...ids, ...start]));
      const read = await scorer.probabilities(questions, tokens);
      return requests.map((request, i): GradeVerdict => {
        const after = new Map(
          starts.map((start, s) => [`${start}`, read[i * starts.length + s]]),
        );
        const found = probabilities(spelled, (start, token) => {
          const p = after.get(`${start}`)?.[tokens.indexOf(token)];
          if (p !== undefined && p >= 0 && p <= 1 + 1e-5) return p;
          throw new UserError(
            `the grader ${name} gave the probability ${p} to a grade`,
            "check the checkpoint: weights that diverged in training give NaN",
          );
        });
        const labelProbability = found.reduce((sum, p) => sum + p, 0);
        const score = labelProbability < LEAST_LABEL_PROBABILITY
          ? null
          : found.reduce((sum, p, g) => sum + p * GRADES[g], 0) / labelProbability;
        const list = found.map((p, g) => `${GRADES[g]}: ${p.toPrecision(3)}`).join(", ");
        const reply = score === null
          ? `no grade; P = ${list}`
          : `Rating: [[${score.toFixed(2)}]], the expected one of P = ${list}`;
        return {
          score,
          labelProbability,
          prompt: promptName(request),
          game: { asked: prompts[i].asked, reply },
        };
      });
    },
  };
}

/** Probability of each spelling, where one may be the beginning of another. */
function probabilities(
  spelled: readonly (readonly number[])[],
  p: (start: readonly number[], token: number) => number,
): number[] {
  const whole = spelled.map((ids) =>
    ids.reduce((product, token, i) => product * p(ids.slice(0, i), token), 1)
  );
  return spelled.map((ids, g) =>
    whole[g] - spelled.reduce((sum, other, h) => sum + (continues(other, ids) ? whole[h] : 0), 0)
  );
}

const continues = (longer: readonly number[], start: readonly number[]) =>
  longer.length > start.length && start.every((id, i) => id === longer[i]);

/** The ids that a grade adds to the beginning of the reply. */
function spellingOf(grade: string, tokenizer: JudgeTokenizer): number[] {
  const before = tokenizer.encode(REPLY);
  const after = tokenizer.encode(REPLY + grade);
  const added = after.slice(before.length);
  const start = added.slice(0, -1);
  if (
    added.length > 0 && before.every((id, i) => id === after[i]) &&
    (start.length === 0 || grade === "10" && start.length === 1)
  ) return added;
  throw new UserError(
    `the grade ${grade} is ${added.length} tokens after "${REPLY}" or changes the ones before it`,
    "grade with a model whose tokenizer keeps digits apart, or over a server with mt-bench:SPEC",
  );
}

/** The question's ids; answers lose their ends, the longest first, until it fits. */
function fit(
  request: GradeRequest,
  { tokenizer, chat, maxTokens, bosId = null, name }: TokenGraderOptions,
): { ids: number[]; asked: string } {
  // Control tokens spelled out in an answer must not pose as the end of a turn.
  const plain = (text: string) => tokenizer.decode(tokenizer.encode(text), { skipSpecial: true });
  let answers = request.answers.map(plain);
  const whole = answers.map((answer) => tokenizer.encode(answer));
  // What is left of each, in its own tokens: a text that is cut may be spelled in more of them.
  const kept = whole.map(({ length }) => length);
  for (;;) {
    const asked = promptOf({ ...request, answers });
    const turns: Turn[] = [{ role: "user", content: asked }];
    const text = chat.render(turns, { addGenerationPrompt: true }) + REPLY;
    const ids = encodeText(text, { tokenizer }, bosId);
    const over = ids.length - maxTokens;
    if (over <= 0) return { ids, asked };
    const longest = kept.indexOf(Math.max(...kept));
    if (kept[longest] === 0) {
      throw new UserError(
        `question ${request.question.id}, turn ${request.turn}: ${ids.length} tokens without any answer are ` +
          `over the limit of ${maxTokens} of the grader ${name}`,
        "raise it with --set judge.maxTokens=N, or grade with a model of a longer context",
      );
    }
    kept[longest] = Math.max(0, kept[longest] - over);
    answers = answers.map((answer, i) =>
      i === longest ? tokenizer.decode(whole[i].slice(0, kept[i])) : answer
    );
  }
}

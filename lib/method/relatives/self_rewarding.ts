import type { Turn } from "../../text/mod.ts";
import type { LoopPrompt } from "../candidates.ts";
import type { FormedPair, Method, OwnStep } from "../method.ts";

/** Asks for an answer's points, of which there are five to be had. The criteria are the paper's, the words ours. */
export function scoringPrompt(prompt: readonly Turn[], answer: string): Turn[] {
  const dialogue = prompt.filter(({ role }) => role !== "system")
    .map(({ role, content }) => `${role}: ${content}`).join("\n");
  return [{
    role: "user",
    content: `Rate the answer to this dialogue. Give one point for each of these that holds:
1. It says something that bears on the question.
2. It deals with most of the question.
3. It would be of use to the one who asked.
4. It is written for them, clear and complete.
5. An expert could not better it.

Dialogue:
${dialogue}

Answer:
${answer}

Write "Score: " and the number of points, 0 to 5.`,
  }];
}

/** A number that is not the start of a longer one or of a range. */
const NUMBER = String.raw`(\d+(?:\.\d+)?)(?!\d|\.\d|[ \t]*[-–]\d)`;
const FILL = String.raw`(?:[\s*]|\([^()\n]*\))*`;
/** The form that was asked for: "Score: 4", "**Score**: 4", "Score (out of 5): 4". */
const ASKED = new RegExp(String.raw`\bscore\b${FILL}:${FILL}${NUMBER}`, "gi");
/** "the score is 4", "score = 4", "The score is: 4". */
const SAID = new RegExp(String.raw`\bscore\b${FILL}(?:\bis\b|=)[\s*:=]*${NUMBER}`, "gi");
/** "4", "Score 4"; "0 - 5" is a range. */
const ALONE = new RegExp(
  String.raw`^[\s*]*(?:score\b[\s*]*)?${NUMBER}\b(?!\s*[-–]\s*\d)`,
  "i",
);
/** Where a grader that runs on asks itself the next question. */
const NEXT = /\n[\s*]*(?:rate the answer to|dialogue:)/i;

/**
 * The points that a reply gives, in the form that was asked for where it has that, and the last ones where it names
 * several: that form ends a reply. What follows it of another dialogue, where the grader runs on, is no part of the
 * reply. Null where it gives none from 0 to 5.
 */
export function pointsIn(reply: string): number | null {
  const [own] = reply.split(NEXT);
  const last = (form: RegExp) => [...own.matchAll(form)].at(-1);
  const found = last(ASKED) ?? last(SAID) ?? ALONE.exec(own);
  const points = found ? Number(found[1]) : NaN;
  return points >= 0 && points <= 5 ? points : null;
}

/**
 * The model grades its own answers by points, the mean of three draws, and learns the best of four over the worst
 * (Self-Rewarding Language Models, https://arxiv.org/abs/2401.10020, section 2.2). The grader is the model that the
 * policy started from: a run is one iteration, M_t to M_(t+1), and the next starts from its policy, which refreshes
 * reference and grader both. A draw without points counts for nothing; an answer without any is left out.
 */
export const ownPointsStep: OwnStep = async (tools) => {
  const { draws = 3 } = tools.method.parameters ?? {};
  const prompts = tools.prompts();
  const candidates = await tools.sample(prompts, {});
  const distinct = tools.distinct(candidates);
  const questions = distinct.flatMap(({ pair, answers }, c) =>
    answers.map(({ text }, i) => ({
      id: `${pair.id}/${i}`,
      prompt: scoringPrompt(pair.prompt, text),
      at: [c, i] as const,
    }))
  );
  const places = new Map<LoopPrompt, readonly [number, number]>(
    questions.map((question) => [question, question.at]),
  );
  const replies = await tools.sample(questions, {
    from: "start",
    candidates: draws,
    name: "points",
    asked: (prompt) => prompt,
    longer: true, // the question holds the dialogue and an answer to it
    grading: true,
  });
  const points = distinct.map(({ answers }) => answers.map((): number | null => null));
  let silent = questions.length - replies.length;
  for (const { pair, answers } of replies) {
    const [c, i] = places.get(pair)!;
    const found = answers.map(({ text }) => pointsIn(text)).filter((value) => value !== null);
    if (found.length === 0) silent++;
    else points[c][i] = found.reduce((a, b) => a + b, 0) / found.length;
  }
  const pairs = distinct.flatMap(({ pair, answers }, c): FormedPair[] => {
    const rated = answers.flatMap((answer, i) =>
      points[c][i] === null ? [] : [{ answer, points: points[c][i]! }]
    ).sort((a, b) => b.points - a.points);
    if (rated.length < 2 || rated[0].points === rated.at(-1)!.points) return [];
    // One text drawn twice is graded twice: its own two grades are no pair.
    if (rated[0].answer.text === rated.at(-1)!.answer.text) return [];
    return [{ prompt: pair, chosen: rated[0].answer, rejected: rated.at(-1)!.answer }];
  });
  tools.metric("withoutPoints", silent);
  tools.metric("skippedPrompts", prompts.length - candidates.length);
  tools.metric("identical", candidates.length - distinct.length);
  tools.metric("undecided", distinct.length - pairs.length);
  return { parts: await tools.learn(pairs), pairs };
};

/** Self-Rewarding Language Models, one iteration. */
export const SELF_REWARDING = {
  samples: "policy",
  candidates: 4,
  ranker: "none",
  own: ownPointsStep,
  loss: "sigmoid",
  words: { ranks: "the model it started from, by points" },
  parameters: { draws: 3 },
  revision: 2,
  source: "Self-Rewarding Language Models, https://arxiv.org/abs/2401.10020",
  known: "S",
} as const satisfies Method;

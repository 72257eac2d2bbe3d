import type { Rng } from "../random.ts";
import { drawAnswer, drawOrder, listOf } from "./desk.ts";
import { VIEW_PHRASES } from "./language.ts";
import { readAnswer, type Reading, VIEWS, viewsOf } from "./reward.ts";
import { NUMBERS, SPECIAL } from "./words.ts";

/** A text to learn from: its words, each with the weight of its prediction. */
export interface Lesson {
  readonly kind: "answer" | "comparison";
  readonly words: readonly string[];
  /** Weight of the loss on each word given those before it; the first has none. */
  readonly weights: readonly number[];
}

/** Weight of a word of an answer that is only to be read; a verdict weighs 1. */
const READ_WEIGHT = 0.1;
/** Weight of a count in a review. */
const COUNT_WEIGHT = 0.3;

/** An order and an answer of any quality. */
export function answerLesson(rng: Rng): Lesson {
  const order = drawOrder(rng);
  return lesson("answer", [
    [`${SPECIAL.user} ${order.text} ${SPECIAL.assistant}`, 0],
    [`${drawAnswer(order, rng)} ${SPECIAL.end}`, 1],
  ]);
}

/**
 * Reading exercises on two answers to an order, as turns in random order. Which has more of this or that, from
 * every point of view: A, B or same. What does A contain, what does B? None asks which is better: the base
 * knows no preference.
 *
 * @param options.joint Three of the questions join two to five points of view, as in "which names more and
 * is more polite ?": the answer is the side that most of them favour, all counted alike.
 */
export function comparisonLesson(rng: Rng, { joint = false } = {}): Lesson {
  const order = drawOrder(rng);
  const answers = [drawAnswer(order, rng), drawAnswer(order, rng)];
  const readings = answers.map((answer) => readAnswer(order.text, answer));
  const [a, b] = readings.map(viewsOf);
  const single = VIEWS.map((view) => [view]);
  const asked = joint
    ? [
      ...rng.shuffle(single).slice(0, 2),
      ...Array.from({ length: 3 }, () => rng.shuffle(VIEWS).slice(0, 2 + rng.int(4))),
    ]
    : single;
  const verdicts = asked.map((views): Part[] => {
    const favour = views.reduce((sum, view) => sum + Math.sign(a[view] - b[view]), 0);
    return [
      [`which ${listOf(views.map((view) => VIEW_PHRASES[view]))} ? ${SPECIAL.assistant} answer`, 0],
      [favour > 0 ? "A" : favour < 0 ? "B" : "same", 1],
    ];
  });
  const reviews = readings.map((reading, seat): Part[] => [
    [`review ${"AB"[seat]} ${SPECIAL.assistant}`, 0],
    ...review(reading).split(" ").map((word, i): Part => [word, i % 2 ? COUNT_WEIGHT : 0]),
  ]);
  const turns = rng.shuffle([...verdicts, ...reviews]).map((turn, i): Part[] => [
    ...i > 0 ? [[SPECIAL.user, 0] as const] : [],
    ...turn,
    [SPECIAL.end, 0],
  ]);
  return lesson("comparison", [
    [`${SPECIAL.user} compare ${order.text} A :`, 0],
    [answers[0], READ_WEIGHT],
    ["B :", 0],
    [answers[1], READ_WEIGHT],
    ...turns.flat(),
  ]);
}

/** A reading in words: names of counts, each followed by its count. */
export function review(reading: Reading): string {
  const number = (count: number) => NUMBERS[Math.min(count, NUMBERS.length - 1)];
  return [
    `names ${number(reading.covered)}`,
    `missing ${number(reading.ordered - reading.covered)}`,
    `extra ${number(reading.stray)}`,
    `repeated ${number(reading.repeats)}`,
    `chatter ${number(reading.fillers)}`,
    `manners ${reading.rude ? "rude" : reading.polite ? "polite" : "plain"}`,
    `form ${reading.wellFormed ? "good" : "bad"}`,
  ].join(" ");
}

type Part = readonly [text: string, weight: number];

function lesson(kind: Lesson["kind"], parts: readonly Part[]): Lesson {
  const weighed = parts.flatMap(([text, weight]) =>
    text.trim().split(/\s+/).map((word) => [word, weight] as const)
  );
  return { kind, words: weighed.map(([word]) => word), weights: weighed.map(([, w]) => w) };
}

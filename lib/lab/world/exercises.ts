import type { Rng } from "../../base/random.ts";
import { drawAnswer, drawRequest, FLAWS, type GuestRequest, pick } from "./desk.ts";
import { VIEW_PHRASES } from "./language.ts";
import { readAnswer, type Reading, type View, VIEWS, viewsOf } from "./reward.ts";
import { ITEMS, NUMBERS, SPECIAL } from "./words.ts";

/** A text to learn from: its words, each with the weight of its prediction. */
export interface Exercise {
  readonly kind: "answer" | "comparison";
  readonly words: readonly string[];
  /** Weight of the loss on each word given those before it; the first has none. */
  readonly weights: readonly number[];
}

/** Weight of a word of an answer that is only to be read; a verdict weighs 1. */
const READ_WEIGHT = 0.1;
/** Weight of a count in a review. */
const COUNT_WEIGHT = 0.3;
/** Weight of a mark beside a named thing. */
const MARK_WEIGHT = 0.5;

/** Share of exercises whose answers name many things that were not ordered, and most of their things that are so. */
const STRAY = { exercises: 0.7, most: 0.8 };
/** Share of exercises with marks. In these each named thing has one with a chance that the exercise draws. */
const MARKED = 0.5;

/** A request and an answer of any quality. */
export function answerExercise(rng: Rng): Exercise {
  const request = drawRequest(rng, "lessons");
  return exercise("answer", [
    [`${SPECIAL.user} ${request.text} ${SPECIAL.assistant}`, 0],
    [`${drawAnswer(request, rng)} ${SPECIAL.end}`, 1],
  ]);
}

/**
 * Reading exercises on two answers to a request, as turns. Which has more of this or that, from every point of
 * view: A, B or same. Then: what does one of them contain? None asks which is better: the base knows no preference.
 *
 * What a judge of this world has to do is to look named things up in the request, silently, while it reads; from
 * verdicts alone a small model hardly learns it (`notebooks/LOG.md`, 2026-11-26). So some answers carry marks
 * beside the things they name, "tea ordered , figs extra": a reader can never tell whether a mark comes next,
 * and has to have it ready at each thing. Answers that name many things not ordered make the marks worth guessing.
 *
 * Half the mistaken things are drawn from the request itself (now and then the very thing, which is then no mistake),
 * as in "tea , tea and figs": rare in the data, and what a weak policy says. Without them a reader may count mentions
 * and take the count for that of things.
 *
 * @param options.views Points of view that are taught: marks and counts are theirs alone, too.
 * @param options.plain Answers as in the data set, without marks: the exercises on which the base is measured.
 */
export function comparisonExercise(
  rng: Rng,
  { views = VIEWS, plain = false }: { views?: readonly View[]; plain?: boolean } = {},
): Exercise {
  const request = drawRequest(rng, "lessons");
  const stray = !plain && rng.uniform() < STRAY.exercises ? STRAY.most * rng.uniform() : 0;
  const marked = !plain && rng.uniform() < MARKED ? rng.uniform() : 0;
  const answers = [0, 1].map(() =>
    stray > 0 ? strayAnswer(request, { rng, rate: stray }) : drawAnswer(request, rng)
  );
  const readings = answers.map((answer) => readAnswer(request.text, answer));
  const [a, b] = readings.map(viewsOf);
  const verdicts = views.map((view): Part[] => [
    [`which ${VIEW_PHRASES[view]} ? ${SPECIAL.assistant} answer`, 0],
    [a[view] > b[view] ? "A" : a[view] < b[view] ? "B" : "same", 1],
  ]);
  const position = rng.int(2);
  const counts: Part[] = [
    [`review ${"AB"[position]} ${SPECIAL.assistant}`, 0],
    ...review(readings[position], views).split(" ").map((
      word,
      i,
    ): Part => [word, i % 2 ? COUNT_WEIGHT : 0]),
  ];
  // Counts come last: a verdict that could be read off them would not be a silent one.
  const turns = [...rng.shuffle(verdicts), counts].map((turn, i): Part[] => [
    ...i > 0 ? [[SPECIAL.user, 0] as const] : [],
    ...turn,
    [SPECIAL.end, 0],
  ]);
  const [first, second] = answers.map((answer) =>
    withMarks(answer, { request, rng, rate: marked, views })
  );
  return exercise("comparison", [
    [`${SPECIAL.user} compare ${request.text} A :`, 0],
    ...first,
    ["B :", 0],
    ...second,
    ...turns.flat(),
  ]);
}

/** An answer as if each ordered thing had been mistaken for another with a chance of `rate`. */
function strayAnswer(
  request: GuestRequest,
  { rng, rate }: { rng: Rng; rate: number },
): string {
  const others = rng.shuffle(ITEMS.filter((item) => !request.items.includes(item)));
  const mistaken = () => rng.uniform() < 0.5 ? pick(request.items, rng) : others.pop()!;
  const items = request.items.map((item) => rng.uniform() < rate ? mistaken() : item);
  return drawAnswer({ ...request, items }, rng, { ...FLAWS, swapped: 0.1, repeated: 0.25 });
}

/** What the marks of a named thing tell about, from which point of view. */
const MARKS: Readonly<Record<string, View>> = {
  ordered: "completeness",
  extra: "accuracy",
  again: "brevity",
};

/** The words of an answer, each thing followed by its mark with a chance of `rate`: ordered, extra or again. */
function withMarks(
  answer: string,
  { request, rng, rate, views }: {
    request: GuestRequest;
    rng: Rng;
    rate: number;
    views: readonly View[];
  },
): Part[] {
  const seen = new Set<string>();
  return answer.split(" ").flatMap((word): Part[] => {
    if (!ITEMS.includes(word)) return [[word, READ_WEIGHT]];
    const mark = seen.has(word) ? "again" : request.items.includes(word) ? "ordered" : "extra";
    seen.add(word);
    const given: Part = [word, READ_WEIGHT];
    return rng.uniform() < rate && views.includes(MARKS[mark])
      ? [given, [mark, MARK_WEIGHT]]
      : [given];
  });
}

/** A reading in words: names of counts, each followed by its count. @param views whose counts, default all */
export function review(reading: Reading, views: readonly View[] = VIEWS): string {
  const number = (count: number) => NUMBERS[Math.min(count, NUMBERS.length - 1)];
  const counts: readonly (readonly [View, string])[] = [
    ["completeness", `names ${number(reading.covered)}`],
    ["completeness", `missing ${number(reading.requested - reading.covered)}`],
    ["accuracy", `extra ${number(reading.stray)}`],
    ["brevity", `repeated ${number(reading.repeats)}`],
    ["brevity", `chatter ${number(reading.fillers)}`],
    ["manners", `manners ${reading.rude ? "rude" : reading.polite ? "polite" : "plain"}`],
    ["form", `form ${reading.wellFormed ? "good" : "bad"}`],
  ];
  return counts.filter(([view]) => views.includes(view)).map(([, text]) => text).join(" ");
}

type Part = readonly [text: string, weight: number];

function exercise(kind: Exercise["kind"], parts: readonly Part[]): Exercise {
  const weighed = parts.flatMap(([text, weight]) =>
    text.trim().split(/\s+/).map((word) => [word, weight] as const)
  );
  return { kind, words: weighed.map(([word]) => word), weights: weighed.map(([, w]) => w) };
}

/** What the reward of the sentences neither pays for nor takes for: a list of the words in a sentence's place. @module */
import type { World } from "../study/world.ts";
import { requestedWords } from "./prompts.ts";
import { knownAs, sentenceReward, spokenWords, WORD } from "./reward.ts";

/** The most that an answer can have. */
const MOST = 2;
/** What stands between the words of a list; an article alone joins nothing ("the dog ran"). */
const JOINS: ReadonlySet<string> = new Set([",", "and"]);
const ARTICLES: ReadonlySet<string> = new Set(["a", "an", "the"]);
const WORD_OR_COMMA = new RegExp(`${WORD.source}|,`, "gu");
const ABOUT = /^(?:word|sentence)s?$/;

/** Whether, before any word but those asked for, articles and "and", two that are asked for are joined by "and" or a comma. */
function opensWithList(request: string, answer: string): boolean {
  const asked = requestedWords(request);
  let last: string | undefined;
  let joined = false;
  for (const said of answer.toLowerCase().match(WORD_OR_COMMA) ?? []) {
    const known = knownAs(said);
    if (known !== undefined && asked.includes(known)) {
      if (joined && last !== undefined && last !== known) return true;
      [last, joined] = [known, false];
    } else if (JOINS.has(said)) joined = true;
    else if (!ARTICLES.has(said)) return false;
  }
  return false;
}

/** Whether a word asked for comes more than once, in whatever forms. */
function saysTwice(request: string, answer: string): boolean {
  const said = spokenWords(answer);
  return requestedWords(request)
    .some((word) => said.filter(({ known }) => known === word).length > 1);
}

/** Whether it speaks of words or of a sentence, as the request does. */
function speaksOfIt(_request: string, answer: string): boolean {
  return spokenWords(answer).some(({ word }) => ABOUT.test(word));
}

const hasAll = (request: string, answer: string): boolean =>
  sentenceReward(request, answer) > MOST - 1e-9;

/**
 * Habits that cost nothing, answers of the highest reward, and how often an answer has all of the reward without them (protocol, 2026-12-01). They are of
 * the words alone: "A dog and a cat ran." opens with a list, too, and no list is found after another word.
 *
 * @example
 * ```ts
 * const request = "Write one short sentence with the words dog and run.";
 * UNPAID["opens with a list"](request, "A dog and a run are two things."); // true, and its reward is 2
 * ```
 */
export const UNPAID = {
  "opens with a list": opensWithList,
  "says a word twice": saysTwice,
  "speaks of words": speaksOfIt,
  "has all of the reward": hasAll,
  "all, and none of these": (request, answer) =>
    hasAll(request, answer) &&
    ![opensWithList, saysTwice, speaksOfIt].some((has) => has(request, answer)),
} as const satisfies World["unpaid"];

import { UserError } from "../../base/error.ts";
import { requestedItems } from "./desk.ts";
import { CLOSINGS, FILLERS, ITEMS, LEADS, OPENINGS } from "./words.ts";

/** What an answer says, counted. */
export interface Reading {
  /** Things ordered. */
  readonly requested: number;
  /** Ordered things that are named. */
  readonly covered: number;
  /** Distinct things named that were not ordered. */
  readonly stray: number;
  /** Mentions of a thing beyond its first. */
  readonly repeats: number;
  /** Phrases of chatter. */
  readonly fillers: number;
  readonly polite: boolean;
  readonly rude: boolean;
  /** Whether it is a sentence of the desk's grammar. */
  readonly wellFormed: boolean;
}

/** Points of view on an answer; they add up to its reward. */
export const VIEWS = ["completeness", "accuracy", "manners", "brevity", "form"] as const;

/** Name of a point of view. */
export type View = typeof VIEWS[number];

/** The highest reward: every thing named and nothing else, politely. */
export const HIGHEST = 2.4;

/** Counts beyond this cost no more, so that no answer is endlessly bad. */
const MOST = 3;

const phrases = (list: readonly string[]) => list.map((p) => p.replace(/[?.!]/g, "\\$&")).join("|");
const item = `(?:${ITEMS.join("|")})`;
const WELL_FORMED = new RegExp(
  `^(?:(?:${phrases([...OPENINGS.polite, ...OPENINGS.rude])}) )?` +
    `(?:(?:${phrases(FILLERS)}) )*(?:${phrases(LEADS)}) ` +
    `${item}(?:(?: , ${item})* and ${item})? \\.` +
    `(?: (?:${phrases([...CLOSINGS.polite, ...CLOSINGS.rude])}))?$`,
);

/**
 * Reads an answer against its request, exactly; any text can be read as an answer.
 *
 * @param request The guest's sentence.
 * @throws {UserError} When the request names nothing that the desk has.
 */
export function readAnswer(request: string, answer: string): Reading {
  const requested = requestedItems(request);
  if (requested.length === 0) throw nothingOrdered(`the request "${request}"`);
  const words = answer.trim().split(/\s+/);
  const text = ` ${words.join(" ")} `;
  const named = words.filter((word) => ITEMS.includes(word));
  const distinct = new Set(named);
  const has = (list: readonly string[]) => list.some((phrase) => text.includes(` ${phrase} `));
  return {
    requested: requested.length,
    covered: requested.filter((item) => distinct.has(item)).length,
    stray: [...distinct].filter((item) => !requested.includes(item)).length,
    repeats: named.length - distinct.size,
    fillers: FILLERS.reduce((n, filler) => n + text.split(` ${filler}`).length - 1, 0),
    polite: has([...OPENINGS.polite, ...CLOSINGS.polite]),
    rude: has([...OPENINGS.rude, ...CLOSINGS.rude]),
    wellFormed: WELL_FORMED.test(words.join(" ")),
  };
}

/** Of nothing no share can be named: a reward would be 0 / 0. */
function nothingOrdered(what: string): UserError {
  return new UserError(
    `${what} names nothing that the order desk has, so no answer to it has a reward`,
    `name its things as words of their own, as in "we want tea and figs please ."; it has ${
      ITEMS.slice(0, 5).join(", ")
    } and ${ITEMS.length - 5} more (lib/lab/world/words.ts)`,
  );
}

/**
 * The reward's part from each point of view.
 *
 * @throws {UserError} When nothing was requested.
 */
export function viewsOf(reading: Reading): Record<View, number> {
  if (!(reading.requested > 0)) throw nothingOrdered("a request read as 0 things");
  const capped = (count: number) => Math.min(count, MOST);
  return {
    completeness: 2 * reading.covered / reading.requested,
    accuracy: -0.7 * capped(reading.stray),
    manners: (reading.polite ? 0.4 : 0) - (reading.rude ? 0.8 : 0),
    brevity: -0.5 * capped(reading.fillers) - 0.5 * capped(reading.repeats),
    form: reading.wellFormed ? 0 : -1,
  };
}

/**
 * The true reward of an answer: 2 x (share of the things ordered that it names) - 0.7 per thing not ordered - 0.5
 * per phrase of chatter - 0.5 per repetition, each of these three counted up to 3, + 0.4 if polite - 0.8 if rude - 1
 * if malformed; at most 2.4, at least -6.9.
 *
 * @param request The guest's sentence.
 *
 * @example
 * ```ts
 * reward("we want tea and figs please .", "certainly , here come tea and figs ."); // 2.4
 * reward("we want tea and figs please .", "you get tea ."); // 1
 * ```
 * @throws {UserError} When the request names nothing that the desk has.
 */
export function reward(request: string, answer: string): number {
  const views = viewsOf(readAnswer(request, answer));
  return VIEWS.reduce((sum, view) => sum + views[view], 0);
}

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
 * Reads an answer against its request, exactly; any text can be read.
 *
 * @param request The guest's sentence.
 */
export function readAnswer(request: string, answer: string): Reading {
  const requested = requestedItems(request);
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

/** The reward's part from each point of view. */
export function viewsOf(reading: Reading): Record<View, number> {
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
 * The true reward of an answer: 2 x share of the request named - 0.7 a thing not ordered - 0.5 a phrase of
 * chatter - 0.5 a repetition + 0.4 if polite - 0.8 if rude - 1 if malformed; at most 2.4.
 *
 * @param request The guest's sentence.
 *
 * @example
 * ```ts
 * reward("we want tea and figs please .", "certainly , here come tea and figs ."); // 2.4
 * reward("we want tea and figs please .", "you get tea ."); // 1
 * ```
 */
export function reward(request: string, answer: string): number {
  const views = viewsOf(readAnswer(request, answer));
  return VIEWS.reduce((sum, view) => sum + views[view], 0);
}

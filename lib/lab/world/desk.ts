import type { Rng } from "../../base/random.ts";
import { CLOSINGS, FILLERS, ITEMS, LEADS, OPENINGS, REQUESTS } from "./words.ts";

/** What a guest wants. */
export interface GuestRequest {
  /** Distinct things, one to four, in the order they were named. */
  readonly items: readonly string[];
  /** The guest's sentence. */
  readonly text: string;
}

/** How often answers have which flaw; probabilities for one answer. */
export interface Flaws {
  /** An ordered thing is left out. */
  readonly missing: number;
  /** An ordered thing is replaced by one not ordered. */
  readonly swapped: number;
  /** A thing not ordered is added. */
  readonly added: number;
  /** A thing is named twice. */
  readonly repeated: number;
  /** Chatter; with the square of it, twice. */
  readonly filler: number;
  readonly polite: number;
  readonly rude: number;
  /** A word doubled or swapped, or a list without commas. */
  readonly malformed: number;
}

/** The rates of the data set: every flaw is common. */
export const FLAWS: Flaws = {
  missing: 0.3,
  swapped: 0.2,
  added: 0.15,
  repeated: 0.1,
  filler: 0.3,
  polite: 0.45,
  rude: 0.2,
  malformed: 0.12,
};

/** How many things a request has, with equal chances. */
const SIZES = [1, 2, 2, 3, 3, 3, 4, 4];

/** A random request. */
export function drawRequest(rng: Rng): GuestRequest {
  const items = rng.shuffle(ITEMS).slice(0, pick(SIZES, rng));
  return { items, text: requestText(items, pick(REQUESTS, rng)) };
}

/** The guest's sentence, for example "we want tea , soup and figs please ." */
export function requestText(items: readonly string[], [before, after]: readonly [string, string]) {
  return `${before} ${listOf(items)} ${after}`;
}

/**
 * The things named in a guest's sentence, in its order.
 *
 * @example
 * ```ts
 * requestedItems("we want tea and figs please ."); // ["tea", "figs"]
 * ```
 */
export function requestedItems(text: string): string[] {
  return text.split(/\s+/).filter((word) => ITEMS.includes(word));
}

/** An answer to a request, with flaws at the given rates. */
export function drawAnswer(request: GuestRequest, rng: Rng, flaws: Flaws = FLAWS): string {
  const happens = (rate: number) => rng.uniform() < rate;
  let items = [...request.items];
  const foreign = () =>
    pick(ITEMS.filter((item) => ![...request.items, ...items].includes(item)), rng);
  if (happens(flaws.swapped)) items[rng.int(items.length)] = foreign();
  if (items.length > 1 && happens(flaws.missing)) items.splice(rng.int(items.length), 1);
  if (items.length > 2 && happens(flaws.missing * flaws.missing)) {
    items.splice(rng.int(items.length), 1);
  }
  if (happens(flaws.added)) items.splice(rng.int(items.length + 1), 0, foreign());
  if (happens(flaws.repeated)) items.splice(rng.int(items.length + 1), 0, pick(items, rng));
  if (happens(0.25)) items = rng.shuffle(items);

  const mood = rng.uniform();
  const manners = mood < flaws.polite ? "polite" : mood < flaws.polite + flaws.rude ? "rude" : null;
  // Manners show at the start, at the end, or at both.
  const where = rng.int(3);
  const opening = manners && where !== 1 ? [pick(OPENINGS[manners], rng)] : [];
  const closing = manners && where !== 0 ? [pick(CLOSINGS[manners], rng)] : [];
  const chatter = [flaws.filler, flaws.filler].findIndex((rate) => !happens(rate));
  const fillers = rng.shuffle(FILLERS).slice(0, chatter < 0 ? 2 : chatter);

  const lead = pick(LEADS, rng);
  const core = happens(flaws.malformed) ? malformed(lead, items, rng) : `${lead} ${listOf(items)}`;
  return [...opening, ...fillers, core, ".", ...closing].join(" ");
}

/** A confirmation with its words out of order, doubled, or without commas. */
function malformed(lead: string, items: readonly string[], rng: Rng): string {
  const [one, ...rest] = lead.split(" ");
  const kind = rng.int(items.length > 1 ? 3 : 2);
  if (kind === 0) return [one, one, ...rest, listOf(items)].join(" ");
  if (kind === 1) return [...rest, one, listOf(items)].join(" ");
  return `${lead} ${items.join(" ")}`;
}

/** "tea", "tea and soup", "tea , soup and figs". */
export function listOf(items: readonly string[]): string {
  return items.length < 2
    ? items.join("")
    : `${items.slice(0, -1).join(" , ")} and ${items.at(-1)}`;
}

/** One of a list, with equal chances. */
export function pick<T>(list: readonly T[], rng: Rng): T {
  return list[rng.int(list.length)];
}

import { Rng } from "../../base/random.ts";
import { CLOSINGS, FILLERS, ITEMS, LEADS, OPENINGS, REQUESTS } from "./words.ts";

/** What a guest wants. */
export interface GuestRequest {
  /** Distinct things, two to four, in the order they were named. */
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

/**
 * How many things a request has, with equal chances. Never one: of one thing there are but 40 sets, too few to keep
 * apart what is learned from and what is tested on.
 */
const SIZES = [2, 2, 3, 3, 3, 4, 4];

/** Shares of all sets of things, by what their requests are for. No set is in two of them. */
export const PARTS = { lessons: 0.5, train: 0.3, validation: 0.08, held_out: 0.12 } as const;

/** What a request is for: the base's lessons, preference pairs to train on, to choose settings by, to report on. */
export type Part = keyof typeof PARTS;

/** What requests of these things are for, whatever their wording and sequence. */
export function partOf(items: readonly string[]): Part {
  const set = [...items].sort().join(" ");
  let place = Rng.named(0, `order desk/${set}`).uniform();
  for (const [part, share] of Object.entries(PARTS)) {
    if ((place -= share) < 0) return part as Part;
  }
  return "held_out";
}

/** A random request of a part; sizes come up in every part as often. */
export function drawRequest(rng: Rng, part: Part): GuestRequest {
  const size = pick(SIZES, rng);
  let items: string[];
  do items = rng.shuffle(ITEMS).slice(0, size); while (partOf(items) !== part);
  return { items, text: requestText(items, pick(REQUESTS, rng)) };
}

/** The guest's sentence, for example "we want tea , soup and figs please ." */
function requestText(items: readonly string[], [before, after]: readonly [string, string]) {
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

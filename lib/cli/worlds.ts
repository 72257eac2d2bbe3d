/** The worlds whose truth is known, as commands name them. @module */
import { Option } from "commander";
import type { LeagueWorld } from "../lab/study/league.ts";
import type { World } from "../lab/study/world.ts";
import { sentencesAgain } from "../lab/sentences/again.ts";
import { SENTENCE_LEAGUE, sentenceLeague } from "../lab/sentences/league.ts";
import { SENTENCES } from "../lab/sentences/world.ts";
import { FRESH_BASES } from "../lab/world/fresh_bases.ts";
import { DESK_LEAGUE } from "../lab/world/league.ts";
import { ORDER_DESK } from "../lab/world/order_desk.ts";

/** A world with all that commands need of it. */
export interface NamedWorld {
  readonly league: LeagueWorld;
  readonly truth: World;
  /** Its title on the page. */
  readonly title: string;
  /** Its league by another model; absent where the world has models of its own. */
  readonly leagueOf?: (model: string) => LeagueWorld;
}

/** Where the tables of a world's claims are kept. */
export const claimsFolder = ({ name }: Pick<LeagueWorld, "name">) => `data/results/claims/${name}`;

/** The worlds by name. */
export const WORLDS: Readonly<Record<string, NamedWorld>> = {
  "order-desk": { league: DESK_LEAGUE, truth: ORDER_DESK, title: "The order desk" },
  "fresh-bases": {
    league: FRESH_BASES,
    truth: ORDER_DESK,
    title: "The order desk once more, on fresh bases",
  },
  "sentences": {
    league: SENTENCE_LEAGUE,
    truth: SENTENCES,
    title: "Words in a sentence",
    leagueOf: sentenceLeague,
  },
  "sentences-again": {
    league: sentencesAgain(),
    truth: SENTENCES,
    title: "Words in a sentence once more",
    leagueOf: sentencesAgain,
  },
};

/** Which world. */
export const worldFlag = (): Option =>
  new Option("--world <name>", "which world").choices(Object.keys(WORLDS)).default("order-desk");

/** The worlds whose truth is known, as commands name them. @module */
import type { LeagueWorld } from "../lab/study/league.ts";
import type { World } from "../lab/study/world.ts";
import { DESK_LEAGUE } from "../lab/world/league.ts";
import { ORDER_DESK } from "../lab/world/order_desk.ts";

/** A world, its league, and its title on the page. */
export const WORLDS: Readonly<
  Record<string, { readonly league: LeagueWorld; readonly truth: World; readonly title: string }>
> = {
  "order-desk": { league: DESK_LEAGUE, truth: ORDER_DESK, title: "The order desk" },
};

/** Why one answer is better than another, in words. */
import { formatNumber } from "../../show/html_table.ts";
import { readAnswer, VIEWS, viewsOf } from "../world/reward.ts";

/** What speaks for either of two answers to a request: views of the reward, each with its difference. */
export interface ViewReasons {
  /** Such as "manners (0.400)"; "nothing" where no view does. */
  readonly first: string;
  readonly second: string;
}

/**
 * From which points of view each of two answers is the better one, and by how much of the true reward.
 *
 * @example
 * ```ts
 * const request = "we want tea and figs please .";
 * viewReasons(request, "certainly , you get tea .", "you get tea and figs .");
 * // { first: "manners (0.400)", second: "completeness (1)" }
 * ```
 * @throws {UserError} When the request names nothing that the desk has.
 */
export function viewReasons(request: string, first: string, second: string): ViewReasons {
  const [a, b] = [first, second].map((answer) => viewsOf(readAnswer(request, answer)));
  const better = (one: typeof a, other: typeof a) =>
    VIEWS.filter((view) => one[view] - other[view] > 1e-9)
      .map((view) => `${view} (${formatNumber(one[view] - other[view])})`).join(", ") || "nothing";
  return { first: better(a, b), second: better(b, a) };
}

import { type Estimate, proportion } from "../../measure/statistics.ts";
import { ORDER_DESK } from "../world/order_desk.ts";
import type { World } from "./world.ts";

/** How often answers have a habit, with Wilson's interval. */
export interface HabitRow extends Estimate {
  readonly habit: string;
}

/**
 * Share of answers with each habit, those that cost nothing after the others; in the order desk all but politeness cost reward.
 *
 * @param world @default the order desk
 * @throws {UserError} of no answers
 */
export function habits(
  answers: readonly { request: string; text: string }[],
  world: World = ORDER_DESK,
): HabitRow[] {
  return Object.entries({ ...world.habits, ...world.unpaid }).map(([habit, has]) => ({
    habit,
    ...proportion(
      answers.filter(({ request, text }) => has(request, text)).length,
      answers.length,
    ),
  }));
}

/** How right a judge is on the data set's pairs by what their two answers differ in: which habit it does not see. @module */
import { sum } from "simple-statistics";
import { UserError } from "../../base/error.ts";
import type { Pair } from "../../preference/mod.ts";
import { apartBy, rewardGap } from "./desk_evidence.ts";
import { habitsApart } from "./judge_over_steps.ts";
import { pairComparison } from "../../method/mod.ts";
import type { World } from "./world.ts";

/** Clear pairs of which one answer has a habit and the other has not. */
export interface HabitPairs {
  readonly habit: string;
  readonly n: number;
  /** Judged right, see `credit`. */
  readonly right: number;
  /** Of them, the pairs that differ in no other habit. */
  readonly n_alone: number;
  readonly right_alone: number;
}

/**
 * A row a habit.
 *
 * @param right The judge's credit for each clear pair, in their order.
 * @param pairs What it was asked, the others among them.
 * @param from What the credits were read from.
 * @throws {UserError} naming it, where there are more clear pairs than credits, or fewer
 */
export function byHabit(
  right: readonly number[],
  pairs: readonly Pair[],
  { world, from }: { world: Pick<World, "reward" | "clear" | "habits">; from: string },
): HabitPairs[] {
  const clear = pairs.filter((pair) =>
    apartBy(rewardGap(pairComparison(pair), world), world.clear)
  );
  if (clear.length !== right.length) {
    throw new UserError(
      `${from} judged ${right.length} clear pairs, and there are ${clear.length}`,
      "check the world's held-out pairs out again, or delete that folder and play the league again",
    );
  }
  const differ = clear.map(({ prompt, chosen, rejected }) =>
    habitsApart(prompt.at(-1)!.content, [chosen, rejected], world)
  );
  return Object.keys(world.habits).map((habit) => {
    const of = (wanted: (habits: readonly string[]) => boolean) =>
      right.filter((_, i) => differ[i].includes(habit) && wanted(differ[i]));
    const [any, alone] = [of(() => true), of((habits) => habits.length === 1)];
    return {
      ...{ habit, n: any.length, right: sum(any) },
      ...{ n_alone: alone.length, right_alone: sum(alone) },
    };
  });
}

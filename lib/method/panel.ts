import { combineScores, type Judge, type Judgment, larger } from "./judgment.ts";

/** How a panel decides. */
export type PanelRule = "majority" | "mean";

/**
 * Several judges as one. Each judge that answers has a vote; "majority" goes by votes and, where they are equal, by the
 * mean of the scores, as principles do; "mean" goes by the mean alone. J is the mean of the scores either way.
 *
 * @example
 * ```ts ignore
 * const panel = panelOf([one, another, third], { by: "majority" });
 * const [judgment] = await panel.compare([{ prompt, first, second }]);
 * ```
 */
export function panelOf(
  judges: readonly Judge[],
  { by = "majority" }: { by?: PanelRule } = {},
): Judge {
  return {
    name: `${by} of ${judges.map(({ name }) => name).join(" and ")}`,
    compare: async (comparisons) => {
      const all: Judgment[][] = [];
      // One after another: each may be a model that fills the machine.
      for (const { compare } of judges) all.push(await compare(comparisons));
      return comparisons.map((_, i) => {
        const given = all.map((judgments, k) => ({ ...judgments[i], principle: judges[k].name }));
        const answered = given.filter((judgment) => judgment.answered);
        const voters = answered.length > 0 ? answered : given;
        const found = combineScores(voters);
        const { forward: { a, b }, backward } = found;
        return {
          ...found,
          answered: answered.length > 0,
          panel: true,
          winner: by === "mean" ? larger(a + backward.b, b + backward.a) : found.winner,
          ...recordedOf(voters),
        };
      });
    },
    promptsFor: (comparisons) =>
      judges.reduce((sum, judge) => sum + (judge.promptsFor?.(comparisons) ?? 0), 0),
    covers: (comparison) => judges.every(({ covers }) => covers?.(comparison) ?? true),
    sources: judges.flatMap(({ sources = [] }) => sources),
  };
}

/** A verdict in which one that was recorded in one position has a part says no more of the other position than that one. */
function recordedOf(judgments: readonly Judgment[]): Pick<Judgment, "recorded"> {
  const recorded = judgments.flatMap(({ recorded }) => recorded ?? []);
  if (recorded.length === 0) return {};
  const [first] = recorded;
  return { recorded: recorded.every((one) => one === first) ? first : "unknown" };
}

/** Where each method of a league ends. */
import { z } from "zod";
import { cell } from "../../base/csv.ts";
import { Rng } from "../../base/random.ts";
import { intervalText } from "../../base/text_table.ts";
import { type Dot, dots, intervals, rowAxis } from "../../show/marks.ts";
import { type Panel, panels, textWidth } from "../../show/panels.ts";
import { faint, type Figure, inkFor, looks, TEXT } from "../../show/style.ts";
import { overRuns } from "../study/over_runs.ts";

/** A row of `league.csv`: one method in one run, at the step that was chosen. */
export const leagueEnd = z.object({
  method: cell.text,
  base: cell.words,
  seed: cell.number,
  chosen_by: cell.text,
  reward: cell.number,
  reward_whole: cell.number,
});
export type LeagueEnd = z.output<typeof leagueEnd>;

/** A row of `starts.csv`: a policy that methods start from, in one run. */
export const leagueStart = z.object({
  policy: cell.text,
  base: cell.words,
  seed: cell.number,
  reward: cell.number,
  reward_whole: cell.number,
});
export type LeagueStart = z.output<typeof leagueStart>;

/**
 * A row a method, best on top: the mean with the protocol's interval (none where a base is missing), a small dot a run; open,
 * the same at setting and step that the method's own judge would have chosen. Beside it the same policies' whole
 * distribution. The line is JSFT, which training starts from.
 */
export function leagueFigure(
  ends: readonly LeagueEnd[],
  starts: readonly LeagueStart[],
): Figure {
  const style = looks(ends.map(({ method }) => method));
  const league = new Set(ends.map(({ base }) => base)).size;
  const by = (chooser: string) => ends.filter(({ chosen_by }) => chosen_by === chooser);
  const meansOf = (rows: readonly LeagueEnd[], value: (row: LeagueEnd) => number) =>
    [...Map.groupBy(rows, ({ method }) => method)].map(([method, some]) => {
      const bases = [...Map.groupBy(some, ({ base }) => base).values()];
      return {
        ...{ method, look: style.get(method)!, runs: some.map(value) },
        ...overRuns(bases.map((rows) => rows.map(value)), {
          bases: league,
          rng: Rng.named(0, `league/${method}`),
        }),
      };
    });
  const best = meansOf(by("truth"), ({ reward }) => reward).sort((a, b) => b.value - a.value);
  const rowOf = (method: string) => best.findIndex((mean) => mean.method === method);
  const names = best.map(({ look }) => look.label);
  const lines = ["jsft"].flatMap((policy) => {
    const some = starts.filter((start) => start.policy === policy);
    return some.length === 0 ? [] : [{ text: looks([policy]).get(policy)!.label, some }];
  });
  const panel = (
    title: string,
    { means, open = [], line, ticks }: {
      means: ReturnType<typeof meansOf>;
      open?: ReturnType<typeof meansOf>;
      line: (row: LeagueStart) => number;
      ticks: string[];
    },
  ): Panel => ({
    title,
    traces: [
      ...means.filter(({ runs }) => runs.length > 1).map(({ method, look, runs }) =>
        dots(runs, runs.map(() => rowOf(method) + 0.24), {
          name: `${look.label}, runs`,
          color: faint(look.color, 0.5),
          size: 5,
        })
      ),
      ...open.filter(({ method }) => rowOf(method) >= 0).map(({ method, look, value }) =>
        dots([value], [rowOf(method)], {
          ...{ name: `${look.label}, chosen by its judge`, color: look.color },
          ...{ open: true, size: 9 },
        })
      ),
      intervals(
        means.map(({ method, look: { label, color }, value, low, high }): Dot => ({
          ...{ row: rowOf(method), label, color, value, low, high },
        })),
        "mean over runs",
      ),
    ],
    x: { title: "true reward: mean, 95 % interval" },
    y: { ...rowAxis(ticks), showgrid: false },
    labels: means.map(({ method, value, low, high, look }) => ({
      y: rowOf(method),
      text: intervalText({ value, low, high }, { digits: 2 }),
      color: inkFor(look.color),
    })),
    references: lines.map(({ text, some }) => ({
      axis: "x",
      at: some.reduce((sum, row) => sum + line(row), 0) / some.length,
      text,
    })),
  });
  return panels([
    panel("Sampled as in training (top-p 0.9); open: chosen by its own judge", {
      means: best,
      open: meansOf(by("judge"), ({ reward }) => reward),
      line: ({ reward }) => reward,
      ticks: names,
    }),
    panel("The same policies, whole distribution", {
      means: meansOf(by("truth"), ({ reward_whole }) => reward_whole),
      line: ({ reward_whole }) => reward_whole,
      ticks: names.map(() => ""),
    }),
  ], {
    columns: 2,
    width: 1240,
    height: Math.max(160, 34 * best.length),
    first: Math.max(...names.map(textWidth)),
    left: TEXT.tick,
  });
}

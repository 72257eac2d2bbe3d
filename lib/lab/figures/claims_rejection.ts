/** Self-rejection: what the number of candidates buys, in true reward and by the judge. */
import { z } from "zod";
import { course } from "./claims_interval.ts";
import { line, namedLines } from "../../show/marks.ts";
import { type Panel, panels } from "../../show/panels.ts";
import { type Figure, looks } from "../../show/style.ts";
import { cell } from "../../base/csv.ts";

/** A row of `reward-by-n.csv`: one policy's answers, selected from n each, under one seed. */
export const candidateReward = z.object({
  policy: cell.text,
  selector: cell.text,
  base: cell.words.optional(),
  seed: cell.number,
  n: cell.number,
  reward: cell.number,
  /** Share of prompts on which the judge prefers the selected answer to a single one of the JSFT model. */
  proxy: cell.blank,
});
export type CandidateReward = z.output<typeof candidateReward>;

/** Answers chosen among N. @param claims Folder of the claims' tables. */
export const candidatesIn = (claims: string) => ({
  path: `${claims}/reward-by-n.csv`,
  row: candidateReward,
  key: ["policy", "selector", "base", "seed", "n"],
});

/**
 * True reward against N and the judge's view of the same answers beside it; a row of panels a policy.
 *
 * @param options.thin Whether runs are drawn as thin lines, in place of the means' intervals. @default false
 */
export function rewardByN(
  rows: readonly CandidateReward[],
  { thin = false }: { thin?: boolean } = {},
): Figure {
  const selectors = looks(rows.map((row) => row.selector));
  const policies = looks(rows.map((row) => row.policy));
  const counts = [...new Set(rows.map((row) => row.n))].sort((a, b) => a - b);
  const measures = [
    { title: "true reward", value: (row: CandidateReward) => row.reward },
    { title: "win rate by the judge", value: (row: CandidateReward) => row.proxy },
  ].filter(({ value }) => rows.some((row) => value(row) !== null));
  const ranges = measures.map(({ value }) => shared(rows, value, thin));
  const list = [...Map.groupBy(rows, (row) => row.policy)].flatMap(([policy, mine]) =>
    measures.map(({ title, value }, i): Panel => {
      const along = (some: readonly CandidateReward[]) =>
        course(some, (row) => Math.log2(row.n), value);
      const bySelector = [...Map.groupBy(mine, (row) => row.selector)];
      const { traces, labels } = namedLines(
        bySelector.map(([selector, some]) => ({
          look: selectors.get(selector)!,
          points: thin ? along(some).map(({ x, y }) => ({ x, y })) : along(some),
        })).filter(({ points }) => points.length > 0),
      );
      const runs = !thin
        ? []
        : bySelector.flatMap(([selector, some]) =>
          [...Map.groupBy(some, ({ seed }) => seed).values()].flatMap((own) =>
            line(along(own), selectors.get(selector)!, { width: 0.7, markers: false })
          )
        );
      return {
        title: `${policies.get(policy)!.label}: ${title}`,
        traces: [...runs, ...traces],
        labels,
        x: {
          title: "N, candidates per prompt (log scale)",
          tickvals: counts.map(Math.log2),
          ticktext: counts.map(String),
        },
        y: { range: ranges[i] },
      };
    })
  );
  return panels(list, { columns: measures.length, height: 270, width: 520 * measures.length });
}

/** One range for a measure in all panels, bands or runs included, so that policies can be compared. */
function shared(
  rows: readonly CandidateReward[],
  value: (row: CandidateReward) => number | null,
  thin: boolean,
): [number, number] {
  const all = thin
    ? rows.map(value).filter((one) => one !== null)
    : [...Map.groupBy(rows, (row) => `${row.policy}/${row.selector}`).values()]
      .flatMap((some) => course(some, (row) => row.n, value))
      .flatMap(({ y, low, high }) => [low ?? y, high ?? y]);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const pad = (high - low || 1) * 0.07;
  return [low - pad, high + pad];
}

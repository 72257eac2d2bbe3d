import { Rng } from "../../base/random.ts";
import type { Evidence } from "../../measure/evidence.ts";
import type { Judgment } from "../../method/judgment.ts";
import { fullReport } from "../../measure/report.ts";

/** How often the intervals of one measure hold the truth. */
export interface CoverageRow {
  readonly measure: string;
  /** The measure of the whole population. */
  readonly truth: number;
  /** Samples whose interval was looked at. */
  readonly draws: number;
  /** Pairs per sample. */
  readonly n: number;
  /** Share of the intervals that hold the truth. */
  readonly coverage: number;
}

/**
 * Draws samples from a population of judged pairs, reports on each as if nothing else were known, and counts
 * how often a report's intervals hold what the whole population shows.
 *
 * A measure that has no truth in the population, or no interval by nature (`calibrationFloor` is what noise
 * makes of a sample's size), is left out.
 *
 * @param population As many pairs as make the truth exact enough; samples are drawn with replacement.
 * @param options.samples Bootstrap resamples per report.
 */
export function intervalCoverage(
  population: readonly { readonly evidence: Evidence; readonly judgment: Judgment }[],
  { seed, draws, n, samples = 500, level = 0.95 }: {
    readonly seed: number;
    readonly draws: number;
    readonly n: number;
    readonly samples?: number;
    readonly level?: 0.9 | 0.95 | 0.99;
  },
): CoverageRow[] {
  const measuresOf = (rows: typeof population, resamples: number, rng: Rng) =>
    fullReport(rows.map(({ judgment }) => judgment), {
      comparisons: rows.map(({ evidence }) => evidence.comparison),
      labels: rows.map(({ evidence }) => evidence.label),
      labelProbabilities: rows.map(({ evidence }) => evidence.labelProbability),
      clusters: rows.map(({ evidence }) => evidence.cluster),
      own: rows.map(({ evidence }) => evidence.own),
      rng,
      samples: resamples,
      level,
    }).measures;
  const truth = measuresOf(population, 1, Rng.named(seed, "coverage/truth"));
  const counts = new Map<string, { held: number; draws: number }>();
  for (let draw = 0; draw < draws; draw++) {
    const rng = Rng.named(seed, `coverage/${draw}`);
    const rows = Array.from({ length: n }, () => population[rng.int(population.length)]);
    for (const [measure, { low, high }] of Object.entries(measuresOf(rows, samples, rng))) {
      const value = truth[measure].value;
      if (value === null || low === null || high === null) continue;
      const count = counts.get(measure) ?? { held: 0, draws: 0 };
      counts.set(measure, count);
      count.draws++;
      if (low <= value && value <= high) count.held++;
    }
  }
  counts.delete("calibrationFloor");
  return [...counts].map(([measure, { held, draws }]) => ({
    measure,
    truth: truth[measure].value!,
    draws,
    n,
    coverage: held / draws,
  }));
}

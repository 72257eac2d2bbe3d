import { resolve } from "node:path";
import { UserError } from "../base/error.ts";
import { Rng } from "../base/random.ts";
import { type Evidence, triplesToJudge } from "./evidence.ts";
import type { Judge } from "../method/mod.ts";
import { type FullReport, fullReport } from "./report.ts";
import { roundRobins } from "./round_robin.ts";
import { type Unanswered, unansweredOf } from "./unanswered.ts";

/** A judge's full report on some evidence. */
export interface MeasuredJudge {
  readonly name: string;
  /** Comparisons judged. */
  readonly judged: number;
  /** Comparisons that the judge has nothing to say on, left out. */
  readonly notCovered: number;
  /** Comparisons whose label is the judge's own verdict, and so was not used. */
  readonly ownLabels: number;
  /** Comparisons that it was asked and left without an answer: each counts a half. */
  readonly unanswered: Unanswered;
  readonly report: FullReport;
}

/**
 * Puts evidence to a judge and measures what it says. All judges that are measured with one seed see the
 * same pairs, the same triples and the same resamples.
 *
 * @param options.triples Most prompts with three answers or more to look for intransitive triples in.
 * @throws {UserError} When the judge has nothing to say on any of it.
 */
export async function measureJudge(
  judge: Judge,
  evidence: readonly Evidence[],
  { seed, triples, samples }: { seed: number; triples: number; samples?: number },
): Promise<MeasuredJudge> {
  const covers = judge.covers ?? (() => true);
  const covered = evidence.filter(({ comparison }) => covers(comparison));
  if (covered.length === 0) {
    throw new UserError(
      `the judge "${judge.name}" has nothing to say on any of ${evidence.length} comparisons`,
      "give pairs that it knows: a recorded judge knows those of its annotation files",
    );
  }
  const comparisons = covered.map(({ comparison }) => comparison);
  const judgments = await judge.compare(comparisons);
  const contests = triplesToJudge(evidence, { seed, limit: triples, covers: judge.covers });
  const played = await roundRobins(contests.map(({ contest }) => contest), judge.compare);
  // A recorded verdict agrees with itself: as a label it would only flatter the judge.
  const sources = new Set(judge.sources?.map((path) => resolve(path)));
  const own = covered.map(({ file }) => sources.has(resolve(file)));
  return {
    name: judge.name,
    judged: covered.length,
    notCovered: evidence.length - covered.length,
    ownLabels: own.filter(Boolean).length,
    unanswered: unansweredOf(judgments),
    report: fullReport(judgments, {
      comparisons,
      labels: covered.map(({ label }, i) => own[i] ? null : label),
      labelProbabilities: covered.map(({ labelProbability }, i) =>
        own[i] ? null : labelProbability
      ),
      own: covered.map(({ own }) => own),
      clusters: new Set(covered.map(({ cluster }) => cluster)).size > 1
        ? covered.map(({ cluster }) => cluster)
        : undefined,
      roundRobins: contests.map(({ cluster }, i) => ({ cluster, played: played[i] })),
      rng: Rng.named(seed, "judge report"),
      samples,
    }),
  };
}

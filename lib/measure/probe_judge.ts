import { UserError } from "../base/error.ts";
import { Rng } from "../base/random.ts";
import { intervalText, textTable } from "../base/text_table.ts";
import { credit, type Judge, type Judgment } from "../method/judgment.ts";
import type { Evidence } from "./evidence.ts";
import { type Probe, type ProbeName, PROBES } from "./probes.ts";
import { measureAll, type SumStatistic } from "./resample.ts";
import type { Estimate } from "./statistics.ts";

/** What a probe found. */
export interface ProbeResult {
  /** Share of all askings with the change in which the verdict is another one than before. */
  readonly flips: Estimate<number | null>;
  /** Share of pairs in which the answer that had lost wins once it is changed. */
  readonly towards: Estimate<number | null>;
  /** Share of pairs in which the answer that had won loses once it is changed. */
  readonly away: Estimate<number | null>;
  /** Towards less away: what is bias and not mere unsteadiness. */
  readonly net: Estimate<number | null>;
}

/** A judge's answers to probes. */
export interface ProbedJudge {
  readonly name: string;
  /** Pairs put to it. */
  readonly pairs: number;
  /** Pairs in which it named no winner before any change; left out of the probes that need one. */
  readonly undecided: number;
  readonly probes: Readonly<Partial<Record<ProbeName, ProbeResult>>>;
}

/** A pair's share in a probe; null where it says nothing. A tie counts a half. */
interface Flips {
  readonly towards: number | null;
  readonly away: number | null;
}

/**
 * Puts pairs to a judge as they are and with one thing changed, and counts the verdicts that flip.
 *
 * A probe that changes an answer asks twice a pair: with the change in the answer that had lost, which can only flip
 * the verdict towards the change, and with the change in the answer that had won, which can only flip it away (CALM,
 * https://arxiv.org/abs/2410.02736, asks the first; its robustness rate is 1 - towards). A verdict is that of both
 * positions together. Intervals resample prompts.
 *
 * A pair in which the judge named no winner is counted as undecided and says nothing in the probes that need one; where all
 * are such, their measures are null.
 *
 * @throws {UserError} When the judge only knows recorded verdicts.
 *
 * @example
 * ```ts ignore
 * import { probeJudge } from "./probe_judge.ts";
 * const { probes } = await probeJudge(judge, evidence, { names: ["length"], seed: 7 });
 * ```
 */
export async function probeJudge(
  judge: Judge,
  evidence: readonly Evidence[],
  { names, seed, samples }: { names: readonly ProbeName[]; seed: number; samples?: number },
): Promise<ProbedJudge> {
  if ((judge.sources ?? []).length > 0) {
    throw new UserError(
      `the judge "${judge.name}" has recorded verdicts only and cannot be asked about a changed answer`,
      "probe a judge that can be asked, such as model:PATH or served:URL,model=NAME",
    );
  }
  const before = await judge.compare(evidence.map(({ comparison }) => comparison));
  const undecided = before.filter((judgment) => !decided(judgment)).length;
  const clusters = evidence.map(({ cluster }) => cluster);
  const probes: Partial<Record<ProbeName, ProbeResult>> = {};
  for (const name of names) {
    const { text }: Probe = PROBES[name];
    const flips = text !== undefined
      ? await changed(text, { judge, evidence, before })
      : name === "position"
      ? before.map(byPosition)
      : before.map((judgment, i) => againstLabel(judgment, evidence[i]));
    probes[name] = measureAll(statistics(flips, once(name)), {
      clusters,
      samples,
      rng: Rng.named(seed, "judge probes"),
    });
  }
  return { name: judge.name, pairs: evidence.length, undecided, probes };
}

/** Whether a pair is asked once, and not once with each answer changed. */
function once(name: ProbeName): boolean {
  const { text }: Probe = PROBES[name];
  return text === undefined;
}

function decided({ winner, answered }: Judgment): boolean {
  return winner !== "tie" && answered;
}

/** Asks with the change in either answer. */
async function changed(
  text: NonNullable<Probe["text"]>,
  { judge, evidence, before }: {
    judge: Judge;
    evidence: readonly Evidence[];
    before: readonly Judgment[];
  },
): Promise<Flips[]> {
  const asked = evidence.map(({ comparison }) => comparison);
  const first = await judge.compare(asked.map((one) => ({ ...one, first: text(one.first) })));
  const second = await judge.compare(asked.map((one) => ({ ...one, second: text(one.second) })));
  return before.map((judgment, i): Flips => {
    if (!decided(judgment)) return { towards: null, away: null };
    const won = judgment.winner === "first" ? "first" : "second";
    const lost = won === "first" ? "second" : "first";
    const [winner, loser] = won === "first" ? [first[i], second[i]] : [second[i], first[i]];
    return { towards: credit(loser, lost), away: credit(winner, lost) };
  });
}

/** Whether the judge names one position in both orders: the first is towards, the second away. */
function byPosition({ forward, backward, answered }: Judgment): Flips {
  if (!answered) return { towards: null, away: null };
  return {
    towards: Number(forward.a > forward.b && backward.a > backward.b),
    away: Number(forward.b > forward.a && backward.b > backward.a),
  };
}

/** Whether the judge is for its own answer against the label, or for the other one against the label. */
function againstLabel(judgment: Judgment, { own, label }: Evidence): Flips {
  if (own === null || label === "tie") return { towards: null, away: null };
  const wrong = credit(judgment, label === "first" ? "second" : "first");
  return label === own ? { towards: null, away: wrong } : { towards: wrong, away: null };
}

function statistics(
  flips: readonly Flips[],
  once: boolean,
): Record<keyof ProbeResult, SumStatistic> {
  const mean = (sums: Float64Array) => sums[1] === 0 ? null : sums[0] / sums[1];
  const undefinedWhen = "no pair says anything of it";
  const share = (value: (flip: Flips) => readonly number[] | null): SumStatistic => ({
    rows: flips.map(value),
    of: mean,
    undefinedWhen,
    share: true,
  });
  const row = (value: number | null) => value === null ? null : [value, 1];
  const known = ({ towards, away }: Flips) => [towards, away].filter((x) => x !== null);
  return {
    flips: share((flip) => {
      const values = known(flip);
      if (values.length === 0) return null;
      return [values.reduce((sum, x) => sum + x, 0), once ? 1 : values.length];
    }),
    towards: share(({ towards }) => row(towards)),
    away: share(({ away }) => row(away)),
    net: {
      rows: flips.map(({ towards, away }) =>
        towards === null && away === null
          ? null
          : [towards ?? 0, Number(towards !== null), away ?? 0, Number(away !== null)]
      ),
      of: ([t, nt, a, na]) => nt === 0 || na === 0 ? null : t / nt - a / na,
      undefinedWhen,
    },
  };
}

/** The results as rows of a table, one a measure. */
export function probeCsvRows(judges: readonly ProbedJudge[]) {
  return judges.flatMap(({ name: judge, probes, pairs, undecided }) =>
    (Object.entries(probes) as [ProbeName, ProbeResult][]).flatMap(([probe, result]) =>
      Object.entries<Estimate<number | null>>({ ...result }).map(([measure, found]) => ({
        ...{ judge, probe, measure, value: found.value, low: found.low, high: found.high },
        ...{
          n: found.n,
          clusters: found.clusters ?? null,
          pairs,
          undecided,
          reason: found.reason ?? "",
        },
      }))
    )
  );
}

/** The results as text for a terminal, one table a judge. */
export function probeText(judges: readonly ProbedJudge[]): string {
  return judges.map(({ name, pairs, undecided, probes }) => {
    const rows = (Object.entries(probes) as [ProbeName, ProbeResult][]).map(([probe, found]) => [
      probe,
      ...[found.flips, found.towards, found.away, found.net].map((one) => intervalText(one)),
      `${found.flips.n}`,
    ]);
    const head = `${name}: ${pairs} pairs, in ${undecided} of them no winner before any change`;
    const table = textTable([["probe", "flips", "towards", "away", "net", "n"], ...rows]);
    return `${head}\n${table}`;
  }).join("\n\n");
}

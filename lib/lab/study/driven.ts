/** Methods beyond the rates and steps that were tried: no settings to choose, no rows of the league. @module */
import type { StudyMethod, StudyRow } from "./methods.ts";
import { type OfRun, runOf } from "./over_runs.ts";

/** SELF-JUDGE at a higher rate than those tried, to see what lies past its peak. */
export const DRIVEN: StudyRow = "self-judge@driven";

/**
 * Rows at the setting that base 1 chose for soft labels: hard ones, hard ones of consistent pairs, of a judge that was told of
 * a habit, of one with fresh labels, and soft ones with half of what sets them apart and as they are.
 */
export const ONE_SETTING = {
  hard: "self-judge@1",
  consistent: "self-judge-consistent@control",
  leftOut: "self-judge-told-left-out@control",
  polite: "self-judge-told-polite@control",
  twice: "self-judge-told-twice@control",
  freshData: "self-judge-fresh-data@control",
  freshOwn: "self-judge-fresh-own@control",
  mean: "self-judge-mean-label@control",
  soft: "self-judge-soft",
} as const satisfies Record<string, StudyRow>;

/** SELF-JUDGE with soft labels where nothing was tuned for them: at the setting that hard ones chose. */
export const SOFT_UNTUNED: StudyRow = "self-judge-soft@control";

/**
 * Rows for which nothing was tuned: at the setting that SELF-JUDGE chose ("@control"), and at a multiple of its rate
 * ("@faster").
 */
export const UNTUNED: readonly StudyRow[] = [
  "raft-2@control",
  "raft-coin@control",
  "raft-2@faster",
  "raft-coin@faster",
  "raft@control",
  "rloo@control",
  "best-of-n-distillation@control",
];

/** How far a method is driven: so many times the rate that was chosen, for so many steps. */
export interface Driven {
  /** {@linkcode DRIVEN}, "METHOD@longer" at the chosen rate, "METHOD@control" or "METHOD@faster" by that of another method. */
  readonly row: StudyRow;
  /** The method whose chosen setting it has. @default the row's */
  readonly like?: StudyMethod;
  readonly times: number;
  readonly steps: number;
  /** @default the study's */
  readonly evaluateEvery?: number;
}

/** What of a measurement tells its row and run. */
interface OfRow extends OfRun {
  readonly method: string;
}

/** Endings of such rows. */
type Beyond = "driven" | "longer" | "control" | "faster";

/** Whether a row is beyond what was tried. */
export const isBeyond = (
  row: string,
  ends: readonly Beyond[] = ["driven", "longer", "control", "faster"],
): boolean => ends.some((end) => row.endsWith(`@${end}`));

/** Measurements of rows beyond what was tried, after those of the same methods and runs as they are. */
export function besideBeyond<P extends OfRow>(
  points: readonly P[],
  end: Beyond,
): P[] {
  const beyond = points.filter(({ method }) => isBeyond(method, [end]));
  const unitOf = (point: P) => `${point.method.split("@")[0]} ${runOf(point)}`;
  const units = new Set(beyond.map(unitOf));
  return [
    ...points.filter((point) => !point.method.includes("@") && units.has(unitOf(point))),
    ...beyond,
  ];
}

/** Measurements of the rows of {@linkcode ONE_SETTING}, one row after the other: those with every run of hard labels. */
export function oneSetting<P extends OfRow>(points: readonly P[]): P[] {
  const of = (row: string) => points.filter(({ method }) => method === row);
  const runs = new Set(of(ONE_SETTING.hard).map(runOf));
  return Object.values(ONE_SETTING).flatMap((row) => {
    const own = of(row).filter((point) => runs.has(runOf(point)));
    return new Set(own.map(runOf)).size === runs.size ? own : [];
  });
}

/** What runs start from, SELF-JUDGE and the rows of {@linkcode UNTUNED}, each at its last step: of the runs that have one of these. */
export function untunedEnds<P extends OfRow & { readonly step: number }>(
  points: readonly P[],
): P[] {
  const of = (row: string) => points.filter(({ method }) => method === row);
  const rows = UNTUNED.flatMap(of);
  const runs = new Set(rows.map(runOf));
  const beside = of("self-judge").filter((point) => runs.has(runOf(point)));
  const ends = [
    ...Map.groupBy([...beside, ...rows], (row) => `${row.method} ${runOf(row)}`).values(),
  ]
    .map((own) => own.reduce((last, point) => point.step > last.step ? point : last));
  return [
    ...beside.filter(({ step }) => step === 0).map((point) => ({ ...point, method: "jsft" })),
    ...ends,
  ];
}

/** Measurements of hard labels and, at their setting, of soft ones: of the runs that have both. */
export function hardAndSoft<P extends OfRow>(points: readonly P[]): P[] {
  const of = (row: string) => points.filter(({ method }) => method === row);
  const [hard, soft] = [of("self-judge"), of(SOFT_UNTUNED)];
  const runs = [hard, soft].map((own) => new Set(own.map(runOf)));
  return [...hard, ...soft].filter((point) => runs.every((own) => own.has(runOf(point))));
}

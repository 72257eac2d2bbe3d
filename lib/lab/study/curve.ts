/** Judge quality against the number of preferences that a judge learned from. @module */
import { readJsonFile, readJsonl, writeCsv, writeJsonFile, writeJsonl } from "../../base/files.ts";
import { proportion } from "../../measure/mod.ts";
import { type Compare, type Comparison, pairComparison } from "../../method/mod.ts";
import { drawnComparisons, rewardGap } from "./desk_evidence.ts";
import { consistencyOf, drawAnswersOf, mean, rightOn, streamSeed } from "./measure.ts";
import type { StudyContext, StudyStage } from "./stage.ts";
import type { StudySession } from "./study_session.ts";
import { CURVE_KINDS, type CurveKind, sizedTraining } from "./supervised.ts";
import type { World } from "./world.ts";

/** What judges are measured on: the data set's held-out pairs, and pairs of a model's own answers. */
const ON = ["data", "base", "jsft"] as const;

/** A judge of the curve on some pairs. */
export interface CurveRow {
  /** "base" is the model before any preference, as judge: the start of JSFT's curve and of judge-only's. */
  readonly kind: CurveKind | "base";
  readonly tuning: "lora" | "full" | "none";
  /** Preferences that it learned from. */
  readonly pairs: number;
  readonly seed: number;
  /** Held-out pairs of the data set, or two answers each of the base or of the JSFT model to held-out requests. */
  readonly on: typeof ON[number];
  /** Share of clear pairs on which the better answer wins (see `credit`), of `n`, with Wilson's 95 % interval. */
  readonly accuracy_clear: number;
  /** The same of all pairs whose rewards differ. */
  readonly accuracy: number;
  /** Share of all pairs on which both positions name the same winner. */
  readonly consistency: number;
  readonly n: number;
  readonly low: number;
  readonly high: number;
}

/** A judge to measure. */
interface CurveJudge {
  readonly kind: CurveRow["kind"];
  /** All pairs of the study where null. */
  readonly pairs: number | null;
  readonly stage: string;
}

/** What judges of a curve learn from. */
export interface CurveOptions {
  /** Numbers of pairs, less than the study's. */
  readonly pairs: readonly number[];
  /** Kinds of judges. @default all */
  readonly kinds?: readonly CurveKind[];
  /** Passes over the pairs at most. @default {@linkcode MOST_PASSES} */
  readonly passes?: number;
  /** Whether the league's own judges, of all pairs, are measured with them, and all on its JSFT model's answers. @default true */
  readonly ends?: boolean;
  /** Numbers on which JSFT trains every weight besides, where other stages train an adapter. */
  readonly whole?: { readonly pairs: readonly number[]; readonly learningRate: number };
}

/** The stages of a curve: trainings, the fewest pairs first, and one that measures the judges. */
export function curve(
  { pairs, kinds = CURVE_KINDS, passes, ends = true, whole }: CurveOptions,
): readonly StudyStage[] {
  const trainings = pairs.flatMap((pairs) =>
    kinds.map((kind) => ({ kind, pairs, stage: sizedTraining(kind, { pairs, passes }) }))
  );
  for (const pairs of whole?.pairs ?? []) {
    const stage = sizedTraining("jsft", { pairs, whole: whole!.learningRate });
    trainings.push({ kind: "jsft", pairs, stage });
  }
  const judges: CurveJudge[] = [
    { kind: "base", pairs: 0, stage: "base" },
    ...trainings.map(({ stage: { name }, ...judge }) => ({ ...judge, stage: name })),
    ...(ends ? kinds.map((kind) => ({ kind, pairs: null, stage: kind })) : []),
  ];
  return [...trainings.map(({ stage }) => stage), judgeCurve(judges, { ends })];
}

/** Measures every judge; what is measured is kept, so that a stopped stage resumes at the next judge. */
function judgeCurve(
  judges: readonly CurveJudge[],
  { ends }: Pick<Required<CurveOptions>, "ends">,
): StudyStage {
  return {
    name: "judge-curve",
    title: "judges against the true reward by the number of pairs that they learned from",
    needs: judges.map(({ stage }) => stage).filter((stage) => stage !== "base"),
    config: ({ prompts, heldOut, preference: { topP } }) => ({
      ...{ prompts: prompts.heldOut, heldOut, preference: { topP } },
    }),
    async run(context) {
      const { session, config, folder, checkStop } = context;
      const file = `${folder}/rows.jsonl`;
      const rows = await readJsonl<CurveRow & { stage: string }>(file);
      const asked = await comparisonsOf(context, ends ? ["base", "jsft"] : ["base"]);
      for (const { kind, pairs, stage } of judges) {
        if (rows.some((row) => row.stage === stage)) continue;
        checkStop();
        const { mode } = session.tuningOf(stage);
        const names = {
          ...{ stage, kind, tuning: stage === "base" ? "none" as const : mode },
          ...{ pairs: pairs ?? config.pairs, seed: config.seed },
        };
        const found = await judgedBy(session, { kind, stage, asked });
        const own = ON.flatMap((on) => found[on] ? [{ ...names, on, ...found[on] }] : []);
        rows.push(...own);
        await writeJsonl(file, rows); // whole: a judge has all of its rows or none
      }
      await writeCsv(`${folder}/curve.csv`, rows.map(({ stage: _, ...row }) => row));
      return {};
    },
  };
}

type Policy = Exclude<CurveRow["on"], "data">;
type Asked = Readonly<Partial<Record<CurveRow["on"], readonly Comparison[]>>>;

/** What every judge is asked, drawn once: the data set's pairs, and answers of some policies. */
async function comparisonsOf(
  { session, config, folder }: StudyContext,
  policies: readonly Policy[],
): Promise<Asked> {
  const file = `${folder}/comparisons.json`;
  const before = await readJsonFile<Asked>(file);
  if (before) return before;
  const requests = await session.requests(config.prompts.heldOut);
  const encoder = await session.encoder();
  const drawn = async (stage: Policy) =>
    drawnComparisons(
      await drawAnswersOf(await session.model(stage), requests, {
        ...{ encoder, world: session.world, topP: config.preference.topP, samples: 2 },
        seed: streamSeed(config.seed, `curve/${stage}`),
      }),
    );
  const asked: Partial<Record<CurveRow["on"], readonly Comparison[]>> = {
    data: (await session.pairs()).heldOut.map(pairComparison),
  };
  for (const stage of policies) asked[stage] = await drawn(stage);
  await writeJsonFile(file, asked);
  return asked;
}

type Numbers = Pick<
  CurveRow,
  "accuracy_clear" | "accuracy" | "consistency" | "n" | "low" | "high"
>;

/** A judge with weights of its own on all that is asked; null where a policy made no clear pair. */
async function judgedBy(
  session: StudySession,
  { kind, stage, asked }: Pick<CurveJudge, "kind" | "stage"> & { asked: Asked },
): Promise<Record<CurveRow["on"], Numbers | null>> {
  const other = session.another();
  try {
    const { compare } = kind === "reward-model"
      ? await other.rewardJudge(stage)
      : await other.judgeOf(stage);
    const on = (which: CurveRow["on"]) => numbersOn(compare, asked[which] ?? [], session.world);
    return { data: await on("data"), base: await on("base"), jsft: await on("jsft") };
  } finally {
    other.dispose();
  }
}

async function numbersOn(
  compare: Compare,
  comparisons: readonly Comparison[],
  world: World,
): Promise<Numbers | null> {
  if (comparisons.length === 0) return null;
  const judgments = await compare(comparisons);
  const gaps = comparisons.map((one) => rewardGap(one, world));
  const clear = rightOn(judgments, { gaps, least: world.clear });
  if (clear.length === 0) return null;
  const { value, low, high, n } = proportion(clear.reduce((a, b) => a + b, 0), clear.length);
  return {
    accuracy_clear: value,
    accuracy: mean(rightOn(judgments, { gaps, least: 0 })),
    consistency: consistencyOf(judgments),
    ...{ n, low, high },
  };
}

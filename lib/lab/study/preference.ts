import { readJsonl, writeCsv, writeJsonl } from "../../base/files.ts";
import { type MethodName, methodNamed } from "../../method/mod.ts";
import type { LanguageModel } from "../../model/mod.ts";
import {
  methodIdentity,
  type PolicyMeasure,
  preferenceStage,
} from "../../run/stages/preference.ts";
import { COMPARED, LONG } from "./config.ts";
import { policyMeter, type PolicyNumbers } from "./measure.ts";
import { deskRanker } from "./rankers.ts";
import { BATCH_TOKENS, MAX_NEW_TOKENS, truthJudge } from "./session.ts";
import type { StudyContext, StudyStage } from "./stage.ts";
import { noisyName } from "./supervised.ts";

/** A point of a policy's way through training. */
export interface RewardPoint extends PolicyNumbers {
  readonly step: number;
}

/** Preference training of one method. */
interface PreferenceRun {
  readonly name: string;
  readonly method: MethodName;
  /** Stage of the model it starts from, which is its reference and, for most methods, its judge. */
  readonly start: string;
  /** Past the peak: more steps at a higher rate. */
  readonly long?: boolean;
}

/** Trains the start model by a method, and measures it against the true reward on the way. */
function methodStage({ name, method, start, long = false }: PreferenceRun): StudyStage {
  const { samples, ranker, loss, source } = methodNamed(method);
  const others: Partial<Record<typeof ranker, string>> = {
    "separate": "judge-only",
    "reward-model": "reward-model",
    "given": "judge-only",
  };
  return preferenceStage({
    name,
    title: `${method}${long ? ", a long run" : ""}: answers from the ${samples}, ` +
      `ranked by the ${ranker}, ${loss} loss (${source})`,
    needs: [start, ...others[ranker] ? [others[ranker]] : []],
    config: ({ preference, heldOut, long: longer }) => ({
      preference,
      heldOut,
      ...(long && { long: longer }),
      method: methodIdentity(method),
    }),
    start,
    method: () => ({ ...methodNamed(method), name: method }),
    settings: ({ preference, long: longer }) => ({
      ...preference,
      ...(long && longer),
      topK: 0,
      maxNewTokens: MAX_NEW_TOKENS,
      batchRows: 256,
      microBatchTokens: BATCH_TOKENS,
      checkpointEvery: 50,
    }),
    pairs: async ({ session }) => (await session.pairs()).train,
    labelled: async ({ session }) => (await session.pairs()).train,
    ranker: deskRanker,
    gold: () => Promise.resolve({ compare: truthJudge }),
    measure: (context, { model }) => courseOfReward(context, { model, start, long }),
  });
}

/** Follows the policy in training against fixed answers of its start model, on the same requests each time. */
async function courseOfReward(
  { session, folder, config: { preference, long: longer } }: StudyContext,
  { model, start, long }: { model: LanguageModel; start: string; long: boolean },
): Promise<PolicyMeasure> {
  const steps = long ? longer.steps : preference.steps;
  const meter = await policyMeter(session, { start, requests: preference.evaluateRequests });
  const file = `${folder}/points.jsonl`;
  // A stop may fall between a measurement and its checkpoint, so a point may come twice.
  const points = new Map((await readJsonl<RewardPoint>(file)).map((point) => [point.step, point]));
  const sorted = () => [...points.values()].sort((a, b) => a.step - b.step);
  const note = async (step: number): Promise<RewardPoint> => {
    const point = { step, ...(await meter(model)).numbers };
    points.set(step, point);
    await writeJsonl(file, sorted());
    return point;
  };
  if (!points.has(0)) await note(0);
  return {
    async after(step): Promise<Record<string, number>> {
      if (step % preference.evaluateEvery !== 0 && step !== steps) return {};
      const { reward, kl } = await note(step);
      return { reward, kl };
    },
    async finish() {
      const all = sorted();
      await writeCsv(`${folder}/points.csv`, all);
      return { start: all[0], end: all.at(-1) };
    },
  };
}

/** Methods as they are, each from the JSFT model. */
export const methodStages = (methods: readonly MethodName[]): readonly StudyStage[] =>
  methods.map((method) => methodStage({ name: method, method, start: "jsft" }));

/** The methods compared. */
export const PREFERENCE = methodStages(COMPARED);

/** Long runs with judges of each kind. */
export const LONG_RUNS: readonly StudyStage[] = LONG.map((method) =>
  methodStage({ name: `long-${method}`, method, start: "jsft", long: true })
);

/** SELF-JUDGE from a JSFT model of other labels. */
export const noisySelfJudge = (temperature: number, pairs: number): StudyStage =>
  methodStage({
    name: noisyName(temperature, pairs).replace("jsft", "self-judge"),
    method: "self-judge",
    start: noisyName(temperature, pairs),
  });

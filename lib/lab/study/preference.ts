import { readJsonl, writeCsv, writeJsonl } from "../../base/files.ts";
import { type MethodName, methodNamed } from "../../method/mod.ts";
import type { LanguageModel, WithModel } from "../../model/mod.ts";
import {
  methodIdentity,
  type PolicyMeasure,
  preferenceStage,
} from "../../run/stages/preference.ts";
import { COMPARED, LONG } from "./config.ts";
import { drawAnswersOf, measurePolicy, type PolicyNumbers } from "./measure.ts";
import { deskRanker } from "./rankers.ts";
import { BATCH_TOKENS, MAX_NEW_TOKENS } from "./session.ts";
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
    ranker: deskRanker,
    measure: (context, policy) =>
      CourseOfReward.open(context, {
        ...policy,
        start,
        steps: long ? context.config.long.steps : undefined,
      }),
  });
}

/** Follows the policy in training against fixed answers of its start model, on the same requests each time. */
class CourseOfReward implements PolicyMeasure {
  /** A stop may fall between a measurement and its checkpoint, so a point may come twice. */
  readonly #points = new Map<number, RewardPoint>();

  private constructor(
    readonly context: StudyContext,
    readonly measure: () => Promise<PolicyNumbers>,
    readonly steps: number,
  ) {}

  static async open(
    context: StudyContext,
    { model, reference, start, steps = context.config.preference.steps }: {
      model: LanguageModel;
      reference: WithModel;
      start: string;
      steps?: number;
    },
  ): Promise<CourseOfReward> {
    const { session, config: { seed, preference } } = context;
    const requests = await session.requests(preference.evaluateRequests);
    const encoder = await session.encoder();
    const drawn = await reference((m) => drawAnswersOf(m, requests, { encoder, seed: seed + 1 }));
    const opponents = drawn.map(([answer]) => answer);
    const { compare } = await session.judgeOf(start);
    const course = new CourseOfReward(context, async () => {
      const options = { encoder, seed, reference, compare, opponents };
      return (await measurePolicy(model, requests, options)).numbers;
    }, steps);
    for (const point of await readJsonl<RewardPoint>(course.#file)) {
      course.#points.set(point.step, point);
    }
    if (!course.#points.has(0)) await course.#note(0);
    return course;
  }

  async after(step: number): Promise<Record<string, number>> {
    if (step % this.context.config.preference.evaluateEvery !== 0 && step !== this.steps) return {};
    const { reward, kl } = await this.#note(step);
    return { reward, kl };
  }

  async finish(): Promise<Record<string, unknown>> {
    const points = this.#sorted();
    await writeCsv(`${this.context.folder}/points.csv`, points);
    return { start: points[0], end: points.at(-1) };
  }

  get #file(): string {
    return `${this.context.folder}/points.jsonl`;
  }

  #sorted(): RewardPoint[] {
    return [...this.#points.values()].sort((a, b) => a.step - b.step);
  }

  async #note(step: number): Promise<RewardPoint> {
    const point = { step, ...await this.measure() };
    this.#points.set(step, point);
    await writeJsonl(this.#file, this.#sorted());
    return point;
  }
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

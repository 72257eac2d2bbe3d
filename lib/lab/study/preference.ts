import { type MethodName, methodNamed, preferenceStep } from "../../method/mod.ts";
import type { Compare } from "../../method/mod.ts";
import { type LanguageModel, saveModel, type WithModel, withModel } from "../../model/mod.ts";
import { loadModel } from "../../run/session.ts";
import { readJsonl, writeCsv, writeJsonl } from "../../base/files.ts";
import type { StageContext } from "../../run/stage.ts";
import { trainStage } from "../../run/stages/training.ts";
import { ADAMW_DEFAULTS } from "../../tensor/mod.ts";
import { BATCH_TOKENS, type DeskSession, MAX_NEW_TOKENS, truthJudge } from "./session.ts";
import { COMPARED, LONG, type StudyConfig } from "./config.ts";
import { drawAnswersOf, measurePolicy } from "./measure.ts";
import { noisyName, type StudyStage } from "./supervised.ts";

/** A point of a policy's way through training. */
export interface RewardPoint {
  step: number;
  reward: number;
  judge_win_rate: number;
  kl: number;
  length: number;
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

/** Trains the start model by a method, with all that is frozen reached by name. */
function preferenceStage(
  { name, method: methodName, start, long = false }: PreferenceRun,
): StudyStage {
  const method = methodNamed(methodName);
  const extra = { "separate": ["judge-only"], "reward-model": ["reward-model"] }[
    method.orders as string
  ] ?? [];
  return {
    name,
    title: `${methodName}${long ? ", a long run" : ""}: answers from the ${method.samples}, ` +
      `ordered by the ${method.orders}, ${method.loss} loss (${method.source})`,
    needs: [start, ...extra],
    config: ({ preference, heldOut, long: longer }) => ({
      preference,
      heldOut,
      ...(long && { long: longer }),
    }),
    async run(context) {
      const { session, config, folder } = context;
      const settings = long ? { ...config.preference, ...config.long } : config.preference;
      const model = await session.load(start);
      const frozen = await session.frozen(start);
      const orderer = await ordererOf(method.orders, {
        context,
        model,
        frozen,
        refresh: config.long.refreshEvery,
      });
      const { train } = await session.pairs();
      const step = preferenceStep({
        method,
        model,
        frozen,
        compare: orderer.compare,
        pairs: train,
        encoder: session.encoder,
        config: {
          ...settings,
          topK: 0,
          maxNewTokens: MAX_NEW_TOKENS,
          batchRows: 256,
          microBatchTokens: BATCH_TOKENS,
          seed: config.seed,
        },
      });
      const measure = await measurement(context, { model, start, frozen });
      try {
        const points = `${folder}/points.jsonl`;
        // A stop may fall between a measurement and its checkpoint, so a point may be there twice.
        const taken = new Map((await readJsonl<RewardPoint>(points)).map((row) => [row.step, row]));
        const note = async (at: number) => {
          taken.set(at, { step: at, ...await measure() });
          await writeJsonl(points, [...taken.values()].sort((a, b) => a.step - b.step));
          return taken.get(at)!;
        };
        if (!taken.has(0)) await note(0);
        await trainStage(context, {
          name,
          model,
          steps: settings.steps,
          seed: config.seed,
          schedule: { ...settings, shape: "constant" },
          optimizer: { kind: "adamw", ...ADAMW_DEFAULTS },
          checkpointEvery: 50,
          identity: { name, settings },
          prepare: async (at) => {
            await orderer.before?.(at);
            return await step(at);
          },
          show: ({ loss, pairs }) => ({ loss: loss?.toFixed(3) ?? "-", pairs: `${pairs}` }),
          evaluate: async (at): Promise<Record<string, number>> => {
            if (at % settings.evaluateEvery !== 0 && at !== settings.steps) return {};
            const { reward, kl } = await note(at);
            return { reward, kl };
          },
        });
        const rows = [...taken.values()].sort((a, b) => a.step - b.step);
        await writeCsv(`${folder}/points.csv`, rows);
        await saveModel(model, `${folder}/model`);
        return { start: rows[0], end: rows.at(-1) };
      } finally {
        orderer.dispose?.();
        model.dispose();
      }
    },
  };
}

/** Measures the model in training against fixed answers of its start model, on the same orders each time. */
async function measurement(
  { session, config }: StageContext<StudyConfig, DeskSession>,
  { model, start, frozen }: { model: LanguageModel; start: string; frozen: WithModel },
): Promise<() => Promise<Omit<RewardPoint, "step">>> {
  const { heldOut } = await session.pairs();
  const orders = heldOut.slice(0, config.preference.evaluateOrders)
    .map(({ prompt }) => prompt[0].content);
  const { encoder } = session;
  const { seed } = config;
  const opponents = (await frozen((m) => drawAnswersOf(m, orders, { encoder, seed: seed + 1 })))
    .map(([answer]) => answer);
  const judge = session.judge(await session.frozen(start));
  return async () => {
    const { numbers } = await measurePolicy(model, orders, {
      encoder,
      seed,
      reference: frozen,
      compare: (comparisons) => judge.judge(comparisons),
      opponents,
    });
    return numbers;
  };
}

/** Who orders answers, and what has to be done before a step. */
interface Orderer {
  compare: Compare;
  before?(step: number): Promise<void>;
  dispose?(): void;
}

async function ordererOf(
  orders: ReturnType<typeof methodNamed>["orders"],
  { context: { session, folder }, model, frozen, refresh }: {
    context: StageContext<StudyConfig, DeskSession>;
    model: LanguageModel;
    frozen: WithModel;
    refresh: number;
  },
): Promise<Orderer> {
  const by = (judged: WithModel): Compare => {
    const judge = session.judge(judged);
    return (comparisons) => judge.judge(comparisons);
  };
  switch (orders) {
    case "judge":
      return { compare: by(frozen) };
    case "policy":
      return { compare: by(withModel(model)) };
    case "separate":
      return { compare: by(await session.frozen("judge-only")) };
    case "reward-model": {
      const compare = await session.rewardJudge("reward-model");
      return { compare, dispose: () => compare.dispose() };
    }
    case "truth":
      return { compare: truthJudge };
    case "labels":
    case "chance":
      return { compare: () => Promise.reject(new Error(`${orders} need nobody to compare`)) };
    case "refreshed":
      return refreshed({ session, folder, model, frozen, refresh });
  }
}

/** A judge that is renewed from the policy every some steps; each is kept on disk, for a resumed run. */
function refreshed(
  { session, folder, model, frozen, refresh }: {
    session: DeskSession;
    folder: string;
    model: LanguageModel;
    frozen: WithModel;
    refresh: number;
  },
): Orderer {
  let copy: LanguageModel | null = null;
  let made = 0;
  let current = session.judge(frozen);
  return {
    compare: (comparisons) => current.judge(comparisons),
    async before(step) {
      const due = Math.floor(step / refresh) * refresh;
      if (due === made) return;
      const path = `${folder}/judge-${due}`;
      if (due === step) await saveModel(model, path);
      copy?.dispose();
      copy = await loadModel(path);
      current = session.judge(withModel(copy));
      made = due;
    },
    dispose: () => copy?.dispose(),
  };
}

/** Methods as they are, each from the JSFT model. */
export const methodStages = (methods: readonly MethodName[]): readonly StudyStage[] =>
  methods.map((method) => preferenceStage({ name: method, method, start: "jsft" }));

/** The methods compared. */
export const PREFERENCE = methodStages(COMPARED);

/** Long runs with judges of each kind. */
export const LONG_RUNS: readonly StudyStage[] = LONG.map((method) =>
  preferenceStage({ name: `long-${method}`, method, start: "jsft", long: true })
);

/** SELF-JUDGE from a JSFT model of other labels. */
export const noisySelfJudge = (temperature: number, pairs: number): StudyStage =>
  preferenceStage({
    name: noisyName(temperature, pairs).replace("jsft", "self-judge"),
    method: "self-judge",
    start: noisyName(temperature, pairs),
  });

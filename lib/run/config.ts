import { z } from "zod";
import { type Method, METHODS } from "../method/mod.ts";
import { UserError } from "../base/error.ts";
import { LINEAR_MODULES } from "../model/mod.ts";
import { PAIR_FORMATS } from "../preference/mod.ts";

const count = z.int().min(1);
const share = z.number().min(0).max(1);

/** Rankers that every run has: its own judge, frozen or moving, the labels, a coin. */
export const RUN_RANKERS: readonly Method["ranker"][] = ["judge", "policy", "labels", "chance"];

/** Methods whose ranker every run has. */
const RUN_METHODS = Object.entries(METHODS)
  .filter(([, { ranker }]) => RUN_RANKERS.includes(ranker))
  .map(([name]) => name);

/** Sections that had another name once, for who has an old file of settings. */
const RENAMED: Readonly<Record<string, string>> = { reject: "tournament" };

/** Settings of every stage of a run; one object a stage. Each stage saves its own beside its results. */
const schema = z.strictObject({
  /** Everything random follows from it. */
  seed: z.int().min(0),
  /** A local folder or file, or a name on the Hugging Face Hub. */
  model: z.string().min(1),
  data: z.strictObject({
    /** A local file of pairs, or the name of a known set. */
    source: z.string().min(1),
    /** How the file is written; null: told from the file. */
    format: z.enum(PAIR_FORMATS as unknown as [string, ...string[]]).nullable(),
    /** What to do at a malformed record: "skip" reports and counts it. */
    onBadLine: z.enum(["fail", "skip"]),
    /** Pairs to train on. */
    train: count,
    /** Pairs held out, of other prompts, to measure the judge on. */
    heldOut: count,
    /** Longest prompt and answer together, in tokens; longer pairs are left out and counted. */
    maxTokens: count,
  }),
  judge: z.strictObject({
    /** Principles judged by, each with a template of its own. */
    principles: z.array(z.string()).min(1),
    /** A JSON file of principles, as `data/principles.json`, in place of that one; null: that one. */
    principlesFile: z.string().nullable(),
    /** System turn of a judge prompt; null: the chat template's own. A short one leaves room for answers. */
    system: z.string().nullable(),
    /** Longest judge prompt in tokens. */
    maxTokens: count,
    /** What to do with a longer one. */
    overflow: z.enum(["truncate", "refuse"]),
    /** Tokens run through the model at once. */
    batchTokens: count,
  }),
  lora: z.strictObject({
    /** "lora" trains an adapter, "full" every weight. */
    mode: z.enum(["lora", "full"]),
    r: count,
    alpha: z.number().positive(),
    dropout: z.number().min(0).max(0.9),
    targetModules: z.array(z.enum(LINEAR_MODULES)).min(1),
  }),
  jsft: z.strictObject({
    /** Examples per step. */
    batchSize: count,
    /** Passes over the training pairs. */
    epochs: z.number().positive(),
    learningRate: z.number().positive(),
    schedule: z.enum(["cosine", "constant"]),
    warmup: share,
    /** "token": all target tokens alike (the authors). "example": see judgeWeight. */
    weighting: z.enum(["token", "example"]),
    /** With "example": weight of the judgments' mean against the answers' mean. */
    judgeWeight: share,
    /** Which examples are learned: both kinds are JSFT, one alone SFT or a judge. */
    kinds: z.array(z.enum(["answer", "judgment"])).min(1),
    /** Learn the evaluations of pairs that carry them, after the decision. */
    rationale: z.boolean(),
    /** With "example" and a rationale: share of a judgment's weight on its decision; null: all tokens alike. */
    decisionWeight: share.nullable(),
    batching: z.enum(["bucketed", "packed"]),
    microBatchTokens: count,
    clipNorm: z.number().min(0),
    weightDecay: z.number().min(0),
    /** Steps between checkpoints. */
    checkpointEvery: count,
    /** Steps between evaluations on held-out pairs; 0: at the end only. */
    evaluateEvery: z.int().min(0),
    /** Held-out pairs of an evaluation. */
    evaluatePairs: count,
  }).refine(
    ({ decisionWeight, rationale, weighting }) =>
      decisionWeight === null || (rationale && weighting === "example"),
    {
      path: ["decisionWeight"],
      message: 'it works with jsft.rationale true and jsft.weighting "example" only',
    },
  ),
  selfJudge: z.strictObject({
    method: z.enum(RUN_METHODS as [string, ...string[]]),
    steps: count,
    /** Prompts per step. */
    batchSize: count,
    beta: z.number().positive(),
    learningRate: z.number().positive(),
    warmup: share,
    temperature: z.number().min(0),
    topK: z.int().min(0),
    topP: z.number().gt(0).max(1),
    maxNewTokens: count,
    batchRows: count,
    microBatchTokens: count,
    clipNorm: z.number().min(0),
    checkpointEvery: count,
  }),
  tournament: z.strictObject({
    /** Held-out prompts answered. */
    prompts: count,
    /** Sizes of the tournament; the largest is the number of samples drawn. */
    candidates: z.array(count).min(1),
    /** Prompts shown in samples.md, before and after. */
    samples: count,
  }),
});

/** Settings of a whole run. */
export type RunConfig = z.infer<typeof schema>;

/** The size of a run; the same code and the same stages at every one. */
export type Scale = "smoke" | "small" | "full";

const SMALL: RunConfig = {
  seed: 7,
  model: "HuggingFaceTB/SmolLM2-135M-Instruct",
  data: {
    source: "hh-rlhf/harmless-base/test",
    format: null,
    onBadLine: "skip",
    train: 400,
    heldOut: 300,
    maxTokens: 144,
  },
  judge: {
    principles: ["harmlessness"],
    principlesFile: null,
    system: "You judge answers.",
    maxTokens: 320,
    overflow: "truncate",
    batchTokens: 1024,
  },
  lora: { mode: "lora", r: 8, alpha: 16, dropout: 0.1, targetModules: [...LINEAR_MODULES] },
  jsft: {
    batchSize: 16,
    epochs: 1,
    learningRate: 5e-4,
    schedule: "cosine",
    warmup: 0.03,
    weighting: "example",
    judgeWeight: 0.5,
    kinds: ["answer", "judgment"],
    rationale: false,
    decisionWeight: null,
    batching: "bucketed",
    microBatchTokens: 1024,
    clipNorm: 1,
    weightDecay: 0,
    checkpointEvery: 10,
    evaluateEvery: 25,
    evaluatePairs: 24,
  },
  selfJudge: {
    method: "self-judge",
    steps: 30,
    batchSize: 8,
    beta: 0.1,
    learningRate: 1e-4,
    warmup: 0.1,
    temperature: 1,
    topK: 0,
    topP: 0.9,
    maxNewTokens: 40,
    batchRows: 16,
    microBatchTokens: 1024,
    clipNorm: 1,
    checkpointEvery: 4,
  },
  tournament: { prompts: 32, candidates: [1, 4, 8], samples: 3 },
};

/** What each scale changes of {@linkcode SMALL}. */
const SCALES: Record<Scale, DeepPartial<RunConfig>> = {
  smoke: {
    data: { train: 12, heldOut: 12, maxTokens: 96 },
    judge: { maxTokens: 192 },
    jsft: { batchSize: 6, checkpointEvery: 2, evaluateEvery: 0, evaluatePairs: 6 },
    selfJudge: { steps: 2, batchSize: 3, maxNewTokens: 12, checkpointEvery: 1 },
    tournament: { prompts: 3, candidates: [1, 4], samples: 2 },
  },
  small: {},
  // The paper's settings for HH-RLHF, for a GPU: 2048 tokens, batches of 16 and 8, three epochs of self-training.
  full: {
    data: { train: 1500, heldOut: 600, maxTokens: 1024 },
    judge: { maxTokens: 2048, batchTokens: 16384 },
    jsft: {
      learningRate: 2e-5,
      weighting: "token",
      microBatchTokens: 8192,
      checkpointEvery: 50,
      evaluateEvery: 50,
      evaluatePairs: 100,
    },
    selfJudge: {
      steps: 560,
      learningRate: 5e-6,
      maxNewTokens: 768,
      batchRows: 64,
      microBatchTokens: 8192,
      checkpointEvery: 20,
    },
    tournament: { prompts: 200, candidates: [1, 2, 4, 8, 16] },
  },
};

/** The scales there are. */
export const SCALE_NAMES = Object.keys(SCALES) as Scale[];

type DeepPartial<T> = { [K in keyof T]?: T[K] extends object ? DeepPartial<T[K]> : T[K] };

/**
 * The settings of a scale with changes applied, checked and frozen.
 *
 * @param changes Nested values, or "section.field=value" texts as given to `--set`.
 * @throws {UserError} naming the unknown scale or the setting that is unknown or out of range
 */
export function resolveConfig(
  scale: string,
  changes: { values?: unknown; settings?: readonly string[] } = {},
): Readonly<RunConfig> {
  if (!(SCALE_NAMES as string[]).includes(scale)) {
    throw new UserError(`there is no scale "${scale}"`, `choose one of ${SCALE_NAMES.join(", ")}`);
  }
  let raw = merged(merged(SMALL, SCALES[scale as Scale]), changes.values ?? {});
  for (const setting of changes.settings ?? []) raw = merged(raw, parseSetting(setting));
  const parsed = schema.safeParse(raw);
  if (parsed.success) return deepFrozen(parsed.data);
  const issue = parsed.error.issues[0];
  const path = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    const name = [path, issue.keys[0]].filter(Boolean).join(".");
    const renamed = RENAMED[name];
    if (renamed !== undefined) {
      throw new UserError(`there is no setting "${name}"`, `it is called "${renamed}" now`);
    }
    const section = issue.path.reduce<unknown>(
      (value, key) => (value as Record<PropertyKey, unknown>)[key],
      SMALL,
    ) as object;
    throw new UserError(
      `there is no setting "${name}"`,
      `there are ${Object.keys(section).join(", ")}`,
    );
  }
  const value = issue.path.reduce<unknown>(
    (v, key) => (v as Record<PropertyKey, unknown> | undefined)?.[key],
    raw,
  );
  throw new UserError(`setting ${path} is ${JSON.stringify(value)}`, issue.message);
}

/** "jsft.epochs=2" as { jsft: { epochs: 2 } }; the value is JSON where it parses as such, else text. */
function parseSetting(setting: string): unknown {
  const at = setting.indexOf("=");
  if (at < 1) {
    throw new UserError(`--set "${setting}"`, 'write it as section.field=value, "jsft.epochs=2"');
  }
  const text = setting.slice(at + 1);
  let value: unknown = text;
  try {
    value = JSON.parse(text);
  } catch { /* plain text */ }
  return setting.slice(0, at).split(".").reduceRight((inner, key) => ({ [key]: inner }), value);
}

function merged(base: unknown, over: unknown): unknown {
  if (!isRecord(base) || !isRecord(over)) return over;
  const out: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    out[key] = key in base ? merged(base[key], value) : value;
  }
  return out;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function deepFrozen<T>(value: T): Readonly<T> {
  if (typeof value === "object" && value !== null) Object.values(value).forEach(deepFrozen);
  return Object.freeze(value);
}

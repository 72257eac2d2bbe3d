/** Judges made of a model. */
import { answerExample, cutsInWords, modelScorer, startId, withSystemTurn } from "../method/mod.ts";
import { modelFingerprint, withModel } from "../model/mod.ts";
import { UserError } from "../base/error.ts";
import { locateWholeModel, modelName, openAsked, type OpenedModel, openModel } from "../run/mod.ts";
import { startEngine } from "../tensor/mod.ts";
import { ChatTemplate, openTokenizer } from "../text/mod.ts";
import { implicitGrade } from "./implicit_reward.ts";
import { GradeTemplate, modelGrade } from "./model_grade.ts";
import { fingerprintOf, type JudgeSetting, type OpenedJudge } from "./opened_judge.ts";
import { type GradedAnswer, keptGrade, pointwiseJudge } from "./pointwise.ts";
import { loadRewardModel, rewardGrade } from "./reward_model.ts";

/** `model:PATH[+ADAPTER]` or `run:FOLDER#STATE`: a language model as pairwise judge. */
export async function openPairwise(
  kind: "model" | "run",
  rest: string,
  setting: JudgeSetting,
): Promise<OpenedJudge> {
  const { cacheFile, config: given, settings, log, onProgress } = setting;
  const open = setting.openAsked ?? openAsked;
  const opened = await open(kind === "run" ? `run:${rest}` : rest, {
    config: given,
    settings,
    log,
  });
  const { asked, session, config, name, dispose } = opened;
  try {
    const { principles, maxTokens } = config.judge;
    if (maxTokens + 1 > opened.contextTokens) {
      throw new UserError(
        `the settings allow judge prompts of ${maxTokens} tokens, ` +
          `the context of ${name} is ${opened.contextText}`,
        "lower it with --set judge.maxTokens=N",
      );
    }
    const judge = await session.judge(asked, { cacheFile });
    return {
      judge: {
        name: `${kind}:${name}`,
        promptsFor: judge.promptsFor,
        compare: (comparisons) =>
          judge.compare(comparisons, {
            onProgress: ({ done, total }) => onProgress?.(done, total),
          }),
      },
      fingerprint: fingerprintOf(await asked.fingerprint(), asking(config)),
      notes: () => [
        `principles ${principles.join(", ")}, prompts of at most ${maxTokens} tokens`,
        ...judge.templates.map(({ principle, counts }) =>
          `${principle.name}: ${cutsInWords(counts)}`
        ),
      ],
      dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** `grade:PATH[+ADAPTER]`: a language model that marks single answers, as a pointwise judge. */
export async function openGrade(rest: string, setting: JudgeSetting): Promise<OpenedJudge> {
  return await withOpened(rest, setting, async (opened) => {
    const { config, model, tokenizer, chat, name } = opened;
    const { system, maxTokens, batchTokens } = config.judge;
    const bosId = startId(opened);
    const fingerprint = fingerprintOf(
      // "marked": how much of an answer is a mark is kept with its grade, and the start token is as set.
      ...["grade", "marked", await modelFingerprint(model), asking(config)],
    );
    const template = withSystemTurn(
      system,
      (system) => new GradeTemplate({ tokenizer, chat, maxTokens, system, bosId }),
      setting.log,
    );
    const scorer = modelScorer(withModel(model), { batchTokens });
    const { counts } = template;
    return {
      judge: pointwiseJudge(
        `grade:${name}`,
        keptGrade(modelGrade({ scorer, template }), { ...setting, fingerprint }),
      ),
      fingerprint,
      notes: () => [`${counts.truncated} of ${counts.prompts} prompts cut to fit`],
    };
  });
}

/** `reward:PATH`: a reward model with one number at its end, as a pointwise judge. */
export async function openReward(rest: string, setting: JudgeSetting): Promise<OpenedJudge> {
  const { path } = await locateWholeModel(rest, { log: setting.log });
  await startEngine();
  const tokenizer = await openTokenizer(path, { template: setting.config.chat.template });
  const { batchTokens, maxTokens } = setting.config.judge;
  const encoder = { tokenizer, chat: ChatTemplate.of(tokenizer), maxTokens };
  const model = await loadRewardModel(path);
  const fingerprint = fingerprintOf(
    ...["reward", await modelFingerprint(model), asking(setting.config)],
  );
  return {
    judge: pointwiseJudge(
      `reward:${modelName(rest)}`,
      keptGrade(rewardGrade(model, encoder, { batchTokens }), { ...setting, fingerprint }),
    ),
    fingerprint,
    dispose: () => model.dispose(),
  };
}

/** `implicit:PATH+ADAPTER`: the reward implicit in an adapter that DPO trained, as a pointwise judge. */
export async function openImplicit(rest: string, setting: JudgeSetting): Promise<OpenedJudge> {
  return await withOpened(rest, { ...setting, adapter: "beside" }, async (opened) => {
    const { session, config, model, name } = opened;
    if (model.adapter === null) {
      throw new UserError(`implicit:${rest} names no adapter`, "write implicit:PATH+ADAPTER");
    }
    const { judge: { batchTokens, maxTokens }, selfJudge: { beta } } = config;
    const fingerprint = fingerprintOf(
      ...["implicit", beta, await modelFingerprint(model), asking(config)],
      await modelFingerprint({ weights: model.adapter.parameters }),
      model.adapter.config,
    );
    const encoder = await session.encoder(maxTokens);
    let cut = 0;
    const encode = ({ prompt, answer }: GradedAnswer) => {
      const made = answerExample({ prompt, answer, pair: "judged" }, encoder);
      if (made === null) {
        throw new UserError(
          `a prompt fills all of judge.maxTokens = ${maxTokens}: "${
            prompt.at(-1)!.content.slice(0, 60)
          }"`,
          "raise it with --set judge.maxTokens=N",
        );
      }
      if (made.truncated) cut++;
      return made.example;
    };
    return {
      judge: pointwiseJudge(
        `implicit:${name}`,
        keptGrade(implicitGrade(model, encode, { beta, batchTokens }), { ...setting, fingerprint }),
      ),
      fingerprint,
      notes: () => [`${cut} answers cut at ${maxTokens} tokens`],
    };
  });
}

/** How a model is asked: the settings that its judgments depend on, beside its weights. */
function asking({ judge: { batchTokens: _, ...judge }, chat }: JudgeSetting["config"]): unknown {
  return { judge, chat };
}

/** Opens a model and makes a judge of it, which disposes of the model. */
async function withOpened(
  spec: string,
  { config, settings, adapter, log }: JudgeSetting & { readonly adapter?: "fold" | "beside" },
  make: (opened: OpenedModel) => Promise<OpenedJudge> | OpenedJudge,
): Promise<OpenedJudge> {
  const opened = await openModel(spec, { config, settings, adapter, log });
  try {
    return { ...await make(opened), dispose: opened.dispose };
  } catch (error) {
    opened.dispose();
    throw error;
  }
}

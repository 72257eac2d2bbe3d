/** Judges made of a model on this machine. */
import { answerExample } from "../method/mod.ts";
import { UserError } from "../base/error.ts";
import { type LanguageModel, loadAdapter } from "../model/mod.ts";
import { resolveConfig, type RunConfig } from "../run/config.ts";
import { readJsonFile } from "../base/files.ts";
import { locateModel } from "../run/source.ts";
import { type ModelState, RUN_STATES, Session } from "../run/session.ts";
import { startEngine } from "../tensor/mod.ts";
import { ChatTemplate, openTokenizer } from "../text/mod.ts";
import type { TokenScorer } from "../method/judge.ts";
import { pointwiseJudge, type Question } from "./pointwise.ts";
import { ListTemplate } from "./grade_template.ts";
import { modelGrade } from "./model_grade.ts";
import { modelScorer } from "../method/model_scorer.ts";
import type { JudgeSetting, OpenedJudge } from "./opened_judge.ts";
import { implicitGrade, loadRewardModel, rewardGrade } from "./reward_model.ts";

const STATES: readonly ModelState[] = ["base", "jsft", "policy"];

/** Marks of a pointwise judge, worst first: letters, since some tokenizers cut numbers off their space. */
const MARKS = [" E", " D", " C", " B", " A"];

/** `model:PATH[+ADAPTER]`: a language model as pairwise judge, with the adapter folded in. */
export async function openModel(rest: string, setting: JudgeSetting): Promise<OpenedJudge> {
  const { session, model, name } = await languageModel(rest, setting);
  return await asJudge(session, model, setting, `model:${name}`);
}

/** `grade:PATH[+ADAPTER]`: a language model that marks single answers, as a pointwise judge. */
export async function openGrade(rest: string, setting: JudgeSetting): Promise<OpenedJudge> {
  const { session, model, name } = await languageModel(rest, setting);
  const template = new ListTemplate({
    ...await listOptions(session),
    question: "Mark the answer above: A is the best mark, E is the worst.",
    verdict: "The mark is",
    labels: MARKS,
    names: ["Answer"],
  });
  return fromTemplate(
    session,
    template,
    (scorer) => pointwiseJudge(`grade:${name}`, modelGrade({ scorer, template })),
    model,
  );
}

/** `run:FOLDER[#STATE]`: a model of a run of `deno task align`, judging as that run does unless told otherwise. */
export async function openRun(rest: string, setting: JudgeSetting): Promise<OpenedJudge> {
  const [folder, state = "jsft"] = rest.split("#");
  if (!(STATES as readonly string[]).includes(state)) {
    throw new UserError(`a run has no model "${state}"`, `write run:FOLDER#${STATES.join("|")}`);
  }
  const record = await readJsonFile<{ scale: string; config: RunConfig }>(`${folder}/run.json`);
  if (record === null) {
    throw new UserError(`there is no ${folder}/run.json`, "give the folder of a run");
  }
  const { settings } = setting;
  const config = resolveConfig(record.scale, { values: record.config, settings });
  const session = await benchOf(config, setting, folder);
  const model = await session.model(RUN_STATES[state as ModelState]);
  return await asJudge(session, model, setting, `run:${short(folder)}#${state}`);
}

/** `reward:PATH`: a reward model with one number at its end, as a pointwise judge. */
export async function openReward(path: string, setting: JudgeSetting): Promise<OpenedJudge> {
  await startEngine();
  const tokenizer = await openTokenizer(path);
  const encoder = {
    tokenizer,
    chat: ChatTemplate.of(tokenizer),
    maxTokens: setting.config.judge.maxTokens,
  };
  const reward = await loadRewardModel(path);
  const { batchTokens } = setting.config.judge;
  return {
    judge: pointwiseJudge(`reward:${short(path)}`, rewardGrade(reward, encoder, { batchTokens })),
    dispose: () => reward.dispose(),
  };
}

/** `implicit:PATH+ADAPTER`: the reward implicit in an adapter that DPO trained, as a pointwise judge. */
export async function openImplicit(rest: string, setting: JudgeSetting): Promise<OpenedJudge> {
  const { model: path, adapter } = splitAdapter(rest);
  if (adapter === undefined) {
    throw new UserError(`implicit:${rest} names no adapter`, "write implicit:PATH+ADAPTER");
  }
  const session = await benchOf({ ...setting.config, model: path }, setting);
  const model = await session.model("base");
  model.adapter = await loadAdapter(adapter, model.config);
  const { judge: { batchTokens, maxTokens }, selfJudge: { beta } } = setting.config;
  const encoder = await session.encoder(maxTokens);
  let cut = 0;
  const encode = ({ prompt, answer }: Question) => {
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
      `implicit:${short(path)}+${short(adapter)}`,
      implicitGrade(model, encode, { beta, batchTokens }),
    ),
    notes: () => [`${cut} answers cut at ${maxTokens} tokens`],
    dispose: () => session.dispose(),
  };
}

/** "PATH+ADAPTER" at its last plus, unless all of it is the name of something that is there. */
function splitAdapter(rest: string): { model: string; adapter?: string } {
  if (rest === "") throw new UserError("a model judge names no model", "write model:PATH");
  const plus = rest.lastIndexOf("+");
  if (plus < 1 || exists(rest)) return { model: rest };
  return { model: rest.slice(0, plus), adapter: rest.slice(plus + 1) };
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path) !== undefined;
  } catch {
    return false;
  }
}

async function benchOf(
  config: Readonly<RunConfig>,
  { log }: JudgeSetting,
  folder?: string,
): Promise<Session> {
  await locateModel(config.model); // before the engine: a wrong name fails at once
  const engine = await startEngine();
  log(`engine ${engine.backend} on ${engine.device}: ${engine.reason}`);
  return new Session(config, (stage) => `${folder ?? "."}/${stage}`, log);
}

async function asJudge(
  session: Session,
  model: LanguageModel,
  { cacheFile, onProgress }: JudgeSetting,
  name: string,
): Promise<OpenedJudge> {
  const judge = await session.judge((work) => work(model), { cacheFile });
  const { principles, maxTokens } = session.config.judge;
  return {
    judge: {
      name,
      compare: (comparisons) =>
        judge.compare(comparisons, { onProgress: ({ done, total }) => onProgress?.(done, total) }),
    },
    notes: () => [
      `principles ${principles.join(", ")}, prompts of at most ${maxTokens} tokens`,
      ...judge.templates.map(({ principle, counts }) =>
        `${principle.name}: ${counts.truncated} of ${counts.prompts} prompts cut to fit`
      ),
    ],
    dispose: () => session.dispose(),
  };
}

/** The model that a judge's name gives, an adapter folded in. */
async function languageModel(
  rest: string,
  setting: JudgeSetting,
): Promise<{ session: Session; model: LanguageModel; name: string }> {
  const { model: path, adapter } = splitAdapter(rest);
  const session = await benchOf({ ...setting.config, model: path }, setting);
  const model = await session.model("base");
  if (adapter === undefined) return { session, model, name: short(path) };
  model.adapter = await loadAdapter(adapter, model.config);
  model.foldAdapter();
  return { session, model, name: `${short(path)}+${short(adapter)}` };
}

async function listOptions(session: Session) {
  const { system, maxTokens } = session.config.judge;
  return { ...await session.language(), maxTokens, ...(system !== null && { system }) };
}

function fromTemplate(
  session: Session,
  { counts }: ListTemplate,
  make: (scorer: TokenScorer) => OpenedJudge["judge"],
  model: LanguageModel,
): OpenedJudge {
  const { batchTokens } = session.config.judge;
  return {
    judge: make(modelScorer((work) => work(model), { batchTokens })),
    notes: () => [`${counts.truncated} of ${counts.prompts} prompts cut to fit`],
    dispose: () => session.dispose(),
  };
}

/** The last part of a path, for tables. */
function short(path: string): string {
  return path.replace(/\/+$/, "").replace(/.*\//, "");
}

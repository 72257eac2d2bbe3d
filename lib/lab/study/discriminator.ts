import { exists } from "../../base/files.ts";
import {
  loadRewardModel,
  pointwiseJudge,
  rewardBatches,
  rewardExamples,
  rewardGrade,
} from "../../judges/mod.ts";
import {
  answerExample,
  type FormedPair,
  METHODS,
  type MicroBatch,
  preferenceBatches,
  type Ranker,
  train,
} from "../../method/mod.ts";
import {
  type LanguageModel,
  loadModel,
  saveModel,
  sequenceLogProbs,
  type WithModel,
} from "../../model/mod.ts";
import type { RankerParts } from "../../run/rankers.ts";
import { ADAMW_DEFAULTS } from "../../tensor/mod.ts";
import { BATCH_TOKENS, type DeskSession, requestOf } from "./session.ts";

/** Rate of a pass over the gold pairs. */
const RATE = 1e-4;
/** Of the implicit reward of a discriminator that is trained by DPO: D2PO's. */
const BETA = 0.05;

/**
 * D2PO's discriminator: the order desk's reward model, or its JSFT model trained by DPO, which learns from gold pairs in
 * the midst of a run. What it has learned is kept in a folder per step that taught it, for a resumed run.
 */
export async function discriminator(
  kind: "discriminator" | "dpo-discriminator",
  { session, reference }: RankerParts<DeskSession>,
  folder: string,
): Promise<Ranker> {
  const { passes } = METHODS.d2po.parameters;
  const part = kind === "discriminator"
    ? await bradleyTerry(session)
    : await implicit(session, reference);
  const at = (step: number) => `${folder}/discriminator-${step}`;
  let model = await part.load(null);
  let taught = -1; // the step whose lesson it has last
  const judge = pointwiseJudge("discriminator", (answers) => part.grade(model, answers));
  return {
    compare: judge.compare,
    promptsFor: judge.promptsFor,
    before: async (step) => {
      // In a resumed run: as it was after the last lesson before this step.
      let last = step - 1;
      while (last > taught && !await exists(at(last))) last--;
      if (last <= taught) return;
      model.dispose();
      model = await part.load(at(last));
      taught = last;
    },
    learn: async (pairs, step) => {
      await train({
        model,
        data: { batch: async () => ({ parts: await part.lesson(pairs) }) },
        steps: passes,
        schedule: { learningRate: RATE, shape: "constant", warmup: 0 },
        optimizer: { kind: "adamw", ...ADAMW_DEFAULTS },
        seed: step,
      });
      await saveModel(model, at(step));
      taught = step;
    },
    dispose: () => model.dispose(),
  };
}

/** What the two kinds do in their own way. */
interface Part {
  load(path: string | null): Promise<LanguageModel>;
  grade(
    model: LanguageModel,
    answers: Parameters<ReturnType<typeof rewardGrade>>[0],
  ): Promise<number[]>;
  lesson(pairs: readonly FormedPair[]): Promise<MicroBatch[]>;
}

async function bradleyTerry(session: DeskSession): Promise<Part> {
  const encoder = await session.encoder();
  return {
    load: (path) => loadRewardModel(path ?? `${session.folderOf("reward-model")}/model`),
    grade: async (
      model,
      answers,
    ) => [...await rewardGrade(model, encoder, { batchTokens: BATCH_TOKENS })(answers)],
    lesson: (pairs) => {
      const examples = rewardExamples(
        pairs.map(({ prompt, chosen, rejected }) => ({
          ...{ id: prompt.id, prompt: prompt.prompt, source: "gold" },
          ...{ chosen: chosen.text, rejected: rejected.text },
        })),
        encoder,
      );
      return Promise.resolve(rewardBatches(examples, { microBatchTokens: BATCH_TOKENS }));
    },
  };
}

async function implicit(session: DeskSession, reference: WithModel): Promise<Part> {
  const encoder = await session.encoder();
  const sums = (model: LanguageModel, examples: Parameters<typeof sequenceLogProbs>[1]) =>
    sequenceLogProbs(model, examples, { batchTokens: BATCH_TOKENS });
  return {
    load: (path) => path === null ? session.copy("jsft") : loadModel(path),
    grade: async (model, answers) => {
      const examples = answers.map(({ prompt, answer }) =>
        answerExample({ prompt, answer, pair: requestOf({ prompt: [...prompt] }) }, encoder)!
          .example
      );
      const own = await sums(model, examples);
      const before = await reference((start) => sums(start, examples));
      return own.map((sum, i) => BETA * (sum - before[i]));
    },
    lesson: async (pairs) => {
      const examples = pairs.flatMap(({ chosen, rejected }) => [chosen.example, rejected.example]);
      const before = await reference((start) => sums(start, examples));
      const scored = pairs.map(({ chosen, rejected }, i) => ({
        ...{ chosen: chosen.example, rejected: rejected.example },
        ...{ referenceChosen: before[2 * i], referenceRejected: before[2 * i + 1] },
      }));
      const parameters = { beta: BETA };
      return preferenceBatches(scored, {
        loss: "sigmoid",
        parameters,
        microBatchTokens: BATCH_TOKENS,
      });
    },
  };
}

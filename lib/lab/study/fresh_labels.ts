/** Fresh labels: what a judge that a loop has used up gains by some labels on the policy's own answers. @module */
import { UserError } from "../../base/error.ts";
import { writeCsv } from "../../base/files.ts";
import { Rng } from "../../base/random.ts";
import {
  type Compare,
  type Comparison,
  jsftExamples,
  SupervisedData,
  tournaments,
} from "../../method/mod.ts";
import type { Pair } from "../../preference/mod.ts";
import { trainingStage } from "../../run/stages/training.ts";
import { ADAMW_DEFAULTS } from "../../tensor/mod.ts";
import { apartBy, drawnComparisons, rewardGap } from "./desk_evidence.ts";
import {
  drawAnswersOf,
  type DrawnAnswer,
  judgeQuality,
  mean,
  rightOn,
  streamSeed,
} from "./measure.ts";
import { bestOf } from "./preference.ts";
import type { StudyContext, StudyStage } from "./stage.ts";
import { requestOf, requestsOf } from "./study_session.ts";

/** Labels that a judge is given, and how often it sees each. */
const [LABELS, PASSES] = [200, 4];
/** Sizes of the knockouts. */
const SIZES = [1, 4, 16];

/** Whose answers are labelled: the policy's after training, those of the model that it started from, or the data set's. */
const SOURCES = ["self-judge", "jsft", "data"] as const;
type Source = typeof SOURCES[number];

/** Models that answer. */
const POLICIES = { "self-judge": bestOf("self-judge"), "jsft": "jsft" } as const;

const judgeName = (source: Source) => `fresh-${source}`;

/** The JSFT judge with more judgments, labelled by the true reward. */
function freshJudge(source: Source): StudyStage {
  const name = judgeName(source);
  return trainingStage({
    name,
    title: `the JSFT judge with ${LABELS} labels more, of the answers of ${source}`,
    needs: ["jsft", "self-judge"],
    config: ({ base, world, pairs, supervised, preference: { topP } }) => ({
      ...{ base, world, pairs, supervised, preference: { topP } },
      ...{ labels: LABELS, passes: PASSES, policy: source },
    }),
    async plan(context) {
      const { session, config: { seed, supervised } } = context;
      const { batchSize, learningRate } = supervised;
      const encoder = await session.encoder();
      const templates = await session.templates();
      const groups = (await labelledPairs(context, source)).map((pair) =>
        jsftExamples([pair], { encoder, templates, kinds: ["judgment"] }).examples
      );
      if (groups.length === 0) {
        throw new UserError(
          `${name}: no two answers differ in true reward, so that there is nothing to label`,
          `look at the answers of ${source}: has its training made them all alike?`,
        );
      }
      const steps = Math.max(1, Math.floor(PASSES * groups.length / batchSize));
      return {
        model: await session.modelToTrain({ stage: name, start: "jsft" }),
        data: new SupervisedData(groups, {
          order: { name, seed, batchSize: Math.min(batchSize, groups.length), last: "dropped" },
          weighting: { mode: "token" },
          layout: { batching: "bucketed", microBatchTokens: session.world.limits.batchTokens },
        }),
        steps,
        // Half of what JSFT began with: it goes on, it does not begin.
        schedule: { learningRate: learningRate / 2, warmup: supervised.warmup, shape: "cosine" },
        optimizer: { kind: "adamw", ...ADAMW_DEFAULTS },
        checkpointEvery: 50,
        show: ({ loss }) => ({ loss: loss.toFixed(3) }),
        result: (rows) => ({ pairs: groups.length, loss: rows.at(-1)!.loss }),
      };
    },
  });
}

/** The first so many pairs of a source whose rewards differ, the better answer chosen. */
async function labelledPairs(context: StudyContext, source: Source): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for await (const { request, answers: [a, b], id } of answersOf(context, source)) {
    const { reward } = context.session.world;
    const gap = reward(request, a) - reward(request, b);
    if (!apartBy(gap, 0)) continue;
    const [chosen, rejected] = gap > 0 ? [a, b] : [b, a];
    const prompt = [{ role: "user" as const, content: request }];
    if (pairs.push({ id: `fresh-${id}`, source, prompt, chosen, rejected }) === LABELS) break;
  }
  return pairs;
}

/** Two answers each to training prompts, as many as are asked for; of the data set those that JSFT did not learn from. */
async function* answersOf(
  { session, config }: StudyContext,
  source: Source,
): AsyncGenerator<{ request: string; answers: readonly [string, string]; id: string | number }> {
  if (source === "data") {
    for (const pair of await session.sparePairs()) {
      yield { request: requestOf(pair), answers: [pair.chosen, pair.rejected], id: pair.id };
    }
    return;
  }
  const requests = requestsOf((await session.pairs()).train);
  for (let from = 0; from < requests.length; from += 3 * LABELS) {
    const some = requests.slice(from, from + 3 * LABELS);
    const drawn = await drawAnswersOf(await session.model(POLICIES[source]), some, {
      ...{ encoder: await session.encoder(), world: session.world, samples: 2 },
      topP: config.preference.topP,
      seed: streamSeed(config.seed, from === 0 ? `fresh/${source}` : `fresh/${source}/${from}`),
    });
    for (const [i, [a, b]] of drawn.entries()) {
      yield { request: some[i], answers: [a.text, b.text], id: from + i };
    }
  }
}

/** A judge on SELF-JUDGE's answers, on the data set's pairs, and what its knockouts choose. */
interface FreshRow {
  readonly judge: string;
  /** "own pairs", "data": share of clear pairs judged right; "knockout of N": mean true reward of SELF-JUDGE's chosen answers. */
  readonly measure: string;
  readonly n: number;
  readonly value: number;
}

const freshReport: StudyStage = {
  name: "fresh-labels",
  title: "the JSFT judge and those with fresh labels on SELF-JUDGE's answers",
  needs: ["self-judge", ...SOURCES.map(judgeName)],
  config: ({ prompts, heldOut, tournament, preference: { topP } }) => ({
    ...{ prompts, heldOut, tournament, preference: { topP } },
  }),
  async run({ session, config, folder, checkStop, log }) {
    const { seed, preference: { topP } } = config;
    const { world } = session;
    const { heldOut } = await session.pairs();
    const encoder = await session.encoder();
    const policy = await session.model(POLICIES["self-judge"]);
    const draw = async (count: number, samples: number, name: string) =>
      await drawAnswersOf(policy, await session.requests(count), {
        ...{ encoder, world, topP, samples, seed: streamSeed(seed, name) },
      });
    const own = drawnComparisons(await draw(config.prompts.heldOut, 2, "fresh/own"));
    // The answers of the tournament's stage.
    const answered = await draw(
      config.tournament.prompts,
      Math.max(...config.tournament.candidates),
      "rejection/self-judge",
    );
    const rows: FreshRow[] = [];
    for (const judge of ["jsft", ...SOURCES.map(judgeName)]) {
      checkStop();
      const { compare } = await session.judgeOf(judge);
      const ownRight = await rightOwn(compare, own, world);
      const { right } = await judgeQuality(compare, heldOut, world);
      const chosen = await knockouts(compare, answered, seed);
      const found = [
        ...ownRight.length > 0 ? [share("own pairs", ownRight)] : [],
        share("data", right),
        ...chosen,
      ];
      rows.push(...found.map((one) => ({ judge, ...one })));
      log(
        `${judge}: ` +
          found.map(({ measure, value }) => `${measure} ${value.toFixed(3)}`).join(", "),
      );
    }
    await writeCsv(`${folder}/judges.csv`, rows);
    return {};
  },
};

const share = (measure: string, right: readonly number[]) => ({
  ...{ measure, n: right.length, value: mean(right) },
});

async function rightOwn(
  compare: Compare,
  pairs: readonly Comparison[],
  world: Parameters<typeof rewardGap>[1] & { readonly clear: number },
): Promise<number[]> {
  const gaps = pairs.map((pair) => rewardGap(pair, world));
  return rightOn(await compare(pairs), { gaps, least: world.clear });
}

async function knockouts(
  compare: Compare,
  answered: readonly (readonly DrawnAnswer[])[],
  seed: number,
): Promise<Omit<FreshRow, "judge">[]> {
  const rows: Omit<FreshRow, "judge">[] = [];
  for (const n of SIZES.filter((n) => n <= answered[0].length)) {
    const brackets = await tournaments(
      answered.map((answers) => ({
        prompt: [{ role: "user" as const, content: answers[0].request }],
        candidates: answers.slice(0, n).map(({ text }) => text),
      })),
      { compare, rng: Rng.named(seed, `study/rejection/self-judge/${n}`) },
    );
    const chosen = brackets.map(({ winner }, i) => answered[i][winner]);
    const value = mean(chosen.map(({ reward }) => reward));
    rows.push({ measure: `knockout of ${n}`, n: chosen.length, value });
  }
  return rows;
}

/** Judges with fresh labels, and what comes of them. */
export const FRESH_LABELS: readonly StudyStage[] = [
  ...SOURCES.map(freshJudge),
  freshReport,
];

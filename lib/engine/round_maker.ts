import { UserError } from "../base/error.ts";
import { Rng } from "../base/random.ts";
import {
  type FormedPair,
  type LoopPrompt,
  PairMaker,
  pairNumbers,
  type PairOptions,
  rankedPairs,
  refuseWithoutStrengths,
  sampledPairs,
} from "../method/mod.ts";
import {
  type PreferenceRow,
  preferenceRow,
  type StepRecord,
  type SupervisedRow,
  supervisedRow,
} from "./rounds.ts";

/** Most prompts that a step asks for each of its pairs: a lower yield counts as a round that cannot be filled. */
const MOST = 100;

/** What a round is made of. */
export interface RoundOptions {
  readonly making: PairOptions;
  /** Steps of the round, counted from 0. */
  readonly steps: readonly number[];
  /** The round whose adapter samples; 0: the model that training started from. */
  readonly version: number;
  /** Steps that the sampling policy has taken. */
  readonly policySteps: number;
  /** Log-probability of an answer's tokens at the server that sampled them; undefined where none did. */
  readonly logProbOf: (ids: readonly number[]) => number | undefined;
  readonly checkStop: () => void;
}

/** A round, ready to be handed over. */
export interface MadeRound {
  readonly rows: (PreferenceRow | SupervisedRow)[];
  readonly made: StepRecord[];
}

/**
 * The pairs of a round's steps, each step full: where answers are alike or undecided, more prompts are asked, since the
 * trainer's processes must have as many pairs each.
 *
 * @throws {UserError} when a step cannot be filled, or the data lacks the soft labels that the method asks for
 */
export async function makeRound(options: RoundOptions): Promise<MadeRound> {
  refuseWithoutStrengths(options.making.method, options.making.pairs);
  const rows: MadeRound["rows"] = [];
  const made: StepRecord[] = [];
  for (const step of options.steps) {
    const { pairs, maker } = await fullStep(step, options);
    const { version, policySteps, logProbOf } = options;
    const age = step - policySteps;
    const imitated = options.making.method.loss === "sft";
    rows.push(...pairs.map((pair) => {
      if (imitated) return supervisedRow(step + 1, pair.chosen.example);
      const [chosen, rejected] = [pair.chosen, pair.rejected]
        .map(({ example }) => logProbOf(example.ids));
      return preferenceRow(pair, {
        step: step + 1,
        sampled_logps: chosen === undefined || rejected === undefined ? null : [chosen, rejected],
        ...{ version, age },
      });
    }));
    const learned = pairs.flatMap(({ chosen, rejected }) =>
      imitated ? [chosen] : [chosen, rejected]
    );
    const tokens = learned.reduce((sum, { example: { ids } }) => sum + ids.length, 0);
    // The trainer runs policy and, for a loss of pairs, reference over them; it counts nothing.
    const costs = {
      tokens,
      ...(!imitated && { scoredStart: learned.length, scoredTokens: tokens }),
    };
    made.push({
      step: step + 1,
      numbers: { ...pairNumbers(pairs, { making: maker, learned: learned.length }), age, ...costs },
      pairs: rankedPairs(pairs, step),
    });
  }
  return { rows, made };
}

/**
 * A step's pairs, as many as it has prompts. No prompt is asked twice: the same policy would give the same pair twice.
 *
 * How many more are asked follows from the pairs so far, and these from answers and verdicts that are kept: a round that
 * was stopped asks the same again.
 */
async function fullStep(
  step: number,
  { making, checkStop }: RoundOptions,
): Promise<{ pairs: FormedPair[]; maker: PairMaker }> {
  await making.ranker?.before?.(step);
  const maker = new PairMaker(making, step);
  const { batchSize, seed } = making.config;
  const pairs: FormedPair[] = [];
  const left = { identical: 0, undecided: 0, skippedPrompts: 0 };
  let prompts: readonly LoopPrompt[] = maker.prompts();
  const first = new Set(prompts);
  const filling = Rng.named(seed, `preference/fill/${step}`).shuffle([...making.pairs])
    .filter((prompt) => !first.has(prompt));
  for (let asked = 0; pairs.length < batchSize;) {
    checkStop();
    if (prompts.length === 0) throw unfilled(step, { pairs, batchSize, asked, ...left });
    const more = await sampledPairs(maker, prompts);
    for (const name of Object.keys(left) as (keyof typeof left)[]) {
      left[name] += maker.metrics[name] ?? 0;
    }
    pairs.push(...more.slice(0, batchSize - pairs.length));
    asked += prompts.length;
    const from = asked - first.size;
    prompts = filling.slice(from, from + furtherPrompts({ asked, batchSize, pairs: pairs.length }));
  }
  for (const [name, value] of Object.entries(left)) maker.metric(name, value);
  return { pairs, maker };
}

/**
 * How many more prompts a step needs at the yield so far, with one pair where there is none. What so many prompts tell
 * of the yield is trusted for as many more, since pairs beyond the step's are paid for in vain.
 */
function furtherPrompts(
  { asked, batchSize, pairs }: { asked: number; batchSize: number; pairs: number },
): number {
  const needed = Math.ceil((batchSize - pairs) * asked / Math.max(1, pairs));
  return Math.min(needed, asked, MOST * batchSize - asked);
}

function unfilled(
  step: number,
  { pairs, batchSize, asked, identical, undecided, skippedPrompts }: {
    pairs: readonly FormedPair[];
    batchSize: number;
    asked: number;
    identical: number;
    undecided: number;
    skippedPrompts: number;
  },
): UserError {
  return new UserError(
    `step ${
      step + 1
    } cannot be filled: ${pairs.length} pairs of ${batchSize} from ${asked} prompts, ${identical} of them with ` +
      `answers that were the same, ${undecided} on which the ranker was undecided, ${skippedPrompts} too long`,
    "look at the stage judge-after: does the judge answer with its labels at all? A higher temperature makes " +
      "answers differ; a smaller selfJudge.batchSize needs fewer, a larger data.train has more prompts",
  );
}

/** The order desk's preference data. @module */
import { type Pair, readPairs } from "../../preference/mod.ts";
import { Rng } from "../../base/random.ts";
import { type DeskAnswers, drawAnswers, labelledPair, prefersFirst } from "./preference.ts";
import { readAnswer, reward, type View, VIEWS, viewsOf } from "./reward.ts";

/** Where the data lies in the repository. */
export const DATA_FOLDER = "data/world";

/** Pairs of each split. */
export const SPLITS = { train: 6000, validation: 600, held_out: 1000 } as const;

/** A split of the preference pairs. */
export type Split = keyof typeof SPLITS;

/** A row of a split: a pair and what the reward says of it. */
export interface DeskRow {
  readonly id: string;
  readonly prompt: string;
  readonly chosen: string;
  readonly rejected: string;
  readonly reward_chosen: number;
  readonly reward_rejected: number;
}

/** A row of the pairs labelled from one point of view each. */
export interface PrincipleRow extends Omit<DeskRow, "reward_chosen" | "reward_rejected"> {
  readonly principle: View;
}

/**
 * The splits and the training split's principle labels; the same seed gives the same rows. No set of ordered things,
 * whatever the wording or sequence, is in two splits or in the base model's lessons.
 */
export function makeData(
  seed: number,
): Record<Split, DeskRow[]> & { principles: PrincipleRow[] } {
  const rng = Rng.named(seed, "order desk");
  const answersOf = (split: Split) =>
    Array.from({ length: SPLITS[split] }, () => drawAnswers(rng, split));
  const labelled = (answers: DeskAnswers, id: string, view?: View) => {
    const first = prefersFirst(answers, rng, { view });
    const { chosen, rejected } = labelledPair(answers, { id, prefersFirst: first });
    return { id, prompt: answers.request, chosen, rejected };
  };
  const rowsOf = (split: Split, answers: readonly DeskAnswers[]): DeskRow[] =>
    answers.map((one, i) => {
      const row = labelled(one, `${split.replace("_", "-")}-${i}`);
      const rewardOf = (answer: string) => Math.round(reward(row.prompt, answer) * 1000) / 1000;
      return {
        ...row,
        reward_chosen: rewardOf(row.chosen),
        reward_rejected: rewardOf(row.rejected),
      };
    });
  const trainAnswers = answersOf("train");
  const train = rowsOf("train", trainAnswers);
  // Each pair is asked from one point of view on which its answers differ.
  const principles = trainAnswers.flatMap((answers, i): PrincipleRow[] => {
    const { request, first, second } = answers;
    const [a, b] = [first, second].map((answer) => viewsOf(readAnswer(request, answer)));
    const differing = VIEWS.filter((view) => a[view] !== b[view]);
    if (differing.length === 0) return [];
    const principle = differing[rng.int(differing.length)];
    return [{ ...labelled(answers, `train-${i}-${principle}`, principle), principle }];
  });
  const rest = (split: Split) => rowsOf(split, answersOf(split));
  return { train, principles, validation: rest("validation"), held_out: rest("held_out") };
}

/** The pairs of a file of the world, with the rationale that an honest labeller would give. */
export async function deskPairs(
  name: Split | "principles",
  folder = DATA_FOLDER,
): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for await (const pair of readPairs(`${folder}/${name}.csv`, { onBadLine: "fail" })) {
    const answers = {
      request: pair.prompt[0].content,
      first: pair.chosen,
      second: pair.rejected,
    };
    pairs.push(labelledPair(answers, { ...pair, prefersFirst: true }));
  }
  return pairs;
}

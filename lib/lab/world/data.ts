/** The order desk's preference data. @module */
import { type Pair, readPairs } from "../../preference/mod.ts";
import { Rng } from "../../base/random.ts";
import { requestedItems } from "./desk.ts";
import { type DeskAnswers, drawAnswers, labelledPair, prefersFirst } from "./preference.ts";
import { readAnswer, reward, type View, VIEWS, viewsOf } from "./reward.ts";

/** Where the data lies in the repository. */
export const DATA_FOLDER = "data/world";

/** Pairs of each split. */
export const SPLITS = { train: 6000, held_out: 1000 } as const;

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
 * Both splits and the training split's principle labels; the same seed gives the same rows. No request, whatever
 * its wording or sequence, is in both splits.
 */
export function makeData(
  seed: number,
): { train: DeskRow[]; held_out: DeskRow[]; principles: PrincipleRow[] } {
  const rng = Rng.named(seed, "order desk");
  const card = (request: string) => requestedItems(request).sort().join(" ");
  const split = (name: string, count: number, taken: ReadonlySet<string>) => {
    const cards = new Set<string>();
    const rows: DeskAnswers[] = [];
    while (rows.length < count) {
      const answers = drawAnswers(rng);
      if (taken.has(card(answers.request))) continue;
      cards.add(card(answers.request));
      rows.push(answers);
    }
    return { name, rows, cards };
  };
  const heldOut = split("held-out", SPLITS.held_out, new Set());
  const train = split("train", SPLITS.train, heldOut.cards);
  const labelled = (answers: DeskAnswers, id: string, view?: View) => {
    const first = prefersFirst(answers, rng, { view });
    const { chosen, rejected } = labelledPair(answers, { id, prefersFirst: first });
    return { id, prompt: answers.request, chosen, rejected };
  };
  const rowsOf = ({ name, rows }: typeof train): DeskRow[] =>
    rows.map((answers, i) => {
      const row = labelled(answers, `${name}-${i}`);
      const rewardOf = (answer: string) => Math.round(reward(row.prompt, answer) * 1000) / 1000;
      return {
        ...row,
        reward_chosen: rewardOf(row.chosen),
        reward_rejected: rewardOf(row.rejected),
      };
    });
  // Each pair is asked from one point of view on which its answers differ.
  const principles = train.rows.flatMap((answers, i): PrincipleRow[] => {
    const { request, first, second } = answers;
    const [a, b] = [first, second].map((answer) => viewsOf(readAnswer(request, answer)));
    const differing = VIEWS.filter((view) => a[view] !== b[view]);
    if (differing.length === 0) return [];
    const principle = differing[rng.int(differing.length)];
    return [{ ...labelled(answers, `train-${i}-${principle}`, principle), principle }];
  });
  return { train: rowsOf(train), held_out: rowsOf(heldOut), principles };
}

/** The pairs of a file of the world, with the rationale that an honest labeller would give. */
export async function deskPairs(
  name: "train" | "held_out" | "principles",
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

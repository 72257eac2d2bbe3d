import { credit, type Judgment } from "../../method/mod.ts";
import { proportion } from "../../measure/statistics.ts";
import { labelProbability } from "../world/preference.ts";
import { LAST_BITS } from "./desk_evidence.ts";

/** Pairs whose two rewards are about so far apart, and how often a judge names the better answer of them. */
export interface GapRow {
  /** Ends of the bin, in reward; the upper one belongs to it. */
  readonly from: number;
  readonly to: number;
  /** Mean distance of the two rewards. */
  readonly gap: number;
  readonly n: number;
  /** Share of pairs in which the answer with the larger reward wins, see `credit`. Wilson's interval. */
  readonly accuracy: number;
  readonly low: number;
  readonly high: number;
  /** What one noisy label, as the judge was trained on, is expected to reach on the same pairs. */
  readonly label: number;
}

/** Ends of the bins where a call gives none; rewards of the order desk lie within 10 of each other. */
const EDGES = [0, 0.3, 0.6, 1, 1.5, 2.2, 10];

/**
 * Accuracy against the true reward by how far the rewards are apart; pairs of equal reward are left out, and so
 * are bins without a pair.
 *
 * @param judged `gap` is the reward of the first answer less that of the second.
 */
export function accuracyByGap(
  judged: readonly ({ readonly gap: number } & Pick<Judgment, "winner" | "answered">)[],
  { edges = EDGES }: { edges?: readonly number[] } = {},
): GapRow[] {
  return edges.slice(1).flatMap((to, i): GapRow[] => {
    const from = edges[i];
    const some = judged.filter(({ gap }) => {
      const size = Math.abs(gap);
      return size > from + LAST_BITS && size <= to + LAST_BITS;
    });
    if (some.length === 0) return [];
    const sum = (of: (pair: typeof some[number]) => number) =>
      some.reduce((total, pair) => total + of(pair), 0);
    const right = sum(({ gap, ...judgment }) => credit(judgment, gap > 0 ? "first" : "second"));
    const { value, low, high, n } = proportion(right, some.length);
    return [{
      from,
      to,
      gap: sum(({ gap }) => Math.abs(gap)) / n,
      n,
      accuracy: value,
      low,
      high,
      label: sum(({ gap }) => labelProbability(Math.abs(gap))) / n,
    }];
  });
}

import type { Compare } from "../../method/mod.ts";
import { writeCsv } from "../../base/files.ts";
import { proportion } from "../../measure/statistics.ts";
import { drawnComparisons, rewardGap } from "./desk_evidence.ts";
import { type Items, saveItems } from "./items.ts";
import { agreement, CLEAR, drawAnswersOf, rightOn } from "./measure.ts";
import type { StudyStage } from "./supervised.ts";

/** How often a judge is right on the pairs that a policy's own answers make. */
export interface OwnPairsRow {
  /** Whose answers. */
  readonly policy: string;
  readonly judge: string;
  /** Pairs whose rewards differ by more than {@linkcode CLEAR}. */
  readonly n: number;
  /** Share of them on which the better answer wins, with Wilson's 95 % interval; a tie is a half. */
  readonly accuracy_clear: number;
  readonly low: number;
  readonly high: number;
  /** Share of all pairs on which both orders agree. */
  readonly consistency: number;
}

/**
 * Judges on two answers of one policy to an order, which is what they order in self-training: held-out pairs of
 * the data set say how good a judge is there, not here.
 */
export const ownPairsStage: StudyStage = {
  name: "own-pairs",
  title: "judges against the true reward on pairs of a policy's own answers",
  needs: ["jsft", "self-judge", "reward-model"],
  config: ({ orders, heldOut, preference: { topP } }) => ({
    orders,
    heldOut,
    preference: { topP },
  }),
  async run({ session, config, folder, checkStop, log }) {
    const { heldOut } = await session.pairs();
    const orders = heldOut.slice(0, config.orders).map(({ prompt }) => prompt[0].content);
    const judge = session.judge(await session.frozen("jsft"));
    const rewardModel = await session.rewardJudge("reward-model");
    const judges: Record<string, Compare> = {
      "jsft": (comparisons) => judge.judge(comparisons),
      "reward-model": rewardModel,
    };
    const rows: OwnPairsRow[] = [];
    const items: Items = {};
    try {
      for (const policy of ["jsft", "self-judge"]) {
        checkStop();
        const model = await session.load(policy);
        const drawn = await drawAnswersOf(model, orders, {
          encoder: session.encoder,
          seed: config.seed + 2,
          samples: 2,
          topP: config.preference.topP,
        });
        model.dispose();
        const pairs = drawnComparisons(drawn);
        const gaps = pairs.map(rewardGap);
        for (const [name, compare] of Object.entries(judges)) {
          const judgments = await compare(pairs);
          const right = rightOn(judgments, { gaps, least: CLEAR });
          if (right.length === 0) continue; // at smoke scale a policy may say the same thing twice
          const share = proportion(right.reduce((a, b) => a + b, 0), right.length);
          const agree = agreement(judgments);
          items[`own/${policy}/${name}`] = right;
          rows.push({
            policy,
            judge: name,
            n: share.n,
            accuracy_clear: share.value,
            low: share.low,
            high: share.high,
            consistency: agree,
          });
          log(
            `answers of ${policy}, ${name}: right on ${(100 * share.value).toFixed(1)} % of ` +
              `${share.n} clear pairs; orders agree on ${(100 * agree).toFixed(1)} %`,
          );
        }
      }
    } finally {
      rewardModel.dispose();
    }
    if (rows.length > 0) await writeCsv(`${folder}/pairs.csv`, rows);
    await saveItems(folder, items);
    return {};
  },
};

import { writeCsv } from "../../base/files.ts";
import { proportion } from "../../measure/mod.ts";
import type { Compare, Comparison } from "../../method/mod.ts";
import { drawnComparisons, rewardGap } from "./desk_evidence.ts";
import { type Items, saveItems } from "./items.ts";
import { consistencyOf, drawAnswersOf, rightOn, streamSeed } from "./measure.ts";
import { bestOf } from "./preference.ts";
import type { StudyStage } from "./stage.ts";

/** How often a judge is right on the pairs that a policy's own answers make. */
interface OnPolicyPairsRow {
  /** Whose answers. */
  readonly policy: string;
  readonly judge: string;
  /** Pairs whose rewards differ by more than `World.clear`. */
  readonly n: number;
  /** Share of them on which the better answer wins (see `credit`), with Wilson's 95 % interval. */
  readonly accuracy_clear: number;
  readonly low: number;
  readonly high: number;
  /** Share of all pairs on which both positions name the same winner. */
  readonly consistency: number;
}

/**
 * Judges on two answers of one policy to a request, which is what they rank in self-training: held-out pairs of
 * the data set say how good a judge is there, not here.
 */
export const onPolicyPairsStage: StudyStage = {
  name: "on-policy-pairs",
  title: "judges against the true reward on pairs of a policy's own answers",
  needs: ["self-judge", "reward-model"],
  config: ({ prompts, heldOut, preference: { topP } }) => ({
    prompts,
    heldOut,
    preference: { topP },
  }),
  async run({ session, config, folder, checkStop }) {
    const requests = await session.requests(config.prompts.heldOut);
    const encoder = await session.encoder();
    const { world } = session;
    const rows: OnPolicyPairsRow[] = [];
    const items: Items = {};
    const pairsBy = new Map<string, Comparison[]>();
    for (const [policy, model] of [["self-judge", bestOf("self-judge")], ["jsft", "jsft"]]) {
      checkStop();
      const drawn = await drawAnswersOf(await session.model(model), requests, {
        ...{ encoder, world, topP: config.preference.topP, samples: 2 },
        seed: streamSeed(config.seed, `on-policy/${policy}`),
      });
      pairsBy.set(policy, drawnComparisons(drawn));
    }
    const judges: Record<string, Compare> = {
      "jsft": (await session.judgeOf("jsft")).compare,
      "reward-model": (await session.rewardJudge("reward-model")).compare,
    };
    for (const [policy, pairs] of pairsBy) {
      const gaps = pairs.map((pair) => rewardGap(pair, world));
      for (const [name, compare] of Object.entries(judges)) {
        const judgments = await compare(pairs);
        const right = rightOn(judgments, { gaps, least: world.clear });
        if (right.length === 0) continue; // at smoke scale a policy may say the same thing twice
        const sum = right.reduce((a, b) => a + b, 0);
        const { value: accuracy_clear, low, high, n } = proportion(sum, right.length);
        const consistency = consistencyOf(judgments);
        items[`on-policy/${policy}/${name}`] = right;
        rows.push({ policy, judge: name, n, accuracy_clear, low, high, consistency });
      }
    }
    if (rows.length > 0) await writeCsv(`${folder}/pairs.csv`, rows);
    await saveItems(folder, items);
    return {};
  },
};

import { type Compare, tournaments } from "../../method/mod.ts";
import { withModel } from "../../model/mod.ts";
import { Rng } from "../../base/random.ts";
import { writeCsv } from "../../base/files.ts";
import { truthJudge } from "./session.ts";
import { type Items, saveItems } from "./items.ts";
import { drawAnswersOf, type Drawn, mean } from "./measure.ts";
import type { StudyStage } from "./supervised.ts";

/** How well answers chosen among N do. */
export interface RejectionPoint {
  policy: "jsft" | "self-judge";
  /** Who chooses: the frozen JSFT judge by a knockout, the reward model's or the true reward's best. */
  selector: "own judge" | "reward model" | "truth";
  n: number;
  /** Mean true reward of the chosen answers. */
  reward: number;
  /** Share of orders on which the JSFT judge prefers it to another single answer of the JSFT model. */
  proxy: number;
}

/** What a point of the curve is made from, besides the answers. */
export interface ChoosingOptions {
  /** How many of an order's answers play; the first ones. */
  readonly n: number;
  /** The judge of the knockout. */
  readonly compare: Compare;
  /** The JSFT judge, which sets the chosen answer against the opponent's. */
  readonly own: Compare;
  /** One other answer of the JSFT model to each order. */
  readonly opponents: readonly string[];
  /** Draws the brackets. */
  readonly rng: Rng;
}

/**
 * A point of the curve of reward against N: the first N answers to each order play a knockout.
 *
 * @param answers A policy's answers, for each order.
 * @returns The chosen answers' true rewards by order, their mean, and the share of orders on which the JSFT judge
 * prefers them to the opponent's; a tie is a half
 */
export async function chosenAmong(
  answers: readonly (readonly Drawn[])[],
  { n, compare, own, opponents, rng }: ChoosingOptions,
): Promise<Pick<RejectionPoint, "reward" | "proxy"> & { rewards: number[] }> {
  const prompts = answers.map(([{ order }]) => [{ role: "user", content: order }] as const);
  const brackets = await tournaments(
    answers.map((candidates, i) => ({
      prompt: prompts[i],
      candidates: candidates.slice(0, n).map(({ text }) => text),
    })),
    { compare, rng },
  );
  const chosen = brackets.map(({ winner }, i) => answers[i][winner]);
  const verdicts = await own(chosen.map(({ text: first }, i) => ({
    prompt: prompts[i],
    first,
    second: opponents[i],
  })));
  const rewards = chosen.map(({ reward }) => reward);
  const proxy = mean(verdicts.map(({ winner }) => ({ first: 1, tie: 0.5, second: 0 })[winner]));
  return { reward: mean(rewards), proxy, rewards };
}

/** Self-rejection: knockouts of N answers, beside best-of-N by the reward model and by the truth. */
export const rejectionStage: StudyStage = {
  name: "self-rejection",
  title: "knockouts among N answers, under the model's own judgment and others'",
  needs: ["jsft", "self-judge", "reward-model"],
  config: ({ rejection, heldOut, preference: { topP } }) => ({
    rejection,
    heldOut,
    preference: { topP },
  }),
  async run({ session, config, folder, checkStop, log }) {
    const { heldOut } = await session.pairs();
    const orders = heldOut.slice(-config.rejection.orders).map(({ prompt }) => prompt[0].content);
    const sizes = config.rejection.candidates;
    const most = Math.max(...sizes);
    const { encoder } = session;
    const { seed } = config;

    const jsft = await session.frozen("jsft");
    const judge = session.judge(jsft);
    const own: Compare = (comparisons) => judge.judge(comparisons);
    const rewardModel = await session.rewardJudge("reward-model");
    const policy = await session.load("self-judge");
    try {
      const draw = (frozen: typeof jsft, name: string) =>
        frozen((model) =>
          drawAnswersOf(model, orders, {
            encoder,
            samples: most,
            topP: config.preference.topP,
            seed: Rng.named(seed, `study/rejection/${name}`).int(0x7fff_ffff),
          })
        );
      const drawn = {
        "jsft": await draw(jsft, "jsft"),
        "self-judge": await draw(withModel(policy), "self-judge"),
      };
      const opponents = (await draw(jsft, "opponents")).map(([answer]) => answer.text);
      const selectors = { "own judge": own, "reward model": rewardModel, "truth": truthJudge };

      const rows: RejectionPoint[] = [];
      const items: Items = {};
      for (const [name, answers] of Object.entries(drawn)) {
        for (const [selector, compare] of Object.entries(selectors)) {
          for (const n of sizes) {
            checkStop();
            const found = await chosenAmong(answers, {
              ...{ n, compare, own, opponents },
              rng: Rng.named(seed, `study/rejection/${name}/${n}`),
            });
            const { reward, proxy } = found;
            const row = { policy: name, selector, n, reward, proxy } as RejectionPoint;
            rows.push(row);
            items[`rejection/${name}/${selector}/${n}`] = found.rewards;
          }
        }
        log(
          `${name}: ` +
            rows.filter((r) => r.policy === name && r.selector === "own judge")
              .map(({ n, reward }) => `N ${n} ${reward.toFixed(2)}`).join(", "),
        );
      }
      await writeCsv(`${folder}/points.csv`, rows);
      await saveItems(folder, items);
      return {};
    } finally {
      policy.dispose();
      rewardModel.dispose();
    }
  },
};

import { writeCsv } from "../../base/files.ts";
import { Rng } from "../../base/random.ts";
import type { Compare } from "../../method/mod.ts";
import type { LanguageModel } from "../../model/mod.ts";
import { chosenByKnockout } from "../../run/knockout.ts";
import { type Items, saveItems } from "./items.ts";
import { drawAnswersOf, mean, streamSeed } from "./measure.ts";
import { bestOf } from "./preference.ts";
import type { StudyStage } from "./stage.ts";
import { truthOf } from "./study_session.ts";

/** How well answers chosen among N do. */
export interface TournamentPoint {
  policy: "jsft" | "self-judge";
  /** Who chooses: the frozen JSFT judge by a knockout, the reward model's or the true reward's best. */
  selector: "own judge" | "reward model" | "truth";
  n: number;
  /** Mean true reward of the chosen answers. */
  reward: number;
  /** Share of requests on which the JSFT judge prefers it to another single answer of the JSFT model. */
  proxy: number;
}

/** Who chooses beside the model's own judge. */
type Beside = Exclude<TournamentPoint["selector"], "own judge">;

/**
 * Self-rejection: knockouts of N answers under the model's own judgment, beside the best of N by others.
 *
 * @param beside Who else chooses.
 */
export const tournament = (beside: readonly Beside[]): StudyStage => ({
  name: "tournament",
  title: "knockouts among N answers, under the model's own judgment and others'",
  needs: ["self-judge", ...beside.includes("reward model") ? ["reward-model"] : []],
  config: ({ tournament, heldOut, preference: { topP } }) => ({
    tournament,
    heldOut,
    preference: { topP },
  }),
  async run({ session, config, folder, checkStop }) {
    const { seed, tournament: { prompts: count, candidates: sizes }, preference: { topP } } =
      config;
    const { world } = session;
    const requests = await session.requests(count);
    const encoder = await session.encoder();
    const draw = (model: LanguageModel, name: string) =>
      drawAnswersOf(model, requests, {
        ...{ encoder, topP, world },
        samples: Math.max(...sizes),
        seed: streamSeed(seed, `rejection/${name}`),
      });
    const policy = await draw(await session.model(bestOf("self-judge")), "self-judge");
    const jsft = await session.model("jsft");
    const drawn = { "jsft": await draw(jsft, "jsft"), "self-judge": policy };
    const opponents = (await draw(jsft, "opponents")).map(([{ text }]) => text);
    const own: Compare = (await session.judgeOf("jsft")).compare;
    const others: Record<Beside, () => Promise<Compare>> = {
      "reward model": async () => (await session.rewardJudge("reward-model")).compare,
      "truth": () => Promise.resolve(truthOf(world)),
    };
    const selectors: [TournamentPoint["selector"], Compare][] = [["own judge", own]];
    for (const name of beside) selectors.push([name, await others[name]()]);
    const rows: TournamentPoint[] = [];
    const items: Items = {};
    for (const [name, answers] of Object.entries(drawn)) {
      for (const [selector, compare] of selectors) {
        for (const n of sizes) {
          checkStop();
          const found = await chosenByKnockout(
            answers.map((all, i) => ({
              prompt: [{ role: "user", content: requests[i] }],
              answers: all.slice(0, n),
            })),
            {
              ...{ compare, own, opponents },
              rng: Rng.named(seed, `study/rejection/${name}/${n}`),
            },
          );
          const rewards = found.chosen.map(({ reward }) => reward);
          const numbers = { reward: mean(rewards), proxy: mean(found.credits) };
          rows.push({ policy: name, selector, n, ...numbers } as TournamentPoint);
          items[`rejection/${name}/${selector}/${n}`] = rewards;
        }
      }
    }
    await writeCsv(`${folder}/points.csv`, rows);
    await saveItems(folder, items);
    return {};
  },
});

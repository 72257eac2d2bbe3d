import { writeCsv, writeJsonl } from "../../base/files.ts";
import { Rng } from "../../base/random.ts";
import { intervalText } from "../../base/text_table.ts";
import { meanRate } from "../../measure/rate.ts";
import {
  answerLength,
  type Compare,
  encodePromptToFit,
  type SampledAnswer,
} from "../../method/mod.ts";
import type { Pair } from "../../preference/mod.ts";
import { chosenByKnockout } from "../knockout.ts";
import type { RunContext, RunStage } from "../pipeline.ts";
import type { StageModel } from "../stage_model.ts";
import { heldOutPrompts } from "./data.ts";
import { greedyAnswers } from "./judge.ts";

/** One row of the stage's table: how answers chosen by a tournament of N do against single answers. */
export interface TournamentRow {
  policy: "jsft" | "self-judge";
  /** N, answers in the tournament; 1 is plain sampling. */
  candidates: number;
  /** Share of prompts in which the judge prefers it to one sample of the JSFT model; see `credit`. */
  winRate: number;
  /** Null where there is one prompt alone. */
  low: number | null;
  high: number | null;
  n: number;
  /** Mean of J(answer, sample). */
  preference: number;
  /** Mean length in tokens. */
  tokens: number;
}

/** Self-rejection: N answers play a knockout under the run's own judge. */
export const tournamentStage: RunStage = {
  name: "tournament",
  title: "self-rejection: a knockout tournament among N answers under the run's own judge",
  needs: ["data", "jsft", "self-judge"],
  config: ({ tournament }) => ({ tournament }),

  async run(context) {
    const { config, folder, session, log } = context;
    const sizes = [...config.tournament.candidates].sort((a, b) => a - b);
    const pairs = await heldOutPrompts(context, config.tournament.prompts);
    const { policy, start } = await session.askedTrained("self-judge");
    const judge = await session.judge(start, { cacheFile: `${folder}/cache.jsonl` });
    const compare: Compare = (comparisons) => {
      context.checkStop();
      return judge.compare(comparisons);
    };

    const most = sizes.at(-1)!;
    // One sample more from the model after JSFT: the opponent, which plays in no tournament.
    const fromJsft = await samples(start, pairs, {
      context,
      count: most + 1,
      name: "jsft answers",
    });
    const fromPolicy = await samples(policy, pairs, {
      context,
      count: most,
      name: "policy answers",
    });
    const opponents = fromJsft.map((answers) => answers[most].text);

    const rows: TournamentRow[] = [];
    const brackets: object[] = [];
    for (const [name, answers] of [["jsft", fromJsft], ["self-judge", fromPolicy]] as const) {
      for (const candidates of sizes) {
        const rng = Rng.named(config.seed, `reject/${name}/${candidates}`);
        const prompts = pairs.map(({ prompt }) => prompt);
        const found = await chosenByKnockout(
          answers.map((drawn, i) => ({ prompt: prompts[i], answers: drawn.slice(0, candidates) })),
          { compare, own: compare, opponents, rng },
        );
        found.brackets.forEach((bracket, i) =>
          brackets.push({ policy: name, candidates, pair: pairs[i].id, bracket })
        );
        const { value: winRate, low, high, n } = meanRate(found.credits, { rng, top: 1 });
        const tokens = meanOf(found.chosen.map(answerLength));
        const preference = meanOf(found.preferences);
        const row = { ...{ winRate, low, high, n }, preference, tokens } as const;
        rows.push({ policy: name, candidates, ...row } as TournamentRow);
        log(
          `${name}, N = ${candidates}: win rate ${intervalText({ value: winRate, low, high })} ` +
            `against one JSFT sample, ${tokens.toFixed(1)} tokens`,
        );
      }
    }
    await writeCsv(`${folder}/win_rates.csv`, rows);
    await writeJsonl(`${folder}/brackets.jsonl`, brackets);
    await writeJsonl(
      `${folder}/answers.jsonl`,
      await greedyAnswers(policy, pairs.slice(0, config.tournament.samples), context),
    );
    return { rows };
  },
};

async function samples(
  model: StageModel,
  pairs: readonly Pick<Pair, "id" | "prompt">[],
  { context: { config, session, checkStop, progress }, count, name }: {
    context: RunContext;
    count: number;
    name: string;
  },
): Promise<SampledAnswer[][]> {
  const encoder = await session.encoder();
  const shown = progress(name, { unit: "answer", total: pairs.length * count });
  const prompts = pairs.map((pair) => encodePromptToFit(pair.prompt, encoder));
  const drawn = await model.sample(prompts, {
    ...config.selfJudge,
    encoder,
    samples: count,
    seed: Rng.named(config.seed, `reject/${name}`).int(0x7fff_ffff),
    onProgress: (finished) => {
      shown.update(finished);
      checkStop();
    },
  });
  await shown.finish();
  return drawn;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

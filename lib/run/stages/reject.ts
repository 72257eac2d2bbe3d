import { encodePrompt, endOfAnswer } from "../../method/mod.ts";
import { type Bracket, type Compare, type Contest, tournaments } from "../../method/mod.ts";
import { generate, type LanguageModel } from "../../model/mod.ts";
import type { Pair } from "../../preference/mod.ts";
import { Rng } from "../../base/random.ts";
import { bootstrap, type Estimate } from "../../measure/statistics.ts";
import { writeCsv, writeJsonl } from "../../base/files.ts";
import { Progress } from "../../base/progress.ts";
import type { Stage, StageContext } from "../stage.ts";
import { pairsOf } from "./data.ts";
import { greedyAnswers } from "./judge.ts";

/** One row of the stage's table: how answers chosen by a tournament of N do against single answers. */
export interface RejectionRow {
  policy: "jsft" | "self-judge";
  /** N, answers in the tournament; 1 is plain sampling. */
  candidates: number;
  /** Share of prompts in which the judge prefers it to one sample of the JSFT model; a tie is a half. */
  winRate: number;
  low: number;
  high: number;
  n: number;
  /** Mean of J(answer, sample). */
  preference: number;
  /** Mean length in tokens. */
  tokens: number;
}

/** Self-rejection: N answers play a knockout under the run's own judge. */
export const rejectStage: Stage = {
  name: "reject",
  title: "self-rejection: a knockout tournament among N answers under the run's own judge",
  needs: ["data", "jsft", "self-judge"],
  config: ({ reject }) => ({ reject }),

  async run(context) {
    const { config, folder, session, log } = context;
    const sizes = [...config.reject.candidates].sort((a, b) => a - b);
    const pairs = (await pairsOf(context, "held_out")).slice(0, config.reject.prompts);
    const policy = await session.model("policy");
    const frozen = await session.frozenJudge();
    const judge = await session.judge(frozen, { cacheFile: `${folder}/cache.jsonl` });
    const compare: Compare = (comparisons) => {
      context.checkStop();
      return judge.judge(comparisons);
    };

    const most = sizes.at(-1)!;
    // One sample more from the model after JSFT: the opponent, which plays in no tournament.
    const fromJsft = await frozen((model) =>
      samples(model, pairs, { context, count: most + 1, name: "jsft answers" })
    );
    const fromPolicy = await samples(policy, pairs, {
      context,
      count: most,
      name: "policy answers",
    });
    const opponents = fromJsft.map((answers) => answers[most].text);

    const rows: RejectionRow[] = [];
    const brackets: object[] = [];
    for (const [name, answers] of [["jsft", fromJsft], ["self-judge", fromPolicy]] as const) {
      for (const candidates of sizes) {
        const contests = answers.map((drawn, i): Contest => ({
          prompt: pairs[i].prompt,
          candidates: drawn.slice(0, candidates).map(({ text }) => text),
        }));
        const rng = Rng.named(config.seed, `reject/${name}/${candidates}`);
        const played = await tournaments(contests, { compare, rng });
        played.forEach((bracket, i) =>
          brackets.push({ policy: name, candidates, pair: pairs[i].id, bracket })
        );
        const row = await againstSingle(played, { pairs, opponents, compare, rng });
        const tokens = played.map(({ winner }, i) => answers[i][winner].tokens);
        rows.push({ policy: name, candidates, ...row, tokens: meanOf(tokens) });
        const { winRate, low, high } = row;
        log(
          `${name}, N = ${candidates}: win rate ${winRate.toFixed(3)} [${low.toFixed(3)}, ${
            high.toFixed(3)
          }]` +
            ` against one JSFT sample, ${meanOf(tokens).toFixed(1)} tokens`,
        );
      }
    }
    await writeCsv(`${folder}/win_rates.csv`, rows);
    await writeJsonl(`${folder}/brackets.jsonl`, brackets);
    await writeJsonl(
      `${folder}/answers.jsonl`,
      await greedyAnswers(policy, pairs.slice(0, config.reject.samples), context),
    );
    return { rows };
  },
};

interface Sample {
  text: string;
  tokens: number;
}

async function samples(
  model: LanguageModel,
  pairs: readonly Pair[],
  { context: { config, session, checkStop }, count, name }: {
    context: StageContext;
    count: number;
    name: string;
  },
): Promise<Sample[][]> {
  const encoder = await session.encoder();
  const progress = new Progress(name, { unit: "answer", total: pairs.length * count });
  const drawn = await generate(model, pairs.map((pair) => encodePrompt(pair.prompt, encoder)), {
    ...config.selfJudge,
    samples: count,
    stopIds: [endOfAnswer(encoder.tokenizer)],
    seed: Rng.named(config.seed, `reject/${name}`).int(0x7fff_ffff),
    onProgress: (finished) => {
      progress.update(finished);
      checkStop();
    },
  });
  progress.finish();
  return drawn.map((answers) =>
    answers.map(({ ids }) => ({
      text: encoder.tokenizer.decode(ids, { skipSpecial: true }).trim(),
      tokens: ids.length,
    }))
  );
}

/** How the winners do against one answer each; the judge is asked only where the two differ. */
async function againstSingle(
  brackets: readonly Bracket[],
  { pairs, opponents, compare, rng }: {
    pairs: readonly Pair[];
    opponents: readonly string[];
    compare: Compare;
    rng: Rng;
  },
): Promise<{ winRate: number; low: number; high: number; n: number; preference: number }> {
  const winners = brackets.map(({ candidates, winner }) => candidates[winner]);
  const different = winners.map((_, i) => i).filter((i) => winners[i] !== opponents[i]);
  const judgments = await compare(
    different.map((i) => ({ prompt: pairs[i].prompt, first: winners[i], second: opponents[i] })),
  );
  const credit = winners.map(() => 0.5);
  const preference = winners.map(() => 0.5);
  different.forEach((i, j) => {
    const { winner, pFirst } = judgments[j];
    credit[i] = winner === "first" ? 1 : winner === "tie" ? 0.5 : 0;
    preference[i] = pFirst;
  });
  const { value, low, high, n }: Estimate = bootstrap(credit, { rng });
  return { winRate: value, low, high, n, preference: meanOf(preference) };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

import { writeCsv, writeJsonl } from "../../base/files.ts";
import { Rng } from "../../base/random.ts";
import { intervalText, textTable } from "../../base/text_table.ts";
import {
  definedReport,
  describeUnanswered,
  judgeMeasures,
  pairVerdicts,
  reportRows,
  unansweredOf,
} from "../../measure/mod.ts";
import { cutsInWords, encodePromptToFit, pairComparison } from "../../method/mod.ts";
import type { Pair } from "../../preference/mod.ts";
import type { RunContext, RunStage } from "../pipeline.ts";
import type { WorkProgress } from "../stage.ts";
import type { StageModel } from "../stage_model.ts";
import { heldOutPrompts, pairsOf } from "./data.ts";

/** Measures the model that a stage made as judge of the held-out pairs. */
function judgeStage(
  name: string,
  { made, needs, title }: { made: string; needs: string[]; title: string },
): RunStage {
  return {
    name,
    title,
    needs,
    // The last two are of the answers that it leaves to be read.
    config: ({ judge, selfJudge: { maxNewTokens }, tournament: { samples } }) => ({
      judge,
      selfJudge: { maxNewTokens },
      tournament: { samples },
    }),

    async run(context) {
      const { config, folder, session, log, checkStop } = context;
      const pairs = await pairsOf(context, "held_out");
      const model = await session.asked(made);
      const judge = await session.judge(model, { cacheFile: `${folder}/cache.jsonl` });
      const comparisons = pairs.map(pairComparison);
      const prompts = judge.promptsFor(comparisons);
      let progress: WorkProgress | undefined;
      const judgments = await judge.compare(comparisons, {
        onProgress: ({ done, total }) => {
          const before = prompts - total;
          progress ??= context.progress(name, { unit: "prompt", total: prompts, done: before });
          progress.update(before + done);
          checkStop();
        },
      });
      await progress?.finish();

      for (const { principle, counts } of judge.templates) {
        log(`${principle.name}: ${cutsInWords(counts)}`);
      }

      const rng = Rng.named(config.seed, "judge report");
      const measures = judgeMeasures(judgments, { comparisons, preferred: "first", rng });
      const silent = describeUnanswered(unansweredOf(judgments));
      if (silent !== null) log(`warning: the judge ${silent}`);
      const report = definedReport(measures);
      const rows = reportRows(report);
      await writeCsv(`${folder}/report.csv`, rows);
      const names = pairs.map(({ id }) => id);
      const judged = { pairs: names, comparisons, preferred: "first" } as const;
      await writeCsv(`${folder}/verdicts.csv`, pairVerdicts(judgments, judged));
      await writeJsonl(
        `${folder}/judgments.jsonl`,
        judgments.map((judgment, i) => ({ pair: pairs[i].id, ...judgment })),
      );
      const shown = rows.map((row) => [row.measure, intervalText(row), `${row.n}`]);
      textTable(shown).split("\n").forEach(log);
      await writeJsonl(
        `${folder}/answers.jsonl`,
        await greedyAnswers(
          model,
          await heldOutPrompts(context, config.tournament.samples),
          context,
        ),
      );
      return report;
    },
  };
}

/** The likeliest answer to each prompt, for reading. */
export async function greedyAnswers(
  model: StageModel,
  pairs: readonly Pick<Pair, "id" | "prompt">[],
  { config, session }: Pick<RunContext, "config" | "session">,
): Promise<{ pair: string; answer: string }[]> {
  const encoder = await session.encoder();
  const prompts = pairs.map((pair) => encodePromptToFit(pair.prompt, encoder));
  const answers = await model.sample(prompts, {
    encoder,
    maxNewTokens: config.selfJudge.maxNewTokens,
    temperature: 0,
    seed: config.seed,
  });
  return answers.map(([{ text }], i) => ({ pair: pairs[i].id, answer: text }));
}

/** The model as it came, as judge: what JSFT has to beat. */
export const judgeBeforeStage = judgeStage("judge-before", {
  made: "base",
  needs: ["data"],
  title: "the model as it came, as judge of held-out pairs",
});

/** The judge that the self-judging loop will trust. */
export const judgeAfterStage = judgeStage("judge-after", {
  made: "jsft",
  needs: ["data", "jsft"],
  title: "the model after JSFT, as judge of the same pairs",
});

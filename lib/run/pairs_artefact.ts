/** The on-policy pairs of a run as a data set that others train on. */
import { readJsonl, writeJsonl, writeWhole } from "../base/files.ts";
import { markdownTable } from "../base/markdown_table.ts";
import { methodNamed, type RankedPair, type StepLog, withSystem } from "../method/mod.ts";
import type { Turn } from "../text/mod.ts";
import { dataLines, frontMatter, identityText, LICENCE, stageModel } from "./cards.ts";
import { judgeRecord } from "./given_judge.ts";
import type { RunContext } from "./pipeline.ts";

/** A pair in TRL's conversational preference format, with what the ranker said of it. */
export interface PairRow {
  readonly prompt: readonly Turn[];
  readonly chosen: readonly Turn[];
  readonly rejected: readonly Turn[];
  /** J(chosen, rejected), the mean over both positions; null where the data set's labels rank. */
  readonly J: number | null;
  /** Whether both positions name the same answer; null where the data set's labels rank. */
  readonly consistent: boolean | null;
  /** The training step that learned from it. */
  readonly step: number;
  /** Steps between the policy that answered and the one that learned; absent where every step makes its own pairs. */
  readonly age?: number;
  /** The training pair whose prompt it is. */
  readonly id: string;
}

/**
 * Writes the pairs that self-training learned from as `pairs/train.jsonl` in the stage's folder, with a data card.
 * Pairs of one text twice teach nothing and are left out.
 *
 * @returns their number; nothing is written where there are none
 */
export async function writePairs(context: RunContext): Promise<number> {
  const { folder, folderOf, session, config } = context;
  const logged = await readJsonl<RankedPair>(`${folder}/pairs.jsonl`);
  const records = await readJsonl<{ id: string; prompt: readonly Turn[] }>(
    `${folderOf("data")}/train.jsonl`,
  );
  const prompts = new Map(records.map(({ id, prompt }) => [id, prompt]));
  const { asked, learned } = methodNamed(config.selfJudge.method).prompts ?? {};
  const encoder = await session.encoder();
  const say = (content: string): Turn[] => [{ role: "assistant", content }];
  const rows = logged.filter(({ chosen, rejected }) => chosen !== rejected)
    .map(({ pair, chosen, rejected, preference, consistent, step, age }): PairRow => {
      const prompt = prompts.get(pair)!;
      return {
        prompt: withSystem((learned ?? asked)?.(prompt) ?? prompt, encoder),
        chosen: say(chosen),
        rejected: say(rejected),
        J: preference ?? null,
        consistent: consistent ?? null,
        step,
        ...(age !== undefined && { age }),
        id: pair,
      };
    });
  if (rows.length === 0) return 0;
  await writeJsonl(`${folder}/pairs/train.jsonl`, rows);
  await writeWhole(`${folder}/pairs/README.md`, await pairsCard(context, rows));
  return rows.length;
}

/** What an annotated data set is to say of itself: who judged, asked how, what was left out. */
async function pairsCard(context: RunContext, rows: readonly PairRow[]): Promise<string> {
  const { folder, folderOf, config } = context;
  const { method: name, temperature, topP, topK, maxNewTokens, undecided, roundSteps } =
    config.selfJudge;
  const { samples, ranker, candidates, source } = methodNamed(name);
  const metrics = await readJsonl<StepLog>(`${folder}/metrics.jsonl`);
  const sum = (field: string) => metrics.reduce((total, row) => total + (row[field] ?? 0), 0);
  const judged = rows.filter(({ J }) => J !== null);
  const inBoth = judged.filter(({ consistent }) => consistent).length;
  return [
    ...frontMatter({
      tags: ["preference", "self-judge", "dpo", "trl"],
      configs: [{ config_name: "default", data_files: "train.jsonl" }],
    }),
    `# On-policy pairs: ${config.model}, ${name}`,
    "",
    `${rows.length} pairs in TRL's conversational preference format (prompt, chosen, rejected), with \`J\`, the ` +
    "probability that the chosen answer is the better one (mean over both positions), `consistent` (both positions " +
    "name the same one), `step` and `id` of the training pair whose prompt it is.",
    "",
    "```python",
    "from datasets import load_dataset",
    'pairs = load_dataset("json", data_files="train.jsonl", split="train")',
    "```",
    "",
    "## Annotation",
    "",
    markdownTable(["", ""], [
      [
        "answers",
        `${candidates} a prompt from the ${samples}; temperature ${temperature}, top-p ${topP}, ` +
        `top-k ${topK || "all"}, at most ${maxNewTokens} tokens`,
      ],
      ...(roundSteps > 1
        ? [["rounds", `of ${roundSteps} steps: \`age\` steps before \`step\` learned from them`]]
        : []),
      ["annotator", await annotatorText(context)],
      ...(["judge", "policy", "given"].includes(ranker)
        ? [["positions", "both, the mean of their probabilities"]]
        : []),
      [
        "filter",
        `pairs of one text twice left out; ${
          undecided === "skip"
            ? "ties and pairs without an answer left out"
            : "a tie, or a pair without an answer, decided by its scores however small, and equal ones for the second"
        }`,
      ],
      ["kept", `${rows.length}`],
      ["same text", `${sum("identical")}`],
      ["ties, or no answer of the annotator", `${sum("undecided")}`],
      ["prompts too long", `${sum("skippedPrompts")}`],
      [
        "consistent in both positions",
        judged.length === 0 ? "-" : `${inBoth} of ${judged.length} kept`,
      ],
      ["date", new Date().toISOString().slice(0, 10)],
      ["method", `${name} (${source})`],
    ]),
    "",
    ...await templateLines(context),
    "## Prompts",
    "",
    ...dataLines(config),
    "",
    `Their ids are those of \`${folderOf("data")}/train.jsonl\`.`,
    "",
    ...LICENCE,
    "",
  ].join("\n");
}

async function annotatorText({ config, folder, folderOf }: RunContext): Promise<string> {
  const { ranker } = methodNamed(config.selfJudge.method);
  if (ranker === "labels") return "the labels of the data set";
  if (ranker === "chance") return "a coin";
  if (ranker === "given") {
    const judge = await judgeRecord(folder, "ranker");
    return judge === null ? "another judge" : `${judge.name}, fingerprint ${judge.fingerprint}`;
  }
  const jsft = await stageModel(folderOf("jsft").replace(/\/jsft$/, ""), "jsft");
  const start = jsft === null
    ? "the model after JSFT"
    : `the model after JSFT: ${identityText(jsft)}`;
  return ranker === "policy" ? `the model in training, which began as ${start}` : start;
}

/** The question as the annotator got it, one a principle. */
async function templateLines({ config, session }: RunContext): Promise<string[]> {
  const { ranker } = methodNamed(config.selfJudge.method);
  if (ranker !== "judge" && ranker !== "policy") return [];
  const { tokenizer } = await session.language();
  return [
    "## Question",
    "",
    ...(await session.templates()).flatMap((question) => [
      `Principle ${question.principle.name}; labels ${
        question.labels.map((l) => `\`${l}\``).join(" and ")
      }:`,
      "",
      "```text",
      tokenizer.decode(
        question.prompt(
          [{ role: "user", content: "{prompt}" }],
          "{first answer}",
          "{second answer}",
        ),
      ),
      "```",
      "",
    ]),
  ];
}

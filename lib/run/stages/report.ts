import { parseRows } from "../../base/csv.ts";
import { readIfThere, readJsonl, writeCsv, writeWhole } from "../../base/files.ts";
import { markdownTable } from "../../base/markdown_table.ts";
import { duration } from "../../base/progress.ts";
import { intervalText } from "../../base/text_table.ts";
import type { RunConfig } from "../config.ts";
import { costText } from "../costs.ts";
import type { RunFolder } from "../run_folder.ts";
import type { StageResult } from "../stage.ts";
import { pairedChanges, type PairVerdict, pairVerdict } from "../../measure/change.ts";
import type { Estimate } from "../../measure/statistics.ts";
import { Rng } from "../../base/random.ts";
import type { Pair } from "../../preference/mod.ts";
import type { TournamentRow } from "./tournament.ts";

/** The run folder of `deno task align`. */
type AlignFolder = RunFolder<Readonly<RunConfig>>;

/** One line of a run's summary. */
interface SummaryRow {
  stage: string;
  measure: string;
  value: number;
  low?: number | null;
  high?: number | null;
  n?: number;
}

/**
 * Writes what a run found as `summary.csv` and `summary.md`, from the results of its finished stages.
 *
 * @returns the Markdown
 */
export async function writeSummary(folder: AlignFolder): Promise<string> {
  const rows: SummaryRow[] = [];
  for (const stage of ["judge-before", "judge-after"]) {
    const report = await folder.result(stage) as Record<string, Estimate> | null;
    for (const [measure, e] of Object.entries(report ?? {})) rows.push({ stage, measure, ...e });
  }
  for (const stage of ["jsft", "self-judge"]) {
    for (const [measure, value] of Object.entries(await folder.result(stage) ?? {})) {
      if (typeof value === "number") rows.push({ stage, measure, value });
    }
  }
  const played = (await folder.result("tournament"))?.rows as TournamentRow[] | undefined;
  for (const { policy, candidates, winRate: value, low, high, n } of played ?? []) {
    rows.push({
      stage: "tournament",
      measure: `${policy} N=${candidates} win rate`,
      value,
      low,
      high,
      n,
    });
  }
  for (const { name } of folder.stages) {
    const value = await folder.seconds(name);
    if (value !== null) rows.push({ stage: name, measure: "seconds", value });
  }
  await writeCsv(`${folder.path}/summary.csv`, rows);
  const text = [
    `# ${folder.path}`,
    ...judgeTable(rows, await judgeChanges(folder)),
    ...trainingLines(await folder.result("jsft"), await folder.result("self-judge")),
    ...tournamentTable(played ?? []),
    ...await beforeAndAfter(folder),
    "",
    "Time: " + rows.filter(({ measure }) => measure === "seconds")
      .map(({ stage, value }) => `${stage} ${duration(value)}`).join(", "),
    "",
  ].join("\n");
  await writeWhole(`${folder.path}/summary.md`, text);
  return text;
}

/** What JSFT changed of the judge, pair by pair; nothing where a run has not both judges' verdicts. */
async function judgeChanges(folder: AlignFolder): Promise<Record<string, Estimate<number | null>>> {
  const tables: PairVerdict[][] = [];
  for (const stage of ["judge-before", "judge-after"]) {
    const path = `${folder.folderOf(stage)}/verdicts.csv`;
    const text = await readIfThere(path);
    if (text === null) return {};
    tables.push(parseRows(text, { path, row: pairVerdict }));
  }
  return pairedChanges(tables[0], tables[1], { rng: Rng.named(0, "judge before and after") });
}

function judgeTable(
  rows: readonly SummaryRow[],
  changes: Record<string, Estimate<number | null>>,
): string[] {
  const before = rows.filter(({ stage, low }) => stage === "judge-before" && low !== undefined);
  const after = new Map(
    rows.filter(({ stage }) => stage === "judge-after").map((row) => [row.measure, row]),
  );
  if (before.length === 0) return [];
  const cell = (row?: SummaryRow) =>
    row ? intervalText({ value: row.value, low: row.low ?? null, high: row.high ?? null }) : "-";
  return [
    "",
    `Judge on ${
      before[0].n
    } held-out pairs, 95 % bootstrap intervals; the change is taken pair by pair:`,
    "",
    markdownTable(
      ["measure", "before JSFT", "after JSFT", "change"],
      before.map((row) => {
        const change = changes[row.measure];
        const changed = change?.value == null ? "" : intervalText(change);
        return [row.measure, cell(row), cell(after.get(row.measure)), changed];
      }),
    ),
  ];
}

function trainingLines(jsft: StageResult | null, loop: StageResult | null): string[] {
  const number = (result: StageResult, name: string, digits = 3) =>
    typeof result[name] === "number" ? (result[name] as number).toFixed(digits) : "-";
  const fromTo = (result: StageResult, name: string, digits = 3) =>
    `${number(result, `${name}First`, digits)} -> ${number(result, `${name}Last`, digits)}`;
  const lines: string[] = [];
  if (jsft) {
    lines.push(
      "",
      `JSFT, ${jsft.steps} steps: answer loss ${fromTo(jsft, "answerLoss")}, judgment loss ` +
        `${fromTo(jsft, "judgmentLoss")} (guessing: 0.693), ${
          number(jsft, "tokensPerSecond", 0)
        } tokens/s`,
      "",
      costText("JSFT", jsft),
    );
  }
  if (loop) {
    lines.push(
      "",
      `${loop.method}, ${loop.steps} steps (first and last quarter): loss ${
        fromTo(loop, "loss")
      }, ` +
        `reward margin ${fromTo(loop, "rewardMargin")}, log-probability of the chosen ${
          fromTo(loop, "logProbChosen", 1)
        }, tokens of the chosen ${fromTo(loop, "chosenTokens", 1)}; ` +
        `${loop.pairs} pairs, ${loop.identical} identical and ${loop.undecided} undecided skipped`,
      "",
      costText(`${loop.method}`, loop),
    );
  }
  return lines;
}

function tournamentTable(rows: readonly TournamentRow[]): string[] {
  if (rows.length === 0) return [];
  return [
    "",
    `Self-rejection on ${
      rows[0].n
    } held-out prompts: win rate against one sample of the JSFT model, by the run's judge:`,
    "",
    markdownTable(
      ["answers from", "N", "win rate", "mean J", "tokens"],
      rows.map((r) => [
        ...[r.policy, `${r.candidates}`, intervalText({ ...r, value: r.winRate })],
        ...[r.preference.toFixed(3), r.tokens.toFixed(1)],
      ]),
    ),
  ];
}

/** The same prompts answered by the model as it came, after JSFT and after self-training. */
async function beforeAndAfter(folder: AlignFolder): Promise<string[]> {
  const pairs = new Map(
    (await readJsonl<Pair>(`${folder.folderOf("data")}/held_out.jsonl`)).map((p) => [p.id, p]),
  );
  const stages = { base: "judge-before", JSFT: "judge-after", "self-judge": "tournament" };
  const answers = new Map<string, string[]>();
  for (const [name, stage] of Object.entries(stages)) {
    const path = `${folder.folderOf(stage)}/answers.jsonl`;
    for (const { pair, answer } of await readJsonl<{ pair: string; answer: string }>(path)) {
      answers.set(pair, [...answers.get(pair) ?? [], `- ${name}: ${oneLine(answer)}`]);
    }
  }
  if (answers.size === 0) return [];
  return [
    "",
    "Likeliest answers before and after:",
    ...[...answers].flatMap(([id, lines]) => [
      "",
      `> ${oneLine(pairs.get(id)?.prompt.at(-1)?.content ?? id)}`,
      "",
      ...lines,
    ]),
  ];
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

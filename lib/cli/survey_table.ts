import { markdownTable } from "../base/markdown_table.ts";
import { PROBES } from "../measure/probes.ts";

/** A part of the survey: a command that does it, or why it is not here. */
export type SurveyCell = { readonly command: string } | { readonly notHere: string };

/** A table of the page. */
export interface SurveyTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly { readonly name: string; readonly cells: readonly SurveyCell[] }[];
}

const judge = (rest: string): SurveyCell => ({ command: `judge --pairs FILE ${rest}` });
const by = (principle: string): SurveyCell => judge(`--judge model:PATH --principle ${principle}`);

const ONE_MARK: SurveyCell = {
  notHere: "grade: asks for one mark of the whole answer; reward: grades by what it was trained on",
};
const NO_LIST: SurveyCell = {
  notHere: "no judge sees more than two answers at once; a tournament makes N - 1 pairs of N",
};
const OWN_FILE: SurveyCell = judge(
  "--judge model:PATH --set judge.principlesFile=FILE --principle NAME",
);

/** The survey (https://arxiv.org/abs/2411.16594) part by part. PATH, FILE and NAME are the reader's. */
export const SURVEY: readonly SurveyTable[] = [
  {
    title: "What is judged, and how many answers at once",
    columns: ["attribute", "point-wise", "pair-wise", "list-wise"],
    rows: [
      { name: "helpfulness", cells: [ONE_MARK, by("helpfulness"), NO_LIST] },
      { name: "harmlessness", cells: [ONE_MARK, by("harmlessness"), NO_LIST] },
      { name: "reliability", cells: [ONE_MARK, by("truthfulness,honesty"), NO_LIST] },
      { name: "relevance", cells: [ONE_MARK, OWN_FILE, NO_LIST] },
      { name: "feasibility", cells: [ONE_MARK, OWN_FILE, NO_LIST] },
      { name: "overall", cells: [judge("--judge grade:PATH"), by("overall"), NO_LIST] },
    ],
  },
  {
    title: "Remedies",
    columns: ["remedy", "here"],
    rows: [
      { name: "swap: both positions, averaged", cells: [judge("--judge model:PATH")] },
      {
        name: "swap: drop what the positions disagree on",
        cells: [{
          command: "annotate --judge model:PATH --pairs FILE --out runs/labels.jsonl --consistent",
        }],
      },
      { name: "rules: several principles, a vote each", cells: [by("helpfulness,harmlessness")] },
      {
        name: "demonstrations",
        cells: [judge(
          "--judge model:PATH --set judge.demonstrations=4 --set judge.demonstrationsFile=FILE",
        )],
      },
      {
        name: "several judges: majority",
        cells: [judge("--judge majority:model:PATH++model:PATH++longer")],
      },
      { name: "several judges: mean", cells: [judge("--judge mean:model:PATH++model:PATH")] },
      {
        name: "rationale, after the decision",
        cells: [{
          command: "align --set jsft.rationale=true",
        }],
      },
      {
        name: "rationale, before the decision",
        cells: [{
          notHere: "a verdict is read off the next token, in one forward pass",
        }],
      },
      {
        name: "comparison acceleration: a tournament, N - 1 pairs",
        cells: [{
          command: "align --stage tournament",
        }],
      },
      {
        name: "comparison acceleration: N answers against one",
        cells: [{
          command: "align --set selfJudge.method=osp",
        }],
      },
    ],
  },
  {
    title: "Biases",
    columns: ["bias", "probe"],
    rows: [
      ...Object.keys(PROBES).filter((name) => name !== "asked again").map((name) => ({
        name,
        cells: [judge(
          name === "self-preference"
            ? "--judge model:PATH --own NAME --probe self-preference"
            : `--judge model:PATH --probe ${name}`,
        )],
      })),
      { name: "intransitive verdicts", cells: [judge("--judge model:PATH --triples 100")] },
      {
        name: "compassion fade (names of models in the prompt)",
        cells: [{
          notHere: "a judge's prompt names no model",
        }],
      },
      {
        name: "diversity, fallacy oversight, refinement",
        cells: [{
          notHere: "these probes of CALM need answers that another model rewrites",
        }],
      },
      {
        name: "chain of thought",
        cells: [{ notHere: "a judge writes nothing before its verdict" }],
      },
    ],
  },
];

/** The page, as Markdown. */
export function surveyPage(): string {
  const tables = SURVEY.map(({ title, columns, rows }) => {
    const lines = rows.map(({ name, cells }) => [
      name,
      ...cells.map((cell) =>
        "command" in cell ? `\`deno task ${cell.command}\`` : `not here: ${cell.notHere}`
      ),
    ]);
    return `## ${title}\n\n${markdownTable(columns, lines)}`;
  });
  return [
    "# What a survey of judging knows, and the command for it",
    "After From Generation to Judgment (https://arxiv.org/abs/2411.16594). Made by `deno task survey`; " +
    "PATH, FILE and NAME are yours to fill in.",
    ...tables,
  ].join("\n\n") + "\n";
}

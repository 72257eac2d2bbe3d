/** What `deno task start` ends with. @module */
import { Help } from "commander";
import { coloured, type Look } from "../base/colour.ts";
import { markdownTable } from "../base/markdown_table.ts";
import { textTable } from "../base/text_table.ts";
import type { Measured } from "../lab/study/claims.ts";
import {
  ABOUT_ONE_RUN,
  oneRunTable,
  type Sentence,
  sentences,
  type StudyRow,
  VERDICTS,
} from "../lab/study/one_run.ts";
import { shellWords } from "./command.ts";

/** What a run found, and what the study did. */
export interface Found {
  readonly measured: readonly Measured[];
  /** The study's table of claims. */
  readonly study: readonly StudyRow[];
  /** The same on bases that nobody had looked at. @default none */
  readonly fresh?: readonly StudyRow[];
  /** Whether the run is long enough to learn anything. */
  readonly learns: boolean;
}

/** Where to look, and what to do next. */
export interface Places {
  /** Run folder; its tables are in `results`. */
  readonly run: string;
  /** Folder of the study's tables. */
  readonly league: string;
  /** Options of the command line but `--fresh`, as they were given. */
  readonly options: readonly string[];
  /** Whether every row was played that the command can play. */
  readonly all: boolean;
}

const LOOKS: Readonly<Record<string, Look>> = { held: "green", open: "yellow", "not held": "red" };
const NOTHING_LEARNED =
  "At this scale next to nothing is learned: the numbers of this run say only that everything works.";

/** Text in lines of what reads well, or of the terminal's width where that is less; a number keeps its "%". */
function wrapped(text: string, indent = ""): string {
  const width = Deno.stdout.isTerminal() ? Deno.consoleSize().columns : 0;
  const lines = new Help().boxWrap(
    text.replaceAll(" %", GLUE),
    Math.min(width || 100, 100) - indent.length,
  );
  return lines.replaceAll(GLUE, " %").replaceAll("\n", `\n${indent}`);
}

/** Stands for a blank and a "%" where a line may not end. */
const GLUE = "_%";

/** Where a sentence's numbers are from. */
function origin({ runs, bases, fresh, own }: Sentence): string {
  const study = runs === 0
    ? ""
    : `${runs} run${runs === 1 ? "" : "s"} on ${bases} base${bases === 1 ? "" : "s"}; `;
  const where = fresh?.where ? `${fresh.where} ` : "";
  const again = fresh === null
    ? ""
    : `${fresh.verdict} on ${fresh.bases} fresh bases ${where}(${fresh.values}); `;
  return `${study}${again}this run: ${own ?? "not measured"}`;
}

/** The six sentences as lines of a terminal, with what their verdicts mean. */
export function sentenceLines({ measured, study, fresh, learns }: Found): string {
  const found = sentences(measured, study, fresh);
  const verdicts = Object.keys(VERDICTS).filter((name) =>
    found.some(({ verdict, fresh }) => [verdict, fresh?.verdict].includes(name))
  );
  return [
    coloured("bold", "What the study found, and this run:"),
    ...found.map((one, i) => {
      const text = wrapped(`${one.text}: "${one.claim}" is ${one.verdict}.`, "   ");
      const look = LOOKS[one.verdict];
      const end = `${one.verdict}.`;
      const shown = look && text.endsWith(end)
        ? `${text.slice(0, -end.length)}${coloured(look, one.verdict)}.`
        : text;
      return `${i + 1}. ${shown}\n   ${coloured("dim", wrapped(origin(one), "   "))}`;
    }),
    "",
    ...verdicts.map((name) => `${name}: ${VERDICTS[name]}`),
    wrapped("One run decides nothing; the study's verdicts rest on several bases and seeds."),
    ...learns ? [] : [wrapped(NOTHING_LEARNED)],
  ].join("\n");
}

/** The table of every contrast, for a terminal. */
export function tableLines({ measured, study }: Found): string {
  const { head, rows } = oneRunTable(measured, study);
  return `${textTable([head, ...rows])}\n\n${wrapped(ABOUT_ONE_RUN)}`;
}

/** Where the tables are, and commands to run next. */
export function nextLines({ run, league, options, all }: Places): string {
  const next = [
    ...all ? [] : [[
      `deno task start ${shellWords([...options, "--more"])}`,
      "five more methods, as long again",
    ]],
    ...options.includes("--table") ? [] : [[
      `deno task start ${shellWords([...options, "--table"])}`,
      "every contrast of this run, beside the study's verdicts",
    ]],
    [`deno task figures ${shellWords([run])}`, "pictures of this run"],
    ["deno task align --model PATH --data FILE", "the same on your own model and pairs"],
    ["deno task league", "the whole study: hours, in the background"],
  ];
  return [
    `tables: ${run}/results/claims.md; the study's: ${league}/claims.md`,
    ...textTable(next).split("\n").map((line, i) => `${i === 0 ? "next:  " : "       "} ${line}`),
  ].join("\n");
}

/** The page that the run's folder keeps: sentences and table. */
export function onePage({ measured, study, fresh, learns }: Found): string {
  const { head, rows } = oneRunTable(measured, study);
  return [
    "# One run beside the study",
    "",
    ...sentences(measured, study, fresh).map((one, i) =>
      `${i + 1}. ${one.text}: "${one.claim}" is **${one.verdict}** (${origin(one)}).`
    ),
    "",
    ...learns ? [] : [NOTHING_LEARNED, ""],
    markdownTable(head, rows),
    "",
    ABOUT_ONE_RUN,
    "",
  ].join("\n");
}

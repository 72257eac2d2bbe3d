import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { parse as align } from "../lib/cli/align.ts";
import { parse as annotate } from "../lib/cli/annotate.ts";
import { parse as judge } from "../lib/cli/judge.ts";
import { SURVEY, surveyPage } from "../lib/cli/survey_table.ts";
import { JUDGE_SPECS } from "../lib/judges/mod.ts";
import { probesNamed } from "../lib/measure/mod.ts";
import { METHODS, principlesNamed } from "../lib/method/mod.ts";
import { ALIGN_STAGES as STAGES } from "../lib/run/align.ts";
import { resolveConfig } from "../lib/run/config.ts";

const PARSERS: Record<string, (args: string[]) => object> = { align, annotate, judge };
const KINDS = new Set(JUDGE_SPECS.map((spec) => spec.replace(/[:[].*/, "")));

/** What a command's flags ask for, as far as a value can be wrong that the flags' own checks let pass. */
interface Asked {
  judge?: string | string[];
  probe?: string;
  own?: string;
  principle?: string;
  stage?: string;
  set?: string[];
}

/** Refuses a command that its own parser refuses, or whose values name nothing. */
function check(line: string): void {
  const [name, ...args] = line.split(" ");
  assert.ok(name in PARSERS, `no parser for "${name}"`);
  const { judge = [], probe, own, principle, stage, set = [] } = PARSERS[name](args) as Asked;
  for (const spec of [judge].flat().flatMap((spec) => spec.split("++"))) {
    for (const kind of spec.split(":").slice(0, -1)) assert.ok(KINDS.has(kind), `judge "${spec}"`);
  }
  if (probe !== undefined) probesNamed(probe, { own: own !== undefined });
  const ownFile = set.some((setting) => setting.startsWith("judge.principlesFile="));
  if (principle !== undefined && !ownFile) principlesNamed(principle.split(","));
  if (stage !== undefined) assert.ok(STAGES.some((one) => one.name === stage), `stage ${stage}`);
  const { selfJudge } = resolveConfig("small", { settings: set });
  assert.ok(Object.hasOwn(METHODS, selfJudge.method), `method ${selfJudge.method}`);
}

describe("the page of the survey", () => {
  it("is the one that is committed", async () => {
    assert.equal(await Deno.readTextFile("data/results/judges/survey.md"), surveyPage());
  });

  const commands = SURVEY.flatMap(({ rows }) => rows).flatMap(({ cells }) => cells)
    .flatMap((cell) => "command" in cell ? [cell.command] : []);
  for (const line of new Set(commands)) it(`has a command that holds: ${line}`, () => check(line));

  it("would be refused with a command that does not hold", () => {
    const wrong = [
      "judge --pairs FILE --jugde longer",
      "judge --pairs FILE --judge modle:PATH",
      "judge --pairs FILE --judge longer --probe lenght",
      "judge --pairs FILE --judge longer --principle feasibility",
      "align --set jsft.rationales=true",
      "align --set selfJudge.method=opsp",
      "align --stage tournaments",
    ];
    for (const line of wrong) assert.throws(() => check(line), line);
  });

  it("has a cell for every column of every row", () => {
    for (const { columns, rows } of SURVEY) {
      for (const { name, cells } of rows) assert.equal(cells.length, columns.length - 1, name);
    }
  });
});

import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { nextLines, onePage, sentenceLines, tableLines } from "../lib/cli/start_report.ts";
import type { Measured } from "../lib/lab/study/claims.ts";
import { FAMILIES } from "../lib/lab/study/families.ts";
import { sentences, VERDICTS } from "../lib/lab/study/one_run.ts";
import { resultTable } from "../lib/show/result_table.ts";
import { onTerminal, terminals } from "./terminal.ts";

const LEAGUE = "data/results/claims/order-desk";
const study = (await resultTable(`${LEAGUE}/claims.csv`))!;
const fresh = (await resultTable("data/results/claims/fresh-bases/claims.csv"))!;

/** A run in which every contrast of the families has the same two values. */
const measured: Measured[] = FAMILIES.flatMap(({ number, contrasts }) =>
  contrasts.map((contrast) => ({
    ...contrast,
    ...{ family: number, valueA: 0.5, valueB: 0.25, difference: 0.25, low: 0.1, high: 0.4 },
    ...{
      runs: 1,
      bases: 1,
      perBase: { "1": 0.25 },
      perSeed: null,
      p: null,
      pAgainst: null,
      pBases: null,
    },
    verdict: "one run" as const,
  }))
);

describe("what a run ends with", () => {
  it("is six sentences, each with the study's numbers and its verdict", () => {
    const found = sentences(measured, study);
    assert.equal(found.length, 6);
    const text = sentenceLines({ measured, study, learns: true });
    for (
      const [i, contrast] of [
        "JSFT judges no worse than judge-only training",
        "SELF-JUDGE > JSFT",
        "on-policy > off-policy, one judge",
        "SELF-JUDGE > RAFT with as many samples",
        "JSFT: N = 4 > 1",
        "soft labels > hard ones, one judge",
      ].entries()
    ) {
      const row = study.find((row) => row.contrast === contrast)!;
      const values = [row.value_a, row.value_b].map(Number);
      const shown = i === 0
        ? values.map((value) => `${(100 * value).toFixed(1)} %`)
        : values.map((value) => value.toFixed(2));
      for (const value of shown) {
        assert.ok(found[i].text.includes(value), `${value}: ${found[i].text}`);
      }
      assert.equal(found[i].verdict, row.verdict);
      assert.equal(found[i].runs, row.runs);
      const plain = text.replaceAll("\n   ", " ");
      assert.ok(
        plain.includes(`${i + 1}. ${found[i].text}: "${found[i].claim}" is ${row.verdict}.`),
        plain,
      );
      if (`${row.verdict}` in VERDICTS) {
        assert.ok(text.includes(`\n${row.verdict}: ${VERDICTS[row.verdict]}`), text);
      }
    }
    // The unfavourable one is among them: RAFT has the larger number.
    assert.ok(
      Number(
        study.find(({ contrast }) => contrast === "SELF-JUDGE > RAFT with as many samples")!
          .difference,
      ) < 0,
    );
  });

  it("has the run's own numbers in the order of the sentence, beside them", () => {
    const own = sentences(measured, study).map(({ own }) => own);
    assert.deepEqual(own, [
      "50.0 %, 25.0 %",
      "0.25, 0.50",
      "0.50, 0.25",
      "0.25, 0.50",
      "0.50, 0.25",
      "0.50, 0.25",
    ]);
    const [first] = sentences([], study);
    assert.equal(first.own, null);
    assert.match(sentenceLines({ measured: [], study, learns: true }), /this run: not measured/);
  });

  it("has what came of a contrast on fresh bases beside the first verdict", () => {
    const gain = fresh.find(({ contrast }) => contrast === "SELF-JUDGE > JSFT")!;
    const found = sentences(measured, study, fresh).map(({ fresh }) => fresh);
    assert.deepEqual(found[1], {
      ...{ verdict: gain.verdict, bases: 7, where: "", values: "1.39, 1.81" },
    });
    assert.deepEqual(found[3], {
      ...{ verdict: "open", bases: 7, where: "", values: "1.96, 1.81" },
    }); // RAFT first, as in the text
    assert.deepEqual([found[0], found[4]], [null, null]); // not tested there
    const text = sentenceLines({ measured, study, fresh, learns: true });
    assert.match(
      text,
      /on 3 bases; held on 7 fresh bases \(1\.39, 1\.81\); this run: 0\.25, 0\.50/,
    );
    assert.match(onePage({ measured, study, fresh, learns: true }), /; held on 7 fresh bases/);
    // Soft labels were tested there by another rule.
    assert.match(
      text.replaceAll("\n   ", " "),
      /held on 7 fresh bases where the judge chose setting and step \(1\.87, 1\.55\); this run/,
    );
  });

  it("says that a contrast was not played, and at smoke scale that nothing is learned", () => {
    const text = sentenceLines({ measured, study: [], learns: false });
    assert.equal(text.match(/is not played\.$/gm)?.length, 6);
    assert.match(text, /next to nothing is learned/);
    assert.doesNotMatch(sentenceLines({ measured, study, learns: true }), /next to nothing/);
    assert.deepEqual(sentences([], []), []);
  });

  it("has the table when asked for: every contrast beside the study's verdict", () => {
    const [head, ...rows] = tableLines({ measured, study, learns: true }).split("\n");
    assert.match(head, /^contrast +values +this run's difference +the study's verdict$/);
    for (const [i, { text }] of measured.entries()) assert.ok(rows[i].startsWith(text), rows[i]);
    assert.match(
      rows[0],
      /0\.500, 0\.250 +\+0\.250 \[\+0\.100, \+0\.400\] +held \(-0\.022, 6 runs\)$/,
    );
    const page = onePage({ measured, study, learns: true });
    assert.match(page, /^5\. The best of four .*: "choosing helps" is \*\*held\*\* \(/m);
    assert.match(page, /^\| JSFT: N = 4 > 1 \| 0\.500, 0\.250 \| /m);
  });

  it("names the tables and commands to run next, as a shell takes them", () => {
    const places = { run: "runs/a b", league: LEAGUE };
    const text = nextLines({ ...places, options: ["--run", "runs/a b"], all: true });
    assert.ok(
      text.startsWith(`tables: runs/a b/results/claims.md; the study's: ${LEAGUE}/claims.md\n`),
    );
    assert.match(text, /^next: {3}deno task start --run 'runs\/a b' --table {2,}every contrast/m);
    assert.match(text, /^ {8}deno task figures 'runs\/a b' /m);
    const asked = nextLines({ ...places, options: ["--table"], all: true });
    assert.match(asked, /^next: {3}deno task figures /m);
    assert.doesNotMatch(asked, /--table|--more/);
    const some = nextLines({ ...places, options: ["--table"], all: false });
    assert.match(some, /^next: {3}deno task start --table --more {2,}five more methods/m);
  });

  (terminals ? it : it.skip)(
    "is coloured on a terminal alone, and not under NO_COLOR",
    async () => {
      const program = [Deno.execPath(), "run", "--quiet", "-A", "tests/start_report_printed.ts"];
      const bright = await onTerminal(program, { columns: 60 });
      const held = bright.text.split("\x1b[32mheld\x1b[39m.").length - 1;
      const verdicts = sentences([], study).map(({ verdict }) => verdict);
      assert.equal(held, verdicts.filter((verdict) => verdict === "held").length);
      const own = bright.text.split("tables:")[0].split("\n").map((line) =>
        stripVTControlCharacters(line).trimEnd()
      );
      assert.ok(own.every((line) => line.length <= 60), own.join("\n"));
      const plain = await onTerminal(program, { columns: 60, env: { NO_COLOR: "1" } });
      assert.equal(plain.text, stripVTControlCharacters(bright.text));
      const { NO_COLOR: _, FORCE_COLOR: __, ...env } = Deno.env.toObject();
      const { stdout } = await new Deno.Command(program[0], {
        args: program.slice(1),
        ...{ clearEnv: true, env, stdin: "null" } as const,
      }).output();
      assert.ok(!new TextDecoder().decode(stdout).includes("\x1b"));
    },
  );
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { pageRows } from "../lib/benchmark/page_rows.ts";
import { firstPosition, longerWins } from "../lib/measure/mod.ts";
import { comparisonPage, type ComparisonRow } from "../lib/benchmark/comparison_page.ts";
import { answerSet, judged, question } from "./benchmark_fakes.ts";
import { inPage, itInChromium } from "./chromium_page.ts";
import { folder } from "./temporary_files.ts";

const EVIL =
  '<script>window.broken = 1</script><img src=x onerror="window.broken = 2">&amp;"\'</div>';

const clear = {
  turn: 1,
  winner: "first",
  consistent: true,
  pFirst: 0.8,
  positions: [{ a: 0.7, b: 0.2 }, { a: 0.1, b: 0.6 }],
} as const;
const split = {
  turn: 1,
  winner: "second",
  consistent: false,
  pFirst: 0.45,
  positions: [{ a: 0.6, b: 0.4 }, { a: 0.7, b: 0.3 }],
} as const;
const silent = {
  turn: 1,
  winner: "none",
  consistent: null,
  pFirst: null,
  positions: [{ a: 0, b: 0, reply: "I cannot." }, { a: 0, b: 0, reply: EVIL }],
} as const;

const ROWS: ComparisonRow[] = [
  {
    id: "81",
    category: "writing",
    turns: ["Write a poem."],
    answers: [["Roses are red"], ["No"]],
    verdicts: [clear],
  },
  {
    id: "101",
    category: "math",
    turns: ["2 + 2?", "Twice that?"],
    reference: ["4", "8"],
    answers: [["4", "8"], ["5", ""]],
    verdicts: [split, { ...clear, turn: 2, winner: "tie" }],
    grades: [[8.25, null], [2, 1]],
  },
  {
    id: EVIL,
    category: `a "quoted" <b>`,
    turns: [EVIL],
    answers: [[EVIL], ["שלום"]],
    verdicts: [silent],
  },
];
const page = comparisonPage(ROWS, {
  title: `MT-Bench ${EVIL}`,
  models: ["tuned", `base${EVIL}`],
  judge: EVIL,
});

/** Sets the filters as a user would, and gives the ids of what is shown with the words of the counter. */
const filter = (fields: Record<string, string>) => `
  for (const [id, value] of Object.entries(${JSON.stringify(fields)})) {
    const field = document.getElementById(id);
    field.value = value;
    if (field.value !== value) throw new Error(id + " cannot be " + value);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  const shown = [...document.querySelectorAll("article")]
    .map((article, i) => article.checkVisibility() ? i : -1).filter((i) => i >= 0);
  return { shown, count: document.getElementById("count").textContent,
    nothing: document.getElementById("nothing").checkVisibility() };
`;

interface Shown {
  shown: number[];
  count: string;
  nothing: boolean;
}

describe("comparisonPage", () => {
  it("needs no other file and no network, and forbids every request", () => {
    assert.match(
      page,
      /Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"/,
    );
    const outside = comparisonPage(ROWS.slice(0, 2), {
      title: "t",
      models: ["a", "b"],
      judge: "j",
    });
    assert.doesNotMatch(outside, /\b(src|href)=|url\(|@import|https?:/);
  });

  it("escapes every text", () => {
    assert.equal(page.match(/<script>/g)!.length, 1);
    assert.doesNotMatch(page, /<img/);
    assert.equal(page.split("&lt;img src=x").length > 8, true);
  });

  it("shows both positions with whose answer stood where, and what each named", () => {
    const plain = comparisonPage([ROWS[1]], { title: "t", models: ["tuned", "base"], judge: "j" });
    assert.match(
      plain,
      /Verdict, turn 1: <b>base wins<\/b> by the mean of both positions, P\(tuned better\) = 0\.450; the positions disagree/,
    );
    assert.match(
      plain,
      /A is tuned, B is base<\/th><td class="number">0\.600<\/td><td class="number">0\.400<\/td><td>tuned</,
    );
    assert.match(
      plain,
      /A is base, B is tuned<\/th><td class="number">0\.700<\/td><td class="number">0\.300<\/td><td>base</,
    );
    assert.match(plain, /grade 8\.25/);
    assert.match(plain, /grade none/);
    assert.match(plain, /an empty answer/);
  });

  it("is made of a benchmark's records", async () => {
    const questions = [question(1, "writing"), question(2, "math", { reference: true })];
    const sets = [
      answerSet("m", questions, () => "long"),
      answerSet("b", questions, () => "no"),
    ] as const;
    const file = `${folder.path}/page/j_pair.jsonl`;
    const pairs = await judged(longerWins, questions, sets, { name: "longer", file });
    const [row, withReference] = pageRows(questions, sets, { pairs });
    assert.deepEqual(
      row.verdicts.map((
        { turn, winner, consistent, pFirst },
      ) => [turn, winner, consistent, pFirst]),
      [
        [1, "first", true, 1],
        [2, "first", true, 1],
      ],
    );
    assert.deepEqual(withReference.reference, ["Known 2.1.", "Known 2.2."]);
    const position = await judged(firstPosition, questions, sets, { name: "first", file });
    const [{ verdicts: [verdict] }] = pageRows(questions, sets, { pairs: position });
    assert.deepEqual([verdict.winner, verdict.consistent, verdict.pFirst], ["tie", false, 0.5]);
  });

  itInChromium("shows everything at first, and what others wrote as text", async () => {
    const found = await inPage<Shown & { broken: unknown; title: string; words: string }>(
      page,
      filter({}).replace(
        "return {",
        "return { broken: window.broken ?? null, title: document.title, " +
          "words: document.querySelectorAll('article')[2].querySelector('.answer .words').textContent,",
      ),
    );
    assert.deepEqual(found.shown, [0, 1, 2]);
    assert.equal(found.count, "3 of 3 questions");
    assert.equal(found.broken, null);
    assert.equal(found.words, EVIL);
    assert.ok(found.title.includes(EVIL));
  });

  const cases: [string, Record<string, string>, number[]][] = [
    ["category", { category: "math" }, [1]],
    ["a category with odd letters", { category: `a "quoted" <b>` }, [2]],
    ["winner, in any turn", { winner: "first" }, [0]],
    ["a tie in any turn", { winner: "tie" }, [1]],
    ["no verdict", { winner: "none" }, [2]],
    ["positions that disagree", { consistent: "no" }, [1]],
    ["positions that agree", { consistent: "yes" }, [0, 1]],
    ["all words of a search, in any order and case", { search: "RED roses" }, [0]],
    ["words of the judge's reply", { search: "cannot" }, [2]],
    ["several at once", { category: "writing", consistent: "yes", search: "poem" }, [0]],
  ];
  // One Chromium for all of them: starting it takes longer than they do.
  let results: Promise<Shown[]> | undefined;
  const filtered = () =>
    results ??= inPage<Shown[]>(
      page,
      `return [${
        cases.map(([, fields]) => {
          const all = { category: "", winner: "", consistent: "", search: "", ...fields };
          return `(() => { ${filter(all)} })()`;
        }).join(",")
      }];`,
    );
  cases.forEach(([what, , expected], i) =>
    itInChromium(`filters by ${what}`, async () => {
      const { shown, count, nothing } = (await filtered())[i];
      assert.deepEqual(shown, expected);
      assert.equal(count, `${expected.length} of 3 questions`);
      assert.equal(nothing, false);
    })
  );

  itInChromium("says so where nothing fits, and shows all again on reset", async () => {
    const found = await inPage<{ none: Shown; again: Shown }>(
      page,
      `
      const none = (() => { ${filter({ search: "nowhere" })} })();
      document.querySelector("button[type=reset]").click();
      await new Promise((done) => setTimeout(done, 50));
      const again = (() => { ${filter({})} })();
      return { none, again };
    `,
    );
    assert.deepEqual([found.none.shown, found.none.nothing], [[], true]);
    assert.deepEqual([found.again.shown, found.again.nothing], [[0, 1, 2], false]);
  });

  itInChromium("takes filters from the address and keeps them there", async () => {
    const found = await inPage<Shown & { hash: string }>(
      page,
      filter({ consistent: "no" }).replace("return {", "return { hash: location.hash,"),
      { hash: "#category=math" },
    );
    assert.deepEqual(found.shown, [1]);
    assert.equal(found.hash, "#category=math&consistent=no");
  });

  itInChromium(
    "has a label on every control, headings in order and tables with headers",
    async () => {
      const found = await inPage<Record<string, unknown>>(
        page,
        `
      const controls = [...document.querySelectorAll("select, input")];
      return {
        unlabelled: controls.filter((c) => !c.labels.length || !c.labels[0].textContent.trim()).length,
        controls: controls.length,
        live: document.getElementById("count").getAttribute("role"),
        lang: document.documentElement.lang,
        levels: [...document.querySelectorAll("h1, h2, h3")].map((h) => Number(h.tagName[1]))
          .every((level, i, all) => i === 0 ? level === 1 : level - all[i - 1] <= 1),
        tables: [...document.querySelectorAll("table")].every((t) => t.caption && t.querySelectorAll("th[scope]").length >= 6),
        named: [...document.querySelectorAll("article")].every((a) => document.getElementById(a.getAttribute("aria-labelledby"))),
        ids: new Set([...document.querySelectorAll("[id]")].map(({ id }) => id)).size === document.querySelectorAll("[id]").length,
        hebrew: getComputedStyle(document.querySelectorAll("article")[2].querySelectorAll(".answer .words")[1]).direction,
      };
    `,
      );
      assert.deepEqual(found, {
        unlabelled: 0,
        controls: 4,
        live: "status",
        lang: "en",
        levels: true,
        tables: true,
        named: true,
        ids: true,
        hebrew: "rtl",
      });
    },
  );

  itInChromium("breaks no rule of axe-core, WCAG 2 A and AA", async () => {
    const axe = await Deno.readTextFile(new URL(import.meta.resolve("axe-core/axe.min.js")));
    const found = await inPage<string[]>(
      page.replace(
        "</head>",
        () => `<script>${axe.replaceAll("</script", "<\\/script")}</script></head>`,
      ),
      `const { violations } = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "best-practice"] });
       return violations.map(({ id, nodes }) => id + ": " + nodes[0].html + " " + nodes[0].failureSummary);`,
    );
    assert.deepEqual(found, []);
  });

  itInChromium("fits a narrow window", async () => {
    const wide = await inPage<number>(
      page,
      "return document.documentElement.scrollWidth - document.documentElement.clientWidth;",
      { args: ["--window-size=400,800"] },
    );
    assert.ok(wide <= 0, `${wide} pixels too wide`);
  });

  itInChromium("shows every row without the script, and no filters", async () => {
    const still = page.replace(/<script>[^]*<\/script>/, "");
    const found = await inPage<number[]>(
      still,
      `return [
      [...document.querySelectorAll("article")].filter((a) => a.checkVisibility()).length,
      Number(document.getElementById("filters").checkVisibility())];`,
    );
    assert.deepEqual(found, [3, 0]);
  });
});

/** The answers of two models side by side with what a judge said of them: one HTML file that needs no other. */
import { COMPARISON_SCRIPT, COMPARISON_STYLE } from "./comparison_parts.ts";
import { escapeHtml } from "../show/html_table.ts";

/** A judge's verdict on one turn. */
export interface ComparisonVerdict {
  /** From 1. */
  readonly turn: number;
  /** "none": the judge did not answer. */
  readonly winner: "first" | "second" | "tie" | "none";
  /** Whether both positions name the same; null where only one position is known. */
  readonly consistent: boolean | null;
  /** Probability that the first model's answer is the better one, in [0, 1]; null where there is no verdict. */
  readonly pFirst: number | null;
  /**
   * Each position's label probabilities, first model in position A and then in position B, and its words, if any. Empty
   * where the judge was not asked, since the answers are the same.
   */
  readonly positions: readonly {
    readonly a: number;
    readonly b: number;
    readonly reply?: string;
  }[];
}

/** One question with two models' answers. */
export interface ComparisonRow {
  readonly id: string;
  readonly category: string;
  /** What the user said, turn by turn. */
  readonly turns: readonly string[];
  readonly reference?: readonly string[] | null;
  /** Each model's answers, turn by turn. */
  readonly answers: readonly [readonly string[], readonly string[]];
  /** One a turn that was judged. */
  readonly verdicts: readonly ComparisonVerdict[];
  /** Each model's grades, turn by turn, from 1 to 10; null where the judge gave none. */
  readonly grades?: readonly [readonly (number | null)[], readonly (number | null)[]];
}

/** Words of the page. */
export interface ComparisonPageOptions {
  readonly title: string;
  /** Names of the first and the second model. */
  readonly models: readonly [string, string];
  readonly judge: string;
}

/**
 * A page to read what the numbers mean: every question with both answers, the verdict in both positions with its
 * probabilities, filters by category, winner and consistency, and a search in all words.
 *
 * It is one file without links to others; its content policy forbids any request. Without scripts all
 * rows are shown and the filters are not. Every text is escaped.
 *
 * @example
 * ```ts
 * import { comparisonPage } from "./comparison_page.ts";
 * const html = comparisonPage([{
 *   id: "81", category: "writing", turns: ["Hi"], answers: [["Hello."], ["Yes?"]],
 *   verdicts: [{ turn: 1, winner: "first", consistent: true, pFirst: 0.8,
 *     positions: [{ a: 0.8, b: 0.2 }, { a: 0.2, b: 0.8 }] }],
 * }], { title: "MT-Bench", models: ["tuned", "base"], judge: "longer" });
 * ```
 */
export function comparisonPage(
  rows: readonly ComparisonRow[],
  { title, models, judge }: ComparisonPageOptions,
): string {
  const [first, second] = models.map(escapeHtml);
  const categories = [...new Set(rows.map(({ category }) => category))];
  const options = categories.map((category) =>
    `<option value="${escapeHtml(category)}">${escapeHtml(category)}</option>`
  ).join("");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escapeHtml(title)}: ${first} and ${second}</title>
<style>${COMPARISON_STYLE}</style>
</head>
<body>
<header>
<h1>${escapeHtml(title)}: ${first} and ${second}</h1>
<p>${rows.length} questions, judged by ${
    escapeHtml(judge)
  } with the answers in both positions: <b>A</b> is the position
that comes first. Answers are shown as the models wrote them.</p>
</header>
<form id="filters" aria-label="Filters" hidden>
<label>Category <select id="category"><option value="">all</option>${options}</select></label>
<label>Winner <select id="winner"><option value="">any</option>
<option value="first">${first}</option><option value="second">${second}</option>
<option value="tie">tie</option><option value="none">no verdict</option></select></label>
<label>Positions <select id="consistent"><option value="">any</option>
<option value="yes">name the same</option><option value="no">disagree</option></select></label>
<label>Search <input id="search" type="search" placeholder="all words must occur" autocomplete="off"></label>
<button type="reset">Show all</button>
<output id="count" role="status" for="category winner consistent search"></output>
</form>
<main id="rows">
${rows.map((row, i) => article(row, i, models)).join("\n")}
<p id="nothing" hidden>No question matches the filters.</p>
</main>
<script>${COMPARISON_SCRIPT}</script>
</body>
</html>
`;
}

function article(row: ComparisonRow, index: number, models: readonly [string, string]): string {
  const { id, category, turns, reference, answers, verdicts, grades } = row;
  const winners = [...new Set(verdicts.map(({ winner }) => winner))].join(" ") || "none";
  const positions = [
    ...new Set(
      verdicts.flatMap(({ consistent }) => consistent === null ? [] : [consistent ? "yes" : "no"]),
    ),
  ].join(" ");
  const count = Math.max(turns.length, ...answers.map(({ length }) => length));
  const parts = Array.from({ length: count }, (_, t) => {
    const several = count > 1 ? `, turn ${t + 1}` : "";
    const side = (m: 0 | 1) => {
      const grade = grades?.[m][t];
      const graded = grade === undefined
        ? ""
        : ` <span class="grade">grade ${grade === null ? "none" : grade.toFixed(2)}</span>`;
      const text = answers[m][t];
      return `<section class="answer"><h3>${escapeHtml(models[m])}${several}${graded}</h3>
${
        text === undefined
          ? '<p class="none">not answered</p>'
          : text.trim() === ""
          ? '<p class="none">an empty answer</p>'
          : words(text)
      }</section>`;
    };
    const known = reference?.[t];
    const verdict = verdicts.find(({ turn }) => turn === t + 1);
    return `<div class="turn"><section class="question"><h3>User${several}</h3>
${words(turns[t] ?? "")}</section>
${
      known === undefined
        ? ""
        : `<details><summary>Reference answer${several}</summary>${words(known)}</details>`
    }
<div class="pair">${side(0)}${side(1)}</div>
${verdict === undefined ? "" : verdictTable(verdict, models, several)}</div>`;
  });
  return `<article data-category="${
    escapeHtml(category)
  }" data-winner="${winners}" data-consistent="${positions}" aria-labelledby="q${index}">
<h2 id="q${index}">Question ${escapeHtml(id)} <span class="category">${
    escapeHtml(category)
  }</span></h2>
${parts.join("\n")}
</article>`;
}

function verdictTable(
  { winner, consistent, pFirst, positions }: ComparisonVerdict,
  models: readonly [string, string],
  several: string,
): string {
  const names = models.map(escapeHtml);
  const who = {
    first: `${names[0]} wins`,
    second: `${names[1]} wins`,
    tie: "a tie",
    none: "no verdict",
  };
  const how = positions.length === 0
    ? "not asked, the answers are the same"
    : consistent === null
    ? (winner === "none" ? "neither label has a probability to speak of" : "one position known")
    : consistent
    ? "both positions name the same"
    : "the positions disagree";
  const mean = consistent === false && winner !== "none" ? " by the mean of both positions" : "";
  const p = pFirst === null ? "" : `, P(${names[0]} better) = ${pFirst.toFixed(3)}`;
  const rows = positions.map(({ a, b, reply }, i) => {
    const [nameA, nameB] = i === 0 ? names : [names[1], names[0]];
    const named = a === b ? (a === 0 ? "neither" : "a tie") : a > b ? nameA : nameB;
    const cell = reply === undefined ? "" : `<td>${words(reply)}</td>`;
    return `<tr><th scope="row">A is ${nameA}, B is ${nameB}</th><td class="number">${
      a.toFixed(3)
    }</td>` +
      `<td class="number">${b.toFixed(3)}</td><td>${named}</td>${cell}</tr>`;
  });
  if (positions.length === 0) {
    return `<p>Verdict${several}: <b>${who[winner]}</b>; ${how}</p>`;
  }
  const heading = positions.some(({ reply }) => reply !== undefined)
    ? '<th scope="col">reply</th>'
    : "";
  return `<div class="scroll"><table class="${
    winner === "none" ? "none" : consistent === false ? "split" : "clear"
  }">
<caption>Verdict${several}: <b>${who[winner]}</b>${mean}${p}; ${how}</caption>
<thead><tr><th scope="col">position</th><th scope="col">P(A)</th><th scope="col">P(B)</th><th scope="col">names</th>${heading}</tr></thead>
<tbody>${rows.join("")}</tbody></table></div>`;
}

/** Text as it was written; right-to-left scripts run their own way. */
function words(text: string): string {
  return `<div class="words" dir="auto">${escapeHtml(text)}</div>`;
}

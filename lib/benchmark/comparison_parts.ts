/** Style and script of the comparison page. */
import { INK } from "../show/style.ts";

export const COMPARISON_STYLE = `
:root { color-scheme: light; }
body { font: 16px/1.5 "DejaVu Sans", Helvetica, Arial, sans-serif; color: ${INK.text}; background: white;
  margin: 1.5rem auto; max-width: 1240px; padding: 0 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin: 0 0 0.5rem; }
h3 { font-size: 0.9rem; margin: 0 0 0.25rem; color: #444; }
header p { max-width: 50rem; }
form { position: sticky; top: 0; z-index: 1; background: white; border-bottom: 2px solid ${INK.text};
  padding: 0.6rem 0; display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: end; }
form[hidden] { display: none; }
label { display: flex; flex-direction: column; font-size: 0.85rem; }
select, input, button { font: inherit; color: inherit; background: white; border: 1px solid #767676;
  border-radius: 4px; padding: 0.25rem 0.5rem; max-width: 20rem; }
:focus-visible { outline: 3px solid ${INK.blue}; outline-offset: 1px; }
article { border: 1px solid #bbb; border-radius: 6px; padding: 0.9rem 1rem; margin: 1.2rem 0; scroll-margin-top: 6rem; }
article[hidden] { display: none; }
.category, .grade { font-size: 0.85rem; font-weight: normal; border: 1px solid #999; border-radius: 9px; padding: 0 0.5rem; }
.turn + .turn { border-top: 1px dashed #999; margin-top: 1rem; padding-top: 1rem; }
.question { background: #f3f3f3; border-radius: 4px; padding: 0.5rem 0.7rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 0.8rem; margin: 0.7rem 0; }
.answer { border: 1px solid ${INK.pale}; border-radius: 4px; padding: 0.5rem 0.7rem; min-width: 0; }
.words { white-space: pre-wrap; overflow-wrap: anywhere; }
.none { font-style: italic; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; min-width: min(100%, 40rem); font-size: 0.9rem; border-left: 5px solid ${INK.blue}; }
table.split { border-left-color: ${INK.orange}; border-left-style: double; }
table.none { border-left-color: ${INK.grey}; border-left-style: dotted; }
caption { text-align: left; padding: 0.2rem 0; }
th, td { text-align: left; font-weight: normal; padding: 0.15rem 0.9rem 0.15rem 0.6rem; vertical-align: top; }
thead th { border-bottom: 1px solid #999; }
.number { font-variant-numeric: tabular-nums; }
@media print { form { display: none; } article { break-inside: avoid; } }
`;

// In the address's fragment filters survive a reload and can be passed on.
export const COMPARISON_SCRIPT = `
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const form = byId("filters");
  const fields = ["category", "winner", "consistent", "search"].map(byId);
  const rows = [...document.querySelectorAll("article")].map((element) => ({
    element,
    data: element.dataset,
    words: element.textContent.toLowerCase(),
  }));
  const has = (list, value) => value === "" || list.split(" ").includes(value);
  const apply = () => {
    const [category, winner, consistent, search] = fields.map((field) => field.value);
    const wanted = search.toLowerCase().split(/\\s+/).filter(Boolean);
    let shown = 0;
    for (const { element, data, words } of rows) {
      const fits = (category === "" || data.category === category) && has(data.winner, winner) &&
        has(data.consistent, consistent) && wanted.every((word) => words.includes(word));
      element.hidden = !fits;
      if (fits) shown++;
    }
    byId("count").textContent = shown + " of " + rows.length + " questions";
    byId("nothing").hidden = shown > 0;
    const set = fields.filter((field) => field.value !== "").map((field) => [field.id, field.value]);
    const hash = new URLSearchParams(set).toString();
    try {
      history.replaceState(null, "", "#" + hash);
    } catch {
      // A viewer that forbids it shows the page all the same.
    }
  };
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
    const field = fields.find(({ id }) => id === name);
    if (field) field.value = value;
  }
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  form.hidden = false;
  apply();
})();
`;

/** The gallery: one HTML file with every figure interactive, which needs no network and no other file. */
import type { Figure } from "./style.ts";
import { INK } from "./style.ts";

/** A figure with its words. */
export interface Exhibit {
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  /** Its tables, and the way to each from the page. */
  readonly tables: readonly { readonly path: string; readonly href: string }[];
  readonly figure: Figure;
}

const STYLE = `
:root { color-scheme: light dark; --ink: ${INK.text}; --paper: white; --link: ${INK.blue}; --source: #555; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e6; --paper: #181818; --link: ${INK.sky}; --source: #aaa; }
  .figure { padding: 0.5rem; border-radius: 6px; } /* figures are dark on white in either theme */
}
body { font: 16px/1.5 "DejaVu Sans", Helvetica, Arial, sans-serif; color: var(--ink); background: var(--paper);
  margin: 2rem auto; max-width: 1240px; padding: 0 1rem; overflow-wrap: anywhere; }
h1, h2 { line-height: 1.2; }
h2 { margin: 3rem 0 0.5rem; }
p { max-width: 46rem; }
a { color: var(--link); }
nav ul { columns: 22rem; padding-left: 1.2rem; }
.figure { overflow-x: auto; background: white; color-scheme: light; width: fit-content; max-width: 100%;
  box-sizing: border-box; }
.source { font-size: 0.85rem; color: var(--source); }
@media print { section { break-inside: avoid; } nav { display: none; } }
`;

/**
 * The page. plotly.js goes in once, gzipped and in base64: a third of its size, unpacked by the browser.
 *
 * @param plotly Source of plotly.js
 */
export async function gallery(exhibits: readonly Exhibit[], plotly: string): Promise<string> {
  const sections = exhibits.map(({ name, title, caption, tables }) =>
    `<section id="${escaped(name)}">
<h2>${escaped(title)}</h2>
<p>${escaped(caption)}</p>
<div class="figure" id="figure-${escaped(name)}"></div>
<p class="source"><a href="${escaped(name)}.svg">${escaped(name)}.svg</a>, from ${
      tables.map(({ path, href }) => `<a href="${escaped(href)}">${escaped(path)}</a>`).join(", ")
    }</p>
</section>`
  );
  const specs = exhibits.map(({ name, figure: { data, layout } }) => ({ name, data, layout }));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>SELF-JUDGE: figures</title>
<style>${STYLE}</style>
</head>
<body>
<h1>SELF-JUDGE: figures</h1>
<p>Every figure of the project, drawn from the tables named below it. Point at a mark for its values, drag
to zoom, double-click to zoom out. <code>deno task figures</code> makes this page again.</p>
<nav><ul>
${
    exhibits.map(({ name, title }) => `<li><a href="#${escaped(name)}">${escaped(title)}</a></li>`)
      .join("\n")
  }
</ul></nav>
${sections.join("\n")}
<script type="application/gzip" id="plotly">${await gzipped(plotly)}</script>
<script type="application/json" id="figures">${
    JSON.stringify(specs).replaceAll("<", "\\u003c")
  }</script>
<script>
(async () => {
  const text = (id) => document.getElementById(id).textContent;
  const bytes = Uint8Array.from(atob(text("plotly")), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
  for (const { name, data, layout } of JSON.parse(text("figures"))) {
    await Plotly.newPlot("figure-" + name, data, layout, { displayModeBar: false });
  }
  document.body.dataset.drawn = "yes";
})();
</script>
</body>
</html>
`;
}

async function gzipped(text: string): Promise<string> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer()).toBase64();
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll(
    '"',
    "&quot;",
  );

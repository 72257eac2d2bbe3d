import { markdownTable } from "../base/markdown_table.ts";
import type { Method } from "./method.ts";
import { METHODS } from "./methods.ts";

const SAMPLER: Record<Method["samples"], string> = {
  policy: "the policy",
  start: "the model it started from",
  dataset: "nobody: the data set's two",
};

const RANKER: Record<Method["ranker"], string> = {
  "judge": "the model it started from",
  "labels": "the labels",
  "policy": "the policy",
  "refreshed": "a copy of the policy, renewed",
  "separate": "a judge trained apart",
  "reward-model": "a reward model",
  "truth": "the true reward",
  "chance": "a coin",
  "discriminator": "a reward model, kept fresh",
  "dpo-discriminator": "a model trained by DPO, kept fresh",
  "given": "any judge",
  "none": "nobody",
};

/** Networks beside the policy, whose start is its reference; with an adapter that is the same weights. */
const NETWORKS: Partial<Record<Method["ranker"], string>> = {
  "refreshed": "a copy",
  "separate": "a judge",
  "reward-model": "a reward model",
  "discriminator": "a reward model",
  "dpo-discriminator": "a copy",
  "given": "the judge's own",
};

/** How well a method is known, in words. */
const KNOWN: Record<NonNullable<Method["known"]>, string> = {
  V: "read",
  S: "from summaries",
  R: "reconstruction",
};

/** Who samples, who ranks and which loss, in words. */
export function partsInWords(method: Method): Record<"samples" | "ranks" | "loss", string> {
  const { samples, candidates, ranker, gold, loss, labels, words } = method;
  return {
    samples: SAMPLER[samples] + (samples === "dataset" ? "" : `, ${candidates}`),
    ranks: (words?.ranks ?? RANKER[ranker]) + (gold ? "; gold labels for some" : ""),
    loss: words?.loss ?? loss + (labels === "soft" ? ", soft labels" : ""),
  };
}

/** A method in words, as every table of methods has it. */
export function methodInWords(name: string): Record<string, string> {
  const method: Method = METHODS[name as keyof typeof METHODS];
  const { ranker, head, source, known = "V" } = method;
  const [, year, month] = /arxiv\.org\/abs\/(\d\d)(\d\d)\./.exec(source) ?? [];
  return {
    method: `\`${name}\``,
    year: year && month ? `20${year}` : /(20\d\d)/.exec(source)?.[1] ?? "",
    ...partsInWords(method),
    networks: NETWORKS[ranker] ?? (head ? "a linear head" : "none"),
    source,
    known: KNOWN[known],
  };
}

/** Every method as a Markdown table. */
export function methodTable(): string {
  const rows = Object.keys(METHODS).map(methodInWords);
  const columns = Object.keys(rows[0]);
  return markdownTable(columns, rows.map((row) => columns.map((column) => row[column])));
}

/** What stands before and behind the table in a file that holds it. */
const MARKS = ["<!-- methods -->", "<!-- end of methods -->"] as const;

/** A text with its table of methods made anew. @throws {RangeError} where it has no place for one */
export function withMethodTable(text: string): string {
  const [from, to] = [text.indexOf(MARKS[0]), text.indexOf(MARKS[1])];
  if (from < 0 || to < from) throw new RangeError(`there is no ${MARKS[0]} before ${MARKS[1]}`);
  return `${text.slice(0, from + MARKS[0].length)}\n\n${methodTable()}\n\n${text.slice(to)}`;
}

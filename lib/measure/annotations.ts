import { z } from "zod";
import { characters } from "../base/characters.ts";
import { UserError } from "../base/error.ts";
import { parseRecord, quote, readItems, stem } from "../preference/mod.ts";
import { type FileWarning, FileWarnings } from "../preference/file_warnings.ts";

/** Older files of AlpacaEval call the baseline's writer "generator". */
const BaselineName = z.string().nullish();

const ItemSchema = z.object({
  instruction: z.string(),
  output_1: z.string().nullable(),
  output_2: z.string().nullable(),
  preference: z.number().nullable().refine(
    (p) => p === null || p === 0 || p >= 1 && p <= 2,
    "outside [1, 2]",
  ),
  generator_1: BaselineName,
  generator: BaselineName,
  generator_2: z.string().nullish(),
  annotator: z.string().nullish(),
});

/** One instruction answered by the baseline and by the model. */
export interface ComparedItem {
  /** Place in the file, from 1. */
  readonly item: number;
  readonly instruction: string;
  /** The annotator's probability that the model's answer is the better one, in [0, 1]; null if none. */
  readonly preference: number | null;
  /** The baseline's answer; null where the file has none. */
  readonly baselineAnswer: string | null;
  /** Characters (Unicode code points, as Python counts them) of each answer. */
  readonly lengths: { readonly baseline: number | null; readonly model: number | null };
}

/** A model's comparisons against one baseline. */
export interface ComparisonFile {
  readonly file: string;
  /** The file's name without folder and endings. */
  readonly model: string;
  /** Who wrote `output_1` and `output_2`, where the file says so. */
  readonly baseline: string | null;
  readonly generator: string | null;
  /** Who gave the preferences, where the file says so. */
  readonly annotator: string | null;
  /** At least one with a preference. */
  readonly items: readonly ComparedItem[];
  /** What the reader has to know of the items, counted. */
  readonly warnings: readonly FileWarning[];
}

/** Settings of {@linkcode readComparisons}. */
export interface ReadComparisonsOptions {
  /** `fail` (default) throws at the first item with a missing or wrong field; `skip` leaves it out, counted. */
  readonly onBadItem?: "fail" | "skip";
  /** The annotator whose items are read; those of others are left out, counted. @default the file's only one */
  readonly annotator?: string;
}

/**
 * Reads an AlpacaEval `annotations.json` (also gzip) as it is: `output_1` is the baseline's answer,
 * `output_2` the model's, `preference` 1 + the annotator's probability of `output_2`. Further fields and
 * their order do not matter.
 *
 * As in AlpacaEval, a null or NaN preference (the annotator's answer could not be read) is left out of
 * every rate, and 0 is an old spelling of the draw 1.5; both are counted in `warnings`, and so are
 * instructions that come twice (each counts) and answers that are null (no length).
 *
 * @throws {UserError} The file cannot be read; an item has a missing or wrong field or a preference outside
 * [1, 2] (unless skipped); two items name different baselines, models or annotators; no item has a preference.
 *
 * @example
 * ```ts ignore
 * import { readComparisons } from "./annotations.ts";
 * const { model, items } = await readComparisons("results/claude-2.json.gz");
 * ```
 */
export async function readComparisons(
  file: string,
  { onBadItem = "fail", annotator }: ReadComparisonsOptions = {},
): Promise<ComparisonFile> {
  const warnings = new FileWarnings(file);
  const items: ComparedItem[] = [];
  const seen = new Set<string>();
  const names: Names = { generator_1: null, generator_2: null, annotator: null };
  const others = new Set<string>();
  for await (const { line: item, value } of readItems(file)) {
    const parsed = parseRecord(ItemSchema, value);
    if ("reason" in parsed) {
      const { reason, detail } = parsed;
      if (onBadItem === "fail") {
        throw new UserError(
          `${file} item ${item}: ${reason}${detail === undefined ? "" : ` (${detail})`}`,
          "correct the item, or leave such items out, counted, with --on-bad-line skip",
        );
      }
      warnings.add(`left out: ${reason}`, item);
      continue;
    }
    const { generator, ...fields } = parsed.value;
    const record = { ...fields, generator_1: fields.generator_1 ?? generator };
    if (annotator !== undefined && record.annotator !== annotator) {
      others.add(record.annotator ?? "(none named)");
      warnings.add(`left out: not of the annotator ${quote(annotator)}`, item);
      continue;
    }
    checkNames(names, { file, item, record });
    if (record.generator_1 == null) {
      warnings.add("no generator_1, so its baseline is not known", item);
    }
    if (record.preference === null) warnings.add("no preference (null or NaN): in no rate", item);
    if (record.preference === 0) warnings.add("preference 0, an old spelling of a draw: 1.5", item);
    if (record.output_1 === null) warnings.add("no baseline answer (output_1 is null)", item);
    if (record.output_2 === null) warnings.add("no answer (output_2 is null)", item);
    if (seen.has(record.instruction)) {
      warnings.add("the instruction came before: both comparisons count", item);
    }
    seen.add(record.instruction);
    items.push({
      item,
      instruction: record.instruction,
      preference: record.preference === null ? null : (record.preference || 1.5) - 1,
      baselineAnswer: record.output_1,
      lengths: { baseline: lengthOf(record.output_1), model: lengthOf(record.output_2) },
    });
  }
  if (!items.some(({ preference }) => preference !== null)) {
    if (others.size > 0) {
      throw new UserError(
        `${file} holds no comparison of the annotator ${quote(annotator!)}`,
        `its annotators are ${[...others].map(quote).join(", ")}`,
      );
    }
    const skipped = warnings.list().map(({ reason, items }) => `${items.length} x ${reason}`);
    throw new UserError(
      `${file} holds no comparison with a preference${
        skipped.length === 0 ? "" : ` (${skipped.join("; ")})`
      }`,
      "a rate of nothing has no value: annotate the answers again, or leave the file out",
    );
  }
  return {
    file,
    model: stem(file),
    baseline: names.generator_1?.name ?? null,
    generator: names.generator_2?.name ?? null,
    annotator: names.annotator?.name ?? null,
    items,
    warnings: warnings.list(),
  };
}

type Field = "generator_1" | "generator_2" | "annotator";
type Names = Record<Field, { name: string; item: number } | null>;

/** What a field names, and what to do where it names several in one file. */
const ONE_OF: Readonly<Record<Field, readonly [what: string, remedy: string]>> = {
  generator_1: [
    "baseline (generator_1)",
    "give a file with one baseline: rates over several do not mean anything",
  ],
  generator_2: [
    "model (generator_2)",
    "give a file with one model: rates over several do not mean anything",
  ],
  annotator: [
    "annotator",
    "take the items of one with --annotator NAME: rates by different annotators are not comparable",
  ],
};

/** A rate over two baselines, of two models or by two annotators is a rate of nothing. */
function checkNames(
  names: Names,
  { file, item, record }: {
    file: string;
    item: number;
    record: Readonly<Partial<Record<Field, string | null>>>;
  },
): void {
  for (const field of Object.keys(ONE_OF) as Field[]) {
    const name = record[field];
    if (name == null) continue;
    const first = names[field] ??= { name, item };
    if (first.name === name) continue;
    const [what, remedy] = ONE_OF[field];
    throw new UserError(
      `${file} item ${item}: the ${what} is ${quote(name)}, ` +
        `in item ${first.item} it is ${quote(first.name)}`,
      remedy,
    );
  }
}

function lengthOf(text: string | null): number | null {
  return text === null ? null : characters(text);
}

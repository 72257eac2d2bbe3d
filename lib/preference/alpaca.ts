import { JSONParser } from "@streamparser/json";
import { z } from "zod";
import { UserError } from "../base/error.ts";
import { readBytes } from "./bytes.ts";
import type { FoundRow } from "./found.ts";
import { readHead, type Row, stem } from "./lines.ts";
import { nanAsNull } from "./python_json.ts";
import { parseRecord } from "./record.ts";

const AnnotationSchema = z.object({
  instruction: z.string(),
  output_1: z.string(),
  output_2: z.string(),
  // As AlpacaEval reads it: 0 is an old spelling of the draw 1.5, null an annotator's answer that was not read.
  preference: z.number().nullable().refine(
    (p) => p === null || p === 0 || p >= 1 && p <= 2,
    "outside [1, 2]",
  ),
  generator_1: z.string().optional(),
  generator_2: z.string().optional(),
  annotator: z.string().nullish(),
  dataset: z.string().optional(),
});

/**
 * One comparison of AlpacaEval's `annotations.json`: a model's answer (`output_2`) against the
 * baseline's (`output_1`). `preference` is in [1, 2]: 1 + the annotator's probability of `output_2`.
 */
export type Annotation = z.infer<typeof AnnotationSchema> & { readonly preference: number };

/** The reason of a row whose item is sound but for a preference of null or NaN. */
export const NO_PREFERENCE = "no preference (null or NaN)";

/**
 * The items of a JSON array in a file (also gzip), one at a time and not yet checked; `line` counts from 1.
 *
 * The array is parsed as it streams in, so its size does not matter. Python's bare `NaN` reads as null.
 *
 * @throws {UserError} The text is not a JSON array or breaks off: what follows the fault cannot be
 * separated into items, so this ends the reading even where bad items are skipped.
 */
export async function* readItems(
  path: string,
  { nonFinite = ["NaN"] }: {
    /** Names that Python gives to numbers without one in JSON, to be read as null. @default ["NaN"] */
    readonly nonFinite?: readonly string[];
  } = {},
): AsyncGenerator<{ readonly line: number; readonly value: unknown }> {
  if (!(await readHead(path, 1024)).replace(/^\ufeff/, "").trimStart().startsWith("[")) {
    throw new UserError(
      `${path} is not a JSON array`,
      "give a list of records, [{...}, {...}]; lines of records become one with jq -s . FILE",
    );
  }
  let item = 0;
  let ready: { line: number; value: unknown }[] = [];
  const parser = new JSONParser({ paths: ["$.*"], keepStack: false });
  parser.onValue = ({ value }) => {
    item++;
    ready.push({ line: item, value });
  };
  const fail = (error: unknown) => {
    throw new UserError(
      `${path} is not valid JSON after item ${item}: ${(error as Error).message}`,
      "fetch or write the file again",
      { cause: error },
    );
  };
  // Without this handler the parser would throw past the items that are ready.
  let broken: Error | undefined;
  parser.onError = (error) => broken ??= error;
  for await (const chunk of nanAsNull(readBytes(path), nonFinite)) {
    parser.write(chunk);
    yield* ready;
    ready = [];
    if (broken !== undefined) fail(broken);
  }
  if (!parser.isEnded) fail(new Error("the array is not closed"));
}

/**
 * The comparisons of an AlpacaEval `annotations.json` (also gzip), one at a time: `line` is the item,
 * from 1. An item with a missing or wrong field becomes a row with a reason, and so does one without a
 * preference ({@linkcode NO_PREFERENCE}), which AlpacaEval leaves out of its rates.
 *
 * @throws {UserError} As {@linkcode readItems}.
 *
 * Source: https://github.com/tatsu-lab/alpaca_eval
 */
export async function* readAnnotations(path: string): AsyncGenerator<Row<Annotation>> {
  for await (const { line, value } of readItems(path)) {
    const parsed = parseRecord(AnnotationSchema, value);
    if ("reason" in parsed) yield { line, ...parsed };
    else if (parsed.value.preference === null) yield { line, reason: NO_PREFERENCE };
    else yield { line, value: { ...parsed.value, preference: parsed.value.preference || 1.5 } };
  }
}

/**
 * AlpacaEval comparisons as pairs: the preferred of the two outputs is chosen, and the strength is
 * twice the distance of the preference from 1.5. A preference of 1.5 is a tie and gives no pair.
 */
export async function* readAlpaca(path: string): AsyncGenerator<FoundRow> {
  const model = stem(path);
  for await (const row of readAnnotations(path)) {
    if ("reason" in row) {
      yield { detail: "read as AlpacaEval's annotations", ...row };
      continue;
    }
    const { instruction, output_1, output_2, preference } = row.value;
    yield preference === 1.5 ? { line: row.line, tie: true } : {
      line: row.line,
      records: [{
        id: `${model}:${row.line}`,
        prompt: [{ role: "user", content: instruction }],
        ...ordered(output_2, output_1, preference > 1.5),
        source: "alpaca-eval",
        strength: Math.abs(preference - 1.5) * 2,
      }],
    };
  }
}

function ordered(first: string, second: string, firstIsBetter: boolean) {
  return firstIsBetter ? { chosen: first, rejected: second } : { chosen: second, rejected: first };
}

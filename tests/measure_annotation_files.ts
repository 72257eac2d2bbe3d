/** What the tests of win rates share: small annotation files. */
import type { ComparisonFile } from "../lib/measure/mod.ts";

/** An item of `annotations.json`; `more` replaces fields. */
export function annotation(
  instruction: string,
  preference: unknown,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    preference,
    generator_2: "model",
    extra: { cost: [1, 2] },
    output_2: `model on ${instruction}`,
    instruction,
    generator_1: "base",
    output_1: `baseline on ${instruction}`,
    ...more,
  };
}

/** One whose two answers are given, against a "baseline". */
export const annotated = (
  instruction: string,
  preference: unknown,
  [output_1, output_2]: readonly string[] = ["long answer", "short"],
  more: Record<string, unknown> = {},
) => annotation(instruction, preference, { output_1, output_2, generator_1: "baseline", ...more });

/** Comparisons as they are read, from preferences in [0, 1] by instruction. */
export function comparisons(
  model: string,
  preferences: Record<string, number | null>,
  more: Partial<ComparisonFile> = {},
): ComparisonFile {
  return {
    file: `${model}.json`,
    model,
    baseline: "base",
    generator: model,
    annotator: null,
    items: Object.entries(preferences).map(([instruction, preference], i) => ({
      item: i + 1,
      instruction,
      preference,
      baselineAnswer: `baseline on ${instruction}`,
      lengths: { baseline: 20, model: 10 + i },
    })),
    warnings: [],
    ...more,
  };
}

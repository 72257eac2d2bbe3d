/**
 * Comparisons that have to hold but for rounding. Where SELF_JUDGE_EXACTNESS names a CSV file, such as
 * `data/results/exactness.csv`, the largest differences of the tests that ran go into it, in place of those that it has.
 */
import assert from "node:assert/strict";
import { after } from "jsr:@std/testing@1/bdd";
import { anyRow, parseRows } from "../lib/base/csv.ts";
import { readIfThere, writeCsv } from "../lib/base/files.ts";
import { difference } from "./numbers.ts";

/** What is compared with what, and how far it may be from it. */
export interface Exactness {
  /** The method, or the loss. */
  readonly of: string;
  /** What it has to equal. */
  readonly equals: string;
  /** Which number of it: value, gradient, weight. */
  readonly quantity: "value" | "gradient" | "weight";
  readonly within: number;
}

const found = new Map<string, Record<string, string | number>>();

/** Asserts that numbers differ by no more than rounding, and keeps the largest difference for the table. */
export function assertExact(
  numbers: ArrayLike<number>,
  expected: ArrayLike<number>,
  { of, equals, quantity, within }: Exactness,
): void {
  const largest = difference(numbers, expected);
  assert.ok(largest <= within, `${of}, ${quantity}: ${largest} from ${equals}, allowed ${within}`);
  const key = [of, equals, quantity].join();
  const before = Number(found.get(key)?.largest ?? 0);
  found.set(key, {
    ...{ of, equals, quantity },
    largest: Math.max(before, Number(largest.toExponential(2))),
    allowed: within,
  });
}

/** Called once by a file of such tests: writes its rows after the last one. */
export function keepsExactness(): void {
  after(async () => {
    const path = Deno.env.get("SELF_JUDGE_EXACTNESS");
    if (!path) return;
    const text = await readIfThere(path);
    const old = text === null ? [] : parseRows(text, { path, row: anyRow });
    const kept = old.filter((row) => !found.has([row.of, row.equals, row.quantity].join()));
    await writeCsv(
      path,
      [...kept, ...found.values()].sort((a, b) =>
        `${a.of} ${a.equals}` < `${b.of} ${b.equals}` ? -1 : 1
      ),
    );
  });
}

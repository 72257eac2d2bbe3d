/** The published data sets; a test that needs one is skipped where it is not there. */
import { it } from "jsr:@std/testing@1/bdd";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The data sets' folder. */
export const DATA = Deno.env.get("SELF_JUDGE_DATA") ||
  fileURLToPath(new URL("../../shared/data", import.meta.url));
/** HH-RLHF, harmless-base, test split. */
export const HH = `${DATA}/hh-rlhf/harmless-base-test.jsonl.gz`;
/** AlpacaEval's published annotations of 15 models. */
export const ALPACA = `${DATA}/alpaca-eval/annotations`;

/** `it` where the path is there; else says what is missing and skips. */
export function itWith(path: string): (name: string, test: () => Promise<void>) => void {
  if (existsSync(path)) return (name, test) => void it(name, test);
  console.warn(`skipping tests on real data: no ${path}; set SELF_JUDGE_DATA to its data folder`);
  return (name, test) => void it.skip(name, test);
}

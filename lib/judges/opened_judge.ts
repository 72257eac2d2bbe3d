import { createHash } from "node:crypto";
import type { Judge } from "../method/mod.ts";
import type { OpenAsked, RunConfig } from "../run/mod.ts";

/** What opening a judge may need. */
export interface JudgeSetting {
  readonly seed: number;
  /** The files of pairs, which `recorded` alone stands for. */
  readonly pairs: readonly string[];
  /** Which answer was in the first position when recorded verdicts were given. */
  readonly positions: "alpaca-eval" | "unknown";
  readonly onBadLine: "fail" | "skip";
  /** Settings of models and of their judging. */
  readonly config: Readonly<RunConfig>;
  /** Those that the user gave, "judge.maxTokens=512": a run's judge takes them in place of the run's own. */
  readonly settings?: readonly string[];
  /** Where a model's judgments are kept. */
  readonly cacheFile: string;
  /** Opens the model of a `model:` or `run:` judge. @default in this process */
  readonly openAsked?: OpenAsked;
  readonly log: (line: string) => void;
  readonly onProgress?: (done: number, total: number) => void;
}

/** A judge, opened. */
export interface OpenedJudge {
  readonly judge: Judge;
  /** Changes with what it judges by: weights, files, and how it is asked. What it judged is kept under it. */
  readonly fingerprint: string;
  /** What to know when reading its numbers, once it has judged: what was cut, where positions are from. */
  readonly notes?: () => string[];
  readonly dispose?: () => void;
}

/** A judge's fingerprint from what it judges by. @param by JSON of it, in a fixed order */
export function fingerprintOf(...by: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(by)).digest("hex").slice(0, 16);
}

import { mean } from "simple-statistics";
import type { Rng } from "../base/random.ts";
import { type Estimate, summary } from "./statistics.ts";
import type { ComparedItem, ComparisonFile } from "./annotations.ts";
import { type LengthControlled, lengthControlled } from "./length_control.ts";
import { meanRate, resampled } from "./rate.ts";

/** How often a model's answer is preferred to the baseline's. Rates and errors are in percent. */
export interface WinRate {
  readonly model: string;
  /** Comparisons with a preference. */
  readonly n: number;
  /** Preferences above, at and below one half. */
  readonly wins: number;
  readonly ties: number;
  readonly losses: number;
  /** Mean preference, with its bootstrap interval over instructions; Wilson's where all are alike. */
  readonly rate: Estimate<number, number | null>;
  /** Sample standard deviation of the preferences / sqrt(n); null for a single comparison. */
  readonly standardError: number | null;
  /**
   * Length-controlled (minimal); the interval comes from the same resamples, C and length scale held. It has none
   * where that says nothing: preferences all alike, the baseline itself, a fit that L1 holds at 50.
   * Null where it cannot be fitted, for `whyNotControlled`.
   */
  readonly controlled:
    | (LengthControlled & { readonly interval: Estimate<number, number | null> })
    | null;
  readonly whyNotControlled: string | null;
  /** Mean characters of all answers in the file; null where it has none. */
  readonly lengths: { readonly model: number | null; readonly baseline: number | null };
  /** A judge that looks at nothing but length, on the comparisons whose two lengths are known. */
  readonly longerJudge: LongerJudge | null;
}

/** The baseline judge that prefers the answer with more characters. */
export interface LongerJudge {
  /** The win rate it would give. */
  readonly rate: Estimate<number, number | null>;
  /** How often the annotator names the same answer, a tie of either one half. */
  readonly agreement: Estimate<number, number | null>;
}

/** Settings of {@linkcode winRate}. */
export interface WinRateOptions {
  /** Where the resamples come from. */
  readonly rng: Rng;
  /** How many resamples. @default 1000 */
  readonly samples?: number;
}

/**
 * The win rate of one model: raw as AlpacaEval counts it, length-controlled, and beside it what length alone
 * explains. Intervals are percentile bootstrap intervals over instructions, each of which brings its pair of
 * answers along; there is none of a single comparison, and Wilson's where all are alike.
 *
 * @throws {UserError} When no item has a preference.
 */
export function winRate(
  { model, items, baseline, generator }: Pick<
    ComparisonFile,
    "model" | "items" | "baseline" | "generator"
  >,
  options: WinRateOptions,
): WinRate {
  const settings = { samples: 1000, ...options };
  const preferences = items.flatMap(({ preference }) => preference === null ? [] : [preference]);
  const { error, n } = summary(preferences);
  const controlled = lengthControlled(
    items.map(({ preference, lengths }) => ({ preference, excess: excessOf(lengths) })),
    { isBaseline: baseline !== null && baseline === generator },
  );
  return {
    model,
    n,
    wins: preferences.filter((p) => p > 0.5).length,
    ties: preferences.filter((p) => p === 0.5).length,
    losses: preferences.filter((p) => p < 0.5).length,
    rate: meanRate(preferences.map((p) => 100 * p), settings),
    standardError: n === 1 ? null : 100 * error,
    controlled: "reason" in controlled
      ? null
      : { ...controlled, interval: controlledInterval(controlled, preferences, settings) },
    whyNotControlled: "reason" in controlled ? controlled.reason : null,
    lengths: {
      model: meanOf(items.map(({ lengths }) => lengths.model)),
      baseline: meanOf(items.map(({ lengths }) => lengths.baseline)),
    },
    longerJudge: longerJudge(items, settings),
  };
}

/** Of comparisons that all went one way resamples differ in lengths alone, which is no interval of the rate. */
function controlledInterval(
  { rate, n, refit }: LengthControlled,
  preferences: readonly number[],
  settings: WinRateOptions,
): Estimate<number, number | null> {
  if (preferences.every((p) => p === preferences[0])) {
    return { value: rate, low: null, high: null, n };
  }
  const rows = Array.from({ length: n }, (_, i) => i);
  return resampled(rows, { ...settings, statistic: refit });
}

function longerJudge(
  items: readonly ComparedItem[],
  settings: WinRateOptions,
): LongerJudge | null {
  const known = items.flatMap(({ preference, lengths }) => {
    const excess = excessOf(lengths);
    return preference === null || excess === null ? [] : [{ preference, excess }];
  });
  if (known.length === 0) return null;
  return {
    rate: meanRate(known.map(({ excess }) => 50 - 50 * Math.sign(excess)), settings),
    agreement: meanRate(
      known.map(({ preference, excess }) => {
        const verdict = Math.sign(preference - 0.5);
        return 50 - 50 * verdict * Math.sign(excess);
      }),
      settings,
    ),
  };
}

/** Characters of the baseline's answer less those of the model's. */
function excessOf({ baseline, model }: ComparedItem["lengths"]): number | null {
  return baseline === null || model === null ? null : baseline - model;
}

function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : mean(known);
}

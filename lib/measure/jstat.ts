// The package has no types of its own; this is all that is used of it.
import loaded from "jstat";

/** Distributions. */
export const { jStat } = loaded as unknown as {
  readonly jStat: {
    readonly studentt: {
      /** P(T <= x). */
      readonly cdf: (x: number, df: number) => number;
      /** The quantile of a probability. */
      readonly inv: (p: number, df: number) => number;
    };
  };
};

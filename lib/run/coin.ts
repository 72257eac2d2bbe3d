import { Rng } from "../base/random.ts";
import { randomJudge } from "../measure/mod.ts";
import type { Compare, Ranker } from "../method/mod.ts";

/** A seeded coin, anew for each step, so that a resumed run throws the same. */
export function coin(seed: number): Ranker {
  let compare: Compare = randomJudge(Rng.named(seed, "preference/coin/0"));
  return {
    compare: (comparisons) => compare(comparisons),
    before: (step) => {
      compare = randomJudge(Rng.named(seed, `preference/coin/${step}`));
    },
  };
}

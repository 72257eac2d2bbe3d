/** Soft labels in two halves: a target that is near, and pairs that count as the judge is sure. Each alone, as a control. @module */
import { mean } from "simple-statistics";
import { knockoutFinal, type Method, type Pairing } from "../../method/mod.ts";

/** Every pair of a step has the step's mean soft label: the target is near, and no pair is held for surer than another. */
const meanLabel: Pairing = async (candidates, tools) => {
  const pairs = await knockoutFinal(candidates, tools);
  if (pairs.length === 0) return pairs;
  const label = mean(pairs.map(({ label }) => label!));
  return pairs.map((pair) => ({ ...pair, label }));
};

/** Pairs of which both orders name the same answer: those of most doubt are left out, the label is hard. */
const consistentPairs: Pairing = async (candidates, tools) =>
  (await knockoutFinal(candidates, tools)).filter(({ verdict }) => verdict!.consistent);

const BY_JUDGE = { samples: "policy", candidates: 2, ranker: "judge", loss: "sigmoid" } as const;

/** Rows beside hard and soft labels, at the setting of theirs. */
export const LABEL_CONTROLS = {
  "self-judge-mean-label": {
    ...BY_JUDGE,
    ...{ labels: "soft", pairs: meanLabel },
    source: "control: soft labels without which pair the judge is sure of",
  },
  "self-judge-consistent": {
    ...BY_JUDGE,
    pairs: consistentPairs,
    source: "control: hard labels of the pairs whose two orders name the same answer",
  },
} as const satisfies Record<string, Method>;

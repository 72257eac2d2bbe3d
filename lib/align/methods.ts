import { UserError } from "../error.ts";
import type { PreferenceLoss } from "./losses.ts";

/** A way to train on preferences: who samples the answers, who orders them, which loss follows. */
export interface Method {
  /**
   * - "policy": the model being trained, at every step (on-policy)
   * - "start": the model it started from (off-policy)
   * - "dataset": nobody; the answers are the data set's two
   */
  readonly samples: "policy" | "start" | "dataset";
  /** "judge": the model it started from, as judge. "labels": the data set, which can order only its own. */
  readonly orders: "judge" | "labels";
  readonly loss: PreferenceLoss;
  /** Where the method is from. */
  readonly source: string;
}

const SELF_JUDGE = "SELF-JUDGE, https://arxiv.org/abs/2402.11253";

/** Every method by name. A relative of SELF-JUDGE is an entry here, not another trainer. */
export const METHODS = {
  "self-judge": { samples: "policy", orders: "judge", loss: "sigmoid", source: SELF_JUDGE },
  "self-judge-ipo": { samples: "policy", orders: "judge", loss: "ipo", source: SELF_JUDGE },
  "self-judge-hinge": { samples: "policy", orders: "judge", loss: "hinge", source: SELF_JUDGE },
  "off-policy-dpo": { samples: "start", orders: "judge", loss: "sigmoid", source: SELF_JUDGE },
  "relabelled-dpo": { samples: "dataset", orders: "judge", loss: "sigmoid", source: SELF_JUDGE },
  "offline-dpo": {
    samples: "dataset",
    orders: "labels",
    loss: "sigmoid",
    source: "DPO, https://arxiv.org/abs/2305.18290",
  },
  "offline-ipo": {
    samples: "dataset",
    orders: "labels",
    loss: "ipo",
    source: "IPO, https://arxiv.org/abs/2310.12036",
  },
} as const satisfies Record<string, Method>;

/** Name of a method. */
export type MethodName = keyof typeof METHODS;

/** The method of that name. @throws {UserError} listing the names there are */
export function methodNamed(name: string): Method {
  if (Object.hasOwn(METHODS, name)) return METHODS[name as MethodName];
  throw new UserError(
    `there is no method "${name}"`,
    `choose one of ${Object.keys(METHODS).join(", ")}`,
  );
}

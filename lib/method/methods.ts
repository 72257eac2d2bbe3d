import { UserError } from "../base/error.ts";
import type { Method } from "./method.ts";
import { D2PO, D2PO_DPO, D2PO_SELF } from "./relatives/d2po.ts";
import { KTO } from "./relatives/kto.ts";
import { LOL } from "./relatives/lol.ts";
import { NASH_MD } from "./relatives/nash_md.ts";
import { OSP } from "./relatives/osp.ts";
import { REST } from "./relatives/rest.ts";
import { RLOO, RLOO_REWARD_MODEL } from "./relatives/rloo.ts";
import { RSO } from "./relatives/rso.ts";
import { SELF_REWARDING } from "./relatives/self_rewarding.ts";
import { SLIC_HF } from "./relatives/slic_hf.ts";
import { SPIN } from "./relatives/spin.ts";
import { SPO } from "./relatives/spo.ts";
import { SPPO } from "./relatives/sppo.ts";
import { SR_DPO, SR_IPO, SR_JUDGE } from "./relatives/sr_dpo.ts";
import { SSO, SSO_GENERATOR } from "./relatives/sso.ts";

const SELF_JUDGE = "SELF-JUDGE, https://arxiv.org/abs/2402.11253";

/** On-policy DPO, from which the relatives below differ in one thing or two. */
const ON_POLICY = { samples: "policy", candidates: 2, loss: "sigmoid" } as const;
const FROM_DATA = { samples: "dataset", candidates: 2, ranker: "labels" } as const;

/** Every method by name. A relative of SELF-JUDGE is an entry here, not another trainer. */
export const METHODS = {
  "self-judge": { ...ON_POLICY, ranker: "judge", source: SELF_JUDGE },
  "self-judge-ipo": { ...ON_POLICY, ranker: "judge", loss: "ipo", source: SELF_JUDGE },
  "self-judge-hinge": { ...ON_POLICY, ranker: "judge", loss: "hinge", source: SELF_JUDGE },
  "self-judge-moving": {
    ...ON_POLICY,
    ranker: "policy",
    source: `the judge of ${SELF_JUDGE}, not frozen`,
  },
  "self-judge-refreshed": {
    ...ON_POLICY,
    ranker: "refreshed",
    source: "Self-Rewarding Language Models, https://arxiv.org/abs/2401.10020, in small iterations",
  },
  "off-policy-dpo": { ...ON_POLICY, samples: "start", ranker: "judge", source: SELF_JUDGE },
  "relabelled-dpo": { ...FROM_DATA, ranker: "judge", loss: "sigmoid", source: SELF_JUDGE },
  "separate-judge-dpo": {
    ...ON_POLICY,
    ranker: "separate",
    source: "OAIF, https://arxiv.org/abs/2402.04792",
  },
  "reward-model-dpo": {
    ...ON_POLICY,
    ranker: "reward-model",
    source: "OAIF, https://arxiv.org/abs/2402.04792, with a reward model as annotator",
  },
  "oracle-dpo": {
    ...ON_POLICY,
    ranker: "truth",
    source: "upper reference: DPO on the true reward",
  },
  "raft": {
    samples: "policy",
    candidates: 4,
    ranker: "judge",
    loss: "sft",
    source: "RAFT, https://arxiv.org/abs/2304.06767, the best by knockout",
  },
  "raft-2": {
    samples: "policy",
    candidates: 2,
    ranker: "judge",
    loss: "sft",
    source: "RAFT, https://arxiv.org/abs/2304.06767, with as many samples as SELF-JUDGE draws",
  },
  "raft-coin": {
    samples: "policy",
    candidates: 2,
    ranker: "chance",
    loss: "sft",
    source: "control: RAFT's sampling without a judge",
  },
  "offline-dpo": { ...FROM_DATA, loss: "sigmoid", source: "DPO, https://arxiv.org/abs/2305.18290" },
  "offline-dpo-soft": {
    ...FROM_DATA,
    labels: "soft",
    loss: "sigmoid",
    source:
      "conservative DPO, https://ericmitchell.ai/cdpo.pdf, with the data set's label probabilities",
  },
  "simpo": {
    ...FROM_DATA,
    loss: "simpo",
    parameters: { beta: 2, gamma: 1 },
    source: "SimPO, https://arxiv.org/abs/2405.14734",
  },
  "orpo": { ...FROM_DATA, loss: "orpo", source: "ORPO, https://arxiv.org/abs/2403.07691" },
  "kto": KTO,
  "self-judge-soft": {
    ...ON_POLICY,
    ranker: "judge",
    labels: "soft",
    source: `conservative DPO, https://ericmitchell.ai/cdpo.pdf, under the judge of ${SELF_JUDGE}`,
  },
  "sppo-hard": {
    ...ON_POLICY,
    ranker: "judge",
    loss: "sppo_hard",
    source: "SPPO, https://arxiv.org/abs/2405.00675, with the judge's verdict for P",
  },
  "sppo": SPPO,
  "oaif": {
    ...ON_POLICY,
    ranker: "given",
    source: "OAIF, https://arxiv.org/abs/2402.04792, any judge as annotator",
  },
  "slic-hf": SLIC_HF,
  "best-of-n-distillation": {
    samples: "start",
    candidates: 8,
    ranker: "judge",
    loss: "sft",
    source: "best-of-N distillation: SFT on the best of eight by knockout, under the judge of " +
      SELF_JUDGE,
  },
  "rest": REST,
  "self-rewarding": SELF_REWARDING,
  "nash-md": NASH_MD,
  "d2po": D2PO,
  "d2po-dpo": D2PO_DPO,
  "d2po-self": D2PO_SELF,
  "spo": SPO,
  "lol": LOL,
  "osp": OSP,
  "rso": RSO,
  "sr-dpo": SR_DPO,
  "sr-ipo": SR_IPO,
  "sr-judge": SR_JUDGE,
  "sso": SSO,
  "sso-generator": SSO_GENERATOR,
  "spin": SPIN,
  "rloo": RLOO,
  "rloo-reward-model": RLOO_REWARD_MODEL,
  "offline-ipo": { ...FROM_DATA, loss: "ipo", source: "IPO, https://arxiv.org/abs/2310.12036" },
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

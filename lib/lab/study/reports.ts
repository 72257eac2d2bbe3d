import { writeCsv } from "../../base/files.ts";
import { inverted, longerWins } from "../../measure/mod.ts";
import type { Ranker } from "../../method/mod.ts";
import { VIEWS } from "../world/reward.ts";
import { COMPARED, type StudyConfig } from "./config.ts";
import { type Items, saveItems } from "./items.ts";
import {
  drawAnswersOf,
  type JudgeNumbers,
  judgeQuality,
  mean,
  percent,
  policyMeter,
  type PolicyNumbers,
} from "./measure.ts";
import type { DeskSession } from "./session.ts";
import type { StudyStage } from "./stage.ts";
import { noisyName, VARIANTS } from "./supervised.ts";

/** A judge by name, and how to reach it. */
type Judges = Record<string, (session: DeskSession) => Promise<Pick<Ranker, "compare">>>;

const judgeOf = (stage: string, principles?: readonly string[]) => (session: DeskSession) =>
  session.judgeOf(stage, principles);

function judgeStage(
  name: string,
  { title, needs, judges }: { title: string; needs: string[]; judges: Judges },
): StudyStage {
  return {
    name,
    title,
    needs,
    config: ({ heldOut }) => ({ heldOut }),
    async run({ session, folder, checkStop, log }) {
      const { heldOut } = await session.pairs();
      const rows: ({ judge: string } & JudgeNumbers)[] = [];
      const items: Items = {};
      for (const [judge, open] of Object.entries(judges)) {
        checkStop();
        const { compare } = await open(session);
        const { numbers, right } = await judgeQuality(compare, heldOut);
        items[`right/${judge}`] = right;
        rows.push({ judge, ...numbers });
        log(
          `${judge}: right on ${percent(numbers.accuracy_clear)} of clear pairs, ` +
            `${percent(numbers.accuracy)} of all; positions agree on ${
              percent(numbers.consistency)
            }`,
        );
      }
      await writeCsv(`${folder}/judges.csv`, rows);
      await saveItems(folder, items);
      return Object.fromEntries(rows.map(({ judge, accuracy_clear }) => [judge, accuracy_clear]));
    },
  };
}

/** The judge that the others are measured beside, and the base, which never judged. */
export const jsftJudgeStage = judgeStage("jsft-judge", {
  title: "the base and JSFT as judges against the true reward on held-out pairs",
  needs: ["jsft"],
  judges: { "base": judgeOf("base"), "jsft": judgeOf("jsft") },
});

/** Judges that do nothing else. */
export const otherJudgesStage = judgeStage("other-judges", {
  title: "a judge that does nothing else, a reward model and the length as judges",
  needs: ["judge-only", "reward-model"],
  judges: {
    "judge-only": judgeOf("judge-only"),
    "reward-model": (session) => session.rewardJudge("reward-model"),
    "longer wins": () => Promise.resolve({ compare: longerWins }),
    "shorter wins": () => Promise.resolve({ compare: inverted(longerWins) }),
  },
});

/** Judges by principles and with rationales. */
export const variantJudgesStage = judgeStage("variant-judges", {
  title: "judges with principles and rationales against the true reward",
  needs: VARIANTS.map(({ name }) => name),
  judges: {
    "principles, overall question": judgeOf("jsft-principles"),
    "principles, five views by majority": judgeOf("jsft-principles", VIEWS),
    "principles, overall and five views": judgeOf("jsft-principles", ["overall", ...VIEWS]),
    "principles besides, overall question": judgeOf("jsft-principles-beside"),
    "rationale": judgeOf("jsft-rationale"),
    "rationale, half on the decision": judgeOf("jsft-rationale-decision"),
  },
});

/** A policy measured. */
interface PolicyRow extends PolicyNumbers {
  readonly policy: string;
  /** True reward of an answer sampled as in self-training, the least probable tokens cut off. */
  readonly reward_top_p: number;
}

/** Finished policies on held-out requests, against answers of the JSFT model. */
function policyStage(
  name: string,
  { title, policies, needs }: { title: string; policies: readonly string[]; needs: string[] },
): StudyStage {
  return {
    name,
    title,
    needs,
    config: ({ requests, heldOut, preference: { topP } }: StudyConfig) => ({
      requests,
      heldOut,
      preference: { topP },
    }),
    async run({ session, config: { seed, requests: count, preference: { topP } }, ...context }) {
      const { folder, checkStop, log } = context;
      const requests = await session.requests(count);
      const encoder = await session.encoder();
      const meter = await policyMeter(session, { start: "jsft", requests: count });
      const rows: PolicyRow[] = [];
      const items: Items = {};
      for (const policy of policies) {
        checkStop();
        const model = await session.model(policy);
        const { numbers, answers } = await meter(model);
        const cut = await drawAnswersOf(model, requests, { encoder, seed, topP });
        items[`reward/${policy}`] = answers.map(({ reward }) => reward);
        items[`top-p/${policy}`] = cut.map(([{ reward }]) => reward);
        const row = { policy, ...numbers, reward_top_p: mean(items[`top-p/${policy}`]) };
        rows.push(row);
        log(
          `${policy}: reward ${row.reward.toFixed(3)}, at top-p ${topP} ` +
            `${row.reward_top_p.toFixed(3)}, KL ${row.kl.toFixed(2)} nats`,
        );
        if (policy === "self-judge") {
          const jsft = await session.model("jsft");
          const before = await drawAnswersOf(jsft, requests, { encoder, seed });
          await writeCsv(
            `${folder}/samples.csv`,
            before.slice(0, 12).map(([{ request, text, reward }], i) => ({
              prompt: request,
              before: text,
              after: answers[i].text,
              reward_before: reward,
              reward_after: answers[i].reward,
            })),
          );
        }
      }
      await writeCsv(`${folder}/policies.csv`, rows);
      await saveItems(folder, items);
      return Object.fromEntries(rows.map(({ policy, reward }) => [policy, reward]));
    },
  };
}

/** Models trained on answers and labels alone, and the base, as policies. */
export const answersStage = policyStage("answers", {
  title: "true reward of the base, of SFT and of JSFT on held-out requests",
  needs: ["sft", "jsft"],
  policies: ["base", "sft", "jsft"],
});

/** Policies trained on preferences, by the methods compared and by controls. */
export function policiesStage(controls: StudyConfig["controls"]): StudyStage {
  const policies = [...COMPARED, ...controls];
  return policyStage("policies", {
    title: "true reward of every policy trained on preferences on held-out requests",
    needs: ["jsft", ...policies],
    policies,
  });
}

/** Judges trained on other labels and fewer pairs. */
export function noisyJudgesStage(noise: StudyConfig["noise"]): StudyStage {
  const names = noise.map(({ temperature, pairs }) => noisyName(temperature, pairs));
  return judgeStage("noisy-judges", {
    title: "judges trained on labels of other temperatures, and on fewer pairs",
    needs: names,
    judges: Object.fromEntries(names.map((name) => [name, judgeOf(name)])),
  });
}

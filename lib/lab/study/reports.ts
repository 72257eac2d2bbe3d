import { writeCsv } from "../../base/files.ts";
import { inverted, longerWins } from "../../measure/mod.ts";
import type { Ranker } from "../../method/mod.ts";
import { VIEWS } from "../world/reward.ts";
import { type Items, saveItems } from "./items.ts";
import { type JudgeNumbers, judgeQuality } from "./measure.ts";
import { withModel } from "../../model/mod.ts";
import { policyMeter } from "./policy_meter.ts";
import type { StudyStage } from "./stage.ts";
import type { StudySession } from "./study_session.ts";
import { VARIANTS } from "./supervised.ts";

/** A judge by name, and how to reach it. */
type Judges = Record<string, (session: StudySession) => Promise<Pick<Ranker, "compare">>>;

const judgeOf = (stage: string, principles?: readonly string[]) => (session: StudySession) =>
  session.judgeOf(stage, principles);

function judgeStage(
  name: string,
  { title, needs, judges }: { title: string; needs: string[]; judges: Judges },
): StudyStage {
  return {
    name,
    title,
    needs,
    config: ({ heldOut, base, world }) => ({ heldOut, base, world }),
    async run({ session, folder, checkStop }) {
      const { heldOut } = await session.pairs();
      const rows: ({ judge: string } & JudgeNumbers)[] = [];
      const items: Items = {};
      for (const [judge, open] of Object.entries(judges)) {
        checkStop();
        const { compare } = await open(session);
        const { numbers, right } = await judgeQuality(compare, heldOut, session.world);
        items[`right/${judge}`] = right;
        rows.push({ judge, ...numbers });
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

/** What the lessons alone make a judge of: the base asked each view of the reward, by majority, without any label. */
export const baseJudgeStage = judgeStage("base-judge", {
  title: "the base as judge by the views that its lessons teach, before any label",
  needs: [],
  judges: { "base, five views by majority": judgeOf("base", VIEWS) },
});

/**
 * Judges that do nothing else, and JSFT with its other weights.
 *
 * @param variants Trainings of JSFT beside the study's own.
 */
export const otherJudgesStage = (variants: readonly string[]): StudyStage =>
  judgeStage("other-judges", {
    title: [...variants, "a judge that does nothing else, a reward model and the length as judges"]
      .join(", "),
    needs: [...variants, "judge-only", "reward-model"],
    judges: {
      ...Object.fromEntries(variants.map((stage) => [stage, judgeOf(stage)])),
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

/**
 * Models trained on answers and labels alone, and the base, as policies: what the loop starts from and its like.
 *
 * @param variants Trainings of JSFT beside the study's own.
 */
export const answersStage = (variants: readonly string[]): StudyStage => ({
  name: "answers",
  title: `true reward of ${
    ["the base", "sft", "jsft", ...variants].join(", ")
  } on held-out prompts`,
  needs: ["sft", "jsft", ...variants],
  config: ({ prompts, heldOut, preference: { topP } }) => ({
    ...{ prompts, heldOut, preference: { topP } },
  }),
  async run({ session, folder, checkStop }) {
    // A session of its own for the JSFT model: where there is one set of weights it moves from policy to policy.
    const reference = session.another();
    try {
      const meter = await policyMeter(session, withModel(await reference.model("jsft")));
      const rows = [];
      const items: Items = {};
      for (const policy of ["base", "sft", "jsft", ...variants]) {
        checkStop();
        const { point: { step: _, ...point }, heldOut } = await meter(
          await session.model(policy),
          0,
        );
        rows.push({ policy, ...point });
        items[`reward/${policy}`] = heldOut.rewards;
      }
      await writeCsv(`${folder}/policies.csv`, rows);
      await saveItems(folder, items);
      return Object.fromEntries(rows.map(({ policy, reward }) => [policy, reward]));
    } finally {
      reference.dispose();
    }
  },
});

import { type Compare, inverted, longerWins } from "../judge/mod.ts";
import { writeCsv } from "../run/files.ts";
import { VIEWS } from "../world/reward.ts";
import type { StudyBench } from "./bench.ts";
import { type Items, saveItems } from "./items.ts";
import { COMPARED, type StudyConfig } from "./config.ts";
import { drawAnswersOf, type JudgeNumbers, measureJudge, measurePolicy } from "./measure.ts";
import { noisyName, type StudyStage } from "./supervised.ts";

/** A judge by name, and how to reach it. */
type Judges = Record<string, (bench: StudyBench) => Promise<Compare & { dispose?(): void }>>;

const judgeOf = (stage: string, principles?: readonly string[]) => async (bench: StudyBench) => {
  const judge = bench.judge(await bench.frozen(stage), principles);
  return ((comparisons) => judge.judge(comparisons)) as Compare;
};

/** Judges of claim 1: one model for both jobs, judges alone, and the base that never judged. */
const JUDGES: Judges = {
  "base": judgeOf("base"),
  "jsft": judgeOf("jsft"),
  "judge-only": judgeOf("judge-only"),
  "reward-model": (bench) => bench.rewardJudge("reward-model"),
  "longer wins": () => Promise.resolve(longerWins),
  "shorter wins": () => Promise.resolve(inverted(longerWins)),
};

/** Judges of claim 5, beside plain JSFT. */
const VARIANT_JUDGES: Judges = {
  "principles, overall question": judgeOf("jsft-principles"),
  "principles, five views by majority": judgeOf("jsft-principles", VIEWS),
  "principles, overall and five views": judgeOf("jsft-principles", ["overall", ...VIEWS]),
  "rationale": judgeOf("jsft-rationale"),
};

function judgeStage(
  name: string,
  { title, needs, judges }: { title: string; needs: string[]; judges: Judges },
): StudyStage {
  return {
    name,
    title,
    needs,
    config: ({ heldOut }) => ({ heldOut }),
    async run({ bench, folder, checkStop, log }) {
      const { heldOut } = await bench.pairs();
      const rows: ({ judge: string } & JudgeNumbers)[] = [];
      const items: Items = {};
      for (const [judge, open] of Object.entries(judges)) {
        checkStop();
        const compare = await open(bench);
        const { numbers, right } = await measureJudge(compare, heldOut);
        compare.dispose?.();
        items[`right/${judge}`] = right;
        rows.push({ judge, ...numbers });
        log(
          `${judge}: right on ${percent(numbers.accuracy_clear)} of clear pairs, ` +
            `${percent(numbers.accuracy)} of all; orders agree on ${percent(numbers.consistency)}`,
        );
      }
      await writeCsv(`${folder}/judges.csv`, rows);
      await saveItems(folder, items);
      return Object.fromEntries(rows.map(({ judge, accuracy_clear }) => [judge, accuracy_clear]));
    },
  };
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** Judges of one model and of others against the truth. */
export const judgesStage = judgeStage("judges", {
  title: "judges against the true reward on held-out pairs",
  needs: ["jsft", "judge-only", "reward-model"],
  judges: JUDGES,
});

/** Judges by principles and with rationales. */
export const variantJudgesStage = judgeStage("variant-judges", {
  title: "judges with principles and rationales against the true reward",
  needs: ["jsft-principles", "jsft-rationale"],
  judges: VARIANT_JUDGES,
});

/** Finished policies on held-out orders, and what they said. */
export const policiesStage: StudyStage = {
  name: "policies",
  title: "true reward of every policy on held-out orders",
  needs: ["sft", "jsft", ...COMPARED],
  config: ({ orders }: StudyConfig) => ({ orders }),
  async run({ bench, config, folder, checkStop, log }) {
    const { heldOut } = await bench.pairs();
    const orders = heldOut.slice(0, config.orders).map(({ prompt }) => prompt[0].content);
    const { encoder } = bench;
    const reference = await bench.frozen("jsft");
    const judge = bench.judge(reference);
    const opponents =
      (await reference((m) => drawAnswersOf(m, orders, { encoder, seed: config.seed + 1 }))).map((
        [answer],
      ) => answer);
    const rows: object[] = [];
    const items: Items = {};
    const said = new Map<string, { text: string; reward: number }[]>();
    for (const policy of ["base", "sft", "jsft", ...COMPARED]) {
      checkStop();
      const model = await bench.load(policy);
      const { numbers, answers } = await measurePolicy(model, orders, {
        encoder,
        seed: config.seed,
        reference,
        compare: (comparisons) => judge.judge(comparisons),
        opponents,
      });
      model.dispose();
      said.set(policy, answers);
      items[`reward/${policy}`] = answers.map(({ reward }) => reward);
      rows.push({ policy, ...numbers });
      log(`${policy}: reward ${numbers.reward.toFixed(3)}, KL ${numbers.kl.toFixed(2)} nats`);
    }
    await writeCsv(`${folder}/policies.csv`, rows);
    await saveItems(folder, items);
    const [before, after] = [said.get("jsft")!, said.get("self-judge")!];
    await writeCsv(
      `${folder}/samples.csv`,
      orders.slice(0, 12).map((prompt, i) => ({
        prompt,
        before: before[i].text,
        after: after[i].text,
        reward_before: before[i].reward,
        reward_after: after[i].reward,
      })),
    );
    return Object.fromEntries((rows as { policy: string; reward: number }[])
      .map(({ policy, reward }) => [policy, reward]));
  },
};

/** Judges trained on other labels and fewer pairs. */
export function noisyJudgesStage(noisy: readonly (readonly [number, number])[]): StudyStage {
  const names = noisy.map(([temperature, pairs]) => noisyName(temperature, pairs));
  return judgeStage("noisy-judges", {
    title: "judges trained on labels of other temperatures, and on fewer pairs",
    needs: names,
    judges: Object.fromEntries(names.map((name) => [name, judgeOf(name)])),
  });
}

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { UNPAID } from "../lib/lab/sentences/lists.ts";
import * as again from "./again_tables.ts";
import { drivenSamples, inSentences, sentenceSteps, supervised } from "./claims_tables.ts";
import { fixed, mean, prose, signed } from "./claims_text.ts";
import type { CsvRow } from "./csv_files.ts";

const RESULTS = await prose("data/results/README.md");
const { CHOSEN_SEEDS, UNTUNED_SEEDS } = again;

/** "+0.43, +0.79 and +0.12" */
const listed = (texts: readonly string[]) =>
  texts.length < 2 ? texts.join() : `${texts.slice(0, -1).join(", ")} and ${texts.at(-1)}`;
const shares = (method: string, of: { habit?: keyof typeof UNPAID; at?: string } = {}) =>
  listed(UNTUNED_SEEDS.map((seed) => again.percent(again.habit(method, { ...of, seed }))));
const verdict = (text: string) => `**${again.contrast(text).verdict}**`;
const gains = (method: string) => UNTUNED_SEEDS.map((seed) => again.gain(method, seed)!);
const sample = (method: string, seed: number) =>
  again.samples.find((row) =>
    row.method === method && row.seed === seed && /ship, smell and tree/.test(`${row.prompt}`)
  )!.after;

const SHOWN: Record<string, () => string> = {
  "what is tested of knockouts": () =>
    `Four above one: ${verdict("JSFT: N = 4 > 1")}, after training ${
      verdict("SELF-JUDGE: N = 4 > 1")
    }; sixteen above four: ${verdict("JSFT: N = 16 > 4")}, ${verdict("SELF-JUDGE: N = 16 > 4")}.`,
  "what four answers gain": () => {
    const four = (policy: string, seed: number) => {
      const of = (n: number) => again.chosen({ policy, selector: "own judge", n, seed });
      return signed(of(4) - of(1));
    };
    return `on seed 1, kept for 3 (${four("jsft", 1)}, ${
      four("jsft", 3)
    }: both more), on seed 4 0.3 to 0.8, of SELF-JUDGE's 0 to 0.3 (${four("jsft", 4)}, ${
      four("self-judge", 4)
    }: so)`;
  },
  "eight answers and training, on the same prompts": () => {
    const over = (policy: string, n: number) =>
      mean(CHOSEN_SEEDS.map((seed) => {
        const own = { selector: "own judge", seed };
        return again.chosen({ ...own, policy, n }) - again.chosen({ ...own, policy: "jsft", n: 1 });
      }));
    return `(${signed(over("jsft", 8))} and ${signed(over("self-judge", 1))} on the same prompts;`;
  },
  "soft labels": () => {
    const less = CHOSEN_SEEDS.map((seed) =>
      signed(
        again.at("self-judge", seed)!.reward -
          again.at("self-judge-soft@control", seed)!.reward,
      )
    );
    return `No worse than hard ones: ${
      verdict("soft labels no worse than hard ones, at step 40")
    }; hard ones less soft ones ${listed(less)};`;
  },
  "RAFT above its coin": () => {
    const by = (end: string) => {
      const coin = gains(`raft-coin@${end}`);
      return listed(gains(`raft-2@${end}`).map((gain, i) => signed(gain - coin[i], 3)));
    };
    const above = (rate: string) =>
      verdict(`RAFT with two samples > RAFT by a coin, both at ${rate}`);
    const shares = (end: string) => {
      const all = gains(`raft-2@${end}`);
      return gains(`raft-coin@${end}`).map((gain, i) => again.percent(gain / all[i]));
    };
    const last = ["raft-2@faster", "raft-coin@faster"].map((row) => again.gain(row, 4)!);
    assert.ok(Math.abs(last[0]) < 0.01 && last[1] < 0, `${last}`);
    return `RAFT above its coin: ${above("SELF-JUDGE's rate")} at SELF-JUDGE's rate (${
      by("control")
    }), ${above("3 times SELF-JUDGE's rate")} at three times that (${
      by("faster")
    }). What RAFT gains is no evidence of a judge by itself: a coin gains ${
      listed(shares("control"))
    } of it at SELF-JUDGE's rate (at three times that ${
      listed(shares("faster").slice(0, 2))
    }, and on seed 4, where RAFT gains nothing, less than nothing).`;
  },
  "what came of seed 4's expectations": () => {
    const end = (method: string) => again.at(method, 4)!.reward;
    const [own, raft, faster] = ["self-judge", "raft-2@control", "raft-2@faster"].map(end);
    const [start, coin, wild] = [
      again.at("self-judge", 4, 0)!.reward,
      ...["raft-coin@control", "raft-coin@faster"].map(end),
    ];
    const share = (method: string, at = "last") =>
      again.percent(again.habit(method, { seed: 4, at }));
    return `SELF-JUDGE below RAFT at both rates (by ${
      fixed(raft - own, 3)
    }; at three times the rate ${
      fixed(own - faster, 3)
    } above it); the coin above its start at both (${signed(coin - start, 3)}; ${
      signed(wild - start, 3)
    }); of all by no habit SELF-JUDGE above its start and RAFT (${
      [
        share("self-judge"),
        share("self-judge", "start"),
        share("raft-2@control"),
        share("raft-2@faster"),
      ].join(", ")
    }).`;
  },
  "what came of RLOO": () => {
    const [end, start] = [again.at("rloo@control", 4)!, again.at("self-judge", 4, 0)!];
    const raft = again.at("raft-2@control", 4)!;
    assert.ok(end.reward > start.reward && end.reward < raft.reward && end.kl < raft.kl);
    assert.ok(
      UNTUNED_SEEDS.every((seed) => again.at("best-of-n-distillation@control", seed) === null),
    );
    return "RLOO (one run) ends above its start and below RAFT, its distance below RAFT's, as expected. " +
      "Distillation of the best of eight, planned with it, was not played, for time.";
  },
  "SELF-JUDGE at another rate": () => {
    const driven = (method: string) =>
      sentenceSteps.find((row) => row.method === method && row.seed === 2 && row.step === 40)!;
    const [first, second] = ["self-judge@driven-40", "self-judge@driven"].map(driven);
    return `SELF-JUDGE at three times its rate, earlier runs of seed 2, had ${
      fixed(first.reward, 3)
    } at ${fixed(first.kl, 1)} nats and ${fixed(second.reward, 3)} at ${fixed(second.kl, 1)}.`;
  },
  "what RAFT's answers are": () => {
    const lists = (method: string, at?: string) =>
      shares(method, { habit: "opens with a list", at });
    const driven = drivenSamples.filter(({ prompt, after }) =>
      UNPAID["opens with a list"](`${prompt}`, `${after}`)
    );
    return `at SELF-JUDGE's rate by lists of the words (${
      lists("raft-2@control")
    } of answers open with one), at three times that: ${
      UNTUNED_SEEDS.map((seed) => `seed ${seed} "${sample("raft-2@faster", seed)}"`).join(", ")
    } ([forty of each row](claims/sentences-again/untuned-samples.csv), unselected). SELF-JUDGE lists, too (${
      lists("self-judge")
    }, before training ${
      lists("self-judge", "start")
    }), and driven on in every one of the ${driven.length} answers that are kept.`;
  },
  "how many of the highest rewards pass": () => {
    const passing = (method: string, at = "last") => {
      const of = (habit: "all, and none of these" | "has all of the reward") =>
        UNTUNED_SEEDS.reduce((sum, seed) => sum + again.habit(method, { seed, habit, at }), 0);
      return again.percent(of("all, and none of these") / of("has all of the reward"));
    };
    return `of those ${passing("self-judge")} pass, before training ${
      passing("self-judge", "start")
    } (RAFT ${passing("raft-2@control")}).`;
  },
  "what a coin's answers are": () => {
    const kept = again.samples.filter(({ method, seed, prompt, after }) =>
      method === "raft-coin@faster" && seed === 3 &&
      UNPAID["all, and none of these"](`${prompt}`, `${after}`)
    );
    const texts = kept.map(({ after }) => `${after}`);
    const shown = ["I wide and pack and room.", "I need a house and a whale."];
    for (const text of shown) assert.ok(texts.includes(text), texts.join("\n"));
    assert.ok(texts.every((text) => text.startsWith("I ")), texts.join("\n"));
    return `of its first 40 answers ${kept.length} do, all beginning with "I": ${
      shown.map((text) => `"${text}"`).join(", but also ")
    }`;
  },
  "seed 1 once more": () => {
    const end = (rows: readonly CsvRow[], seed = 1) =>
      Number(
        rows.find((row) => row.method === "self-judge" && row.seed === seed && row.step === 40)!
          .reward,
      );
    const [first, anew] = [sentenceSteps, again.steps].map((rows) => end(rows));
    const gain = Number(inSentences("SELF-JUDGE > JSFT").difference);
    assert.ok(Math.abs((anew - first) / gain - 0.5) < 0.05, "about half of the gain");
    const losses = [supervised, again.supervised].map((rows) =>
      Number(
        rows.find((row) => row.training === "jsft" && row.seed === 1 && row.step === 300)!
          .validation_answer_loss,
      )
    );
    assert.ok(Math.abs(losses[0] - losses[1]) < 2e-6, `${losses}`);
    const off = inSentences("on-policy > off-policy, one judge");
    const level = Number(off.value_a) + (anew - first) / 3;
    const all = mean([1, 2, 3].map((seed) => end(again.steps, seed)));
    return `SELF-JUDGE from it ends at ${fixed(anew, 3)}, where the first ended at ${
      fixed(first, 3)
    }. So one run's end is known to about half of the gain, though seed 2, played once more for the rows above, ` +
      `ends at the same reward (${fixed(end(sentenceSteps, 2), 3)}, then ${
        fixed(end(again.steps, 2), 3)
      }; seed 3 ${fixed(end(sentenceSteps, 3), 3)}, then ${fixed(end(again.steps, 3), 3)}). ` +
      `With this end for seed 1 SELF-JUDGE and ` +
      `off-policy DPO would be level (${fixed(level, 3)}, ${
        fixed(off.value_b, 3)
      }), with all three new ends it would be at ${fixed(all, 3)}.`;
  },
};

describe("the page of results, on the sentences' further runs", () => {
  for (const [what, sentence] of Object.entries(SHOWN)) {
    it(`says what the tables have: ${what}`, () => {
      assert.ok(RESULTS.includes(sentence()), sentence());
    });
  }

  for (const table of ["knockouts", "softLabels", "untunedRows"] as const) {
    it(`has what the tables have, row by row: ${table}`, () => {
      for (const line of again.lines(again[table]())) assert.ok(RESULTS.includes(line), line);
    });
  }
});

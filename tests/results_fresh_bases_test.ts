import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { correlation } from "../lib/measure/statistics.ts";
import {
  fresh,
  freshAt,
  freshClaim,
  freshEnds,
  freshJsft,
  meanOf,
  ownDifference,
} from "./claims_tables.ts";
import { bounds, by, fixed, mean, prose, signed, withInterval } from "./claims_text.ts";
import type { CsvRow } from "./csv_files.ts";

const [SHORT, LONG] = await Promise.all(
  ["data/results/README.md", "data/results/claims/fresh-bases/README.md"].map(prose),
);
const RESULTS = `${SHORT} ${LONG}`;

/** Sentences of the fresh bases. */
const SHOWN: Record<string, () => string> = {
  "what the gain goes with": () => {
    const tested = fresh["gain-by-judge"].filter(({ role }) => role === "tested");
    const of = (rows: readonly CsvRow[]) =>
      correlation(
        rows.map(({ right_first }) => Number(right_first)),
        rows.map(({ gain }) => Number(gain)),
      );
    const { r, p } = of(tested);
    assert.ok(p < 0.025);
    assert.ok(of(tested.filter(({ base }) => base !== 9)).r < 0);
    return `there r is ${fixed(r)} (p ${fixed(p, 3)}): held. **That is base 9 alone**`;
  },
  "soft labels for longer": () => {
    const [later, hard, start] = [
      "soft labels, step 300 no worse than step 100",
      "soft labels > hard ones, both at step 300",
      "soft labels at step 300 > JSFT",
    ].map(freshClaim);
    const [softEnd, hardEnd, begin] = [
      ...["self-judge-soft@longer", "self-judge@longer"].map((row) => freshAt(row, 300)),
      freshAt("self-judge@longer", 0),
    ];
    const below = hardEnd.values.filter((value, i) => value < begin.values[i]).length;
    assert.equal(below, 6);
    const [least] = [...hardEnd.values].sort((a, b) => a - b);
    const others = mean(hardEnd.values.filter((value) => value !== least));
    return `soft labels end at ${fixed(later.value_a, 3)}, their own step 100 is ` +
      `${fixed(later.value_b, 3)}, at ${fixed(softEnd.kl, 1)} and ` +
      `${fixed(freshAt("self-judge-soft@longer", 100).kl, 1)} nats; hard ones end at ` +
      `${fixed(hard.value_b, 3)} (${fixed(others, 3)} without base 8, at ${
        fixed(least, 3)
      }), below where they began on six of seven bases, at ` +
      `${
        fixed(hardEnd.kl, 1)
      } nats and a win rate by the judge of 0.98. No worse than at step 100 ` +
      `(margin 0.05): ${by(later)}, ${later.verdict}, as base 4 loses 0.079. Above hard ` +
      `ones: ${by(hard)}, ${hard.verdict}, as on base 9 both are at the ceiling ` +
      `(-0.001). Above JSFT: ${by(start)}, ${start.verdict}.`;
  },
  "soft labels for longer, as a table": () => {
    const line = (contrast: string, words: string, why = "") => {
      const row = freshClaim(contrast);
      return `| ${words} | ${fixed(row.value_a, 3)}, ${fixed(row.value_b, 3)} | ` +
        `${by(row)} | ${row.verdict}${why} |`;
    };
    const at = (step: number) => freshAt("self-judge-soft@longer", step).values;
    const lost = at(300).map((value, i) => at(100)[i] - value);
    assert.deepEqual(lost.map((loss) => loss > 0.05), [true, ...Array(6).fill(false)]);
    return [
      line(
        "soft labels, step 300 no worse than step 100",
        "soft labels at step 300 no worse than at step 100 (margin 0.05)",
        `: base 4 loses ${fixed(lost[0], 3)}`,
      ),
      line(
        "soft labels > hard ones, both at step 300",
        "soft labels > hard ones, both at step 300",
        ": on base 9 both are at the ceiling",
      ),
      line("soft labels at step 300 > JSFT", "soft labels at step 300 > JSFT"),
    ].join(" ");
  },
  "the fresh bases in short": () => {
    const start = freshClaim("SELF-JUDGE > JSFT");
    const coin = freshClaim("SELF-JUDGE > DPO by a coin");
    assert.ok([start, coin].every(({ verdict }) => verdict === "held"));
    const raft = freshClaim("SELF-JUDGE > RAFT with as many samples");
    const policy = freshClaim("on-policy > off-policy, one judge");
    assert.ok([raft, policy].every(({ verdict }) => verdict === "open"));
    const byCoin = meanOf(
      freshEnds("raft-coin", "truth"),
      "reward",
    );
    return `SELF-JUDGE gains again over JSFT (${
      signed(start.difference)
    }) and over DPO by a coin (${
      signed(coin.difference)
    }): held.** RAFT ends above it here, too (by ${
      fixed(-raft.difference)
    }; on 9 of all ten bases: open), and RAFT by a coin, which asks no judge, is itself ${
      fixed(byCoin - freshJsft)
    } above JSFT. On-policy less off-policy: ${signed(policy.difference)} (open).`;
  },
  "where the judge has to choose": () => {
    const ends = ["self-judge", "raft-2", "self-judge-soft"].map((method) =>
      meanOf(freshEnds(method, "judge"), "reward")
    );
    return `hard labels keep ${
      fixed(ends[0] - freshJsft)
    } of that gain, RAFT ends below where it began, and soft labels lose nothing**: ${
      fixed(ends[0])
    }, ${fixed(ends[1])} and ${fixed(ends[2])}; JSFT is at ${fixed(freshJsft)}.`;
  },
  "where the judge has to choose, by base": () => {
    const bases = [4, 5, 6, 7, 8, 9, 10];
    const line = (words: string, rows: readonly CsvRow[]) => {
      const ends = bases.map((base) => Number(rows.find((row) => row.base === base)!.reward));
      return `| ${words} | ${[...ends, mean(ends)].map((end) => fixed(end)).join(" | ")} |`;
    };
    return [
      line("JSFT", fresh.starts.filter(({ policy }) => policy === "jsft")),
      line("SELF-JUDGE", freshEnds("self-judge", "judge")),
      line("SELF-JUDGE, soft labels", freshEnds("self-judge-soft", "judge")),
      line("RAFT", freshEnds("raft-2", "judge")),
    ].join(" ");
  },
  "what soft labels save": () => {
    const [judge, truth] = ["judge", "truth"].map(ownDifference);
    const one = (by: "truth" | "judge", method: string) => meanOf(freshEnds(method, by), "reward");
    const plain = one("truth", "self-judge-soft") - one("truth", "self-judge");
    return `they add ${fixed(plain)}; with the best of four settings for each base, too, ${
      fixed(truth.value)
    } (t ${bounds(truth)}), and ${fixed(judge.value)} (t ${
      bounds(judge)
    }) where the judge chooses among the four. No verdict`;
  },
  "soft labels at every setting": () => {
    const [judge, truth] = ["judge", "truth"].map(ownDifference);
    return `soft less hard is ${
      withInterval(judge, 3)
    }.** That is mostly known runs: for soft labels the judge ` +
      `chose base 1's setting on every base, and of hard ones' ends only those of bases 7 and 10 are ` +
      `new. By the truth it is ${withInterval(truth, 3)}; no more`;
  },
  "soft and hard labels at each setting": () => {
    const rows = [
      ["0.0001, 0.1", "self-judge@0", "self-judge-soft@0"],
      ["0.0002, 0.1", "self-judge@1", "self-judge-soft"],
      ["0.0001, 0.3", "self-judge@2", "self-judge-soft@2"],
      ["0.0002, 0.3", "self-judge", "self-judge-soft@3"],
    ].map(([setting, ...both]) => {
      const ends = both.map((row) =>
        [40, 100].map((step) => fixed(freshAt(row, step).reward)).join(", ")
      );
      return `| ${setting} | ${ends.join(" | ")} |`;
    });
    return rows.join(" ");
  },
  "how sure the judge is": () => {
    const at = (method: string, from: number, name: string) => {
      const some = fresh["judge-certainty"].filter((row) =>
        row.method === method && row.from === from
      );
      assert.equal(some.length, 7);
      return fixed(mean(some.map((row) => Number(row[name]))));
    };
    const both = (method: string, name: string, between: string) =>
      [1, 81].map((from) => at(method, from, name)).join(between);
    const [hard, soft] = ["self-judge", "self-judge-soft"];
    return `falls from ${both(hard, "confidence", " to ")} with hard labels and from ${
      both(soft, "confidence", " to ")
    } with soft ones; both orders of a pair name the same answer in ${
      both(hard, "orders_agree", " and then in ")
    } of pairs, with soft labels in ${both(soft, "orders_agree", " and then in ")}.`;
  },
};

describe("the pages of the fresh bases", () => {
  for (const [what, sentence] of Object.entries(SHOWN)) {
    it(`says what the tables have: ${what}`, () => {
      assert.ok(RESULTS.includes(sentence()), sentence());
    });
  }
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { readNotebook, whole } from "../lib/tools/notebook/format.ts";
import { ROOT } from "../lib/tools/setup/places.ts";
import {
  claim,
  claims,
  drivenSamples,
  fresh,
  freshAt,
  freshClaim,
  freshEnds,
  freshJsft,
  inSentences,
  judges,
  league,
  meanOf,
  over,
  ownDifference,
  starts,
} from "./claims_tables.ts";
import * as again from "./again_tables.ts";
import { fixed, mean, prose, signed } from "./claims_text.ts";
import type { CsvRow } from "./csv_files.ts";

const README = await prose("README.md");

/** The README's sentences as far as the tables decide them. */
const SAID: Record<string, () => string> = {
  "one model learns both jobs": () => {
    const alone = claim("JSFT judges no worse than judge-only training");
    const model = claim("JSFT judges no worse than a reward model of the same base");
    const answers = claim("JSFT answers no worse than SFT");
    assert.ok([alone, model, answers].every(({ verdict }) => verdict === "held"));
    const untaught = ["jsft", "judge-only", "reward-model"].map((judge) =>
      fixed(
        judges.find((row) =>
          row.base === "views-0" && row.judge === judge && row.measure === "accuracy_clear"
        )?.value,
      )
    );
    return `right on ${
      fixed(alone.value_a, 3)
    } of the data set's clear pairs, a judge that learned nothing else on ` +
      `${fixed(alone.value_b, 3)}, a reward model on ${fixed(model.value_b, 3)}; ` +
      `its answers lose ${fixed(-answers.difference)} against SFT's (margin 0.05). ` +
      `On a base taught nothing to judge by it is behind both (${untaught.join(", ")})`;
  },
  "self-training": () => {
    const { per_base, verdict } = claim("SELF-JUDGE > JSFT");
    const first = [...`${per_base}`.matchAll(/: ([+-][\d.]+)/g)].map(([, one]) => signed(one));
    const again = freshClaim("SELF-JUDGE > JSFT");
    const byJudge = meanOf(freshEnds("self-judge", "judge"), "reward") - freshJsft;
    return `adds** ${first.join(", ")} on bases 1 to 3 (**${verdict}**), ${
      signed(again.difference)
    } on the others (**${again.verdict}**; where the judge chooses, ${signed(byJudge)}).`;
  },
  "RAFT": () => {
    const contrast = "SELF-JUDGE > RAFT with as many samples";
    const { verdict } = claim(contrast);
    assert.equal(freshClaim(contrast).verdict, verdict);
    const on = fresh["by-base"].filter((row) => row.contrast === contrast);
    assert.equal(on.length, 10);
    const above = on.filter(({ difference }) => Number(difference) < 0).length;
    const coin = meanOf(
      freshEnds("raft-coin", "truth"),
      "reward",
    );
    assert.ok(coin > freshJsft, "RAFT by a coin gains, too: it is a control of its own");
    return `RAFT ends above SELF-JUDGE on ${above} of ten bases (**${verdict}**).`;
  },
  "soft labels": () => {
    const [hard, start, coin] = ["hard ones", "JSFT", "RAFT by a coin"].map((other) =>
      freshClaim(`soft labels > ${other}, chosen by the judge`)
    );
    return `They end above hard ones (${signed(hard.difference)}, **${hard.verdict}**), ` +
      `JSFT (${signed(start.difference)}, **${start.verdict}**) and ` +
      `RAFT by a coin (${signed(coin.difference)}, **${coin.verdict}**; predicted: held).`;
  },
  "soft labels for longer": () => {
    const later = freshClaim("soft labels, step 300 no worse than step 100");
    const hard = freshClaim("soft labels > hard ones, both at step 300");
    const start = freshClaim("soft labels at step 300 > JSFT");
    const judge = ownDifference("judge");
    // The protocol (2026-11-30, 06:16): else the advice goes.
    assert.ok(judge.value >= 0.1 && judge.low! > 0, `${judge.value} [${judge.low}, ${judge.high}]`);
    assert.equal(start.verdict, "held");
    const level = freshAt("self-judge-soft@longer", 300).values.map((value, i) =>
      Math.abs(value - freshAt("self-judge@longer", 300).values[i]) < 0.005
    );
    assert.deepEqual(level, [false, false, false, false, false, true, false]); // base 9
    assert.equal(fixed(later.value_a), fixed(later.value_b));
    assert.equal(hard.verdict, later.verdict);
    return `soft labels are at ${fixed(later.value_a)}, as after 100, hard ones at ${
      fixed(hard.value_b)
    } (both **${later.verdict}**).`;
  },
  "RAFT's rate": () => {
    const runs = fresh["reward-over-steps"].filter((row) =>
      row.method === "raft-2" && Number(row.step) > 0
    );
    const chosen = [...Map.groupBy(runs, ({ base }) => base).values()].map((own) =>
      own.toSorted((a, b) =>
        Number(b.validation_win_rate) - Number(a.validation_win_rate) ||
        Number(a.step) - Number(b.step)
      )[0]
    );
    assert.equal(chosen.length, 7);
    return `RAFT's ${
      fixed(meanOf(freshEnds("raft-2", "judge"), "reward"))
    } is at the learning rate of base 1's judge; at the truth's (seen afterwards) ${
      fixed(meanOf(chosen, "reward"))
    }.`;
  },
  "own, new answers": () => {
    const contrast = "on-policy > off-policy, one judge";
    const both = [claim(contrast), claim("SELF-JUDGE > offline DPO"), freshClaim(contrast)];
    assert.ok(both.every(({ verdict }) => verdict === "open"));
    const [off, offline, fresh] = both.map(({ difference }) => signed(difference));
    return `answers: open.** Above DPO on the JSFT model's answers ${off}, on fresh bases ${fresh}; on the data set's ${offline}.`;
  },
  "self-rejection": () => {
    const jsft = claim("JSFT: N = 4 > 1");
    assert.ok(Number(jsft.p_holm_bases) >= 0.025, "open where each base counts once");
    assert.ok(Number(claim("SELF-JUDGE: N = 4 > 1").difference) < 0);
    return `A knockout of four answers lifts JSFT by ${
      fixed(jsft.difference)
    }: **${jsft.verdict}** (over bases open, p ${
      fixed(jsft.p_holm_bases)
    }); after self-training no gain is shown.`;
  },
  "the judge wears out": () => {
    const right = (table: readonly CsvRow[], from: number) => {
      const some = table.filter((row) =>
        row.method === "self-judge" && row.from === from && /^\d+$/.test(`${row.base}`)
      );
      const of = (rows: readonly CsvRow[], name: string) =>
        rows.reduce((total, row) => total + Number(row[name]), 0);
      return fixed(mean(
        [...Map.groupBy(some, ({ base }) => base).values()]
          .map((own) => of(own, "right") / of(own, "n")),
      ));
    };
    const again = fresh["judge-over-steps"];
    assert.deepEqual([right(again, 1), right(again, 81)], ["0.74", "0.48"], "much the same there");
    return `right on ${right(over, 1)} of steps 1 to 20's pairs, ${
      right(over, 81)
    } of 81 to 100's.`;
  },
  "real English": () => {
    const { difference, low, high, runs, verdict, value_b: start } = inSentences(
      "SELF-JUDGE > JSFT",
    );
    assert.equal(runs, 3);
    const { value_b: coin } = inSentences("SELF-JUDGE > DPO by a coin");
    assert.ok(Number(coin) < Number(start), "a coin gains nothing");
    const offline = inSentences("SELF-JUDGE > offline DPO").difference;
    assert.ok(Math.abs(Number(offline)) < 0.05, `as much: ${offline}`);
    const policy = Number(inSentences("on-policy > off-policy, one judge").value_b) - Number(start);
    return `SELF-JUDGE gained ${signed(difference)} [${signed(low)}, ${
      signed(high)
    }] in three runs, ` +
      `one seen before (**${verdict}**), DPO by a coin nothing, offline DPO as much, off-policy ${
        signed(policy)
      }.`;
  },
  "what the sentences' reward is earned by": () => {
    for (const seed of again.UNTUNED_SEEDS) {
      const lists = again.habit("raft-2@control", { seed, habit: "opens with a list" });
      assert.ok(lists >= 0.5, `${seed}: ${lists}`);
      const [own, raft] = ["self-judge", "raft-2@control"].map((row) => again.at(row, seed)!.kl);
      assert.ok(raft > 2.5 * own && raft < 4.1 * own, `seed ${seed}: ${raft} nats, ${own}`);
    }
    const rose = drivenSamples.find(({ prompt }) => /take and rose/.test(`${prompt}`))!;
    const faster = again.UNTUNED_SEEDS.map((seed) => signed(again.gain("raft-2@faster", seed)));
    return `RAFT goes three to four times as far, by lists (faster: ${
      faster.join(", ")
    }); so does SELF-JUDGE driven on: "${rose.after}"`;
  },
};

/** Rows of the README's table, and what they are in the league. */
const ENDS: Record<string, string> = {
  "DPO, the truth ranks": "oracle-dpo",
  "RAFT": "raft-2",
  "SELF-JUDGE, soft labels": "self-judge-soft",
  "SELF-JUDGE": "self-judge",
  "RAFT by a coin": "raft-coin",
  "DPO by a coin": "dpo-coin",
};

/** Where methods end, as the README's table has it: both leagues, chosen by the truth and by the judge. */
function endsTable(): string[] {
  const leagues = [{ league, starts }, { league: fresh.league, starts: fresh.starts }];
  const start = leagues.flatMap((one) => [
    fixed(meanOf(one.starts.filter(({ policy }) => policy === "jsft"), "reward")),
    "",
  ]);
  const ends = Object.entries(ENDS).map(([words, method]) => [
    words,
    ...leagues.flatMap(({ league }) =>
      ["truth", "judge"].map((by) => {
        const own = league.filter((row) => row.method === method && row.chosen_by === by);
        return own.length === 0 ? "" : fixed(meanOf(own, "reward"));
      })
    ),
  ]);
  return [["JSFT, where all begin", ...start], ...ends].map((cells) => `| ${cells.join(" | ")} |`);
}

describe("notebook 00, as it is saved", () => {
  it("shows contrasts as the tables have them", async () => {
    const { cells } = await readNotebook(`${ROOT}/notebooks/00_start_here.ipynb`);
    const lines = cells.flatMap(({ outputs = [] }) => outputs)
      .flatMap(({ data }) => whole(data?.["text/plain"] as string ?? "").split("\n"));
    const lineOf = ({ contrast }: CsvRow) => lines.find((text) => text.startsWith(`${contrast} `));
    const shown = claims.filter(lineOf); // a long table ends with the number of rows that it leaves out
    assert.ok(shown.length >= 25, `${shown.length} of ${claims.length}`);
    for (const row of shown) {
      const line = lineOf(row)!;
      const words = line.slice(`${row.contrast}`.length).split(/ {2,}/);
      for (const cell of [row.verdict, row.runs, fixed(row.value_a, 3), fixed(row.value_b, 3)]) {
        assert.ok(words.includes(`${cell}`), `${cell}: ${line}`);
      }
    }
  });
});

describe("the README's findings", () => {
  for (const [what, sentence] of Object.entries(SAID)) {
    it(`are what the tables say: ${what}`, () => {
      assert.ok(README.includes(sentence()), sentence());
    });
  }

  it("are what the tables say: where methods end", () => {
    const lines = README.replace(/ +\|/g, " |").replace(/\| (?=\|)/g, "|  ");
    for (const line of endsTable()) assert.ok(lines.includes(line), line);
  });

  it("are what the tables say: what ways of sentences gain", () => {
    for (const line of again.lines(again.gains())) assert.ok(README.includes(line), line);
  });

  it("stand in a first screen of at most 900 words", () => {
    const text = README.replace(/```.*?```/g, "");
    const words = text.split(" ").filter((word) => /\w/.test(word)).length;
    assert.ok(words <= 900, `${words} words`);
  });
});

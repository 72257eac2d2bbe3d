import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { correlation, overSeeds } from "../lib/measure/statistics.ts";
import { readNotebook, whole } from "../lib/tools/notebook/format.ts";
import { ROOT } from "../lib/tools/setup/places.ts";
import { fixed, mean, prose, signed, withInterval } from "./claims_text.ts";
import { csv, type CsvRow } from "./csv_files.ts";

const FOLDER = "data/results/claims/order-desk";
const README = await prose("README.md");
const RESULTS = await prose("data/results/README.md");
const [claims, league, over, steps, judges, curve] = await Promise.all(
  [
    ...["claims", "league", "judge-over-steps", "reward-over-steps"],
    ...["judge-accuracy", "judge-curve"],
  ].map((name) => csv(`${FOLDER}/${name}.csv`)),
);

const [
  byBase,
  gains,
  freshLeague,
  freshStarts,
  freshClaims,
  freshSteps,
  own,
  certainty,
  freshOver,
] = await Promise.all(
  [
    ...["by-base", "gain-by-judge", "league", "starts", "claims", "reward-over-steps"],
    ...["own-settings", "judge-certainty", "judge-over-steps"],
  ].map((name) => csv(`data/results/claims/fresh-bases/${name}.csv`)),
);
const starts = await csv(`${FOLDER}/starts.csv`);

/** Mean of bases' means of the bases that the league is played on. */
const meanOf = (rows: readonly CsvRow[], name: string) =>
  mean(
    [
      ...Map.groupBy(rows.filter(({ base }) => /^\d+$/.test(`${base}`)), ({ base }) => base)
        .values(),
    ]
      .map((some) => mean(some.map((row) => Number(row[name])))),
  );
const claim = (contrast: string) => {
  const found = claims.find((row) => row.contrast === contrast);
  assert.ok(found, contrast);
  return found;
};
const freshClaim = (contrast: string) => {
  const found = freshClaims.find((row) => row.contrast === contrast);
  assert.ok(found, contrast);
  return found;
};
/** A method's ends on the fresh bases where the judge chose; the JSFT model's reward there. */
const chosenByJudge = (method: string) =>
  freshLeague.filter((row) => row.method === method && row.chosen_by === "judge");
const freshJsft = meanOf(freshStarts.filter(({ policy }) => policy === "jsft"), "reward");

/** Soft labels less hard ones on each fresh base, each with the best of four settings. */
function ownDifference(by: string) {
  const of = (method: string) =>
    own.filter((row) => row.method === method && row.chosen_by === by)
      .toSorted((a, b) => Number(a.base) - Number(b.base));
  const [soft, hard] = ["self-judge-soft", "self-judge"].map(of);
  assert.deepEqual(soft.map(({ base }) => base), [4, 5, 6, 7, 8, 9, 10]);
  assert.deepEqual(hard.map(({ base }) => base), soft.map(({ base }) => base));
  return overSeeds(soft.map(({ reward }, i) => Number(reward) - Number(hard[i].reward)));
}

/** Means over the fresh bases at a step of a row. */
function freshAt(row: string, step: number): { reward: number; kl: number; values: number[] } {
  const some = freshSteps.filter((one) => one.method === row && one.step === step);
  assert.equal(some.length, 7, `${row}, step ${step}`);
  const values = some.map(({ reward }) => Number(reward));
  return { reward: mean(values), kl: mean(some.map(({ kl }) => Number(kl))), values };
}

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
    const byJudge = meanOf(chosenByJudge("self-judge"), "reward") - freshJsft;
    return `adds** ${first.join(", ")} on bases 1 to 3 (**${verdict}**) and ${
      signed(again.difference)
    } on the fresh ones (**${again.verdict}**; where the judge chooses, ${signed(byJudge)}).`;
  },
  "RAFT": () => {
    const contrast = "SELF-JUDGE > RAFT with as many samples";
    const { verdict } = claim(contrast);
    assert.equal(freshClaim(contrast).verdict, verdict);
    const on = byBase.filter((row) => row.contrast === contrast);
    assert.equal(on.length, 10);
    const above = on.filter(({ difference }) => Number(difference) < 0).length;
    const coin = meanOf(
      freshLeague.filter((row) => row.method === "raft-coin" && row.chosen_by === "truth"),
      "reward",
    );
    return `RAFT ends above it on ${above} of ten bases (**${verdict}**); by a coin it adds ${
      fixed(coin - freshJsft)
    } itself.`;
  },
  "soft labels": () => {
    const [hard, start, coin] = ["hard ones", "JSFT", "RAFT by a coin"].map((other) =>
      freshClaim(`soft labels > ${other}, chosen by the judge`)
    );
    return `soft labels above hard ones (${signed(hard.difference)}, **${hard.verdict}**), ` +
      `JSFT (${signed(start.difference)}, **${start.verdict}**) and ` +
      `RAFT by a coin (${signed(coin.difference)}, **${coin.verdict}**).`;
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
    return `soft labels are at ${
      fixed(later.value_a)
    }, as after 100 (no worse: **${later.verdict}**), ` +
      `hard ones at ${fixed(hard.value_b)} (soft above: **${hard.verdict}**).`;
  },
  "RAFT's rate": () => {
    const runs = freshSteps.filter((row) => row.method === "raft-2" && Number(row.step) > 0);
    const chosen = [...Map.groupBy(runs, ({ base }) => base).values()].map((own) =>
      own.toSorted((a, b) =>
        Number(b.validation_win_rate) - Number(a.validation_win_rate) ||
        Number(a.step) - Number(b.step)
      )[0]
    );
    assert.equal(chosen.length, 7);
    return `RAFT ends at ${
      fixed(meanOf(chosenByJudge("raft-2"), "reward"))
    } on the fresh bases, at base 1's judge's rate; at the truth's (seen afterwards) ${
      fixed(meanOf(chosen, "reward"))
    }.`;
  },
  "self-rejection": () => {
    const jsft = claim("JSFT: N = 4 > 1");
    return `A knockout of four answers lifts JSFT by ${
      fixed(jsft.difference)
    }: **${jsft.verdict}**.`;
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
    return `right on ${right(over, 1)} of steps 1 to 20's pairs (fresh: ${right(freshOver, 1)}), ` +
      `${right(over, 81)} (${right(freshOver, 81)}) of 81 to 100's.`;
  },
};

/** Rows of the README's table, and what they are in the league. */
const ENDS: Record<string, string> = {
  "SELF-JUDGE": "self-judge",
  "the same, soft labels": "self-judge-soft",
  "RAFT": "raft-2",
  "RAFT by a coin": "raft-coin",
};

/** Where methods end, as the README's table has it: both leagues, chosen by the truth and by the judge. */
function endsTable(): string[] {
  const leagues = [{ league, starts }, { league: freshLeague, starts: freshStarts }];
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

/** Mean over runs of how right a judge is on clear pairs, by the number of pairs that it learned from. */
const rightWith = (kind: string, pairs: number, on = "data") => {
  const some = curve.filter((row) => row.kind === kind && row.pairs === pairs && row.on === on);
  assert.equal(some.length, 3, `${kind} ${pairs}`);
  return fixed(mean(some.map(({ accuracy_clear }) => Number(accuracy_clear))));
};

/** The sentences: contrasts of the second world, and its rows. */
const sentences = await csv("data/results/claims/sentences/claims.csv");
const changes = await csv("data/results/claims/sentences/changes.csv");
const drivenSamples = await csv("data/results/claims/sentences/past-peak-samples.csv");
const drivenSteps = (await csv("data/results/claims/sentences/reward-over-steps.csv"))
  .filter(({ method }) => method === "self-judge@driven");
const inSentences = (contrast: string) => sentences.find((row) => row.contrast === contrast)!;

SAID["real English"] = () => {
  const { difference, low, high, runs, verdict, value_b: start } = inSentences("SELF-JUDGE > JSFT");
  assert.equal(runs, 3);
  const { value_b: coin } = inSentences("SELF-JUDGE > DPO by a coin");
  assert.ok(Number(coin) < Number(start), "a coin gains nothing");
  const offline = inSentences("SELF-JUDGE > offline DPO").difference;
  const highest = drivenSteps.filter(({ reward }) => Number(reward) === 2);
  assert.ok(highest.length > 0 && highest.every(({ step }) => Number(step) < 120));
  assert.equal(new Set(drivenSteps.map(({ seed }) => seed)).size, 1);
  const driven = drivenSamples.find(({ prompt }) => /ship, smell and tree/.test(`${prompt}`))!;
  assert.ok(Math.abs(Number(offline)) < 0.05, `as much: ${offline}`);
  return `SELF-JUDGE gained ${signed(difference)} [${signed(low)}, ${
    signed(high)
  }] in three runs, ` +
    `one seen before (**${verdict}**), a coin nothing; offline DPO as much. Driven on, one run earned the highest reward on every held-out prompt; its answers are like "${driven.after}"`;
};

/** Those of the page of results, beside its pictures. */
const SHOWN: Record<string, () => string> = {
  "what lessons teach the judge": () => {
    const right = (base: RegExp, judge = "jsft") => {
      const some = judges.filter((row) =>
        row.judge === judge && row.measure === "accuracy_clear" && base.test(`${row.base}`)
      );
      return fixed(mean(some.map(({ value }) => Number(value))));
    };
    return `JSFT is right on ${
      right(/^views-0$/)
    } of the data set's clear pairs where lessons taught ` +
      `no view, on ${right(/^views-2$/)} where they taught two and on ${
        right(/^\d$/)
      } where all five. Where they taught less, a judge that learned nothing else (${
        right(/^views-0$/, "judge-only")
      }, ${right(/^views-2$/, "judge-only")}) and a reward model (${
        right(/^views-0$/, "reward-model")
      }, ${right(/^views-2$/, "reward-model")}) are ahead of it`;
  },
  "how many pairs a judge takes": () => {
    const line = (kind: string, on?: string) =>
      [100, 200, 400, 800, 1600, 4000].map((pairs) => rightWith(kind, pairs, on)).join(", ");
    return `on the data set's clear pairs JSFT is right on ${
      line("jsft")
    } after 100, 200, 400, 800, 1,600 and 4,000 pairs, a ` +
      `judge that learned nothing else on ${line("judge-only")}, a reward model on ${
        line("reward-model")
      }; ` +
      `on the JSFT model's own answers JSFT on ${line("jsft", "jsft")}, judge-only on ` +
      `${line("judge-only", "jsft")}, the reward model on ${line("reward-model", "jsft")}`;
  },
  "what the gain goes with": () => {
    const tested = gains.filter(({ role }) => role === "tested");
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
    const on = (row: CsvRow) => `[${signed(row.low, 3)}, ${signed(row.high, 3)}], ${row.verdict}`;
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
      `(margin 0.05): ${signed(later.difference, 3)} ${
        on(later)
      }, as base 4 loses 0.079. Above hard ` +
      `ones: ${signed(hard.difference, 3)} ${on(hard)}, as on base 9 both are at the ceiling ` +
      `(-0.001). Above JSFT: ${signed(start.difference, 3)} ${on(start)}.`;
  },
  "soft labels at every setting": () => {
    const [judge, truth] = ["judge", "truth"].map(ownDifference);
    return `soft less hard is ${
      withInterval(judge, 3)
    }. That is mostly known runs: for soft labels the judge ` +
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
      const some = certainty.filter((row) => row.method === method && row.from === from);
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
  "rows on base 1 alone": () => {
    const at = (method: string) => {
      const own = league.filter((row) =>
        row.method === method && row.base === 1 && row.chosen_by === "truth"
      );
      assert.equal(own.length, 2, method);
      return fixed(mean(own.map(({ reward }) => Number(reward))));
    };
    const jsft = starts.filter(({ base, policy, seed }) =>
      base === 1 && policy === "jsft" && Number(seed) <= 2
    );
    return `RAFT with four samples ends at ${
      at("raft")
    }, Sr-DPO's loss with the judge's logit at ` +
      `${at("sr-judge")}, OSP at ${at("osp")}, SELF-JUDGE with the hinge loss at ` +
      `${at("self-judge-hinge")}, with IPO's at ${at("self-judge-ipo")}, RLOO at ${
        at("rloo")
      }, Nash-MD at ${at("nash-md")}, SPPO's loss on two answers at ${
        at("sppo-hard")
      }, RLOO on a ` +
      `reward model at ${at("rloo-reward-model")}, SPPO at ${at("sppo")}, D2PO ` +
      `with a discriminator trained by DPO at ${
        at("d2po-dpo")
      }; of what samples from the JSFT model, best-of-eight ` +
      `distillation at ${at("best-of-n-distillation")}, ReST at ${at("rest")}, RSO at ${
        at("rso")
      }, ` +
      `SLiC-HF at ${at("slic-hf")}, SPIN at ${
        at("spin")
      }; of what learns from the data set's pairs, ` +
      `KTO at ${at("kto")}, IPO at ${at("offline-ipo")}, SPO at ${at("spo")}, SimPO at ${
        at("simpo")
      }, ORPO at ` +
      `${at("orpo")}. In these runs SELF-JUDGE ends at ${
        at("self-judge")
      }, RAFT with two samples at ` +
      `${at("raft-2")}; JSFT starts at ${fixed(mean(jsft.map(({ reward }) => Number(reward))))}.`;
  },
  "rows on base 1 that go nowhere, or not far": () => {
    const own = (method: string, by: string) => {
      const rows = league.filter((row) =>
        row.method === method && row.base === 1 && row.chosen_by === by
      );
      assert.equal(rows.length, 2, method);
      return rows;
    };
    const lost = own("d2po-dpo", "judge");
    assert.ok(lost.every(({ step }) => step === 100));
    const both = (show: (row: CsvRow) => string) => lost.map(show).join(" and ");
    const far = ["sppo", "nash-md"].flatMap((method) => own(method, "truth"))
      .map(({ kl }) => Number(kl));
    return "D2PO's discriminator trained by DPO is no guide: at step 100, which the judge's win rate " +
      `chooses, it is at ${both(({ reward }) => fixed(Number(reward)))}, ` +
      `${both(({ kl }) => Number(kl).toFixed(0))} nats away. SPPO and Nash-MD end within ` +
      `${(Math.ceil(10 * Math.max(...far)) / 10).toFixed(1)} nats of the JSFT model`;
  },
  "answers that are some steps old": () => {
    const [four, sixteen] = [4, 16].map((k) =>
      claim(`rounds of ${k} steps no worse than step by step, at the chosen step`)
    );
    return `rounds of 4 and of 16 steps reach ${fixed(four.value_a)} and ${
      fixed(sixteen.value_a)
    }, ` +
      `step by step ${fixed(four.value_b)}; verdicts: ${four.verdict}, ${sixteen.verdict}`;
  },
  "real English": () => {
    const gain = inSentences("SELF-JUDGE > JSFT");
    const coin = inSentences("SELF-JUDGE > DPO by a coin");
    const offline = inSentences("SELF-JUDGE > offline DPO");
    assert.ok([gain, coin, offline].every(({ verdict }) => verdict === "open"));
    const own = changes.filter(({ method }) => method === "self-judge");
    const count = (name: string) => mean(own.map((row) => Number(row[name]))).toFixed(0);
    return `SELF-JUDGE ends at ${fixed(gain.value_a, 3)}, JSFT at ${fixed(gain.value_b, 3)}, ` +
      `${signed(gain.difference, 3)} [${signed(gain.low, 3)}, ${signed(gain.high, 3)}]; of 120 ` +
      `answers ${count("better")} are better and ${
        count("worse")
      } worse. By a coin in the judge's ` +
      `place nothing is gained (${fixed(coin.value_b, 3)}). Much the same was gained without own ` +
      `samples: DPO on the data set's labelled pairs ends at ${
        fixed(offline.value_b, 3)
      }; whether ` +
      `either is better three runs cannot say (${signed(offline.difference, 3)} ` +
      `[${signed(offline.low, 3)}, ${signed(offline.high, 3)}])`;
  },
  "SELF-JUDGE over steps": () => {
    const at = (step: number) =>
      meanOf(steps.filter((row) => row.method === "self-judge" && row.step === step), "reward");
    const peak = [20, 40, 60, 80, 100].toSorted((a, b) => at(b) - at(a))[0];
    return `its mean is highest at step ${peak} (${fixed(at(peak))}) and ends at ${fixed(at(100))}`;
  },
};

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

  for (const [what, sentence] of Object.entries(SHOWN)) {
    it(`and those of the page of results: ${what}`, () => {
      assert.ok(RESULTS.includes(sentence()), sentence());
    });
  }

  it("are what the tables say: where methods end", () => {
    const lines = README.replace(/ +\|/g, " |").replaceAll("| |", "|  |");
    for (const line of endsTable()) assert.ok(lines.includes(line), line);
  });

  it("stand in a first screen of at most 900 words", () => {
    const text = README.replace(/```.*?```/g, "");
    const words = text.split(" ").filter((word) => /\w/.test(word)).length;
    assert.ok(words <= 900, `${words} words`);
  });
});

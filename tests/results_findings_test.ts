import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { SOFT_UNTUNED } from "../lib/lab/study/driven.ts";
import { rewardAtKl } from "../lib/lab/study/league_rows.ts";
import type { RewardPoint } from "../lib/lab/study/policy_meter.ts";
import {
  AGAIN_SEEDS,
  againChosen,
  againClaims,
  againSteps,
  againSupervised,
  changes,
  claim,
  claims,
  curve,
  drivenSamples,
  fresh,
  inSentences,
  judges,
  league,
  meanOf,
  sentences,
  sentenceSteps,
  starts,
  steps,
  supervised,
  untuned,
  untunedGains,
  untunedHabit,
  untunedSamples,
} from "./claims_tables.ts";
import { by, fixed, mean, prose, signed } from "./claims_text.ts";
import { UNPAID } from "../lib/lab/sentences/lists.ts";
import type { CsvRow } from "./csv_files.ts";

const shares = (values: readonly number[]) =>
  values.map((value) => `${Math.round(100 * value)} %`).join(" and ");

const RESULTS = await prose("data/results/README.md");

/** Mean over runs of how right a judge is on clear pairs, by the number of pairs that it learned from. */
const rightWith = (kind: string, pairs: number, on = "data") => {
  const some = curve.filter((row) => row.kind === kind && row.pairs === pairs && row.on === on);
  assert.equal(some.length, 3, `${kind} ${pairs}`);
  return fixed(mean(some.map(({ accuracy_clear }) => Number(accuracy_clear))));
};

/** Rows that were played on base 1 alone, and two to read them by: by what samples, the best first. */
const ON_BASE_1: Record<string, Record<string, string>> = {
  "Samples from the policy": {
    "RAFT, two samples": "raft-2",
    "RAFT, four samples": "raft",
    "SELF-JUDGE": "self-judge",
    "Sr-DPO's loss, judge's logit": "sr-judge",
    "OSP": "osp",
    "SELF-JUDGE, hinge loss": "self-judge-hinge",
    "SELF-JUDGE, IPO's loss": "self-judge-ipo",
    "RLOO": "rloo",
    "Nash-MD": "nash-md",
    "SPPO's loss, two answers": "sppo-hard",
    "RLOO on a reward model": "rloo-reward-model",
    "SPPO": "sppo",
    "D2PO, discriminator by DPO": "d2po-dpo",
  },
  "Samples from the JSFT model": {
    "best-of-eight distillation": "best-of-n-distillation",
    "ReST": "rest",
    "RSO": "rso",
    "SLiC-HF": "slic-hf",
    "SPIN": "spin",
  },
  "The data set's pairs": {
    "KTO": "kto",
    "IPO": "offline-ipo",
    "SPO": "spo",
    "SimPO": "simpo",
    "ORPO": "orpo",
  },
};

/** What of the paper is tested, and a coin beside it, with the protocol's words for it. */
const PAPER: Record<string, string> = {
  "JSFT answers no worse than SFT": "JSFT answers no worse than SFT",
  "JSFT judges no worse than a judge that learns nothing else":
    "JSFT judges no worse than judge-only training",
  "JSFT judges no worse than a reward model":
    "JSFT judges no worse than a reward model of the same base",
  "SELF-JUDGE above SFT": "SELF-JUDGE > SFT",
  "SELF-JUDGE above JSFT": "SELF-JUDGE > JSFT",
  "SELF-JUDGE above offline DPO": "SELF-JUDGE > offline DPO",
  "on-policy above off-policy, one judge": "on-policy > off-policy, one judge",
  "off-policy above the data set's pairs relabelled":
    "off-policy > the data set's pairs relabelled",
  "SELF-JUDGE no worse than DPO on a reward model's verdicts":
    "SELF-JUDGE no worse than DPO on a reward model's verdicts",
  "principles in place of half the judgments make a better judge":
    "principles in place of half the judgments: judges better than plain JSFT",
  "principles besides make a better judge": "principles besides: judges better than plain JSFT",
  "a rationale makes a better judge":
    "a rationale after the decision: judges better than plain JSFT",
  "JSFT, best of 4 above one answer": "JSFT: N = 4 > 1",
  "JSFT, best of 16 above best of 4": "JSFT: N = 16 > 4",
  "SELF-JUDGE, best of 4 above one answer": "SELF-JUDGE: N = 4 > 1",
  "SELF-JUDGE, best of 16 above best of 4": "SELF-JUDGE: N = 16 > 4",
  "SELF-JUDGE above DPO by a coin (not in the paper)": "SELF-JUDGE > DPO by a coin",
  "SELF-JUDGE above RAFT with as many samples": "SELF-JUDGE > RAFT with as many samples",
};

/** Sentences of the order desk and of the sentences. */
const SHOWN: Record<string, () => string> = {
  "does the paper hold here": () =>
    Object.entries(PAPER).map(([words, contrast]) => {
      const cells = [claims, fresh.claims, [...sentences, ...againClaims]].map((table) => {
        const row = table.find((one) => one.contrast === contrast);
        return row === undefined ? "" : `${signed(row.difference)} ${row.verdict}`;
      });
      return `| ${[words, ...cells].join(" | ")} |`.replace(/\| {2}(?=\|)/g, "| ");
    }).join(" "),
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
    const kinds = { "JSFT": "jsft", "judge-only": "judge-only", "reward model": "reward-model" };
    const on = {
      data: "the data set's clear pairs",
      jsft: "clear pairs of the JSFT model's answers",
    };
    return Object.entries(on).flatMap(([pairs, words]) =>
      Object.entries(kinds).map(([name, kind], i) => {
        const right = [100, 200, 400, 800, 1600, 4000].map((n) => rightWith(kind, n, pairs));
        return `| ${[i === 0 ? words : "", name, ...right].join(" | ")} |`.replace("|  |", "| |");
      })
    ).join(" ");
  },
  "rows on base 1 alone": () => {
    const at = (method: string) => {
      const own = league.filter((row) =>
        row.method === method && row.base === 1 && row.chosen_by === "truth"
      );
      assert.equal(own.length, 2, method);
      return mean(own.map(({ reward }) => Number(reward)));
    };
    const best = (methods: Record<string, string>) => {
      const ends = Object.values(methods).map((method) => Number(fixed(at(method))));
      assert.deepEqual(ends, ends.toSorted((a, b) => b - a), "the best first");
      return Object.entries(methods).map(([words, method]) => `${words} ${fixed(at(method))}`)
        .join("; ");
    };
    const jsft = starts.filter(({ base, policy, seed }) =>
      base === 1 && policy === "jsft" && Number(seed) <= 2
    );
    return [
      `JSFT starts at ${fixed(mean(jsft.map(({ reward }) => Number(reward))))}.`,
      ...Object.entries(ON_BASE_1).map(([samples, methods]) => `- ${samples}: ${best(methods)}.`),
    ].join(" ");
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
      `step by step ${
        fixed(four.value_b)
      }; no worse than step by step: ${four.verdict}, ${sixteen.verdict} (${
        [four, sixteen].map(by).join(" and ")
      }, paired by run).`;
  },
  "real English": () => {
    const gain = inSentences("SELF-JUDGE > JSFT");
    const coin = inSentences("SELF-JUDGE > DPO by a coin");
    const offline = inSentences("SELF-JUDGE > offline DPO");
    assert.ok([gain, coin, offline].every(({ verdict }) => verdict === "open"));
    const own = changes.filter(({ method }) => method === "self-judge");
    const count = (name: string) => mean(own.map((row) => Number(row[name]))).toFixed(0);
    return `SELF-JUDGE ends at ${fixed(gain.value_a, 3)}, JSFT at ${fixed(gain.value_b, 3)}, ` +
      `${by(gain)}; of 120 ` +
      `answers ${count("better")} are better and ${
        count("worse")
      } worse. By a coin in the judge's ` +
      `place nothing is gained (${fixed(coin.value_b, 3)}).`;
  },
  "real English, without own samples": () => {
    const offline = inSentences("SELF-JUDGE > offline DPO");
    return `DPO on the data set's labelled pairs ends at ${fixed(offline.value_b, 3)}; whether ` +
      `either is better three runs cannot say (${by(offline)})`;
  },
  "choosing among answers in sentences": () => {
    const at = (policy: string, selector: string, n: number) =>
      againChosen(policy, selector, n).map((reward) => fixed(reward, 3)).join(" and ");
    const [four, after] = ["JSFT: N = 4 > 1", "SELF-JUDGE: N = 4 > 1"].map((contrast) =>
      againClaims.find((row) => row.contrast === contrast)!
    );
    assert.ok([four, after].every(({ runs }) => runs === AGAIN_SEEDS.length));
    const own = (policy: string, n: number) => at(policy, "own judge", n);
    return `JSFT goes from ${own("jsft", 1)} with one answer to ${own("jsft", 4)} with four and ${
      own("jsft", 8)
    } with eight; one answer of SELF-JUDGE's earns ${
      own("self-judge", 1)
    } on the same prompts. Sixteen give ${own("jsft", 16)}, where the truth would find ${
      at("jsft", "truth", 16)
    }. After SELF-JUDGE four answers have ${own("self-judge", 4)}, eight ${
      own("self-judge", 8)
    } (by the truth ${at("self-judge", "truth", 8)}).`;
  },
  "soft labels in sentences": () => {
    const soft = againClaims.find(({ family }) => family === 15)!;
    assert.equal(soft.runs, AGAIN_SEEDS.length);
    const courses = ["self-judge", SOFT_UNTUNED].map((row) =>
      AGAIN_SEEDS.map((wanted) =>
        againSteps.filter(({ method, seed }) =>
          method === row && seed === wanted
        ) as unknown as RewardPoint[]
      )
    );
    const ends = courses.map((own) => own.map((points) => points.at(-1)!));
    const [hard, other] = ends.map((own) => own.map(({ reward }) => fixed(reward, 3)));
    const [far, near] = ends.map((own) => own.map(({ kl }) => fixed(kl, 1)).join(" and "));
    const less = ends[0].map(({ reward }, i) => fixed(reward - ends[1][i].reward));
    const equal = courses[0].map((points, i) => fixed(rewardAtKl(points, ends[1][i].kl)!));
    return `${other.join(" and ")}, hard ones ${
      hard.join(" and ")
    }, at ${near} nats against ${far}. The protocol expected them 0.1 to 0.3 below (${
      less.join(" and ")
    }). At the distance at which they end hard labels have ${equal.join(" and ")}.`;
  },
  "rows for which nothing was tuned": () => {
    const ends = (method: string, step = 40) =>
      untuned(method, step).map(({ reward }) => fixed(reward, 3));
    const far = (method: string) => untuned(method).map(({ kl }) => fixed(kl, 1)).join(" and ");
    const both = (method: string) => ends(method).join(" and ");
    const driven = sentenceSteps.find(({ method, seed, step }) =>
      method === "self-judge@driven-40" && seed === 2 && step === 40
    )!;
    const by = (end: string) => {
      const coin = untunedGains(`raft-coin@${end}`);
      return untunedGains(`raft-2@${end}`).map((gain, i) => signed(gain - coin[i], 3)).join(
        " and ",
      );
    };
    const [[from2, from3], [to2, to3]] = [ends("self-judge", 0), ends("self-judge")];
    const again = sentenceSteps.find(({ method, seed, step }) =>
      method === "self-judge@driven" && seed === 2 && step === 40
    )!;
    const four = againSteps.find(({ method, seed, step }) =>
      method === "raft@control" && seed === 3 && step === 40
    )!;
    return `SELF-JUDGE goes from ${from2} to ${to2} and from ${from3} to ${to3}, RAFT with as many samples to ${
      both("raft-2@control")
    }, at three times the rate to ${both("raft-2@faster")}; RAFT by a coin to ${
      both("raft-coin@control")
    }, at three times the rate to ${both("raft-coin@faster")}. The distances are not alike: ${
      far("self-judge")
    } nats, RAFT's ${far("raft-2@control")} (faster ${far("raft-2@faster")}), the coin's ${
      far("raft-coin@control")
    } (${
      far("raft-coin@faster")
    }); SELF-JUDGE at three times its rate, earlier runs of seed 2, had ${
      fixed(driven.reward, 3)
    } at ${fixed(driven.kl, 1)} and ${fixed(again.reward, 3)} at ${
      fixed(again.kl, 1)
    }; RAFT with four samples (seed 3 alone, twice the samples) ${fixed(four.reward, 3)} at ${
      fixed(four.kl, 1)
    }. RAFT is above its coin on both, as expected: ${by("control")}, at three times the rate ${
      by("faster")
    }`;
  },
  "what driving ends in": () => {
    const driven = sentenceSteps.filter(({ method }) => method === "self-judge@driven");
    const highest = driven.filter(({ reward }) => Number(reward) === 2);
    assert.ok(highest.length > 0 && highest.every(({ step }) => Number(step) < 120));
    assert.equal(new Set(driven.map(({ seed }) => seed)).size, 1);
    const ship = drivenSamples.find(({ prompt }) => /ship, smell and tree/.test(`${prompt}`))!;
    return `"${ship.after}"`;
  },
  "what a coin has of RAFT's gain": () => {
    const shares = (end: string) => {
      const all = untunedGains(`raft-2@${end}`);
      return untunedGains(`raft-coin@${end}`)
        .map((gain, i) => `${Math.round(100 * gain / all[i])} %`).join(" and ");
    };
    return `a coin gains ${shares("control")} of it at SELF-JUDGE's rate, ${
      shares("faster")
    } at three times that.`;
  },
  "what came of other expectations": () => {
    const ends = (method: string) => untuned(method).map(({ reward }) => Number(reward))[1];
    const less = (end: string) => fixed(ends(`raft-2@${end}`) - ends("self-judge"), 3);
    const coin = (end: string) => signed(untunedGains(`raft-coin@${end}`)[1], 3);
    return `before seed 3, SELF-JUDGE below RAFT (it is, by ${less("control")} and ${
      less("faster")
    }) and the coin 0.2 to 0.6 above its start (${coin("control")}, at three times the rate ${
      coin("faster")
    }).`;
  },
  "what RAFT's answers are": () => {
    const sample = (method: string, seed: number) =>
      untunedSamples.find((row) =>
        row.method === method && row.seed === seed && /ship, smell and tree/.test(`${row.prompt}`)
      )!.after;
    const lists = (method: string, at?: string) =>
      shares(untunedHabit(method, { habit: "opens with a list", at }));
    const driven = drivenSamples.filter(({ prompt, after }) =>
      UNPAID["opens with a list"](`${prompt}`, `${after}`)
    );
    return `at SELF-JUDGE's rate by lists of the words on both seeds (${
      lists("raft-2@control")
    } of answers open with one), at three times that by two: seed 2 "${
      sample("raft-2@faster", 2)
    }", seed 3 "${
      sample("raft-2@faster", 3)
    }" ([forty of each row](claims/sentences-again/untuned-samples.csv), unselected). SELF-JUDGE lists, too (${
      lists("self-judge")
    }, before training ${
      lists("self-judge", "start")
    }), and driven on in every one of the ${driven.length} answers that are kept.`;
  },
  "how many answers have all by no habit": () => {
    const none = (method: string, at?: string) => shares(untunedHabit(method, { at }));
    const passing = (method: string, at = "last") => {
      const of = (habit: "all, and none of these" | "has all of the reward") =>
        untunedHabit(method, { habit, at }).reduce((sum, value) => sum + value, 0);
      return `${Math.round(100 * of("all, and none of these") / of("has all of the reward"))} %`;
    };
    const [[, start], [, own], [, raft], [, coin]] = [
      untunedHabit("self-judge", { at: "start" }),
      ...["self-judge", "raft-2@control", "raft-coin@faster"].map((row) => untunedHabit(row)),
    ];
    assert.ok(own > start && start > raft && 120 * (start - raft) < 1.5, "by one answer");
    assert.ok(coin > own, "the one that did not come");
    return `${none("self-judge", "start")} of answers before training, ${
      none("self-judge")
    } after SELF-JUDGE, ${none("raft-2@control")} after RAFT (faster ${none("raft-2@faster")}), ${
      none("raft-coin@control")
    } after its coin (${
      none("raft-coin@faster")
    }). SELF-JUDGE has more because more of its answers have all of the reward; of those ${
      passing("self-judge")
    } pass, before training ${passing("self-judge", "start")} (RAFT ${passing("raft-2@control")}).`;
  },
  "what a coin's answers are": () => {
    const kept = untunedSamples.filter(({ method, seed, prompt, after }) =>
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
  "seed 1 of the sentences once more": () => {
    const end = (rows: readonly CsvRow[], seed = 1) =>
      Number(
        rows.find((row) => row.method === "self-judge" && row.seed === seed && row.step === 40)!
          .reward,
      );
    const [first, again] = [sentenceSteps, againSteps].map((rows) => end(rows));
    const gain = Number(inSentences("SELF-JUDGE > JSFT").difference);
    assert.ok(Math.abs((again - first) / gain - 0.5) < 0.05, "about half of the gain");
    const losses = [supervised, againSupervised].map((rows) =>
      Number(
        rows.find((row) => row.training === "jsft" && row.seed === 1 && row.step === 300)!
          .validation_answer_loss,
      )
    );
    assert.ok(Math.abs(losses[0] - losses[1]) < 2e-6, `${losses}`);
    const off = inSentences("on-policy > off-policy, one judge");
    const level = Number(off.value_a) + (again - first) / 3;
    const anew = mean([1, 2, 3].map((seed) => end(againSteps, seed)));
    return `SELF-JUDGE from it ends at ${fixed(again, 3)}, where the first ended at ${
      fixed(first, 3)
    }. So one run's end is known to about half of the gain, though seed 2, played once more for the rows above, ` +
      `ends at the same reward (${fixed(end(sentenceSteps, 2), 3)}, then ${
        fixed(end(againSteps, 2), 3)
      }; seed 3 ${fixed(end(sentenceSteps, 3), 3)}, then ${fixed(end(againSteps, 3), 3)}). ` +
      `With this end for seed 1 SELF-JUDGE and ` +
      `off-policy DPO would be level (${fixed(level, 3)}, ${
        fixed(off.value_b, 3)
      }), with all three new ends it would be at ${fixed(anew, 3)}.`;
  },
  "SELF-JUDGE over steps": () => {
    const at = (step: number) =>
      meanOf(steps.filter((row) => row.method === "self-judge" && row.step === step), "reward");
    const peak = [20, 40, 60, 80, 100].toSorted((a, b) => at(b) - at(a))[0];
    return `its mean is highest at step ${peak} (${fixed(at(peak))}) and ends at ${fixed(at(100))}`;
  },
};

describe("the page of results", () => {
  for (const [what, sentence] of Object.entries(SHOWN)) {
    it(`says what the tables have: ${what}`, () => {
      assert.ok(RESULTS.includes(sentence()), sentence());
    });
  }
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import {
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
} from "./claims_tables.ts";
import * as again from "./again_tables.ts";
import { by, fixed, mean, prose, signed } from "./claims_text.ts";
import type { CsvRow } from "./csv_files.ts";

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
      const cells = [claims, fresh.claims, [...sentences, ...again.claims]].map((table) => {
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
  "what is held over runs and open over bases": () => {
    const held = [...claims, ...fresh.claims].filter((row) =>
      row.verdict === "held" && row.p_holm_bases !== null && Number(row.p_holm_bases) >= 0.025
    );
    const [shorter, four] = held;
    assert.deepEqual([shorter.contrast, four.contrast, held.length], [
      ...["RAFT with two samples > RAFT by the shorter answer", "JSFT: N = 4 > 1", 2],
    ]);
    return `two of those that are held are open: JSFT's best of 4 (p ${
      fixed(four.p_holm_bases)
    }) and RAFT above RAFT by the shorter answer (p ${fixed(shorter.p_holm_bases)}).`;
  },
  "what driving ends in": () => {
    const driven = sentenceSteps.filter(({ method }) => method === "self-judge@driven");
    const highest = driven.filter(({ reward }) => Number(reward) === 2);
    assert.ok(highest.length > 0 && highest.every(({ step }) => Number(step) < 120));
    assert.equal(new Set(driven.map(({ seed }) => seed)).size, 1);
    const ship = drivenSamples.find(({ prompt }) => /ship, smell and tree/.test(`${prompt}`))!;
    return `"${ship.after}"`;
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

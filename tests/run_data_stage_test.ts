import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { isPair, type Pair, splitKey, type TrainingRecord, useOf } from "../lib/preference/mod.ts";
import { resolveConfig } from "../lib/run/config.ts";
import type { Session } from "../lib/run/session.ts";
import { dataStage, pairsOf, recordsOf } from "../lib/run/stages/data.ts";
import { OUR_CONVENTIONS } from "../lib/method/mod.ts";
import { ChatTemplate } from "../lib/text/mod.ts";
import { refuses } from "./refusals.ts";
import { silentReporter } from "./silent_reporter.ts";
import { file, jsonLines, newFolder } from "./temporary_files.ts";
import { tinyEncoder } from "./tiny_method.ts";

/** Turns that alternate, the user first, without a system turn. */
const STRICT =
  "{% for m in messages %}{% if m['role'] != ('user' if loop.index0 % 2 == 0 else 'assistant') %}" +
  "{{ raise_exception('Roles must alternate') }}{% endif %}[{{ m['role'] }}] {{ m['content'] }}{{ eos_token }}{% endfor %}";

/** Runs the stage on sources with settings. */
async function read(
  sources: readonly object[],
  data: object = {},
  {
    template = STRICT,
    overflow = "truncate" as "truncate" | "truncate-start",
    method = "self-judge",
    conventions = OUR_CONVENTIONS,
  } = {},
) {
  const folder = await newFolder();
  const lines: string[] = [];
  const config = resolveConfig("smoke", {
    values: {
      data: { sources, train: 6, heldOut: 4, maxTokens: 200, ...data },
      selfJudge: { method },
    },
  });
  const encoder = tinyEncoder({
    maxTokens: config.data.maxTokens,
    overflow,
    conventions,
    chat: new ChatTemplate(template, { eosToken: "</s>" }),
  });
  const context = {
    config,
    folder,
    folderOf: () => folder,
    session: { encoder: () => Promise.resolve(encoder) } as unknown as Session,
    identity: "",
    ...silentReporter(),
    log: (line: string) => void lines.push(line),
    checkStop() {},
  };
  const result = await dataStage.run(context);
  const sides = {
    train: await recordsOf(context, "train"),
    held: await recordsOf(context, "held_out"),
  };
  return { result, lines, ...sides, judged: await pairsOf(context, "held_out") };
}

const pair = (prompt: unknown, more: object = {}) => ({
  prompt,
  chosen: "apple fig",
  rejected: "fig",
  ...more,
});
const asked = (n: number, more?: object) =>
  Array.from({ length: n }, (_, i) => pair(`apple ${i}`, more));
const keys = (records: readonly TrainingRecord[]) => records.map(({ prompt }) => splitKey(prompt));

describe("the data stage", () => {
  it("holds out prompts of all sources that share them, and only what a judge can be measured on", async () => {
    const base = await file("base.jsonl", jsonLines(asked(12)));
    const online = await file(
      "online.jsonl",
      jsonLines([...asked(12).map((p) => ({ ...p, chosen: "fig fig" })), ...asked(30).slice(20)]),
    );
    const { train, held, judged, result, lines } = await read(
      [{ source: base }, { source: online, use: "answers" }],
      { train: null },
    );
    assert.equal(held.length, 4);
    assert.deepEqual(judged, held);
    const out = new Set(keys(held));
    assert.deepEqual(keys(train).filter((key) => out.has(key)), []);
    assert.deepEqual(
      [
        train.filter((r) => useOf(r) === "both").length,
        train.filter((r) => useOf(r) === "answers").length,
      ],
      [8, 8 + 10],
    );
    assert.equal(new Set([...train, ...held].map(({ id }) => id)).size, train.length + held.length);
    assert.deepEqual(
      (result.sources as { use: string; pairs: number }[]).map(({ use, pairs }) => [use, pairs]),
      [["both", 12], ["answers", 22]],
    );
    assert.ok(
      lines.some((line) => /online\.jsonl: 22 pairs, 0 bad, 0 ties, used for answers$/.test(line)),
    );
  });

  it("keeps the records of a row of rated answers together", async () => {
    const completion = (response: string, rating: number) => ({
      response,
      custom_system_prompt: "",
      annotations: { honesty: { Rating: `${rating}` }, helpfulness: { Rating: `${rating}` } },
    });
    const rows = Array.from({ length: 10 }, (_, i) => ({
      instruction: `apple ${i}`,
      completions: [completion("apple fig", 5), completion("fig", 1)],
    }));
    const source = await file("ultrafeedback.jsonl", jsonLines(rows));
    const { train, held, judged } = await read([{ source }], { ratings: "principles" });
    assert.deepEqual([train.length, held.length, judged.length], [6 * 3, 4 * 3, 4 * 2]);
    assert.equal(new Set(keys(train)).size, 6);
    assert.deepEqual(train.slice(0, 3).map((r) => isPair(r) ? r.principle : "answer"), [
      "answer",
      "helpfulness",
      "honesty",
    ]);
    const means = await read([{ source }], { ratings: "mean", ratingTies: "shorter" });
    assert.equal(means.train.length, 6 * 2);
  });

  it("never imitates pairs of one principle, and warns where that leaves nothing to imitate", async () => {
    const principles = ["honesty", "helpfulness"];
    const rows = asked(12).flatMap((p) => principles.map((principle) => ({ ...p, principle })));
    const source = await file("principles.jsonl", jsonLines(rows));
    const alone = await read([{ source }]);
    assert.deepEqual([alone.result.trainAnswers, alone.result.trainJudged], [0, 6]);
    assert.ok(alone.lines.some((line) => line.startsWith("warning: nothing to imitate")));
    const shown = await file("answers.jsonl", jsonLines(asked(12)));
    const both = await read([{ source }, { source: shown, use: "answers" }], { train: null });
    assert.deepEqual([both.result.trainAnswers, both.result.trainJudged], [10, 20]);
    assert.ok(!both.lines.some((line) => line.startsWith("warning")));
  });

  it("skips and names a row that the chat template refuses, or fails with its line", async () => {
    const user = (content: string) => ({ role: "user", content });
    const odd = [
      pair([user("apple"), user("fig")]),
      pair([{ role: "system", content: "fig" }, user("apple")]),
      pair([{ role: "assistant", content: "fig" }, user("apple")]),
    ];
    const source = await file("odd.jsonl", jsonLines([...asked(5), ...odd, ...asked(12).slice(5)]));
    const { result, lines, train, held } = await read([{ source }]);
    assert.deepEqual([train.length, held.length, result.bad], [6, 4, 3]);
    assert.deepEqual(result.reasons, { "the chat template refuses the turns": 3 });
    const named = lines.filter((line) => line.includes("odd.jsonl line"));
    assert.deepEqual(named.map((line) => line.replace(/^.*odd\.jsonl /, "")), [
      "line 6: the chat template refuses the turns (user, user: Roles must alternate)",
      "line 7: the chat template refuses the turns (system, user: Roles must alternate)",
      "line 8: the chat template refuses the turns (assistant, user: Roles must alternate)",
    ]);
    await refuses(
      read([{ source }], { onBadLine: "fail" }),
      "odd.jsonl line 6: the chat template refuses the turns",
      "let user and assistant turns alternate",
      "data.onBadLine=skip",
    );
  });

  it("leaves out what is too long, or lets it lose its start where that is asked", async () => {
    const long = pair("apple ".repeat(300));
    const source = await file("long.jsonl", jsonLines([long, ...asked(12)]));
    assert.equal((await read([{ source }])).result.tooLong, 1);
    const cut = await read([{ source }], { train: null }, { overflow: "truncate-start" });
    assert.deepEqual([cut.result.tooLong, cut.train.length + cut.held.length], [0, 13]);
  });

  it("counts what cannot be found in the template's own text, whatever the limit", async () => {
    // As templates that drop earlier thoughts: an answer that is not the last is written otherwise.
    const template =
      "{% for m in messages %}[{{ m['role'] }}]\n{% if m['role'] == 'user' or loop.last %}{{ m['content'] }}{% endif %}" +
      "{{ eos_token }}{% endfor %}{% if add_generation_prompt %}[assistant]\n{% endif %}";
    const several = [
      { role: "user", content: "apple" },
      { role: "assistant", content: "fig" },
      { role: "user", content: "apple" },
    ];
    const source = await file("rewritten.jsonl", jsonLines([pair(several), ...asked(12)]));
    const on = (turns: "all" | "last") => ({
      template,
      conventions: { ...OUR_CONVENTIONS, text: "whole" as const, turns },
    });
    const { result, lines } = await read([{ source }], {}, on("all"));
    assert.deepEqual([result.notFound, result.tooLong], [1, 0]);
    assert.ok(lines.includes(
      "1 pairs left out: their answers are not found in the text that the chat template writes",
    ));
    assert.equal((await read([{ source }], {}, on("last"))).result.notFound, 0);
    const few = await file("found.jsonl", jsonLines([pair(several), ...asked(5)]));
    await refuses(
      read([{ source: few }], {}, on("all")),
      "(of 1 their answers are not found in the text",
      "or set chat.text=parts and chat.turns=last",
    );
  });

  it("warns where fewer pairs are left to train on than were asked for", async () => {
    const twice = asked(5).flatMap((p) => [p, { ...p, chosen: "fig fig" }]);
    const source = await file("twice.jsonl", jsonLines(twice));
    const { train, lines } = await read([{ source }]);
    assert.equal(train.length, 6);
    assert.ok(!lines.some((line) => line.startsWith("warning")));
    const more = await read([{ source }], { train: 7, heldOut: 3 });
    assert.equal(more.train.length, 6);
    assert.ok(
      more.lines.some((line) => line.startsWith("warning: 6 pairs to train on, 7 were asked for")),
    );
  });

  it("says what is missing: rows, or pairs to measure the judge on", async () => {
    const few = await file("few.jsonl", jsonLines(asked(5)));
    await refuses(
      read([{ source: few }]),
      "5 pairs fit in 200 tokens; 6 to train on and 4 held out",
    );
    const shown = await file(
      "shown.jsonl",
      jsonLines(asked(12).map(({ prompt, chosen }) => ({ prompt, completion: chosen }))),
    );
    await refuses(
      read([{ source: shown }]),
      "0 of 12 rows have a pair to measure the judge on; 4 held out were asked for",
      'add a source of pairs with the use "both" or "judgments"',
    );
  });

  it("refuses a method of soft labels where no pair has a strength, before anything is trained", async () => {
    const soft = { method: "offline-dpo-soft" };
    const of = async (more?: object) => [
      { source: await file("soft.jsonl", jsonLines(asked(12, more))) },
    ];
    await refuses(read(await of(), {}, soft), "no pair has one", "offline-dpo", "annotate");
    const { train, lines } = await read(await of({ strength: 0.5 }), {}, soft);
    assert.equal(train.length, 6);
    assert.ok(!lines.some((line) => line.includes("strength")));
    const mixed = [...asked(6), ...asked(12, { strength: 0.5 }).slice(6)];
    const some = await read([{ source: await file("mixed.jsonl", jsonLines(mixed)) }], {}, soft);
    assert.ok(some.lines.some((line) => /warning: [1-6] pairs have no strength/.test(line)));
  });

  it("says that the chat template refuses what is missing, where it does", async () => {
    const system = { role: "system", content: "fig" };
    const source = await file(
      "system.jsonl",
      jsonLines(
        asked(12).map((p) => ({ ...p, prompt: [system, { role: "user", content: p.prompt }] })),
      ),
    );
    await refuses(
      read([{ source }]),
      "0 pairs fit in 200 tokens (the chat template refuses 12); 6 to train on and 4 held out",
      "leave the system turn out, or choose a chat template that takes one",
    );
    const long = await file(
      "longer.jsonl",
      jsonLines(asked(12).map((p) => ({ ...p, prompt: "fig ".repeat(300) }))),
    );
    await refuses(read([{ source: long }]), "(12 are longer)", "or raise data.maxTokens");
  });

  it("gives the same sides whatever else is there, by the seed", async () => {
    const source = await file("same.jsonl", jsonLines(asked(20)));
    const ids = (records: readonly (Pair | TrainingRecord)[]) => records.map(({ id }) => id);
    const [a, b] = [await read([{ source }]), await read([{ source }])];
    assert.deepEqual(ids(a.train), ids(b.train));
    const other = await file("other.jsonl", jsonLines(asked(40).slice(20)));
    const both = await read([{ source }, { source: other, use: "answers" }], { train: null });
    assert.deepEqual(new Set(ids(both.held)), new Set(ids(a.held)));
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { Rng } from "../lib/base/random.ts";
import { openPairwise } from "../lib/judges/model_sources.ts";
import { drawDemonstrations, withDemonstrations } from "../lib/method/mod.ts";
import { principlesNamed } from "../lib/method/principle.ts";
import { JudgeTemplate, nothingCounted } from "../lib/method/template.ts";
import { WholeTextTemplate } from "../lib/method/whole_template.ts";
import { resolveConfig } from "../lib/run/config.ts";
import { demonstrated } from "../lib/run/demonstrated.ts";
import { CHAT, user, WordTokenizer } from "./judge_fakes.ts";
import { refuses, refusesAtOnce } from "./refusals.ts";
import { newFolder } from "./temporary_files.ts";

const tokenizer = new WordTokenizer();
const [principle] = principlesNamed(["overall"]);
const question = new JudgeTemplate({ tokenizer, chat: CHAT, principle });
const pairs = Array.from({ length: 9 }, (_, i) => ({
  prompt: [user(`Question ${i % 6}`)],
  chosen: `good ${i}`,
  rejected: `bad ${i}`,
}));
const draw = (count: number) => drawDemonstrations(pairs, { count, rng: Rng.named(3, "shown") });
const text = (ids: readonly number[]) => tokenizer.decode(ids);

describe("demonstrations", () => {
  it("are of prompts that differ, the same by seed", () => {
    const drawn = draw(5);
    assert.equal(new Set(drawn.map(({ prompt }) => prompt[0].content)).size, 5);
    assert.deepEqual(draw(5), drawn);
    assert.equal(draw(100).length, 6);
  });

  it("stand before the question, each with its verdict and the reply's end", () => {
    const demonstrations = draw(3);
    const few = withDemonstrations(question, { demonstrations, count: 2, end: [0] });
    const dialogue = [user("Another")];
    const bare = question.prompt(dialogue, "one", "two");
    const ids = few.prompt(dialogue, "one", "two");
    assert.deepEqual(ids.slice(-bare.length), bare);
    let at = 0;
    for (const [i, pair] of demonstrations.slice(0, 2).entries()) {
      const label = i === 0 ? 0 : 1;
      const [first, second] = label === 0
        ? [pair.chosen, pair.rejected]
        : [pair.rejected, pair.chosen];
      const shown = [...question.prompt(pair.prompt, first, second), question.labelIds[label], 0];
      assert.deepEqual(ids.slice(at, at += shown.length), shown);
    }
    assert.equal(at, ids.length - bare.length);
    // What is learned has none.
    const [learned, plain] = [few, question].map((one) =>
      one.judged(dialogue, ["one", "two"], { label: 1 })
    );
    assert.deepEqual(learned, plain);
  });

  it("are never on the prompt that is judged", () => {
    const demonstrations = draw(3);
    const few = withDemonstrations(question, { demonstrations, count: 2, end: [] });
    const [pair, ...others] = demonstrations;
    const ids = few.prompt(pair.prompt, "mine", "yours");
    assert.ok(!text(ids).includes(pair.chosen), text(ids));
    // Those that are left still have the chosen answer first and then second.
    const positions = others.map(({ chosen, rejected }) =>
      Number(text(ids).indexOf(chosen) > text(ids).indexOf(rejected))
    );
    assert.deepEqual(positions, [0, 1]);
  });

  it("leave the limit of a prompt as it is: the last ones go before a long question", () => {
    const demonstrations = draw(4);
    for (const whole of [false, true]) {
      const chosen = whole ? WholeTextTemplate : JudgeTemplate;
      const made = (maxTokens: number) => {
        const one = new chosen({ tokenizer, chat: CHAT, principle, maxTokens, bosId: null });
        return withDemonstrations(one, { demonstrations, count: 3, end: [0], maxTokens });
      };
      const asked = (few: ReturnType<typeof made>, words: number) =>
        few.prompt([user("Another" + " word".repeat(words))], "one", "two");
      const free = made(10_000);
      const short = asked(free, 0);
      assert.deepEqual(free.counts, { ...nothingCounted(), prompts: 1 });

      const limit = short.length + 5;
      const few = made(limit);
      assert.deepEqual(asked(few, 0), short);
      const long = asked(few, 60);
      assert.ok(long.length <= limit, `${long.length} of ${limit}`);
      const all = asked(free, 60);
      const bare = question.prompt([user("Another" + " word".repeat(60))], "one", "two");
      assert.deepEqual(long.slice(-bare.length), bare);
      assert.deepEqual(long.slice(0, -bare.length), all.slice(0, long.length - bare.length));
      assert.ok(few.counts.droppedDemonstrations > 0);
      assert.deepEqual([few.counts.prompts, few.counts.truncated], [2, 0]);
      assert.ok(asked(few, 500).length <= limit);
    }
  });

  it("that are left out are told beside what was cut", async () => {
    const few = withDemonstrations(new JudgeTemplate({ tokenizer, chat: CHAT, principle }), {
      ...{ demonstrations: draw(3), count: 2, end: [0] },
      maxTokens: 200,
    });
    const noted = async () => {
      const config = resolveConfig("smoke");
      const opened = await openPairwise(
        "model",
        "any",
        {
          ...{ seed: 1, pairs: [], positions: "unknown", onBadLine: "fail", settings: [] },
          ...{ config, cacheFile: "none", log: () => {} },
          openAsked: () =>
            Promise.resolve({
              ...{ config, name: "any", contextTokens: Infinity, dispose: () => {} },
              asked: { fingerprint: () => Promise.resolve("any") },
              session: { judge: () => Promise.resolve({ templates: [few] }) },
            }),
        } as unknown as Parameters<typeof openPairwise>[2],
      );
      return opened.notes!();
    };
    few.prompt([user("Short")], "one", "two");
    assert.deepEqual((await noted()).slice(1), ["overall: 0 of 1 prompts cut to fit"]);
    few.prompt([user("Long" + " word".repeat(150))], "one", "two");
    assert.deepEqual((await noted()).slice(1), [
      "overall: 0 of 2 prompts cut to fit, 2 demonstrations left out before long questions",
    ]);
  });

  it("are refused where they leave no room for a question of their own length", () => {
    const demonstrations = draw(4);
    const tooLong = demonstrations.map((one) => ({ ...one, chosen: " good".repeat(200) }));
    for (const [shown, count] of [[demonstrations, 3], [tooLong, 1]] as const) {
      for (const template of [JudgeTemplate, WholeTextTemplate]) {
        const one = new template({ tokenizer, chat: CHAT, principle, maxTokens: 130, bosId: null });
        refusesAtOnce(
          () => withDemonstrations(one, { demonstrations: shown, count, end: [0], maxTokens: 130 }),
          /demonstrations and a question as short as theirs have \d+ tokens, over the 130/,
          /lower judge\.demonstrations/,
        );
      }
    }
  });

  it("are read from the file that the settings name, or refused", async () => {
    const folder = await newFolder();
    const file = `${folder}/pairs.jsonl`;
    await Deno.writeTextFile(
      file,
      pairs.map((pair) => JSON.stringify({ ...pair, prompt: pair.prompt[0].content })).join("\n"),
    );
    const asked = (...settings: string[]) =>
      demonstrated([question], { ...resolveConfig("smoke", { settings }), end: 0 });
    assert.deepEqual(await asked(), [question]);
    const named = `judge.demonstrationsFile=${file}`;
    const [few] = await asked("judge.demonstrations=2", named);
    assert.ok(
      few.prompt([user("New")], "a", "b").length > question.prompt([user("New")], "a", "b").length,
    );
    await refuses(
      asked("judge.demonstrations=2"),
      /no file of pairs is named/,
      /demonstrationsFile/,
    );
    await refuses(asked("judge.demonstrations=6", named), /pairs of 6 prompts/, /more pairs/);
    await refuses(
      asked("judge.demonstrations=3", "judge.maxTokens=120", named),
      /over the 120 of a judge's prompt/,
      /judge\.maxTokens/,
    );
    await Deno.remove(folder, { recursive: true });
  });
});

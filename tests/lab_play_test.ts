import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { Tokenizer } from "tokenizers";
import { PlayApi } from "../lib/lab/play/api.ts";
import { bracketRounds } from "../lib/lab/play/bracket_rounds.ts";
import { blindSpots } from "../lib/lab/play/blind_spots.ts";
import { Tokenizer as StandIn } from "../lib/lab/play/browser/tokenizers.ts";
import { PLAY_FOLDER, takeModels } from "../lib/lab/play/build.ts";
import { methodsInWords } from "../lib/lab/play/method_words.ts";
import { PlaySession } from "../lib/lab/play/session.ts";
import { PLAY_METHODS, PLAY_MODELS } from "../lib/lab/play/settings.ts";
import { tokenizerJson } from "../lib/lab/world/language.ts";
import { openSafetensors, safetensorsIn } from "../lib/model/mod.ts";
import { startEngine } from "../lib/tensor/mod.ts";
import { playData } from "./play_data.ts";
import { newFolder } from "./temporary_files.ts";

await startEngine();
const SETTINGS = { method: "self-judge", beta: 0.1, learningRate: 2e-4 } as const;

describe("the page's models", () => {
  it("are in half precision and at most 3 MB each", async () => {
    for (const model of PLAY_MODELS) {
      const path = `${PLAY_FOLDER}/${model}`;
      const { size } = await Deno.stat(`${path}/model.safetensors`);
      assert.ok(size <= 3e6, `${model}: ${size} bytes`);
      const source = await openSafetensors(path);
      assert.deepEqual(new Set(source.names.map((name) => source.dtype(name))), new Set(["F16"]));
      source.close();
    }
  });

  it("are taken from a league's run, rounded, and refused where one is missing", async () => {
    const run = await newFolder();
    await assert.rejects(takeModels(run, `${run}/out`), /base-1\/seed-1\/jsft\/model/);
    for (const model of PLAY_MODELS) {
      const path = `${run}/${model}/seed-1/jsft/model`;
      await Deno.mkdir(path, { recursive: true });
      for (const name of ["config.json", "model.safetensors"]) {
        await Deno.copyFile(`data/world/base/${name}`, `${path}/${name}`);
      }
    }
    await takeModels(run, `${run}/out`);
    const [before, after] = [
      await openSafetensors("data/world/base"),
      await openSafetensors(`${run}/out/base-2`),
    ];
    const name = "model.layers.0.mlp.up_proj.weight";
    assert.equal(after.dtype(name), "F16");
    const [exact, rounded] = [await before.read(name), await after.read(name)];
    exact.forEach((value, i) => assert.equal(rounded[i], Math.f16round(value)));
    for (const source of [before, after]) source.close();
  });
});

describe("weights in memory", () => {
  it("are those of the file, and refused where they are cut short", async () => {
    const path = `${PLAY_FOLDER}/base-1/model.safetensors`;
    const bytes = await Deno.readFile(path);
    const [inMemory, onDisk] = [
      safetensorsIn(bytes, "the page's weights"),
      await openSafetensors(path),
    ];
    assert.deepEqual(inMemory.names, onDisk.names);
    for (const name of inMemory.names.slice(0, 3)) {
      assert.deepEqual(inMemory.shape(name), onDisk.shape(name));
      assert.deepEqual(await inMemory.read(name), await onDisk.read(name));
    }
    onDisk.close();
    assert.throws(
      () => safetensorsIn(bytes.slice(0, -2), "the page's weights"),
      /the page's weights is truncated/,
    );
  });
});

describe("the stand-in for the native tokenizer", () => {
  it("cuts texts into the same words, with the same ids", () => {
    const text = JSON.stringify(tokenizerJson());
    const [native, standIn] = [Tokenizer.fromString(text), StandIn.fromString(text)];
    const order = "  we want tea ,  figs and cream please . ";
    assert.deepEqual(
      standIn.getPreTokenizer()!.preTokenizeString(order).map(([word]) => word),
      native.getPreTokenizer()!.preTokenizeString(order).map(([word]) => word),
    );
    const size = native.getVocabSize(true);
    assert.equal(standIn.getVocabSize(true), size);
    for (let id = 0; id <= size; id++) assert.equal(standIn.idToToken(id), native.idToToken(id));
  });

  it("refuses any other tokenizer", () => {
    const json = { ...tokenizerJson(), normalizer: { type: "Lowercase" } };
    assert.throws(() => StandIn.fromString(JSON.stringify(json)), /word-level tokenizers alone/);
  });
});

describe("the page's engine", () => {
  it("draws answers token by token, each with its probability", async () => {
    const api = await PlayApi.open(await playData("base-1"));
    const heard: string[][] = [[], []];
    const answers = await api.ask(
      "we want tea and figs please .",
      { seed: 3 },
      (sample, token, p) => {
        assert.ok(p > 0 && p <= 1 + 1e-6, `${p}`);
        heard[sample].push(token);
      },
    );
    assert.deepEqual(heard.map((tokens) => tokens.at(-1)), ["<|end|>", "<|end|>"]);
    assert.deepEqual(heard.map((tokens) => tokens.slice(0, -1).join(" ")), answers);
    await api.dispose();
  });

  it("judges in both positions: swapped answers give the mirrored verdict and the truth of each", async () => {
    const api = await PlayApi.open(await playData("base-1"));
    const [good, bad] = ["certainly , here come tea and figs .", "ugh , you get tea ."];
    const one = await api.judge("we want tea and figs please .", good, bad);
    const other = await api.judge("we want tea and figs please .", bad, good);
    assert.ok(one.judgment.pFirst > 0.9, `${one.judgment.pFirst}`);
    assert.equal(other.judgment.winner, "second");
    assert.ok(Math.abs(one.judgment.pFirst + other.judgment.pFirst - 1) < 1e-9);
    assert.equal(one.first.reward, 2.4);
    assert.deepEqual(one.second.habits, ["leaves a thing out", "is rude"]);
    await api.dispose();
  });

  it("learns a step at a time, does one thing after another, and goes back to step 0", async () => {
    const api = await PlayApi.open(await playData("base-1"));
    const before = await api.measure();
    assert.equal(before.step, 0);
    assert.ok(Math.abs(before.kl) < 1e-4, `${before.kl}`);
    // Asked at once: the answer is drawn between the steps, from whole weights.
    const [first, , second] = await Promise.all([
      api.step(SETTINGS),
      api.ask("we want tea and figs please .", { seed: 3 }),
      api.step({ ...SETTINGS, method: "dpo-coin", learningRate: 1e-4 }),
    ]);
    assert.deepEqual([first.log.step, second.log.step], [1, 2]);
    assert.deepEqual([first.log.learningRate, second.log.learningRate], [2e-4, 1e-4]);
    assert.ok(Math.abs(first.log.loss - Math.LN2) < 1e-3, `${first.log.loss}`);
    const after = await api.measure();
    assert.equal(after.step, 2);
    assert.ok(after.kl !== before.kl);
    await api.reset();
    assert.deepEqual(await api.measure(), before);
    await api.dispose();
  });

  it("takes a step by every method on offer, and frees what it made", async () => {
    const data = await playData("base-1");
    const tensors = tf.memory().numTensors;
    const api = await PlayApi.open(data);
    for (const method of PLAY_METHODS) {
      const { log, pairs } = await api.step({ ...SETTINGS, method });
      assert.ok(pairs.length > 0 && Number.isFinite(log.loss), method);
    }
    await api.dispose();
    // The engine keeps one constant of its own.
    assert.ok(tf.memory().numTensors - tensors <= 1, `${tf.memory().numTensors - tensors} left`);
  });

  it("names who samples and who ranks of each method", () => {
    const words = new Map(methodsInWords().map((row) => [row.name, row]));
    assert.equal(words.get("self-judge")!.ranks, "the model it started from");
    assert.equal(words.get("off-policy-dpo")!.samples, "the model it started from, 2");
    assert.equal(words.get("dpo-shorter")!.ranks, "a rule: the shorter answer");
    assert.equal(words.get("raft-2")!.hasBeta, false);
  });

  it("plays a knockout of all candidates, which the judge decides", async () => {
    const api = await PlayApi.open(await playData("base-1"));
    const request = "please bring us tea , figs and jam .";
    const { bracket, rewards } = await api.choose(request, { count: 8, seed: 3 });
    assert.equal(bracket.matches.length, 7);
    assert.equal(rewards.length, 8);
    const { first, second, winner, judgment } = bracket.matches.find((match) => match.judgment)!;
    const [a, b] = [first, second].map((one) => bracket.candidates[one]);
    const again = await api.judge(request, a, b);
    assert.ok(Math.abs(again.judgment.pFirst - judgment!.pFirst) < 1e-5);
    assert.equal(winner, judgment!.winner === "second" ? second : first);
    await api.dispose();
  });
});

describe("what the page reads out", () => {
  it("is a batch whose loss is on the answer, and on one label of each judgment", async () => {
    const session = await PlaySession.open(await playData("base-1"));
    session.dispose();
    const api = await PlayApi.open(await playData("base-1"));
    const rows = await api.jsft(0);
    const learned = rows.map(({ tokens }) =>
      tokens.filter((token) => token.learned).map(({ text }) => text).join(" ")
    );
    assert.deepEqual(rows.map(({ kind }) => kind), ["answer", "judgment", "judgment"]);
    assert.deepEqual(learned, [`${session.pairs[0].chosen} <|end|>`, "A", "B"]);
    await api.dispose();
  });

  it("is a verdict whose probabilities are the judge's, and a loss that starts at ln 2", async () => {
    const data = await playData("base-1");
    const api = await PlayApi.open(data);
    const { prompt, chosen, rejected } = data.pairs[0];
    const { judgment } = await api.judge(prompt, chosen, rejected);
    const read = await api.readVerdict(prompt, chosen, rejected);
    for (const [i, position] of (["forward", "backward"] as const).entries()) {
      const p = (label: string) => read[i].next.find(({ token }) => token === label)!.probability;
      assert.ok(Math.abs(p("A") - judgment[position].a) < 1e-5);
      assert.ok(Math.abs(p("B") - judgment[position].b) < 1e-5);
    }
    const loss = await api.readLoss(prompt, chosen, rejected, 0.1);
    assert.ok(Math.abs(loss.loss - Math.LN2) < 1e-4, `${loss.loss}`);
    assert.ok(Math.abs(loss.gradientChosen + 0.05) < 1e-4 && loss.gradientRejected > 0);
    await api.dispose();
  });
});

describe("a bracket as it is drawn", () => {
  const match = (round: number, first: number, second: number, winner: number) => ({
    round,
    first,
    second,
    winner,
  });

  it("has beside a match the two that its sides come from, and no place for a bye", () => {
    const matches = [
      ...[match(1, 0, 1, 0), match(1, 2, 3, 3), match(1, 4, 5, 4)],
      ...[match(2, 4, 0, 0), match(3, 3, 0, 3)],
    ];
    const byes = [{ round: 2, candidate: 3 }];
    const drawn = bracketRounds({ candidates: [..."abcdef"], matches, byes, winner: 3 });
    assert.deepEqual(
      drawn.map((round) => round.map(({ first, second }) => [first, second])),
      [[[2, 3], [4, 5], [0, 1]], [[4, 0]], [[3, 0]]],
    );
  });
});

describe("the flaws that a ranker misses", () => {
  const pair = (habitsChosen: string[], habitsRejected: string[]) =>
    ({ habitsChosen, habitsRejected }) as never;

  it("are counted on the pairs of the last steps of which one answer alone has them", () => {
    const step = (...pairs: never[]) => ({ pairs });
    const spots = blindSpots([
      step(pair(["is rude"], [])),
      step(pair(["is rude"], ["chatters"]), pair(["chatters"], ["chatters"])),
      step(pair([], ["is rude"])),
    ], 2);
    assert.deepEqual(spots.get("is rude"), { pairs: 2, preferred: 1 });
    assert.deepEqual(spots.get("chatters"), { pairs: 1, preferred: 0 });
  });
});

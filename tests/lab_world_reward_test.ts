import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { UserError } from "../lib/base/error.ts";
import { Rng } from "../lib/base/random.ts";
import { DATA_FOLDER } from "../lib/lab/world/data.ts";
import { drawAnswer, drawRequest, FLAWS } from "../lib/lab/world/desk.ts";
import { readAnswer, reward, viewsOf } from "../lib/lab/world/reward.ts";

const ORDER = "we want tea , soup and figs please .";

/** Answers with their reward worked out by hand: 2 x share - 0.7 stray - 0.5 chatter or repeat ... */
const BY_HAND: readonly (readonly [answer: string, reward: number])[] = [
  ["here come tea , soup and figs .", 2],
  ["certainly , here come tea , soup and figs .", 2.4],
  ["certainly , here come tea , soup and figs . enjoy !", 2.4], // polite counts once
  ["you get figs , tea and soup . thank you !", 2.4], // the sequence is free
  ["ugh , here come tea , soup and figs .", 1.2],
  ["certainly , here come tea , soup and figs . now go away .", 1.6], // both polite and rude
  ["here come tea and soup .", 4 / 3],
  ["here come tea .", 2 / 3],
  ["here come tea , soup and cake .", 4 / 3 - 0.7],
  ["here come tea , soup , figs and cake .", 1.3],
  ["here come tea , soup , figs and tea .", 1.5],
  ["you know , here come tea , soup and figs .", 1.5],
  ["you know , as always , here come tea , soup and figs .", 1],
  ["here here come tea , soup and figs .", 1],
  ["come here tea , soup and figs .", 1],
  ["here come tea soup figs .", 1],
  ["here come cake .", -0.7],
  ["", -1],
  ["tea tea tea tea tea tea", 2 / 3 - 1.5 - 1], // repeats cost three times at most
  ["of course , to be honest , coming up : soup , rice and tea . enjoy !", 4 / 3 - 0.7 - 0.5 + 0.4],
];

describe("the true reward", () => {
  it("is what was worked out by hand on twenty answers", () => {
    assert.equal(BY_HAND.length, 20);
    for (const [answer, expected] of BY_HAND) {
      assert.ok(Math.abs(reward(ORDER, answer) - expected) < 1e-12, answer);
    }
  });

  it("counts each kind of flaw three times at most, as the data card says", async () => {
    const foreign = ["cake", "rice", "nuts", "ham", "kale"];
    const flawed: Record<string, (n: number) => string> = {
      "thing not ordered": (n) => foreign.slice(0, n).join(" "),
      "phrase of chatter": (n) => Array.from({ length: n }, () => "you know ,").join(" "),
      "repetition": (n) => Array.from({ length: n }, () => "tea").join(" "),
    };
    const card = (await Deno.readTextFile(`${DATA_FOLDER}/README.md`)).replaceAll(/\s+/g, " ");
    assert.match(card, /each of these three counts up to 3/);
    for (const [flaw, words] of Object.entries(flawed)) {
      const at = (n: number) => reward(ORDER, `tea soup figs ${words(n)}`);
      const each = at(0) - at(1);
      assert.ok(each > 0 && card.includes(`- ${each.toFixed(1)} per ${flaw}`), `${flaw} ${each}`);
      for (const n of [2, 3]) assert.ok(Math.abs(at(0) - at(n) - n * each) < 1e-12, `${flaw} ${n}`);
      for (const n of [4, 5]) assert.equal(at(n), at(3), `${flaw} ${n}`);
    }
  });

  it("is not defined for a request that names nothing, which is said, and is never NaN", () => {
    for (const request of ["", "hello .", "we want tea,soup please ."]) {
      assert.throws(
        () => reward(request, "here come tea ."),
        (error) => error instanceof UserError && error.problem.includes(`"${request}"`),
      );
    }
    const reading = readAnswer(ORDER, "here come tea .");
    assert.throws(() => viewsOf({ ...reading, requested: 0 }), UserError);
    assert.ok(Number.isFinite(reward("tea", "")));
  });

  it("calls well formed what the desk says at its best, whatever the request", () => {
    const rng = Rng.named(3, "formed");
    const perfect = Object.fromEntries(Object.keys(FLAWS).map((flaw) => [flaw, 0]));
    for (let i = 0; i < 200; i++) {
      const request = drawRequest(rng, "train");
      const answer = drawAnswer(request, rng, perfect as unknown as typeof FLAWS);
      const reading = readAnswer(request.text, answer);
      assert.deepEqual(
        [reading.wellFormed, reading.covered, reading.stray, reading.repeats, reading.fillers],
        [true, request.items.length, 0, 0, 0],
        answer,
      );
      assert.equal(reward(request.text, answer), 2);
    }
  });

  it("sees every flaw that is put into an answer", () => {
    const rng = Rng.named(4, "flaws");
    const seen = new Map<string, number>();
    const n = 4000;
    for (let i = 0; i < n; i++) {
      const request = drawRequest(rng, "train");
      const reading = readAnswer(request.text, drawAnswer(request, rng));
      const note = (name: string, found: boolean) =>
        seen.set(name, (seen.get(name) ?? 0) + Number(found) / n);
      note("polite", reading.polite);
      note("rude", reading.rude);
      note("filler", reading.fillers > 0);
      note("malformed", !reading.wellFormed);
      note("repeated", reading.repeats > 0);
    }
    for (const name of ["polite", "rude", "filler", "malformed", "repeated"] as const) {
      // Three standard errors of a rate near one half.
      assert.ok(Math.abs(seen.get(name)! - FLAWS[name]) < 0.024, `${name} ${seen.get(name)}`);
    }
  });
});

import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { type Pair, splitDialogues, validatePair } from "../lib/preference/pair.ts";
import { promptKey, splitByPrompt } from "../lib/preference/split.ts";
import { Rng } from "../lib/base/random.ts";

const user = (content: string) => ({ role: "user" as const, content });
const assistant = (content: string) => ({ role: "assistant" as const, content });
const pair: Pair = {
  id: "1",
  prompt: [user("Hi")],
  chosen: "Hello!",
  rejected: "What?",
  source: "test",
};

describe("validatePair", () => {
  it("finds nothing wrong with a sound pair", () => {
    assert.deepEqual(validatePair(pair), []);
    const turns = [{ role: "system" as const, content: "Be kind." }, ...pair.prompt];
    assert.deepEqual(validatePair({ ...pair, prompt: turns }), []);
  });

  it("names every fault", () => {
    const faults: [Partial<Pair>, string[]][] = [
      [{ prompt: [] }, ["the prompt is empty"]],
      [{ prompt: [user(" \n")] }, ["the prompt is empty"]],
      [{ prompt: [user("Hi"), assistant("Hello!")] }, [
        "the last turn of the prompt is not from the user",
      ]],
      [{ chosen: " " }, ["the chosen response is empty"]],
      [{ chosen: "", rejected: "\n" }, [
        "the chosen response is empty",
        "the rejected response is empty",
      ]],
      [{ rejected: " Hello!\n" }, ["chosen and rejected are equal"]],
    ];
    for (const [change, reasons] of faults) {
      assert.deepEqual(validatePair({ ...pair, ...change }), reasons);
    }
  });
});

describe("splitDialogues", () => {
  it("takes the shared turns as the prompt", () => {
    const shared = [user("Hi"), assistant("Hello!"), user("How are you?")];
    assert.deepEqual(
      splitDialogues([...shared, assistant("Well.")], [...shared, assistant("Bad.")]),
      { prompt: shared, chosen: "Well.", rejected: "Bad." },
    );
  });

  it("refuses dialogues that give no pair, with the reason", () => {
    const one = [user("Hi"), assistant("a")];
    const reason = (a: Parameters<typeof splitDialogues>[0], b: typeof a) => {
      const split = splitDialogues(a, b);
      return "reason" in split ? split.reason : split;
    };
    assert.equal(reason(one, [...one]), "chosen and rejected are equal");
    assert.match(String(reason([user("Hi")], one)), /chosen dialogue does not end with an assist/);
    assert.match(String(reason(one, [...one, user("b")])), /rejected dialogue does not end with/);
    const early = [user("Hi"), assistant("b"), user("c"), assistant("d")];
    assert.match(String(reason(one, early)), /part before their last turn/);
    for (const more of [[user("c"), assistant("d")], [assistant("d")]]) {
      assert.match(String(reason(one, [...one, ...more])), /one dialogue is the beginning of the/);
      assert.match(String(reason([...one, ...more], one)), /one dialogue is the beginning of the/);
    }
  });
});

describe("splitByPrompt", () => {
  const rng = Rng.named(3, "test");
  // 200 pairs on 60 prompts, so that most prompts come several times.
  const pairs = Array.from({ length: 200 }, (_, i) => ({
    ...pair,
    id: String(i),
    prompt: [user(`question ${rng.int(60)}`)],
  }));
  const ids = (side: readonly Pair[]) => side.map(({ id }) => id).sort();

  it("has no prompt on both sides and loses no pair", () => {
    const { train, heldOut } = splitByPrompt(pairs, { heldOut: 0.3, seed: 1 });
    const keys = new Set(train.map(({ prompt }) => promptKey(prompt)));
    assert.ok(heldOut.every(({ prompt }) => !keys.has(promptKey(prompt))));
    assert.deepEqual(ids([...train, ...heldOut]), ids(pairs));
    assert.ok(heldOut.length >= 60 && heldOut.length < 70, `${heldOut.length}`);
  });

  it("holds out at least the count asked for, by less than one prompt's pairs more", () => {
    const { heldOut } = splitByPrompt(pairs, { heldOut: 50, seed: 2 });
    assert.ok(heldOut.length >= 50 && heldOut.length < 60, `${heldOut.length}`);
  });

  it("does not depend on the order of the pairs, and depends on the seed", () => {
    const first = splitByPrompt(pairs, { heldOut: 0.3, seed: 1 });
    const other = splitByPrompt(Rng.named(9, "order").shuffle(pairs), { heldOut: 0.3, seed: 1 });
    assert.deepEqual(ids(other.heldOut), ids(first.heldOut));
    assert.notDeepEqual(
      ids(splitByPrompt(pairs, { heldOut: 0.3, seed: 2 }).heldOut),
      ids(first.heldOut),
    );
  });

  it("keeps every prompt in its place when others are added or taken away", () => {
    const keys = (side: readonly Pair[]) => new Set(side.map(({ prompt }) => promptKey(prompt)));
    const whole = keys(splitByPrompt(pairs, { heldOut: 50, seed: 1 }).heldOut);
    for (let draw = 0; draw < 20; draw++) {
      // A filter that drops pairs, as a limit on tokens does: the rest has to hold out further prompts.
      const some = pairs.filter(() => rng.uniform() < 0.7);
      const { train, heldOut } = splitByPrompt(some, { heldOut: 50, seed: 1 });
      const trained = keys(train);
      assert.ok([...whole].every((key) => !trained.has(key)), "a held-out prompt is trained on");
      assert.ok(heldOut.length >= 50);
    }
  });

  it("refuses a size that makes no sense", () => {
    for (const heldOut of [0, -1, 1.5, NaN]) {
      assert.throws(() => splitByPrompt(pairs, { heldOut, seed: 1 }), /heldOut is/);
    }
    assert.throws(() => splitByPrompt(pairs, { heldOut: 200, seed: 1 }), /nothing would be left/);
    assert.throws(() => splitByPrompt([], { heldOut: 0.5, seed: 1 }), /there are 0 pairs/);
  });
});

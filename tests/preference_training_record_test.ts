import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import {
  demonstrationsIn,
  judgedPairsIn,
  type Pair,
  promptsIn,
  splitByPrompt,
  type TrainingRecord,
  useOf,
} from "../lib/preference/mod.ts";

const user = (content: string) => ({ role: "user" as const, content });
const pair = (id: string, more: Partial<Pair> = {}): Pair => ({
  id,
  prompt: [user("Why?")],
  chosen: "Because.",
  rejected: "No.",
  source: "s",
  ...more,
});
const RECORDS: TrainingRecord[] = [
  pair("plain"),
  pair("honesty", { principle: "honesty" }),
  pair("told", { principle: "honesty", use: "both" }),
  pair("online", { use: "answers", prompt: [user("How?")] }),
  {
    id: "shown",
    source: "s",
    prompt: [{ role: "system", content: "Be brief." }, user(" What? ")],
    answer: "That.",
  },
];

describe("what a record is used for", () => {
  it("a pair labelled by one principle is judged and never imitated, unless it says so", () => {
    assert.deepEqual(RECORDS.map(useOf), ["both", "judgments", "both", "answers", "answers"]);
    const ids = (records: readonly { id: string }[]) => records.map(({ id }) => id);
    assert.deepEqual(ids(demonstrationsIn(RECORDS)), ["plain", "told", "online", "shown"]);
    assert.deepEqual(demonstrationsIn(RECORDS)[0], {
      id: "plain",
      source: "s",
      prompt: [user("Why?")],
      answer: "Because.",
    });
    assert.deepEqual(ids(judgedPairsIn(RECORDS)), ["plain", "honesty", "told"]);
  });

  it("a prompt comes once, with the system turn of the answer to imitate", () => {
    const judged = pair("judged", { principle: "honesty", prompt: [user("What?")] });
    assert.deepEqual(promptsIn([judged, ...RECORDS]).map(({ id }) => id), [
      "shown",
      "plain",
      "online",
    ]);
  });

  it("a prompt is on one side of the split, whatever its system turn and its blanks", () => {
    const records = Array.from({ length: 40 }, (_, i) => [
      pair(`${i}`, { prompt: [user(`Question ${i}`)] }),
      pair(`${i}`, { prompt: [{ role: "system", content: "S" }, user(` Question ${i}\n`)] }),
    ]).flat();
    const { train, heldOut } = splitByPrompt(records, { heldOut: 20, seed: 1 });
    const trained = new Set(train.map(({ id }) => id));
    assert.equal(heldOut.length, 20);
    assert.deepEqual(heldOut.filter(({ id }) => trained.has(id)), []);
  });
});

import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { parseDialogue } from "../lib/preference/dialogue_text.ts";
import { readLines } from "../lib/preference/lines.ts";
import { collectPairs, promptKey } from "../lib/preference/mod.ts";
import { skipping } from "./preference_files.ts";
import { HH, itWith } from "./real_data.ts";
import { file } from "./temporary_files.ts";

const itWithHh = itWith(HH);

describe("HH-RLHF dialogues", () => {
  it("are turns by speaker, neighbours of one speaker joined, blanks dropped", () => {
    assert.deepEqual(
      parseDialogue("\n\nHuman:  a\nHuman: b \n\nAssistant: c\n\nAssistant: d\n\n\n\nHuman:"),
      [
        { role: "user", content: "a\nHuman: b" },
        { role: "assistant", content: "c\n\nd" },
        { role: "user", content: "" },
      ],
    );
    assert.equal(parseDialogue("Once \n\nHuman: a"), undefined);
    assert.equal(parseDialogue("no markers"), undefined);
  });

  it("that are malformed are reported with their line and reason", async () => {
    const line = (chosen: unknown, rejected: unknown) => JSON.stringify({ chosen, rejected });
    const hi = "\n\nHuman: Hi\n\nAssistant:";
    const lines: [string, RegExp][] = [
      ["{", /the line is not JSON/],
      [line(`${hi} a`, 3), /"rejected": .*expected string/],
      ['{"chosen": "x"}', /"rejected" is missing/],
      [line(`${hi} a`, "Hi"), /rejected dialogue does not begin with/],
      [line(`${hi} a`, `${hi}`), /rejected response is empty/],
      [line("\n\nAssistant: a", "\n\nAssistant: b"), /the prompt is empty/],
      [line("\n\nHuman: a\n\nAssistant: b", "\n\nHuman: c\n\nAssistant: d"), /part before/],
    ];
    const path = await file(
      "bad.jsonl",
      [line(`${hi} a`, `${hi} b`), ...lines.map(([l]) => l)].join("\n"),
    );
    const { counts, bad } = await skipping(path);
    assert.equal(counts.pairs, 1);
    assert.deepEqual(bad.map(({ line }) => line), lines.map((_, i) => i + 2));
    bad.forEach(({ reason }, i) => assert.match(reason, lines[i][1]));
    await assert.rejects(() => collectPairs(path), /bad\.jsonl line 2: the line is not JSON/);
  });

  itWithHh(
    "of harmless-base/test: 2,308 pairs, 4 empty chosen responses, 2,306 prompts",
    async () => {
      const { pairs, counts, bad } = await skipping(HH);
      assert.deepEqual(counts, {
        pairs: 2308,
        bad: 4,
        ties: 0,
        reasons: { "the chosen response is empty": 4 },
      });
      assert.deepEqual(bad.map(({ line }) => line), [87, 517, 926, 1104]);
      assert.equal(new Set(pairs.map(({ prompt }) => promptKey(prompt))).size, 2306);
      assert.equal(new Set(pairs.map(({ id }) => id)).size, 2308);
      // Chat templates want roles that alternate, the user first and last.
      for (const { id, prompt } of pairs) {
        prompt.forEach(({ role }, i) => assert.equal(role, i % 2 ? "assistant" : "user", id));
      }
      assert.equal(pairs[0].prompt.length, 5);
      assert.ok(pairs[0].chosen.startsWith("No, sorry!  All of these involve a pen,"));
    },
  );

  itWithHh("of harmless-base/test put together again are the file's own text", async () => {
    const { pairs } = await skipping(HH);
    const byId = new Map(pairs.map((pair) => [pair.id, pair]));
    const squeeze = (text: string) => text.replace(/\s+/g, " ").trim();
    let same = 0, joined = 0;
    for await (const row of readLines(HH)) {
      const pair = byId.get(`harmless-base-test:${row.line}`);
      if (pair === undefined || !("value" in row)) continue;
      const names = { user: "Human", assistant: "Assistant", system: "" };
      const before = pair.prompt.map((t) => `${names[t.role]}: ${t.content}`).join(" ");
      const texts: Record<"chosen" | "rejected", string> = JSON.parse(row.value);
      for (const side of ["chosen", "rejected"] as const) {
        if (squeeze(texts[side]) === squeeze(`${before} Assistant: ${pair[side]}`)) same++;
        else joined++;
      }
    }
    // 4 lines have a joined turn in the prompt (both sides differ), 5 in one response.
    assert.deepEqual({ same, joined }, { same: 2 * 2308 - 13, joined: 13 });
  });

  itWithHh("have the oddities that the documentation counts", async () => {
    let joined = 0, parted = 0, inline = 0;
    for await (const row of readLines(HH)) {
      if (!("value" in row)) throw new Error(row.reason);
      const { chosen, rejected }: { chosen: string; rejected: string } = JSON.parse(row.value);
      const sides = [chosen, rejected];
      const roles = sides.map((text) =>
        [...text.matchAll(/\n\n(H|A)(?:uman|ssistant):/g)].map((m) => m[1])
      );
      if (roles.some((list) => list.some((role, i) => role === list[i + 1]))) joined++;
      if (roles[0].length !== roles[1].length) parted++;
      if (sides.some((text) => /(?<!\n\n)\b(Human|Assistant):/.test(text))) inline++;
    }
    assert.deepEqual({ joined, parted, inline }, { joined: 9, parted: 5, inline: 49 });
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import {
  CHAT_PRESETS,
  ChatTemplate,
  chatTemplateFrom,
  openTokenizer,
  TemplateRefusal,
  TextTokenizer,
  type Turn,
  writeTokenizer,
} from "../lib/text/mod.ts";
import { readFixture } from "./reference/fixture.ts";
import { refuses, refusesAtOnce } from "./refusals.ts";
import { folder } from "./temporary_files.ts";

const { json } = (await readFixture("text.json")).word_level;
const base = TextTokenizer.fromJson(json, { eosToken: "<end>" });
const turns: readonly Turn[] = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "Hi" },
  { role: "assistant", content: "Yes?" },
  { role: "user", content: "Ada" },
];

describe("a chat template for a base model", () => {
  const written = {
    chatml: "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n" +
      "<|im_start|>assistant\nYes?<|im_end|>\n<|im_start|>user\nAda<|im_end|>\n<|im_start|>assistant\n",
    zephyr: "<|system|>\nBe brief.<end>\n<|user|>\nHi<end>\n<|assistant|>\nYes?<end>\n" +
      "<|user|>\nAda<end>\n<|assistant|>\n",
    plain: "system: Be brief.\nuser: Hi\nassistant: Yes?<end>\nuser: Ada\nassistant:",
  };
  for (const [name, text] of Object.entries(written)) {
    it(`is the preset ${name}`, async () => {
      const chat = await chatTemplateFrom(name, base);
      assert.equal(chat.render(turns, { addGenerationPrompt: true }), text);
      // What an answer is learned after is the start of the whole dialogue.
      const [asked, whole] = [turns.slice(0, 2), turns.slice(0, 3)];
      assert.ok(chat.render(whole).startsWith(chat.render(asked, { addGenerationPrompt: true })));
    });
  }

  it("is each preset, which says where it comes from", () => {
    for (const [name, { source, from }] of Object.entries(CHAT_PRESETS)) {
      assert.ok(from.length > 10, name);
      new ChatTemplate(source, base).render(turns);
    }
  });

  it("is a file", async () => {
    const path = `${folder.path}/mine.jinja`;
    await Deno.writeTextFile(path, "{% for m in messages %}[{{ m.role }}]{% endfor %}");
    const chat = await chatTemplateFrom(path, base);
    assert.equal(chat.render(turns), "[system][user][assistant][user]");
  });

  it("goes with the tokenizer, and is saved with it", async () => {
    await writeTokenizer(base, folder.path);
    const named = await openTokenizer(folder.path, { template: "zephyr" });
    assert.equal(named.chatTemplate, CHAT_PRESETS.zephyr.source);
    assert.deepEqual(named.encode("what is the job"), base.encode("what is the job"));
    await writeTokenizer(named, folder.path);
    assert.equal((await openTokenizer(folder.path)).chatTemplate, CHAT_PRESETS.zephyr.source);
  });

  it("that is missing, unknown or empty is refused with the remedy", async () => {
    await refuses(
      chatTemplateFrom(null, base),
      /base model.*\n.*chat\.template: a Jinja file.*chatml/,
    );
    await refuses(
      chatTemplateFrom("chat-ml", base),
      /"chat-ml": no preset has that name.*\n.*zephyr/,
    );
    const path = `${folder.path}/empty.jinja`;
    await Deno.writeTextFile(path, "\n");
    await refuses(chatTemplateFrom(path, base), /empty\.jinja": the file is empty/);
    await refuses(chatTemplateFrom(folder.path, base), /cannot be read/);
  });
});

describe("a chat template's refusal", () => {
  const refusal = (source: string, dialogue: readonly Turn[]): TemplateRefusal => {
    try {
      new ChatTemplate(source, {}).render(dialogue);
    } catch (error) {
      if (error instanceof TemplateRefusal) return error;
      throw error;
    }
    throw new Error("the template took the turns");
  };

  it("carries the template's words, the roles and the remedy that fits them", () => {
    const source = "{{ raise_exception('System role not supported') }}";
    const system = refusal(source, turns.slice(0, 2));
    assert.deepEqual(
      [system.reason, system.roles, system.hasSystem],
      ["System role not supported", ["system", "user"], true],
    );
    assert.match(system.message, /\(system, user\): System role not supported\n.*leave the system/);
    const order = refusal("{{ raise_exception('must alternate') }}", [turns[1], turns[3]]);
    assert.equal(order.hasSystem, false);
    assert.match(order.remedy, /turns alternate, the user first/);
    const other = refusal("{{ raise_exception('no') }}", [turns[1]]);
    assert.match(other.remedy, /choose a chat template that takes these turns/);
  });
});

describe("the ids that end a turn", () => {
  it("are the end token's and those that are named beside it", () => {
    assert.deepEqual(base.endIds, [base.eosId]);
    const more = base.with({ endIds: [7, base.eosId, 9] });
    assert.deepEqual(more.endIds, [base.eosId, 7, 9]);
    assert.deepEqual(more.with({ chatTemplate: "x" }).endIds, [base.eosId, 7, 9]);
    refusesAtOnce(() => base.with({ endIds: [11] }), /end id 11 is not below 11/);
  });
});

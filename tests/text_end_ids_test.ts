import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { answerExample, encodePrompt, sampleAnswers } from "../lib/method/mod.ts";
import { decodedAnswers } from "../lib/method/sample.ts";
import { statedEndIds } from "../lib/model/end_ids.ts";
import { ChatTemplate, openTokenizer, type TextTokenizer } from "../lib/text/mod.ts";
import { file, folder } from "./temporary_files.ts";
import { refuses } from "./refusals.ts";
import { tinyLanguage, tinyModel } from "./tiny.ts";

const turn = [{ role: "user", content: "Name apple and pear, please." }] as const;

/** The tiny language in a folder, as models are published, with these fields in the files that name end tokens. */
async function published(
  name: string,
  { config = {}, generation, eos = "<|endoftext|>", template }: {
    config?: object;
    generation?: unknown;
    eos?: string;
    template?: string;
  },
): Promise<string> {
  const { json, chatTemplate } = tinyLanguage();
  await file(`${name}/tokenizer.json`, json);
  await file(`${name}/tokenizer_config.json`, {
    eos_token: eos,
    chat_template: template ?? chatTemplate,
  });
  await file(`${name}/config.json`, config);
  if (generation !== undefined) await file(`${name}/generation_config.json`, generation);
  return `${folder.path}/${name}`;
}

describe("the tokens that end an answer", () => {
  it("are the end token's and all that the model's files name", async () => {
    const cases: [object, unknown, number[]][] = [
      [{}, undefined, []],
      [{ eos_token_id: 2 }, undefined, [2]],
      [{ eos_token_id: [5, 2] }, { eos_token_id: 7 }, [5, 2, 7]],
      [{ eos_token_id: null }, { eos_token_id: [2, 9, 2] }, [2, 9]],
      [{ eos_token_id: -1 }, {}, []],
    ];
    for (const [i, [config, generation, expected]] of cases.entries()) {
      const path = await published(`named${i}`, { config, generation });
      assert.deepEqual(await statedEndIds(path), expected);
      assert.deepEqual(await statedEndIds(`${path}/model.safetensors`), expected);
      const { endIds } = await openTokenizer(path);
      // 0 is the end token, 2 what the template writes behind an answer.
      assert.deepEqual(new Set(endIds), new Set([0, 2, ...expected]));
    }
  });

  it("are refused where they are no tokens of the model's", async () => {
    await refuses(
      openTokenizer(await published("wide", { config: { eos_token_id: 4000 } })),
      /end id 4000 is not below \d+\n.*correct eos_token_id/,
    );
    await refuses(
      openTokenizer(await published("text", { generation: { eos_token_id: "</s>" } })),
      /generation_config\.json: "eos_token_id" is no token id/,
    );
  });

  it("are those of an adapter's base too, whose folder has no config", async () => {
    const base = await published("base", { config: { eos_token_id: [0, 6] } });
    const adapter = await published("adapter", {});
    await Deno.remove(`${adapter}/config.json`);
    const { endIds } = await openTokenizer(adapter, { model: base });
    assert.deepEqual(new Set(endIds), new Set([0, 2, 6]));
  });
});

describe("the token that an answer is learned to end with", () => {
  const ends = async (name: string, options: Parameters<typeof published>[1]) => {
    const tokenizer = await openTokenizer(await published(name, options));
    const encoder = {
      tokenizer,
      chat: ChatTemplate.of(tokenizer),
      maxTokens: 200,
      overflow: "refuse",
    } as const;
    const made = answerExample({ prompt: turn, answer: "Sure", pair: "1" }, encoder)!;
    assert.equal(made.example.ids.at(-1), tokenizer.answerEndId);
    return tokenizer.answerEndId;
  };

  it("is the one that the template writes behind an assistant's turn", async () => {
    assert.equal(await ends("chatml", {}), 2); // though eos_token is <|endoftext|>
    assert.equal(await ends("same", { eos: "<|im_end|>" }), 2);
    // A blank and the end token, as Llama 2's.
    const template = "{% for m in messages %}{{ m.content + ' ' + eos_token }}{% endfor %}";
    assert.equal(await ends("llama2", { template }), 0);
  });

  it("is the end token's where the template writes none, or takes no answer", async () => {
    const plain = "{% for m in messages %}{{ m.role + ' ' + m.content + '\n' }}{% endfor %}";
    assert.equal(await ends("plain", { template: plain }), 0);
    const one = "{% if messages | length > 1 %}{{ raise_exception('one turn') }}{% endif %}";
    const path = await published("one", { template: `${one}{{ messages[0].content }}` });
    assert.equal((await openTokenizer(path)).answerEndId, 0);
  });
});

describe("an answer that a model draws", () => {
  /** Greedy answers of the tiny model. */
  async function drawn(tokenizer: TextTokenizer) {
    const model = tinyModel();
    const encoder = { tokenizer, chat: ChatTemplate.of(tokenizer) };
    const prompts = [encodePrompt(turn, encoder)];
    const options = { encoder, temperature: 0, maxNewTokens: 12, seed: 1 };
    const [[answer]] = await sampleAnswers(model, prompts, options);
    model.dispose();
    return answer;
  }

  it("stops at each of them, has it as its last token and not in its text", async () => {
    const long = await drawn(tinyLanguage());
    assert.equal(long.end, "length");
    const ids = long.ids.slice(long.from);
    const stop = ids.find((id, i) => i > 2 && ids.indexOf(id) === i)!;
    const answer = await drawn(tinyLanguage().with({ endIds: [tinyLanguage().size - 1, stop] }));
    const kept = ids.slice(0, ids.indexOf(stop));
    assert.equal(answer.end, "stop");
    assert.deepEqual(answer.ids.slice(answer.from), [...kept, stop]);
    assert.equal(answer.text, tinyLanguage().decode(kept, { skipSpecial: true }).trim());
  });
});

describe("an answer with the id of a row that pads the embedding", () => {
  it("has that id, and nothing of it in its text", () => {
    const tokenizer = tinyLanguage();
    const ids = [...tokenizer.encode("apple"), tokenizer.size + 3, ...tokenizer.encode(" and")];
    const drawn = [[{ ids, end: "length" as const, endId: null }]];
    const [[{ text, ids: kept }]] = decodedAnswers(drawn, [[]], { tokenizer });
    assert.equal(text, tokenizer.decode(ids.filter((id) => id < tokenizer.size)).trim());
    assert.deepEqual(kept, ids);
  });
});

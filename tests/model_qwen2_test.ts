import assert from "node:assert/strict";
import { after, before, describe, it } from "jsr:@std/testing@1/bdd";
import {
  type LanguageModel,
  loadAdapter,
  openSafetensors,
  openWeights,
  readConfig,
  saveAdapter,
  saveModel,
  type WeightSource,
} from "../lib/model/mod.ts";
import { ChatTemplate, openTokenizer, type Turn } from "../lib/text/mod.ts";
import {
  batchLogits,
  expectedJson,
  expectedTensors,
  parity,
  referenceModel,
  referencePath,
} from "./model_reference.ts";
import { assertClose, difference } from "./numbers.ts";
import { folder } from "./temporary_files.ts";

// Logits, gradients and decoding against transformers: model_parity_test.ts.

const FOLDER = referencePath("tiny-qwen2");
const GGUF = `${FOLDER}/tiny-qwen2.gguf`;
const ADAPTER = referencePath("tiny-qwen2-lora");

/** Name, shape and values of every tensor, by name. */
async function contents(source: WeightSource) {
  try {
    const names = [...source.names].sort();
    return await Promise.all(
      names.map(async (name) => [name, [...source.shape(name)], await source.read(name)]),
    );
  } finally {
    source.close();
  }
}

const json = async (path: string) => JSON.parse(await Deno.readTextFile(path));

describe("Qwen2", () => {
  it("has a bias on q, k and v and on nothing else", async () => {
    const config = await readConfig(FOLDER);
    assert.equal(config.family, "qwen2");
    assert.deepEqual(config.biases, ["q_proj", "k_proj", "v_proj"]);
    const model = await referenceModel("tiny-qwen2");
    const biased = [...model.weights.keys()].filter((name) => name.endsWith(".bias"));
    assert.deepEqual(
      biased,
      [0, 1].flatMap((i) =>
        ["q", "k", "v"].map((m) => `model.layers.${i}.self_attn.${m}_proj.bias`)
      ),
    );
    model.dispose();
  });

  it("from the GGUF file of the gguf package is the same model, bit for bit", async () => {
    assert.deepEqual(await readConfig(GGUF), await readConfig(FOLDER));
    assert.deepEqual(
      await contents(await openWeights(GGUF)),
      await contents(await openSafetensors(FOLDER)),
    );
  });

  it("is saved as transformers saves it: the same tensors, the same meaning of every field", async () => {
    const model = await referenceModel("tiny-qwen2");
    await saveModel(model, folder.path);
    model.dispose();
    assert.deepEqual(
      await contents(await openSafetensors(folder.path)),
      await contents(await openSafetensors(FOLDER)),
    );
    const [written, theirs] = [
      await json(`${folder.path}/config.json`),
      await json(`${FOLDER}/config.json`),
    ];
    const same = Object.keys(theirs).filter((key) => key in written && key !== "sliding_window");
    assert.ok(same.length >= 16, `${same}`);
    for (const key of same) assert.deepEqual(written[key], theirs[key], key);
    assert.equal(written.rope_theta, theirs.rope_parameters.rope_theta);
    assert.equal(written.head_dim, theirs.hidden_size / theirs.num_attention_heads);
    assert.ok(!("attention_bias" in written));
  });
});

describe("an adapter of PEFT's on Qwen2", () => {
  let model: LanguageModel;
  before(async () => {
    model = await referenceModel("tiny-qwen2");
    model.adapter = await loadAdapter(ADAPTER, model.config);
  });
  after(() => model.dispose());

  it("gives PEFT's logits", async () => {
    const { ids } = await expectedJson<{ ids: number[][] }>("tiny-qwen2-lora");
    const expected = await expectedTensors("tiny-qwen2-lora");
    const plain = await expectedTensors("tiny-qwen2");
    const largest = batchLogits(model, ids).map((found, i) => {
      assert.ok(difference(found, plain.get(`logits.${i}`)!) > 0.1);
      return assertClose(found, expected.get(`logits.${i}`)!, { within: 1e-4, what: `row ${i}` });
    });
    parity("tiny-qwen2-lora: logits with the adapter on", Math.max(...largest));
  });

  it("is saved under PEFT's names, bit for bit", async () => {
    await saveAdapter(model.adapter!, `${folder.path}/adapter`, { baseModel: "tiny-qwen2" });
    const file = "adapter_model.safetensors";
    assert.deepEqual(
      await contents(await openSafetensors(`${folder.path}/adapter/${file}`)),
      await contents(await openSafetensors(`${ADAPTER}/${file}`)),
    );
  });
});

/** What transformers' tokenizer makes of texts and dialogues. */
interface ExpectedText {
  texts: { text: string; ids: number[]; decoded: string }[];
  chats: { turns: Turn[]; text: string }[];
}

describe("Qwen2's tokenizer and chat template", () => {
  for (const [what, path] of [["tokenizer.json", FOLDER], ["the GGUF file", GGUF]]) {
    it(`encode, decode and render as transformers', from ${what}`, async () => {
      const { texts, chats } = await expectedJson<ExpectedText>("tiny-qwen2");
      const tokenizer = await openTokenizer(path);
      const { eosId, padId, bosId, size } = tokenizer;
      assert.deepEqual({ eosId, padId, bosId, size }, {
        eosId: 317,
        padId: 318,
        bosId: null,
        size: 320,
      });
      assert.ok(
        texts.some(({ text, decoded }) => text !== decoded),
        "NFC changes none of the texts",
      );
      for (const { text, ids, decoded } of texts) {
        assert.deepEqual(tokenizer.encode(text), ids, JSON.stringify(text));
        assert.equal(tokenizer.decode(ids), decoded, JSON.stringify(text));
      }
      const template = ChatTemplate.of(tokenizer);
      for (const { turns, text } of chats) {
        assert.equal(template.render(turns, { addGenerationPrompt: true }), text);
      }
    });
  }
});

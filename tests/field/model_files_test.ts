/** Model files as public reports describe them; the table is in README.md. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "jsr:@std/testing@1/bdd";
import {
  ggufContent,
  type GgufField,
  type LanguageModel,
  loadAdapter,
  loadModel,
  LORA_DEFAULTS,
  LoraAdapter,
  openGguf,
  openSafetensors,
  readConfig,
  saveAdapter,
  saveModel,
  sequenceLogProbs,
  type TensorData,
  weightsFingerprint,
  writeGguf,
  writeSafetensors,
} from "../../lib/model/mod.ts";
import { Rng } from "../../lib/base/random.ts";
import { openTokenizer } from "../../lib/text/mod.ts";
import { numbers } from "../numbers.ts";
import { refuses } from "../refusals.ts";
import { newFolder } from "../temporary_files.ts";
import { tinyConfig, tinyModel } from "../tiny.ts";

let folder: string;
beforeEach(async () => {
  folder = await newFolder();
});
const weights = () => `${folder}/model.safetensors`;
const sequences = [{ ids: [3, 4, 5, 6, 7], from: 1 }];

/** A model in the folder, its tensors under other names (null leaves one out) and with others beside them. */
async function saved(
  model: LanguageModel,
  { rename = (name) => name, beside = {} }: {
    rename?: (name: string) => string | null;
    beside?: Record<string, TensorData>;
  },
): Promise<number[]> {
  await saveModel(model, folder);
  const tensors = [...model.weights].flatMap(([name, w]): [string, TensorData][] => {
    const other = rename(name);
    return other === null ? [] : [[other, { shape: w.shape, data: numbers(w) }]];
  });
  await writeSafetensors(weights(), new Map([...tensors, ...Object.entries(beside)]));
  const found = await sequenceLogProbs(model, sequences);
  model.dispose();
  return found;
}

/** What the model in the folder gives the sequences. */
async function scored(path = folder): Promise<number[]> {
  const model = await loadModel(path);
  const found = await sequenceLogProbs(model, sequences);
  model.dispose();
  return found;
}

/** A GGUF file of the tiny model, its bytes changed. */
async function gguf(
  { name = "m.gguf", keys = {}, change = (bytes) => bytes }: {
    name?: string;
    keys?: Record<string, GgufField>;
    change?: (bytes: Uint8Array) => Uint8Array;
  } = {},
): Promise<string> {
  const model = tinyModel();
  const content = ggufContent(model, { name: "m", dtype: "F32", vocabulary: new Map() });
  const path = `${folder}/${name}`;
  await writeGguf(path, {
    ...content,
    metadata: new Map([...content.metadata, ...Object.entries(keys)]),
  });
  model.dispose();
  await Deno.writeFile(path, change(await Deno.readFile(path)));
  return path;
}

/** Bytes with the first place of a text overwritten by another of its length. */
function overwritten(bytes: Uint8Array, text: string, by: string): Uint8Array {
  const [from, to] = [text, by].map((part) => new TextEncoder().encode(part));
  assert.equal(from.length, to.length);
  const at = bytes.findIndex((_, i) => from.every((byte, j) => bytes[i + j] === byte));
  assert.ok(at >= 0, text);
  bytes.set(to, at);
  return bytes;
}

describe("safetensors under other names", () => {
  it("of a compiled or data-parallel model are those of the model", async () => {
    for (const prefix of ["_orig_mod.", "module.", "module._orig_mod."]) {
      const expected = await saved(tinyModel(), { rename: (name) => prefix + name });
      assert.deepEqual(await scored(), expected, prefix);
    }
    const twice = { shape: [32], data: new Float32Array(32) };
    await saved(tinyModel(), { beside: { "_orig_mod.model.norm.weight": twice } });
    await refuses(loadModel(folder), /no tensor "_orig_mod\.model\.norm\.weight"/);
  });

  it("of a model without its head are those of the model", async () => {
    const expected = await saved(tinyModel(), { rename: (name) => name.replace(/^model\./, "") });
    assert.deepEqual(await scored(), expected);
  });

  it("with tied embeddings may have the output layer alone", async () => {
    const other = (name: string) => name === "model.embed_tokens.weight" ? "lm_head.weight" : name;
    const expected = await saved(tinyModel(), {});
    const fingerprint = await weightsFingerprint(folder);
    await saved(tinyModel(), { rename: other });
    assert.deepEqual(await scored(), expected);
    assert.equal(await weightsFingerprint(folder), fingerprint);
    await saved(tinyModel({ tieEmbeddings: false }), {
      rename: (name) => name === "model.embed_tokens.weight" ? null : name,
    });
    await refuses(loadModel(folder), /"model\.embed_tokens\.weight" is missing/);
  });

  it("without an output layer that the config has are refused with what to set", async () => {
    await saved(tinyModel({ tieEmbeddings: false }), {
      rename: (name) => name === "lm_head.weight" ? null : name,
    });
    await refuses(
      loadModel(folder),
      /"lm_head\.weight" is missing\n.*set "tie_word_embeddings" to true/,
    );
  });
});

describe("a folder of weights", () => {
  /** Two shards without their index. */
  async function shards(): Promise<number[]> {
    const expected = await saved(tinyModel(), {});
    const source = await openSafetensors(weights());
    for (const [i, shard] of ["model-00001-of-00002", "model-00002-of-00002"].entries()) {
      const names = source.names.filter((_, j) => j % 2 === i);
      const tensors = names.map(async (name): Promise<[string, TensorData]> => [
        name,
        { shape: source.shape(name), data: await source.read(name) },
      ]);
      await writeSafetensors(
        `${folder}/${shard}.safetensors`,
        new Map(await Promise.all(tensors)),
      );
    }
    source.close();
    await Deno.remove(weights());
    return expected;
  }

  it("that has lost its index is read from its shards, if all are there", async () => {
    const expected = await shards();
    assert.deepEqual(await scored(), expected);
    await Deno.copyFile(
      `${folder}/model-00001-of-00002.safetensors`,
      `${folder}/model-00001-of-00003.safetensors`,
    );
    await refuses(loadModel(folder), /neither .* shards of several models/);
    await Deno.remove(`${folder}/model-00001-of-00003.safetensors`);
    await Deno.remove(`${folder}/model-00001-of-00002.safetensors`);
    await refuses(
      loadModel(folder),
      /neither .* lacks the shard model-00001-of-00002\.safetensors/,
    );
  });

  it("whose index names shards that are not there is refused with the first of them", async () => {
    await shards();
    await Deno.writeTextFile(
      `${folder}/model.safetensors.index.json`,
      JSON.stringify({ weight_map: { "model.norm.weight": "model-00007-of-00030.safetensors" } }),
    );
    await refuses(
      loadModel(folder),
      /there is no file .+model-00007-of-00030\.safetensors, which the index names/,
    );
  });

  it("that are a pickle is refused with how to convert them", async () => {
    await saved(tinyModel(), {});
    for (
      const name of ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "consolidated.00.pth"]
    ) {
      await Deno.remove(weights()).catch(() => {});
      await Deno.writeTextFile(`${folder}/${name}`, "");
      await refuses(loadModel(folder), `its weights are in ${name}, a pickle`, "save_pretrained");
      await Deno.remove(`${folder}/${name}`);
    }
  });
});

describe("a GGUF file", () => {
  it("with a tensor or a key twice is refused", async () => {
    const tensor = (bytes: Uint8Array) =>
      overwritten(bytes, "blk.0.attn_k.weight", "blk.0.attn_q.weight");
    await refuses(
      openGguf(await gguf({ change: tensor })),
      /has the tensor "blk\.0\.attn_q\.weight" twice/,
    );
    const key = (bytes: Uint8Array) =>
      overwritten(bytes, "llama.rope.freq_bas2", "llama.rope.freq_base");
    const keys = { "llama.rope.freq_bas2": { type: "float32", value: 7 } } as const;
    await refuses(
      openGguf(await gguf({ keys, change: key })),
      /metadata "llama\.rope\.freq_base" twice/,
    );
  });

  it("whose tensors overlap or leave a hole is refused", async () => {
    const moved = (by: number) => (bytes: Uint8Array) => {
      const name = new TextEncoder().encode("blk.0.attn_q.weight");
      const at = bytes.findIndex((_, i) => name.every((byte, j) => bytes[i + j] === byte));
      // After a name: dimensions (4 bytes), two lengths (16), type (4), then the offset.
      const view = new DataView(bytes.buffer, at + name.length + 24, 8);
      view.setBigUint64(0, view.getBigUint64(0, true) + BigInt(by), true);
      return bytes;
    };
    for (const by of [-32, 32, 4]) {
      await refuses(
        openGguf(await gguf({ change: moved(by) })),
        /tensor "blk\.0\.attn_q\.weight" begins at byte \d+ of the tensors, those before it end at \d+/,
      );
    }
  });

  it("whose alignment is no power of two is refused", async () => {
    for (const value of [0, 24]) {
      const keys = { "general.alignment": { type: "uint32", value } } as const;
      await refuses(openGguf(await gguf({ keys })), `general.alignment is ${value}`);
    }
  });

  it("is known by how it begins, whatever its name", async () => {
    const expected = await scored(await gguf());
    const blob = await gguf({ name: "sha256-4665a5ea423c2713d436b5ee50593a9640e0018c" });
    assert.deepEqual(await scored(blob), expected);
    await refuses(openTokenizer(blob), /sha256-\S+: metadata lacks tokenizer\.ggml\.tokens/);
  });

  it("of the formats before GGUF is refused as that", async () => {
    for (const [magic, name] of [["tjgg", "GGJT"], ["lmgg", "GGML"], ["fmgg", "GGMF"]]) {
      for (const file of ["llama-7b.ggmlv3.q4_1.bin", "llama.gguf"]) {
        const path = `${folder}/${file}`;
        await Deno.writeTextFile(path, `${magic}${"\0".repeat(64)}`);
        await refuses(loadModel(path), `${path} is a ${name} file, the format before GGUF`);
      }
    }
  });
});

describe("a special token's id", () => {
  it("of -1 is none, in a config.json and in a GGUF file", async () => {
    await saved(tinyModel(), {});
    const json = JSON.parse(await Deno.readTextFile(`${folder}/config.json`));
    const ids = { bos_token_id: -1, eos_token_id: [-1, 2], pad_token_id: -1 };
    await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify({ ...json, ...ids }));
    const { bosId, eosIds, padId } = await readConfig(folder);
    assert.deepEqual({ bosId, eosIds, padId }, { bosId: null, eosIds: [2], padId: null });
    const none = { type: "uint32", value: 0xffff_ffff } as const;
    const keys = { "tokenizer.ggml.padding_token_id": none, "tokenizer.ggml.eot_token_id": none };
    const config = await readConfig(await gguf({ keys }));
    assert.deepEqual([config.padId, config.eosIds], [null, []]);
  });

  it("outside the vocabulary of a GGUF file is refused by its key", async () => {
    const { vocabSize } = tinyConfig();
    const keys = {
      "tokenizer.ggml.eos_token_id": { type: "uint32", value: vocabSize } as const,
    };
    await refuses(
      readConfig(await gguf({ keys })),
      `tokenizer.ggml.eos_token_id is ${vocabSize}, the vocabulary has ${vocabSize} tokens`,
    );
  });
});

describe("an adapter of PEFT's", () => {
  const model = tinyConfig();
  /** An adapter in the folder, its tensors under other names and with others beside them. */
  async function adapter(
    rename: (name: string) => string,
    beside: Record<string, TensorData> = {},
  ): Promise<LoraAdapter> {
    const made = LoraAdapter.create(model, LORA_DEFAULTS, Rng.named(1, "adapter"));
    await saveAdapter(made, folder, { baseModel: "base" });
    const tensors = [...made.parameters].map(([name, w]): [string, TensorData] => [
      rename(`base_model.model.${name}`),
      { shape: w.shape, data: numbers(w) },
    ]);
    await writeSafetensors(
      `${folder}/adapter_model.safetensors`,
      new Map([...tensors, ...Object.entries(beside)]),
    );
    return made;
  }

  it("that was trained compiled is the same adapter", async () => {
    const forms = [
      (name: string) => `_orig_mod.${name}`,
      (name: string) => name.replace("base_model.model.", "base_model.model._orig_mod."),
    ];
    for (const rename of forms) {
      const made = await adapter(rename);
      const read = await loadAdapter(folder, model);
      for (const [name, tensor] of made.parameters) {
        assert.deepEqual(numbers(read.parameters.get(name)!), numbers(tensor), name);
      }
      made.dispose();
      read.dispose();
    }
  });

  it("with the embeddings of a larger vocabulary is refused by their name", async () => {
    const { vocabSize, hiddenSize } = model;
    for (const name of ["model.embed_tokens.weight", "lm_head.weight"]) {
      const data = new Float32Array(vocabSize * hiddenSize);
      const beside = { [`base_model.model.${name}`]: { shape: [vocabSize, hiddenSize], data } };
      (await adapter((name) => name, beside)).dispose();
      await refuses(loadAdapter(folder, model), `nothing here reads the tensor "${name}"`);
    }
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { openGguf } from "../lib/model/gguf.ts";
import { ggufToHfName } from "../lib/model/gguf_weights.ts";
import { dequantise, ggmlTypes } from "../lib/model/quant.ts";
import { openWeights, readConfig } from "../lib/model/weights.ts";
import { bytes, floats, ggufFile, readFixture } from "./reference/fixture.ts";
import { refuses } from "./refusals.ts";
import { file as write, folder } from "./temporary_files.ts";

const tiny = (await readFixture("weights.json")).tiny;
/** The tiny file with the bytes after the first place of `after` replaced. */
function damaged(after: string, patch: readonly number[]): Uint8Array {
  const file = bytes(tiny.file);
  const mark = new TextEncoder().encode(after);
  const at = file.findIndex((_, i) => mark.every((byte, j) => file[i + j] === byte));
  file.set(patch, at + mark.length);
  return file;
}

describe("every quantised format", () => {
  it("decodes to the very floats of the gguf package", async () => {
    const { quants } = await readFixture("weights.json");
    assert.equal(quants.length, ggmlTypes.size);
    for (const { type, name, bytes: encoded, values } of quants) {
      const format = ggmlTypes.get(type);
      assert.equal(format?.name, name);
      const actual = dequantise(format!, bytes(encoded));
      const expected = floats(values);
      assert.equal(actual.length, expected.length, name);
      const wrong = expected.findIndex((value, i) => value !== actual[i]);
      assert.equal(
        wrong,
        -1,
        `${name}: value ${wrong} is ${actual[wrong]}, not ${expected[wrong]}`,
      );
    }
  });
});

describe("a GGUF file", () => {
  it("gives the weights that transformers reads from it, query and key rows in its order", async () => {
    const weights = await openWeights(await write("tiny.gguf", bytes(tiny.file)));
    try {
      assert.deepEqual([...weights.names].sort(), Object.keys(tiny.weights).sort());
      for (const [name, { shape, values }] of Object.entries(tiny.weights)) {
        assert.deepEqual(weights.shape(name), shape, name);
        const unsigned = (data: Float32Array) => data.map((x) => x + 0); // -0 becomes 0
        assert.deepEqual(unsigned(await weights.read(name)), unsigned(floats(values)), name);
      }
    } finally {
      weights.close();
    }
  });

  it("gives the config of the model in it", async () => {
    const config = await readConfig(await write("config.gguf", bytes(tiny.file)));
    assert.equal(config.headDim, 8);
    assert.equal(config.kvHeads, 2);
    assert.equal(config.tieEmbeddings, false);
  });

  it("that is cut short is refused with the bytes needed and there", async () => {
    const file = bytes(tiny.file);
    const size = file.length;
    const cut = await write("cut.gguf", file.subarray(0, size - 1000));
    await refuses(
      openGguf(cut),
      /cut\.gguf is truncated: tensor "/,
      new RegExp(`has ${size - 1000}`),
    );
    for (const length of [0, 3, 20, 300]) {
      const path = await write(`cut${length}.gguf`, file.subarray(0, length));
      await refuses(openGguf(path), /is truncated: the header needs \d+ bytes/);
    }
  });

  it("that is missing, a folder or something else is refused", async () => {
    await refuses(openGguf(`${folder.path}/none.gguf`), /there is no file .*none\.gguf/);
    await refuses(openGguf(folder.path), /is not a file/);
    await refuses(openGguf(await write("zip.gguf", new Uint8Array(99))), /not a GGUF file/);
    await refuses(openGguf(await write("old.gguf", damaged("GGUF", [1]))), /GGUF version 1/);
  });

  it("with a tensor of an unknown format is refused with the tensor and the format", async () => {
    // After a name: dimensions (4 bytes), two lengths (16), then the type.
    const patch = [2, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0];
    const known = await write("q2.gguf", damaged("blk.0.attn_q.weight", [...patch, 10]));
    await refuses(openGguf(known), /tensor "blk\.0\.attn_q\.weight" has type 10 \(Q2_K\)/);
    const unknown = await write("q99.gguf", damaged("blk.0.attn_q.weight", [...patch, 99]));
    await refuses(openGguf(unknown), /has type 99, which/);
  });

  it("without the tensor asked for names it", async () => {
    const weights = await openWeights(await write("tiny2.gguf", bytes(tiny.file)));
    try {
      await refuses(weights.read("model.layers.7.mlp.up_proj.weight"), /no tensor .*layers\.7/);
      await refuses(() => weights.shape("x"));
    } finally {
      weights.close();
    }
  });

  it("with tensors of another architecture is refused", async () => {
    const name = "blk.0.ffn_gate.weight";
    const other = damaged(name.slice(0, 6), [...new TextEncoder().encode("zzz_gate")]);
    const path = await write("other.gguf", other);
    await refuses(openWeights(path), /does not belong to a dense decoder/);
  });
});

describe("GGUF tensor names", () => {
  it("become those of Hugging Face", () => {
    assert.equal(ggufToHfName("token_embd.weight"), "model.embed_tokens.weight");
    assert.equal(ggufToHfName("output.weight"), "lm_head.weight");
    assert.equal(ggufToHfName("blk.12.attn_q.bias"), "model.layers.12.self_attn.q_proj.bias");
    assert.equal(
      ggufToHfName("blk.3.ffn_norm.weight"),
      "model.layers.3.post_attention_layernorm.weight",
    );
    assert.equal(ggufToHfName("blk.0.ffn_gate_exps.weight"), undefined);
    assert.equal(ggufToHfName("blk.0.constructor.weight"), undefined);
  });
});

describe("SmolLM2-135M in a GGUF file", () => {
  it("opens, and all of it decodes in seconds", async () => {
    const path = ggufFile();
    if (!path) return;
    const config = await readConfig(path);
    assert.deepEqual(
      [config.layers, config.hiddenSize, config.heads, config.kvHeads, config.vocabSize],
      [30, 576, 9, 3, 49152],
    );
    assert.equal(config.tieEmbeddings, true);
    const weights = await openWeights(path);
    try {
      const start = performance.now();
      let count = 0;
      for (const name of weights.names) {
        const data = await weights.read(name);
        assert.equal(data.length, weights.shape(name).reduce((a, b) => a * b, 1), name);
        count += data.length;
      }
      assert.equal(count, 134_515_008);
      const seconds = (performance.now() - start) / 1000;
      console.log(`decoded ${count} weights in ${seconds.toFixed(2)} s`);
      assert.ok(seconds < 30, `${seconds} s`);
    } finally {
      weights.close();
    }
  });
});

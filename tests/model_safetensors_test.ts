import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { openSafetensors, writeSafetensors } from "../lib/model/safetensors.ts";
import { openWeights } from "../lib/model/weights.ts";
import { bytes, floats, readFixture } from "./reference/fixture.ts";
import { refuses } from "./refusals.ts";
import { file as write, folder } from "./temporary_files.ts";

const python = (await readFixture("weights.json")).safetensors;
/** A file with this header and so many bytes of values. */
function made(header: unknown, size: number): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + size);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

describe("a safetensors file from Python", () => {
  it("gives the values torch has, in every format", async () => {
    const file = await openSafetensors(await write("python.safetensors", bytes(python.file)));
    try {
      assert.equal(file.metadata["made by"], "python");
      for (const [name, values] of Object.entries(python.values)) {
        assert.equal(file.dtype(name), name.toUpperCase());
        assert.deepEqual(file.shape(name), [8, 8]);
        assert.deepEqual(await file.read(name), floats(values), name);
      }
    } finally {
      file.close();
    }
  });

  it("may hold formats that are refused only when they are read", async () => {
    const file = await openSafetensors(await write("ids.safetensors", bytes(python.file)));
    try {
      assert.equal(file.dtype("ids"), "I64");
      await refuses(file.read("ids"), /ids\.safetensors: tensor "ids" has dtype "I64"/);
      await refuses(file.read("lm_head.weight"), /no tensor "lm_head.weight"/);
    } finally {
      file.close();
    }
  });
});

describe("writing safetensors", () => {
  it("rounds as torch does and starts the values at a multiple of 8", async () => {
    for (const dtype of ["F32", "F16", "BF16"] as const) {
      const path = `${folder.path}/${dtype}.safetensors`;
      // Torch makes infinity of what is too large for half precision; here that is refused.
      const expected = floats(python.values[dtype.toLowerCase()]);
      const source = floats(python.source);
      const lost = (i: number) =>
        dtype === "F16" && Number.isFinite(source[i]) && !Number.isFinite(expected[i]);
      if (dtype === "F16") {
        const tensor = { shape: [4, 16], data: source };
        await refuses(
          writeSafetensors(path, { "m.w": tensor }, { dtype }),
          /float16 ends at 65504/,
        );
        assert.ok(source.some((_, i) => lost(i)));
      }
      const data = source.map((value, i) => lost(i) ? 0 : value);
      await writeSafetensors(path, { "m.w": { shape: [4, 16], data } }, { dtype });
      const file = await openSafetensors(path);
      try {
        assert.deepEqual(file.shape("m.w"), [4, 16]);
        const kept = expected.map((value, i) => lost(i) ? 0 : value);
        assert.deepEqual(await file.read("m.w"), kept, dtype);
        assert.deepEqual(file.metadata, { format: "pt" });
      } finally {
        file.close();
      }
      const head = new DataView((await Deno.readFile(path)).buffer).getBigUint64(0, true);
      assert.equal(head % 8n, 0n);
    }
  });

  it("keeps a NaN one in every format", async () => {
    const bits = new Uint32Array([0x7f800001, 0x7fffffff, 0xffffffff]);
    const data = new Float32Array(bits.buffer);
    for (const dtype of ["F32", "F16", "BF16"] as const) {
      const path = `${folder.path}/nan.safetensors`;
      await writeSafetensors(path, new Map([["x", { shape: [3], data }]]), { dtype });
      const file = await openSafetensors(path);
      assert.ok((await file.read("x")).every(Number.isNaN), dtype);
      file.close();
    }
  });

  it("keeps several tensors, a scalar and an empty one apart", async () => {
    const path = `${folder.path}/several.safetensors`;
    const tensors = {
      b: { shape: [2], data: Float32Array.of(1, 2) },
      a: { shape: [], data: Float32Array.of(3) },
      c: { shape: [0, 4], data: new Float32Array() },
    };
    await writeSafetensors(path, tensors, { metadata: { step: "7" } });
    const file = await openWeights(path);
    try {
      for (const [name, { shape, data }] of Object.entries(tensors)) {
        assert.deepEqual(file.shape(name), shape);
        assert.deepEqual(await file.read(name), data);
      }
    } finally {
      file.close();
    }
  });

  it("leaves an older file whole, and nothing else, when it fails", async () => {
    const path = await write("kept/model.safetensors", "old");
    const wrong = { x: { shape: [3], data: new Float32Array(2) } };
    await refuses(writeSafetensors(path, wrong), /"x" has 2 values for shape \[3\]/);
    await refuses(
      writeSafetensors(`${path}/x.safetensors`, {}),
      /cannot write .*kept\/model\.safetensors\/x\.safetensors/,
    );
    await Deno.mkdir(`${folder.path}/taken`);
    await refuses(writeSafetensors(`${folder.path}/taken`, {}), /cannot write/);
    assert.equal(await Deno.readTextFile(path), "old");
    assert.deepEqual([...Deno.readDirSync(`${folder.path}/kept`)].length, 1);
    assert.ok(![...Deno.readDirSync(folder.path)].some((entry) => entry.name.endsWith(".part")));
  });
});

describe("a sharded model", () => {
  const shard = (name: string) => ({ [name]: { shape: [1], data: Float32Array.of(name.length) } });
  const index = (map: Record<string, string>) => JSON.stringify({ metadata: {}, weight_map: map });

  it("reads as one", async () => {
    await write(
      "shards/model.safetensors.index.json",
      index({ a: "1.safetensors", bb: "2.safetensors" }),
    );
    await writeSafetensors(`${folder.path}/shards/1.safetensors`, shard("a"));
    await writeSafetensors(`${folder.path}/shards/2.safetensors`, shard("bb"));
    const weights = await openWeights(`${folder.path}/shards`);
    try {
      assert.deepEqual(weights.names, ["a", "bb"]);
      assert.deepEqual(await weights.read("bb"), Float32Array.of(2));
    } finally {
      weights.close();
    }
  });

  it("without one of its shards or tensors is refused with its name", async () => {
    await write(
      "lack/model.safetensors.index.json",
      index({ a: "1.safetensors", bb: "2.safetensors" }),
    );
    await writeSafetensors(`${folder.path}/lack/1.safetensors`, shard("a"));
    await refuses(openWeights(`${folder.path}/lack`), /no file .*2\.safetensors/);
    await writeSafetensors(`${folder.path}/lack/2.safetensors`, shard("c"));
    await refuses(openWeights(`${folder.path}/lack`), /tensor "bb" in .*2\.safetensors/);
    await writeSafetensors(`${folder.path}/lack/1.safetensors`, { ...shard("a"), ...shard("bb") });
    await refuses(openWeights(`${folder.path}/lack`), /tensor "bb" in .*2\.safetensors/);
    await writeSafetensors(`${folder.path}/lack/2.safetensors`, shard("bb"));
    await refuses(
      openWeights(`${folder.path}/lack`),
      /tensor "bb" is in .*1\.safetensors and in .*2\.safetensors/,
    );
    await write("lack/model.safetensors.index.json", "{}");
    await refuses(openWeights(`${folder.path}/lack`), /weight_map/);
  });
});

describe("a damaged safetensors file", () => {
  const entry = (fields: object) => ({
    x: { dtype: "F32", shape: [2], data_offsets: [0, 8], ...fields },
  });

  it("is refused with what is wrong", async () => {
    const open = async (content: Uint8Array) =>
      await openSafetensors(await write("bad.safetensors", content));
    const good = made(entry({}), 8);
    (await open(good)).close();
    await refuses(
      open(good.subarray(0, -1)),
      /truncated: tensor "x" needs (\d+) bytes, the file has \d+/,
    );
    await refuses(open(good.subarray(0, 20)), /truncated: the header needs/);
    await refuses(open(good.subarray(0, 5)), /truncated: the header's length needs 8 bytes/);
    await refuses(open(new Uint8Array(8).fill(255)), /a header of 18446744073709551615 bytes/);
    await refuses(open(made([1], 0)), /not a safetensors file: its header is not a JSON object/);
    await refuses(
      open(made(entry({ data_offsets: [0, 4] }), 8)),
      /"x" \(F32, shape \[2\]\) has 4 bytes, not 8/,
    );
    await refuses(open(made(entry({ shape: "2" }), 8)), /the entry of tensor "x"/);
    await refuses(openSafetensors(`${folder.path}/absent.safetensors`), /no file .*absent/);
    await Deno.mkdir(`${folder.path}/empty`);
    await refuses(openWeights(`${folder.path}/empty`), /neither model.safetensors nor/);
  });
});

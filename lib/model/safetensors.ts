import { UserError } from "../base/error.ts";
import { exists, writeWhole } from "../base/files.ts";
import { BinaryFile, bytesInMemory, type ReadableBytes } from "./binary_file.ts";
import { floatBytes, floatSize, type FloatType } from "./float_bytes.ts";
import { decodeBf16, decodeF16, decodeF32 } from "./quant.ts";
import { safetensorsFiles } from "./safetensors_files.ts";
import { readSafetensorsHeader, type SafetensorsHeader } from "./safetensors_header.ts";
import type { WeightSource } from "./weight_source.ts";

/** Formats that can be read: bytes a value, and how they become 32-bit floats. */
const dtypes: Readonly<
  Record<
    string,
    { bytes: number; decode: (bytes: Uint8Array<ArrayBuffer>, out: Float32Array) => void }
  >
> = {
  F64: { bytes: 8, decode: (bytes, out) => out.set(new Float64Array(bytes.buffer)) },
  F32: { bytes: 4, decode: decodeF32 },
  F16: { bytes: 2, decode: decodeF16 },
  BF16: { bytes: 2, decode: decodeBf16 },
};

/** Open safetensors weights, of one file or of several shards. */
export interface SafetensorsSource extends WeightSource {
  /** Format in the file, such as "BF16". @throws UserError when there is no such tensor. */
  dtype(name: string): string;
  /** The `__metadata__` of the file (of the first shard). */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Opens weights in the safetensors format; tensors stay on disk until they are read.
 *
 * Format: https://huggingface.co/docs/safetensors/index#format
 *
 * @param path A `.safetensors` file, or a folder with `model.safetensors` or with
 *   `model.safetensors.index.json` and its shards.
 * @throws UserError when a file is missing, truncated or not safetensors, or a shard lacks a tensor
 *   of the index.
 */
export async function openSafetensors(path: string): Promise<SafetensorsSource> {
  const [files, map] = await safetensorsFiles(path);
  const shards = new Map<string, Shard>();
  const close = () => shards.forEach((shard) => shard.file.close());
  try {
    for (const file of files) {
      if (map && !await exists(file)) {
        throw new UserError(
          `${path}: there is no file ${file}, which the index names`,
          "fetch the missing shard from where the model comes from",
        );
      }
      shards.set(file, openShard(BinaryFile.open(file)));
    }
    const owner = new Map<string, Shard>();
    for (const shard of shards.values()) {
      for (const name of shard.entries.keys()) {
        const other = owner.get(name);
        if (other) {
          throw new UserError(
            `${path}: tensor "${name}" is in ${other.file.path} and in ${shard.file.path}`,
            "fetch the shards and their index again, into an empty folder",
          );
        }
        owner.set(name, shard);
      }
    }
    for (const [name, file] of map ?? []) {
      if (!shards.get(file)?.entries.has(name)) {
        throw new UserError(
          `${path}: the index places tensor "${name}" in ${file}, which does not hold it`,
          "fetch the shards and their index again",
        );
      }
    }
    return sourceOf([...shards.values()], { path, owner });
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * Weights in the safetensors format whose file is in memory, as {@linkcode openSafetensors} reads those on a disk.
 *
 * @param name For messages.
 * @throws {UserError} when they are truncated or not safetensors
 */
export function safetensorsIn(bytes: Uint8Array, name: string): SafetensorsSource {
  const shard = openShard(bytesInMemory(name, bytes));
  const owner = new Map([...shard.entries.keys()].map((tensor) => [tensor, shard]));
  return sourceOf([shard], { path: name, owner });
}

/** Open shards as one source. @param options.owner In which of them each tensor is */
function sourceOf(
  shards: readonly Shard[],
  { path, owner }: { path: string; owner: ReadonlyMap<string, Shard> },
): SafetensorsSource {
  const find = (name: string) => {
    const shard = owner.get(name);
    const entry = shard?.entries.get(name);
    if (shard && entry) return { shard, entry };
    throw new UserError(`${path} has no tensor "${name}"`, "choose a complete model");
  };
  return {
    names: [...owner.keys()],
    metadata: shards[0].metadata,
    shape: (name) => find(name).entry.shape,
    dtype: (name) => find(name).entry.dtype,
    // deno-lint-ignore require-await
    async read(name) {
      const { shard, entry } = find(name);
      const { dtype, start, byteLength } = entry;
      if (!Object.hasOwn(dtypes, dtype)) {
        throw new UserError(
          `${shard.file.path}: tensor "${name}" has dtype "${dtype}"`,
          `convert it to one of ${Object.keys(dtypes).join(", ")}`,
        );
      }
      const bytes = shard.file.read(start, byteLength, { what: `tensor "${name}"` });
      const out = new Float32Array(byteLength / dtypes[dtype].bytes);
      dtypes[dtype].decode(bytes, out);
      return out;
    },
    close: () => shards.forEach(({ file }) => file.close()),
  };
}

interface Shard extends SafetensorsHeader {
  readonly file: ReadableBytes;
}

function openShard(file: ReadableBytes): Shard {
  try {
    return { file, ...readSafetensorsHeader(file) };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** A tensor to be written: its shape and its row-major values, or what gives them when their turn comes. */
export interface TensorData {
  readonly shape: readonly number[];
  readonly data: Float32Array | (() => Promise<Float32Array>);
}

/** Settings of {@linkcode writeSafetensors}. */
export interface WriteSafetensorsOptions {
  /**
   * Texts for `__metadata__`; `transformers` wants this default.
   *
   * @default { format: "pt" }
   */
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * Format in the file; F16 and BF16 round to nearest, ties to even.
   *
   * @default "F32"
   */
  readonly dtype?: FloatType;
}

/**
 * Writes tensors as one safetensors file, whole or not at all.
 *
 * @throws UserError when a shape does not fit its values or the file cannot be written.
 *
 * @example
 * ```ts
 * import { writeSafetensors } from "./safetensors.ts";
 * await writeSafetensors("model.safetensors", {
 *   "model.norm.weight": { shape: [2], data: Float32Array.of(1, 1) },
 * }, { dtype: "BF16" });
 * ```
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, TensorData> | Readonly<Record<string, TensorData>>,
  options: WriteSafetensorsOptions = {},
): Promise<void> {
  const { metadata = { format: "pt" }, dtype = "F32" } = options;
  const list: [string, TensorData][] = tensors instanceof Map
    ? [...tensors]
    : Object.entries(tensors as Readonly<Record<string, TensorData>>);
  list.sort(([a], [b]) => a < b ? -1 : 1);
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { shape, data }] of list) {
    if (data instanceof Float32Array) checkSize(name, { shape, length: data.length });
    const end = offset + shape.reduce((a, b) => a * b, 1) * floatSize(dtype);
    header[name] = { dtype, shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  // Spaces at the end let the values start at a multiple of 8, so that they can be mapped.
  const head = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), true);
  head.set(json, 8);

  await writeWhole(path, pieces());

  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield head;
    for (const [name, { shape, data }] of list) {
      const values = data instanceof Float32Array ? data : await data();
      checkSize(name, { shape, length: values.length });
      yield floatBytes(values, dtype);
    }
  }
}

function checkSize(
  name: string,
  { shape, length }: { shape: readonly number[]; length: number },
): void {
  if (shape.reduce((a, b) => a * b, 1) === length) return;
  throw new UserError(
    `tensor "${name}" has ${length} values for shape [${shape}]`,
    "give each tensor the shape of its values",
  );
}

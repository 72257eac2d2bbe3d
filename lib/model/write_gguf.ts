import { UserError } from "../base/error.ts";
import { writeWhole } from "../base/files.ts";
import { floatBytes, floatSize, type FloatType } from "./float_bytes.ts";
import type { TensorData } from "./safetensors.ts";

/** A metadata value with its type, which a reader checks. */
export type GgufField =
  | { readonly type: "uint32" | "float32"; readonly value: number }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "string[]"; readonly value: readonly string[] }
  | { readonly type: "int32[]" | "float32[]"; readonly value: readonly number[] };

/** What {@linkcode writeGguf} writes. */
export interface GgufContent {
  /** Metadata in the order they are written. */
  readonly metadata: ReadonlyMap<string, GgufField>;
  /** Tensors by their GGUF names. */
  readonly tensors: ReadonlyMap<string, TensorData>;
  /** Stored precision of matrices; vectors stay in 32 bits, as llama.cpp wants them. */
  readonly dtype: FloatType;
}

/** Numbers of types in a file: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
const VALUE_TYPES = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;
const TENSOR_TYPES = { F32: 0, F16: 1, BF16: 30 } as const;
/** Tensors start at multiples of it. */
const ALIGNMENT = 32;

/**
 * Writes a GGUF file (version 3), whole or not at all, one tensor at a time.
 *
 * @throws {UserError} when a shape does not fit its values or the file cannot be written
 */
export async function writeGguf(
  path: string,
  { metadata, tensors, dtype }: GgufContent,
): Promise<void> {
  const list = [...tensors].map(([name, { shape, data }]) => {
    const type: FloatType = shape.length === 1 ? "F32" : dtype;
    return { name, shape, data, type, size: shape.reduce((a, b) => a * b, 1) };
  });
  const head = new Writer();
  head.bytes(new TextEncoder().encode("GGUF"));
  head.uint32(3);
  head.uint64(list.length);
  head.uint64(metadata.size);
  for (const [key, field] of metadata) {
    head.string(key);
    head.field(field);
  }
  let offset = 0;
  for (const { name, shape, type, size } of list) {
    head.string(name);
    head.uint32(shape.length);
    for (const length of shape.toReversed()) head.uint64(length); // innermost first
    head.uint32(TENSOR_TYPES[type]);
    head.uint64(offset);
    offset += aligned(size * floatSize(type));
  }
  await writeWhole(path, pieces());

  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield padded(head.take());
    for (const { name, shape, data, type, size } of list) {
      const values = data instanceof Float32Array ? data : await data();
      if (values.length !== size) {
        throw new UserError(
          `tensor "${name}" has ${values.length} values for shape [${shape}]`,
          "give each tensor the shape of its values",
        );
      }
      yield padded(floatBytes(values, type));
    }
  }
}

const aligned = (size: number): number => Math.ceil(size / ALIGNMENT) * ALIGNMENT;

function padded(bytes: Uint8Array): Uint8Array {
  if (bytes.length % ALIGNMENT === 0) return bytes;
  const out = new Uint8Array(aligned(bytes.length));
  out.set(bytes);
  return out;
}

/** Bytes one after the other. */
class Writer {
  #bytes = new Uint8Array(1 << 16);
  #length = 0;

  /** Room for so many bytes, as a view. */
  #room(size: number): DataView {
    if (this.#length + size > this.#bytes.length) {
      const grown = new Uint8Array(2 * (this.#length + size));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    const view = new DataView(this.#bytes.buffer, this.#length, size);
    this.#length += size;
    return view;
  }

  bytes(bytes: Uint8Array): void {
    const { byteOffset } = this.#room(bytes.length);
    this.#bytes.set(bytes, byteOffset);
  }

  uint32 = (value: number) => this.#room(4).setUint32(0, value, true);
  int32 = (value: number) => this.#room(4).setInt32(0, value, true);
  float32 = (value: number) => this.#room(4).setFloat32(0, value, true);
  uint64 = (value: number) => this.#room(8).setBigUint64(0, BigInt(value), true);
  bool = (value: boolean) => this.#room(1).setUint8(0, Number(value));

  string = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    this.uint64(bytes.length);
    this.bytes(bytes);
  };

  field(field: GgufField): void {
    switch (field.type) {
      case "uint32":
      case "float32":
        this.uint32(VALUE_TYPES[field.type]);
        return this[field.type](field.value);
      case "bool":
        this.uint32(VALUE_TYPES.bool);
        return this.bool(field.value);
      case "string":
        this.uint32(VALUE_TYPES.string);
        return this.string(field.value);
      case "string[]":
        this.#arrayHead("string", field.value);
        return field.value.forEach(this.string);
      case "int32[]":
        this.#arrayHead("int32", field.value);
        return field.value.forEach(this.int32);
      case "float32[]":
        this.#arrayHead("float32", field.value);
        return field.value.forEach(this.float32);
    }
  }

  #arrayHead(type: keyof typeof VALUE_TYPES, { length }: readonly unknown[]): void {
    this.uint32(VALUE_TYPES.array);
    this.uint32(VALUE_TYPES[type]);
    this.uint64(length);
  }

  take(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

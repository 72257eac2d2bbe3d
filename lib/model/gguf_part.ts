import { UserError } from "../base/error.ts";
import { BinaryFile } from "./binary_file.ts";
import { dequantise, type GgmlType, ggmlTypes, unreadableGgmlTypes } from "./quant.ts";

/** A metadata value. 64-bit whole numbers are `number` where that is exact, else `bigint`. */
export type GgufValue = string | number | bigint | boolean | readonly GgufValue[];

/** One line of a GGUF file's tensor table. */
export interface GgufTensor {
  readonly name: string;
  /** Row-major, outermost first, as Hugging Face and PyTorch write it (GGUF stores the reverse). */
  readonly shape: readonly number[];
  /** Name of the format, such as "Q4_1". */
  readonly type: string;
  /** Position of the first byte in the file. */
  readonly offset: number;
  readonly byteLength: number;
}

/** An open GGUF file. */
export interface GgufFile {
  readonly path: string;
  /** Metadata in the file's order, such as "general.architecture". */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** Tensors by their name in the file. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  /** Values of one tensor as 32-bit floats, read from disk now. */
  read(name: string): Promise<Float32Array>;
  close(): void;
}

/** Opens one GGUF file, be it whole or a part of a split model: see `openGguf`. */
export function openGgufPart(path: string): GgufFile {
  const file = BinaryFile.open(path);
  try {
    const { metadata, tensors } = readHeader(new Cursor(file));
    return {
      path,
      metadata,
      tensors,
      // deno-lint-ignore require-await
      async read(name) {
        const tensor = tensors.get(name);
        if (!tensor) {
          throw new UserError(`${path} has no tensor "${name}"`, "choose a complete model file");
        }
        const bytes = file.read(tensor.offset, tensor.byteLength, { what: `tensor "${name}"` });
        return dequantise(tensor.format, bytes);
      },
      close: () => file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** What a GGUF file begins with, as a little-endian number. */
const GGUF = 0x46554747;

/** What files of llama.cpp's older formats begin with. */
const GGML = new Map([[0x67676d6c, "GGML"], [0x67676d66, "GGMF"], [0x67676a74, "GGJT"], [
  0x67676c61,
  "GGLA",
]]);

/** Whether there is a file at a path that begins as GGUF or one of the formats before it. */
export function beginsAsGguf(path: string): boolean {
  try {
    using file = Deno.openSync(path);
    const bytes = new Uint8Array(4);
    if (!file.statSync().isFile || file.readSync(bytes) !== 4) return false;
    const magic = new DataView(bytes.buffer).getUint32(0, true);
    return magic === GGUF || GGML.has(magic);
  } catch {
    return false; // the readers of files say what is wrong
  }
}

type TableEntry = GgufTensor & { readonly format: GgmlType };

/** Reads forward through a file in pieces of at least a mebibyte. */
class Cursor {
  position = 0;
  #start = 0;
  #bytes = new Uint8Array();
  // A token may be a byte order mark, or begin with one.
  readonly #text = new TextDecoder("utf-8", { ignoreBOM: true });

  constructor(readonly file: BinaryFile) {}

  /** The next `length` bytes. */
  #take(length: number): DataView {
    if (this.position + length > this.#start + this.#bytes.length) {
      const piece = Math.max(length, Math.min(1 << 20, this.file.size - this.position));
      this.#bytes = this.file.read(this.position, piece, { what: "the header" });
      this.#start = this.position;
    }
    const at = this.position - this.#start;
    this.position += length;
    return new DataView(this.#bytes.buffer, at, length);
  }

  u8 = () => this.#take(1).getUint8(0);
  i8 = () => this.#take(1).getInt8(0);
  u16 = () => this.#take(2).getUint16(0, true);
  i16 = () => this.#take(2).getInt16(0, true);
  u32 = () => this.#take(4).getUint32(0, true);
  i32 = () => this.#take(4).getInt32(0, true);
  f32 = () => this.#take(4).getFloat32(0, true);
  f64 = () => this.#take(8).getFloat64(0, true);
  u64 = () => exact(this.#take(8).getBigUint64(0, true));
  i64 = () => exact(this.#take(8).getBigInt64(0, true));
  /** A 64-bit length or count. */
  length = () => Number(this.u64());
  string = () => this.#text.decode(this.#take(this.length()));
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function readHeader(cursor: Cursor) {
  const { path, size } = cursor.file;
  const magic = cursor.u32();
  if (GGML.has(magic)) {
    throw new UserError(
      `${path} is a ${GGML.get(magic)} file, the format before GGUF`,
      "fetch the model as GGUF, or convert it with llama.cpp's convert_llama_ggml_to_gguf.py",
    );
  }
  if (magic !== GGUF) {
    throw new UserError(
      `${path} is not a GGUF file: its first bytes are 0x${magic.toString(16).padStart(8, "0")}`,
      "give the path of a .gguf file",
    );
  }
  const version = cursor.u32();
  if (version !== 2 && version !== 3) {
    throw new UserError(
      `${path} is GGUF version ${version > 0xffff ? "of another byte order" : version}`,
      "convert the model to little-endian GGUF version 2 or 3",
    );
  }
  const tensorCount = cursor.length();
  const metadataCount = cursor.length();
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < metadataCount; i++) {
    const key = cursor.string();
    if (metadata.has(key)) {
      throw new UserError(
        `${path} has the metadata "${key}" twice`,
        "fetch or convert the file again",
      );
    }
    metadata.set(key, readValue(cursor, { type: cursor.u32(), key }));
  }
  const table = [];
  for (let i = 0; i < tensorCount; i++) {
    const name = cursor.string();
    const shape = Array.from({ length: cursor.u32() }, () => cursor.length()).reverse();
    table.push({ name, shape, type: cursor.u32(), offset: cursor.length() });
  }
  const alignment = Number(metadata.get("general.alignment") ?? 32);
  if (!(alignment > 0 && Number.isInteger(Math.log2(alignment)))) {
    throw new UserError(
      `${path}: general.alignment is ${alignment}, not a power of two`,
      "fetch or convert the file again",
    );
  }
  const dataStart = Math.ceil(cursor.position / alignment) * alignment;
  const tensors = new Map<string, TableEntry>();
  let next = 0; // where llama.cpp wants the next tensor: one behind the other, aligned
  for (const { name, shape, type, offset } of table) {
    if (tensors.has(name)) {
      throw new UserError(
        `${path} has the tensor "${name}" twice`,
        "fetch or convert the file again",
      );
    }
    const format = ggmlTypes.get(type);
    if (!format) {
      const known = unreadableGgmlTypes.get(type);
      throw new UserError(
        `${path}: tensor "${name}" has type ${type}${
          known ? ` (${known})` : ""
        }, which is not supported`,
        `choose a file of ${[...ggmlTypes.values()].map((t) => t.name).join(", ")}`,
      );
    }
    const rowLength = shape.at(-1) ?? 1;
    if (rowLength % format.blockSize !== 0) {
      throw new UserError(
        `${path}: tensor "${name}" has rows of ${rowLength}, not whole ${format.name} blocks of ${format.blockSize}`,
        "fetch or convert the file again",
      );
    }
    const values = shape.reduce((a, b) => a * b, 1);
    const byteLength = values / format.blockSize * format.blockBytes;
    const entry = {
      name,
      shape,
      type: format.name,
      format,
      offset: dataStart + offset,
      byteLength,
    };
    if (offset !== next) {
      throw new UserError(
        `${path}: tensor "${name}" begins at byte ${offset} of the tensors, those before it end at ${next}`,
        "fetch or convert the file again",
      );
    }
    next = Math.ceil((offset + byteLength) / alignment) * alignment;
    if (entry.offset + byteLength > size) {
      throw new UserError(
        `${path} is truncated: tensor "${name}" needs ${
          entry.offset + byteLength
        } bytes, the file has ${size}`,
        "fetch the file again",
      );
    }
    tensors.set(name, entry);
  }
  return { metadata, tensors };
}

function readValue(cursor: Cursor, { type, key }: { type: number; key: string }): GgufValue {
  const readers: Record<number, () => GgufValue> = {
    0: cursor.u8,
    1: cursor.i8,
    2: cursor.u16,
    3: cursor.i16,
    4: cursor.u32,
    5: cursor.i32,
    6: cursor.f32,
    7: () => cursor.u8() !== 0,
    8: cursor.string,
    9: () => {
      const inner = { type: cursor.u32(), key };
      const items: GgufValue[] = []; // grows as it is read: a wrong count must not allocate
      for (let left = cursor.length(); left > 0; left--) items.push(readValue(cursor, inner));
      return items;
    },
    10: cursor.u64,
    11: cursor.i64,
    12: cursor.f64,
  };
  const reader = readers[type];
  if (!reader) {
    throw new UserError(
      `${cursor.file.path}: metadata "${key}" has type ${type}, which GGUF does not define`,
      "fetch the file again",
    );
  }
  return reader();
}

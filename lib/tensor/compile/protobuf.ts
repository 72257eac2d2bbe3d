/**
 * Just enough of the wire format of protocol buffers to write a FunctionDef and to read an OpDef.
 *
 * Source: https://protobuf.dev/programming-guides/encoding.
 */

const utf8 = new TextEncoder();

/** Writes one message, field by field. */
export class Message {
  #bytes = new Uint8Array(64);
  #length = 0;

  /** An integer, an enum or (1 or 0) a boolean. */
  int(field: number, value: number): this {
    return this.#varint(field << 3).#varint(value);
  }

  float(field: number, value: number): this {
    this.#varint(field << 3 | 5).#room(4);
    new DataView(this.#bytes.buffer).setFloat32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#varint(field << 3 | 2).#varint(value.length).#room(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, utf8.encode(value));
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.done());
  }

  /** An entry of a map with string keys. */
  entry(field: number, key: string, value: Message | Uint8Array): this {
    const bytes = value instanceof Message ? value.done() : value;
    return this.message(field, new Message().text(1, key).bytes(2, bytes));
  }

  /** What was written so far. */
  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #varint(value: number): this {
    this.#room(10);
    let rest = BigInt.asUintN(64, BigInt(value)); // negative numbers take ten bytes
    do {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      this.#bytes[this.#length++] = rest ? low | 0x80 : low;
    } while (rest);
    return this;
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** A field that was read: a number for a varint, bytes for everything that has a length. */
export interface Field {
  readonly field: number;
  readonly value: number | Uint8Array;
}

/** The fields of a message, in order; those of a fixed width are passed over. */
export function* fields(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = () => {
    for (let value = 0, scale = 1;; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    const type = tag & 7;
    if (type === 0) yield { field, value: varint() };
    else if (type === 2) {
      const length = varint();
      yield { field, value: bytes.subarray(at, at + length) };
      at += length;
    } else if (type === 5) at += 4;
    else if (type === 1) at += 8;
    else throw new Error(`protocol buffer: unknown wire type ${type}`);
  }
}

const decoder = new TextDecoder();

/** A field's text. */
export function text(value: number | Uint8Array): string {
  return decoder.decode(value as Uint8Array);
}

/**
 * The number formats of GGUF tensors and how they become 32-bit floats.
 *
 * A quantised tensor is a row of blocks; a block holds small whole numbers and one or two scales.
 * Layouts: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h. Where both a product and
 * a sum are needed, 64-bit arithmetic rounded once gives the same bits as the reference, because
 * the products of these short numbers are exact.
 *
 * @module
 */

/** One tensor format: `blockSize` values take `blockBytes` bytes. */
export interface GgmlType {
  readonly name: string;
  readonly blockSize: number;
  readonly blockBytes: number;
  /** Writes the values of all blocks of `bytes` to `out`. */
  readonly decode: (bytes: Uint8Array<ArrayBuffer>, out: Float32Array) => void;
}

/** Formats that can be read, by their number in a GGUF file. */
export const ggmlTypes: ReadonlyMap<number, GgmlType> = new Map<number, GgmlType>([
  [0, { name: "F32", blockSize: 1, blockBytes: 4, decode: decodeF32 }],
  [1, { name: "F16", blockSize: 1, blockBytes: 2, decode: decodeF16 }],
  [2, { name: "Q4_0", blockSize: 32, blockBytes: 18, decode: legacy({ bits: 4, min: false }) }],
  [3, { name: "Q4_1", blockSize: 32, blockBytes: 20, decode: legacy({ bits: 4, min: true }) }],
  [6, { name: "Q5_0", blockSize: 32, blockBytes: 22, decode: legacy({ bits: 5, min: false }) }],
  [7, { name: "Q5_1", blockSize: 32, blockBytes: 24, decode: legacy({ bits: 5, min: true }) }],
  [8, { name: "Q8_0", blockSize: 32, blockBytes: 34, decode: decodeQ8 }],
  [12, { name: "Q4_K", blockSize: 256, blockBytes: 144, decode: decodeQ4K }],
  [13, { name: "Q5_K", blockSize: 256, blockBytes: 176, decode: decodeQ5K }],
  [14, { name: "Q6_K", blockSize: 256, blockBytes: 210, decode: decodeQ6K }],
  [30, { name: "BF16", blockSize: 1, blockBytes: 2, decode: decodeBf16 }],
]);

/** Names of formats that cannot be read, for messages. */
export const unreadableGgmlTypes: ReadonlyMap<number, string> = new Map([
  [9, "Q8_1"],
  [10, "Q2_K"],
  [11, "Q3_K"],
  [15, "Q8_K"],
  [16, "IQ2_XXS"],
  [17, "IQ2_XS"],
  [18, "IQ3_XXS"],
  [19, "IQ1_S"],
  [20, "IQ4_NL"],
  [21, "IQ3_S"],
  [22, "IQ2_S"],
  [23, "IQ4_XS"],
  [24, "I8"],
  [25, "I16"],
  [26, "I32"],
  [27, "I64"],
  [28, "F64"],
  [29, "IQ1_M"],
  [34, "TQ1_0"],
  [35, "TQ2_0"],
  [39, "MXFP4"],
]);

/**
 * Decodes a whole tensor.
 *
 * @param bytes Whole blocks.
 * @returns One float per value, in the file's order.
 */
export function dequantise(type: GgmlType, bytes: Uint8Array<ArrayBuffer>): Float32Array {
  const out = new Float32Array(bytes.length / type.blockBytes * type.blockSize);
  type.decode(bytes, out);
  return out;
}

let halfTable: Float32Array | undefined;

/** Value of every 16-bit float by its bits; a look-up is several times faster than converting. */
function halves(): Float32Array {
  halfTable ??= Float32Array.from(
    new Float16Array(Uint16Array.from({ length: 0x1_0000 }, (_, i) => i).buffer),
  );
  return halfTable;
}

/** 16-bit floats to 32 bits. */
export function decodeF16(bytes: Uint8Array, out: Float32Array): void {
  const half = halves();
  for (let i = 0; i < out.length; i++) out[i] = half[bytes[2 * i] | bytes[2 * i + 1] << 8];
}

/** 32-bit floats as they are. */
export function decodeF32(bytes: Uint8Array, out: Float32Array): void {
  new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(bytes);
}

/** bfloat16 (the upper half of a 32-bit float) to 32 bits. */
export function decodeBf16(bytes: Uint8Array, out: Float32Array): void {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) bits[i] = bytes[2 * i] << 16 | bytes[2 * i + 1] << 24;
}

/** Q4_0, Q4_1, Q5_0, Q5_1: scale, perhaps minimum, perhaps fifth bits, then 16 bytes of nibbles. */
function legacy({ bits, min }: { bits: 4 | 5; min: boolean }): GgmlType["decode"] {
  const offset = min ? 0 : 1 << bits - 1;
  const highAt = min ? 4 : 2;
  const lowAt = highAt + (bits === 5 ? 4 : 0);
  return (bytes, out) => {
    const half = halves();
    for (let p = 0, o = 0; o < out.length; p += lowAt + 16, o += 32) {
      const d = half[bytes[p] | bytes[p + 1] << 8];
      const m = min ? half[bytes[p + 2] | bytes[p + 3] << 8] : -offset * d;
      const h = p + highAt;
      const high = bits === 5
        ? bytes[h] | bytes[h + 1] << 8 | bytes[h + 2] << 16 | bytes[h + 3] << 24
        : 0;
      for (let i = 0; i < 16; i++) {
        const q = bytes[p + lowAt + i];
        out[o + i] = d * (q & 15 | (high >>> i & 1) << 4) + m;
        out[o + i + 16] = d * (q >> 4 | (high >>> i + 16 & 1) << 4) + m;
      }
    }
  };
}

/** Q8_0: one scale, then 32 signed bytes. */
function decodeQ8(bytes: Uint8Array<ArrayBuffer>, out: Float32Array): void {
  const half = halves();
  const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let p = 0, o = 0; o < out.length; p += 34, o += 32) {
    const d = half[bytes[p] | bytes[p + 1] << 8];
    for (let i = 0; i < 32; i++) out[o + i] = d * signed[p + 2 + i];
  }
}

/**
 * The 6-bit scale or minimum of sub-block `j` (0-7) of a Q4_K or Q5_K block. Twelve bytes at `p`:
 * four scales, four minima, then the low four bits of the other four of each, whose upper two bits
 * are the upper bits of the first eight bytes.
 */
function scaleOf(bytes: Uint8Array, p: number, j: number): number {
  return j < 4 ? bytes[p + j] & 63 : bytes[p + j + 4] & 15 | bytes[p + j - 4] >> 6 << 4;
}

function minimumOf(bytes: Uint8Array, p: number, j: number): number {
  return j < 4 ? bytes[p + j + 4] & 63 : bytes[p + j + 4] >> 4 | bytes[p + j] >> 6 << 4;
}

/** Q4_K: 8 sub-blocks of 32, each `d * scale * q - dmin * minimum`. */
function decodeQ4K(bytes: Uint8Array, out: Float32Array): void {
  const half = halves();
  for (let p = 0, o = 0; o < out.length; p += 144) {
    const d = half[bytes[p] | bytes[p + 1] << 8];
    const dmin = half[bytes[p + 2] | bytes[p + 3] << 8];
    for (let j = 0; j < 8; j++) {
      const scale = d * scaleOf(bytes, p + 4, j);
      const minimum = dmin * minimumOf(bytes, p + 4, j);
      const at = p + 16 + (j >> 1) * 32; // two sub-blocks share 32 bytes, low nibbles first
      const shift = (j & 1) * 4;
      for (let i = 0; i < 32; i++) out[o++] = scale * (bytes[at + i] >> shift & 15) - minimum;
    }
  }
}

/** Q5_K: as Q4_K, with bit j of 32 shared bytes as the fifth bit of sub-block j. */
function decodeQ5K(bytes: Uint8Array, out: Float32Array): void {
  const half = halves();
  for (let p = 0, o = 0; o < out.length; p += 176) {
    const d = half[bytes[p] | bytes[p + 1] << 8];
    const dmin = half[bytes[p + 2] | bytes[p + 3] << 8];
    for (let j = 0; j < 8; j++) {
      const scale = d * scaleOf(bytes, p + 4, j);
      const minimum = dmin * minimumOf(bytes, p + 4, j);
      const at = p + 48 + (j >> 1) * 32;
      const shift = (j & 1) * 4;
      for (let i = 0; i < 32; i++) {
        const q = bytes[at + i] >> shift & 15 | (bytes[p + 16 + i] >> j & 1) << 4;
        out[o++] = scale * q - minimum;
      }
    }
  }
}

/** Q6_K: 16 sub-blocks of 16, each `d * scale * (q - 32)`, q from a nibble and two upper bits. */
function decodeQ6K(bytes: Uint8Array<ArrayBuffer>, out: Float32Array): void {
  const half = halves();
  const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let p = 0, o = 0; o < out.length; p += 210) {
    const d = half[bytes[p + 208] | bytes[p + 209] << 8];
    for (let j = 0; j < 16; j++, o += 16) {
      const scale = d * signed[p + 192 + j];
      const part = j >> 1 & 3; // which quarter of 128 values: low nibbles first, then high
      const group = j >> 3;
      const low = p + group * 64 + (part & 1) * 32 + (j & 1) * 16;
      const high = p + 128 + group * 32 + (j & 1) * 16;
      for (let i = 0; i < 16; i++) {
        const q = bytes[low + i] >> (part >> 1) * 4 & 15 | (bytes[high + i] >> 2 * part & 3) << 4;
        out[o + i] = scale * (q - 32);
      }
    }
  }
}

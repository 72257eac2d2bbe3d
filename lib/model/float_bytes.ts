/** Precisions that weights are written in. */
export const FLOAT_TYPES = ["F32", "F16", "BF16"] as const;
/** One of {@linkcode FLOAT_TYPES}. */
export type FloatType = typeof FLOAT_TYPES[number];

/** Bytes that one value of a precision takes. */
export const floatSize = (type: FloatType): number => type === "F32" ? 4 : 2;

/**
 * Values as little-endian bytes of a precision, rounded to nearest, ties to even. What is beyond the largest half
 * precision number becomes infinite.
 */
export function floatBytes(data: Float32Array, type: FloatType): Uint8Array {
  if (type === "F32") return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (type === "F16") return new Uint8Array(Float16Array.from(data).buffer);
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const out = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    // Adding just under half of the last kept bit, plus that bit, rounds to nearest, ties to even;
    // a NaN would carry over into infinity and is kept as it is.
    const round = Number.isNaN(data[i]) ? 0 : 0x7fff + (bits[i] >>> 16 & 1);
    out[i] = (bits[i] + round) >>> 16 | (Number.isNaN(data[i]) ? 0x40 : 0);
  }
  return new Uint8Array(out.buffer);
}

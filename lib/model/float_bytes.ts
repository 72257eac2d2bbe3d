import { UserError } from "../base/error.ts";

/** Precisions that weights are written in. */
export const FLOAT_TYPES = ["F32", "F16", "BF16"] as const;
/** One of {@linkcode FLOAT_TYPES}. */
export type FloatType = typeof FLOAT_TYPES[number];

/** Bytes that one value of a precision takes. */
export const floatSize = (type: FloatType): number => type === "F32" ? 4 : 2;

/**
 * Values as little-endian bytes of a precision, rounded to nearest, ties to even.
 *
 * @throws {UserError} of a number beyond the largest that half precision has
 */
export function floatBytes(data: Float32Array, type: FloatType): Uint8Array {
  if (type === "F32") return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (type === "F16") {
    const halves = Float16Array.from(data);
    const lost = halves.findIndex((half, i) => !Number.isFinite(half) && Number.isFinite(data[i]));
    if (lost < 0) return new Uint8Array(halves.buffer);
    throw new UserError(
      `a weight is ${data[lost]}, and float16 ends at 65504`,
      "write it as bfloat16, which has the range of float32",
    );
  }
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

import { z } from "zod";
import { UserError } from "../base/error.ts";
import type { ReadableBytes } from "./binary_file.ts";

/** Where one tensor lies in a safetensors file. */
export interface SafetensorsEntry {
  /** Format in the file, such as "BF16". */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Position of the first byte in the file. */
  readonly start: number;
  readonly byteLength: number;
}

/** What the header of a safetensors file says. */
export interface SafetensorsHeader {
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bits of a value in each format. */
// deno-fmt-ignore
const BITS: Readonly<Record<string, number>> = {
  BOOL: 8, F4: 4, F6_E2M3: 6, F6_E3M2: 6, U8: 8, I8: 8, F8_E5M2: 8, F8_E4M3: 8, F8_E8M0: 8, F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8, I16: 16, U16: 16, F16: 16, BF16: 16, I32: 32, U32: 32, F32: 32, C64: 64, F64: 64, I64: 64, U64: 64,
};

/** The longest header that the format allows, in bytes. */
const LONGEST = 100_000_000;

const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

const headerSchema = z.record(z.string(), z.unknown());
const metadataSchema = z.record(z.string(), z.string()).nullish();

/**
 * Reads the header of a safetensors file, and refuses what the `safetensors` package (0.8) refuses: the tensors must
 * cover all bytes behind the header, each byte once, in formats and sizes that agree with their shapes.
 *
 * Format: https://huggingface.co/docs/safetensors/index#format
 *
 * @throws {UserError} When the file is cut short or its header is not like that; it names the tensor.
 */
export function readSafetensorsHeader(file: ReadableBytes): SafetensorsHeader {
  const { path, size } = file;
  const broken = (reason: string, cause?: unknown) =>
    new UserError(
      `${path} is not a safetensors file: ${reason}`,
      "fetch the file again, or write it with the safetensors package",
      { cause },
    );
  const head = file.read(0, 8, { what: "the header's length" });
  const length = new DataView(head.buffer).getBigUint64(0, true);
  if (length > LONGEST) {
    const start = new TextDecoder().decode(head).replace(/[^\x20-\x7e]/g, ".");
    throw broken(`its first bytes are ${JSON.stringify(start)}, a header of ${length} bytes`);
  }
  const dataStart = 8 + Number(length);
  const bytes = file.read(8, Number(length), { what: "the header" });
  let header: Record<string, unknown>;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    header = headerSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw broken("its header is not a JSON object", cause);
  }
  // What JSON.parse lets pass and the package does not.
  const twice = repeatedKey(text);
  if (twice !== undefined) throw broken(`its header has ${JSON.stringify(twice)} twice`);
  const [fraction] = /[\[,:]\s*-?\d+[.eE][^,\]]*/.exec(text.replace(STRING, '""')) ?? [];
  if (fraction) throw broken(`its header has the number ${fraction.slice(1).trim()}, no whole one`);
  const odd = Object.keys(header).find((name) => !name.isWellFormed());
  if (odd !== undefined) throw broken(`its header has the name ${JSON.stringify(odd)}, no text`);

  const { __metadata__, ...rest } = header;
  const metadata = metadataSchema.safeParse(__metadata__);
  if (!metadata.success) {
    const key = metadata.error.issues[0].path.map((key) => `.${String(key)}`).join("");
    throw broken(`__metadata__${key} is no text`);
  }
  const entries = new Map<string, SafetensorsEntry>();
  for (const [name, value] of Object.entries(rest)) {
    const parsed = entrySchema.safeParse(value);
    if (!parsed.success) {
      throw broken(`the entry of tensor "${name}" is ${JSON.stringify(value)}`);
    }
    const { dtype, shape, data_offsets: [begin, end] } = parsed.data;
    if (!Object.hasOwn(BITS, dtype)) {
      throw broken(`tensor "${name}" has dtype "${dtype}", which the format does not have`);
    }
    const sizes = shape.map((_, i) => shape.slice(0, i + 1).reduce((a, b) => a * b));
    const expected = BITS[dtype] * (sizes.at(-1) ?? 1) / 8;
    if (end - begin !== expected || !sizes.every(Number.isSafeInteger)) {
      throw broken(
        `tensor "${name}" (${dtype}, shape [${shape}]) has ${end - begin} bytes, not ${expected}`,
      );
    }
    entries.set(name, { dtype, shape, start: dataStart + begin, byteLength: end - begin });
  }

  let covered = dataStart;
  const inOrder = [...entries].sort(([, a], [, b]) =>
    a.start - b.start || a.byteLength - b.byteLength
  );
  for (const [name, { start, byteLength }] of inOrder) {
    if (start !== covered) {
      const between = start < covered
        ? `begins within the tensor before it, at byte ${start}`
        : `begins at byte ${start}, and no tensor has the ${start - covered} bytes before it`;
      throw broken(`tensor "${name}" ${between}`);
    }
    covered += byteLength;
    if (covered > size) {
      throw new UserError(
        `${path} is truncated: tensor "${name}" needs ${covered} bytes, the file has ${size}`,
        "fetch the file again",
      );
    }
  }
  if (covered !== size) throw broken(`no tensor has its last ${size - covered} bytes`);
  return { entries, metadata: metadata.data ?? {} };
}

const STRING = /"(?:[^"\\]|\\.)*"/g;

/** The first key that an object of a JSON text has twice: `JSON.parse` would take the last without a word. */
function repeatedKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  // A key is a string with a colon behind it; other strings are passed over whole.
  for (const [token, quoted, colon] of json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (colon !== undefined) {
      const key = JSON.parse(quoted);
      if (open.at(-1)!.has(key)) return key;
      open.at(-1)!.add(key);
    }
  }
  return undefined;
}

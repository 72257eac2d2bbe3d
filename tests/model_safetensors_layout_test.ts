import { describe, it } from "jsr:@std/testing@1/bdd";
import { openSafetensors } from "../lib/model/safetensors.ts";
import { refuses } from "./refusals.ts";
import { file } from "./temporary_files.ts";

/** A file with this header and so many bytes of values. */
function made(header: string | Uint8Array, size: number, length?: bigint): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + size);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const entry = (name: string, begin: number, end: number, { dtype = "F32", shape = "[2]" } = {}) =>
  `"${name}":{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;
const [A, B] = [entry("a", 0, 8), entry("b", 8, 16)];
const GOOD = `{${A},${B}}`;
const withShape = (shape: string) => `{${entry("a", 0, 8, { shape })},${B}}`;
const withDtype = (dtype: string) => `{${entry("a", 0, 8, { dtype })},${B}}`;
/** The header with a byte that is no text. */
const NO_TEXT = new TextEncoder().encode(GOOD).with(2, 0xff);

/** Every one was tried on the safetensors package 0.8.0, which takes or refuses it as is said here. */
const TAKEN: Record<string, Uint8Array> = {
  "two tensors": made(GOOD, 16),
  "blanks around the header": made(` ${GOOD}   `, 16),
  "a field that nobody knows": made(`{${A.replace("}", ',"extra":1}')},${B}}`, 16),
  "no metadata": made(`{"__metadata__":null,${A}}`, 8),
  "no tensors": made("{}", 0),
  "a scalar": made(`{${entry("a", 0, 4, { shape: "[]" })}}`, 4),
  "an empty tensor": made(`{${entry("a", 0, 0, { shape: "[0,7]" })},${entry("b", 0, 8)}}`, 8),
  "two values in one byte": made(`{${entry("a", 0, 1, { dtype: "F4" })}}`, 1),
  "values at an odd place": made(
    `{${entry("a", 0, 1, { dtype: "U8", shape: "[1]" })},${entry("b", 1, 9)}}`,
    9,
  ),
};
const REFUSED: Record<string, [Uint8Array, RegExp]> = {
  "a tensor twice": [made(`{${A},${entry("a", 8, 16)}}`, 16), /header has "a" twice/],
  "a field twice": [made(`{${A.replace("{", '{"dtype":"F32",')},${B}}`, 16), /has "dtype" twice/],
  "metadata twice": [
    made(`{"__metadata__":{},"__metadata__":{},${A},${B}}`, 16),
    /has "__metadata__" twice/,
  ],
  "a number as metadata": [
    made(`{"__metadata__":{"step":1},${A},${B}}`, 16),
    /__metadata__\.step is no text/,
  ],
  "nothing as metadata": [
    made(`{"__metadata__":{"x":null},${A}}`, 8),
    /__metadata__\.x is no text/,
  ],
  "text for metadata": [made(`{"__metadata__":"x",${A}}`, 8), /__metadata__ is no text/],
  "tensors that overlap": [
    made(`{${A},${entry("b", 4, 12)}}`, 12),
    /tensor "b" begins within the tensor before it/,
  ],
  "tensors over the same bytes": [made(`{${A},${entry("b", 0, 8)}}`, 8), /"b" begins within/],
  "a hole": [
    made(`{${A},${entry("b", 12, 20)}}`, 20),
    /"b" .* no tensor has the 4 bytes before it/,
  ],
  "a hole at the start": [made(`{${entry("a", 4, 12)}}`, 12), /"a" .* 4 bytes before it/],
  "an empty tensor within another": [
    made(`{${entry("a", 4, 4, { shape: "[0]" })},${entry("b", 0, 8)}}`, 8),
    /"a" begins within/,
  ],
  "bytes behind the last tensor": [made(GOOD, 17), /no tensor has its last 1 bytes/],
  "bytes and no tensors": [made("{}", 1), /no tensor has its last 1 bytes/],
  "bytes missing": [made(GOOD, 15), /is truncated: tensor "b"/],
  "a format that there is not": [made(withDtype("f32"), 16), /"a" has dtype "f32"/],
  "half a byte": [
    made(`{${entry("a", 0, 1, { dtype: "F4", shape: "[3]" })}}`, 1),
    /"a" \(F4, shape \[3\]\) has 1 bytes, not 1\.5/,
  ],
  "a shape of another size": [made(withShape("[3]"), 16), /has 8 bytes, not 12/],
  "a shape below zero": [made(withShape("[-2]"), 16), /the entry of tensor "a"/],
  "a shape that is no whole number": [made(withShape("[2.0]"), 16), /the number 2\.0/],
  "a shape beyond all memory": [
    made(
      `{${entry("a", 0, 0, { shape: "[4294967296,4294967296,4294967296,0]" })},${
        entry("b", 0, 8)
      }}`,
      8,
    ),
    /"a" \(F32, shape \[4294967296/,
  ],
  "an end before its beginning": [made(`{${entry("a", 8, 0)},${B}}`, 16), /has -8 bytes/],
  "three offsets": [made(GOOD.replace("[0,8]", "[0,8,9]"), 16), /the entry of tensor "a"/],
  "no shape": [made(GOOD.replace('"shape":[2],', ""), 16), /the entry of tensor "a"/],
  "nothing for a tensor": [
    made(`{"a":null,${entry("b", 0, 8)}}`, 8),
    /entry of tensor "a" is null/,
  ],
  "a list": [made("[]", 0), /not a JSON object/],
  "no header": [made("", 0), /not a JSON object/],
  "a header with something behind it": [made(`${GOOD}\0`, 16), /not a JSON object/],
  "a header beyond the file": [made(GOOD, 16, 10_000n), /truncated: the header needs/],
  "a header over 100 MB": [made(GOOD, 16, 100_000_001n), /a header of 100000001 bytes/],
  "a web page": [
    new TextEncoder().encode("<!doctype html><html></html>"),
    /its first bytes are "<!doctyp", a header of \d+ bytes/,
  ],
  "bytes that are no text": [made(NO_TEXT, 16), /not a JSON object/],
  "a byte order mark": [made(`\ufeff${GOOD}`, 16), /not a JSON object/],
  "half a character": [made(GOOD.replace('"a"', '"\\ud800"'), 16), /the name "\\ud800"/],
};

describe("a safetensors file as the safetensors package reads it", () => {
  for (const [what, content] of Object.entries(TAKEN)) {
    it(`is taken with ${what}`, async () => {
      (await openSafetensors(await file("taken.safetensors", content))).close();
    });
  }
  for (const [what, [content, message]] of Object.entries(REFUSED)) {
    it(`is refused with ${what}`, async () => {
      await refuses(openSafetensors(await file("refused.safetensors", content)), message);
    });
  }
});

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NULL = new TextEncoder().encode("null");

/**
 * JSON text as Python's `json` and pandas write it, with every bare `NaN` made `null`: a missing number,
 * which JSON has no name for. Strings are left as they are, and so is all else that is not JSON.
 *
 * @param chunks UTF-8 text, cut anywhere.
 * @param names What is made null; `Infinity` and `-Infinity` may be named beside `NaN`.
 */
export async function* nanAsNull(
  chunks: AsyncIterable<Uint8Array>,
  names: readonly string[] = ["NaN"],
): AsyncGenerator<Uint8Array> {
  let inString = false;
  let escaped = false;
  let word: number[] = []; // letters and signs outside strings, held back until the word ends
  const finished = (): ArrayLike<number> =>
    names.includes(String.fromCharCode(...word)) ? NULL : word;
  for await (const chunk of chunks) {
    const out = new Uint8Array(chunk.length * 2 + word.length);
    let length = 0;
    for (const byte of chunk) {
      if (!inString && isLetter(byte) && word.length < 10) {
        word.push(byte);
        continue;
      }
      const held = finished();
      out.set(held, length);
      length += held.length;
      word = [];
      if (escaped) escaped = false;
      else if (inString && byte === BACKSLASH) escaped = true;
      else if (byte === QUOTE) inString = !inString;
      out[length++] = byte;
    }
    yield out.subarray(0, length);
  }
  if (word.length > 0) yield Uint8Array.from(finished());
}

/** A letter, or the sign before Infinity. */
const isLetter = (byte: number): boolean =>
  byte >= 0x41 && byte <= 0x5a || byte >= 0x61 && byte <= 0x7a || byte === 0x2d;

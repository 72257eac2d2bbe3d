const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NAN = new TextEncoder().encode("NaN");
const NULL = new TextEncoder().encode("null");

/**
 * JSON text as Python's `json` and pandas write it, with every bare `NaN` made `null`: a missing number,
 * which JSON has no name for. Strings are left as they are, and so is all else that is not JSON.
 *
 * @param chunks UTF-8 text, cut anywhere.
 */
export async function* nanAsNull(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let inString = false;
  let escaped = false;
  let matched = 0; // letters of NaN seen and held back
  for await (const chunk of chunks) {
    const out = new Uint8Array(chunk.length * 2 + NAN.length);
    let length = 0;
    for (const byte of chunk) {
      if (!inString && byte === NAN[matched]) {
        if (++matched < NAN.length) continue;
        out.set(NULL, length);
        length += NULL.length;
        matched = 0;
        continue;
      }
      out.set(NAN.subarray(0, matched), length);
      length += matched;
      matched = 0;
      if (escaped) escaped = false;
      else if (inString && byte === BACKSLASH) escaped = true;
      else if (byte === QUOTE) inString = !inString;
      out[length++] = byte;
    }
    yield out.subarray(0, length);
  }
  if (matched > 0) yield NAN.slice(0, matched);
}

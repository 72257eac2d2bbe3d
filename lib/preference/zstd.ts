import { pipeline } from "node:stream";
import { createZstdDecompress } from "node:zlib";

/** Sizes of a frame header's fields, by the bits that tell them. */
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];
const DICTIONARY_BYTES = [0, 1, 2, 4];

/** The next so many bytes of a file; fewer only at its end. */
type Take = (count: number) => Promise<Uint8Array>;

/**
 * The unpacked bytes of a zstd file, of all its frames.
 *
 * Deno's decompressor ends with the first frame and says nothing of one that is cut off, so the frames are told apart
 * here, by the sizes that stand in them.
 *
 * @throws {Error} whose message begins with `Zstd` when the data is damaged, cut off, or followed by something else
 *
 * Source: https://www.rfc-editor.org/rfc/rfc8878#section-3.1
 */
export async function* unpackZstd(path: string): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path);
  const take: Take = async (count) => {
    const bytes = new Uint8Array(count);
    let taken = 0;
    while (taken < count) {
      const more = await file.read(bytes.subarray(taken));
      if (more === null) break;
      taken += more;
    }
    return bytes.subarray(0, taken);
  };
  for (let start = await take(4); start.length > 0; start = await take(4)) {
    const magic = number(start);
    if ((magic & 0xfffffff0) >>> 0 === 0x184d2a50) {
      await file.seek(number(await whole(take, 4)), Deno.SeekMode.Current);
    } else if (magic !== 0xfd2fb528) throw new Error("Zstd data is followed by something else");
    else yield* pipeline(frame(start, take), createZstdDecompress(), () => {});
  }
}

/** The bytes of a frame after its magic number, with it. */
async function* frame(magic: Uint8Array, take: Take): AsyncGenerator<Uint8Array> {
  yield magic;
  const descriptor = await whole(take, 1);
  yield descriptor;
  const [flags] = descriptor;
  const singleSegment = (flags & 0x20) > 0;
  const contentSize = CONTENT_SIZE_BYTES[flags >> 6] || (singleSegment ? 1 : 0);
  yield await whole(take, (singleSegment ? 0 : 1) + DICTIONARY_BYTES[flags & 3] + contentSize);
  for (let last = false; !last;) {
    const header = await whole(take, 3);
    yield header;
    const bits = number(header);
    last = (bits & 1) === 1;
    const isRun = (bits >> 1 & 3) === 1; // one byte, repeated
    yield await whole(take, isRun ? 1 : bits >> 3);
  }
  if ((flags & 4) > 0) yield await whole(take, 4); // the checksum
}

async function whole(take: Take, count: number): Promise<Uint8Array> {
  const bytes = await take(count);
  if (bytes.length === count) return bytes;
  throw new Error("Zstd frame without its end");
}

/** A number as zstd writes it, its lowest byte first. */
const number = (bytes: Uint8Array): number =>
  bytes.reduce((sum, byte, i) => sum + byte * 2 ** (8 * i), 0);

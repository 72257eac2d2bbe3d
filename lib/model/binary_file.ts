import { UserError } from "../base/error.ts";
import { POINTER_BYTES, refuseLfsPointer } from "../base/lfs.ts";

/** Bytes under a name, of which parts are read by position. */
export interface ReadableBytes {
  /** For messages. */
  readonly path: string;
  readonly size: number;
  /** `length` bytes from `offset` on, in a new buffer. @throws {UserError} when there are fewer */
  read(offset: number, length: number, options: { what: string }): Uint8Array<ArrayBuffer>;
  close(): void;
}

/** Bytes in memory as such. */
export function bytesInMemory(path: string, bytes: Uint8Array): ReadableBytes {
  return {
    path,
    size: bytes.length,
    read(offset, length, { what }) {
      refuseTruncated(this, offset + length, what);
      return bytes.slice(offset, offset + length) as Uint8Array<ArrayBuffer>;
    },
    close: () => {},
  };
}

function refuseTruncated({ path, size }: ReadableBytes, needed: number, what: string): void {
  if (needed <= size) return;
  throw new UserError(
    `${path} is truncated: ${what} needs ${needed} bytes, the file has ${size}`,
    "fetch the file again",
  );
}

/**
 * A file of which parts are read by position, each part when it is asked for.
 *
 * Reads are synchronous: two readers of one handle could otherwise move each other's position.
 */
export class BinaryFile implements ReadableBytes {
  readonly #file: Deno.FsFile;

  private constructor(readonly path: string, file: Deno.FsFile, readonly size: number) {
    this.#file = file;
  }

  /** @throws UserError when there is no readable file of that name, or a Git LFS pointer in its place. */
  static open(path: string): BinaryFile {
    try {
      const file = Deno.openSync(path, { read: true });
      const stat = file.statSync();
      if (stat.isFile) return new BinaryFile(path, file, stat.size).#checked();
      file.close();
    } catch (cause) {
      if (cause instanceof UserError) throw cause;
      if (!(cause instanceof Deno.errors.NotFound)) {
        throw new UserError(
          `cannot open ${path}: ${cause instanceof Error ? cause.message : cause}`,
          "check the file's permissions",
          { cause },
        );
      }
      throw new UserError(`there is no file ${path}`, "check the path, or fetch the model again", {
        cause,
      });
    }
    throw new UserError(`${path} is not a file`, "give the path of the weights file");
  }

  /** The file, closed and refused where a pointer stands for it. */
  #checked(): BinaryFile {
    if (this.size >= POINTER_BYTES) return this;
    try {
      refuseLfsPointer(this.path, this.read(0, this.size, { what: "its start" }));
      return this;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * `length` bytes from `offset` on, in a new buffer.
   *
   * @param what What the bytes are, for the message.
   * @throws UserError when the file is shorter.
   */
  read(offset: number, length: number, { what }: { what: string }): Uint8Array<ArrayBuffer> {
    refuseTruncated(this, offset + length, what);
    const bytes = new Uint8Array(length);
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    for (let done = 0; done < length;) {
      const n = this.#file.readSync(bytes.subarray(done));
      if (n === null) {
        throw new UserError(
          `${this.path} ended at byte ${offset + done} while it was read`,
          "make sure that nothing writes to the file",
        );
      }
      done += n;
    }
    return bytes;
  }

  close(): void {
    this.#file.close();
  }
}

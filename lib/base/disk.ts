/**
 * Files and folders, written whole or not at all. Without any package, since set-up uses this before there are
 * packages; tables and JSON are in {@link ./files.ts}.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { dirname } from "node:path";
import { UserError } from "./error.ts";
import { whereToWrite } from "./outputs.ts";

/** Makes a folder and those above it. @throws {UserError} naming it, if the disk refuses */
export async function makeFolder(path: string): Promise<void> {
  await onDisk(path, () => Deno.mkdir(path, { recursive: true }));
}

/**
 * Keeps a folder for one process, until what it gives is disposed of or the process ends, however it ends: two that
 * write the same files would mix their results. A disk that has no locks keeps nobody out.
 *
 * @param options.waiting Where another process has it, this is told once, and then waited. @default it is refused
 * @throws {UserError} where another process has it, or the disk refuses
 */
export async function lockFolder(
  path: string,
  { waiting }: { waiting?: () => void } = {},
): Promise<Disposable> {
  const file = await lockFile(path);
  if (await isFree(file)) return file;
  if (waiting) {
    waiting();
    await file.lock(true);
    return file;
  }
  file.close();
  throw new UserError(
    `another process is writing to ${path}`,
    "wait until it ends or stop it, or name another folder",
  );
}

/** The same where no other process has the folder; null where one has. @throws {UserError} where the disk refuses */
export async function lockIfFree(path: string): Promise<Disposable | null> {
  const file = await lockFile(path);
  if (await isFree(file)) return file;
  file.close();
  return null;
}

async function lockFile(path: string): Promise<Deno.FsFile> {
  const name = `${path}/lock`;
  try {
    return await Deno.open(name, { write: true, create: true });
  } catch (cause) {
    throw unwritable(name, cause);
  }
}

/** A disk that has no locks says nothing, and then nobody is kept out. */
const isFree = (file: Deno.FsFile) => file.tryLock(true).catch(() => true);

/**
 * Replaces a file's content in one step: a reader sees the old or the new, never a part. Makes the file's folder.
 *
 * @param content Text, bytes, or bytes in pieces, of which only one need be in memory at a time.
 * @throws {UserError} naming the file, if the disk refuses
 */
export async function writeWhole(
  path: string,
  content: string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const text = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const pieces = text instanceof Uint8Array ? [text] : text;
  await onDisk(path, async () => {
    await Deno.mkdir(dirname(path), { recursive: true });
    const part = `${path}.part`;
    using file = await Deno.open(part, { write: true, create: true, truncate: true });
    try {
      for await (const bytes of pieces) {
        for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
      }
      await file.sync(); // the new name must not stand for content that a power cut can still take
      await Deno.rename(part, path);
    } catch (cause) {
      await Deno.remove(part).catch(() => {}); // a full disk gets its room back
      throw cause;
    }
  });
}

/** Whether something is there, and can be reached. */
export async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** A file's size in bytes; undefined when nothing is there. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Removes a file or folder with all that is in it; nothing there is no error. */
export async function removeIfThere(path: string): Promise<void> {
  if (await sizeOf(path) !== undefined) await Deno.remove(path, { recursive: true });
}

/** The sha256 of a file in hexadecimal, read in chunks. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest("hex");
}

/** A file's text, or null if there is none. @throws {UserError} naming it, if it cannot be read */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    if (isAbsent(cause)) return null;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(`cannot read ${path}: ${reason}`, "make it a readable file, or remove it", {
      cause,
    });
  }
}

const isAbsent = (error: unknown): boolean =>
  error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;

/** Does work on a file. @throws {UserError} naming the file, if the disk refuses */
export async function onDisk(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (cause instanceof UserError) throw cause; // what was to be written could not be made
    throw unwritable(path, cause);
  }
}

/** The error of a place that could not be written, by what the disk or Deno said. */
export function unwritable(path: string, cause: unknown): UserError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new UserError(
    `cannot write ${path}: ${reason}`,
    cause instanceof Deno.errors.NotCapable
      ? whereToWrite()
      : "check that the folder is writable and the disk has room, then run the same command again",
    { cause },
  );
}

import { UserError } from "./error.ts";

/** How the stand-ins of file stores begin: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md */
const POINTERS = [
  { store: "Git LFS", start: "version https://git-lfs.github.com/spec/", fetch: "git lfs pull" },
  { store: "Git LFS", start: "version https://hawser.github.com/spec/", fetch: "git lfs pull" },
  { store: "Git Xet", start: "# xet version ", fetch: "git xet checkout" },
] as const;

/** Bytes at a file's start that tell a pointer, which is text of less than 1,024 bytes. */
export const POINTER_BYTES = 1024;

/**
 * Refuses a Git LFS pointer in place of a file: the few lines that a clone without LFS, or a file fetched from the
 * repository's raw address, has where the weights or data should be.
 *
 * @param path The file, for the message.
 * @param start The file's first bytes, at least {@linkcode POINTER_BYTES} of them or all, or its text.
 * @throws {UserError} When the file is a pointer; it says how long the file itself is.
 *
 * @example
 * ```ts ignore
 * import { refuseLfsPointer } from "./lfs.ts";
 * refuseLfsPointer("model.safetensors", bytes.subarray(0, 1024));
 * ```
 */
export function refuseLfsPointer(path: string, start: Uint8Array | string): void {
  const text = typeof start === "string"
    ? start.slice(0, POINTER_BYTES)
    : new TextDecoder().decode(start.subarray(0, POINTER_BYTES));
  const pointer = POINTERS.find((pointer) => text.startsWith(pointer.start));
  if (!pointer) return;
  const [, size] = /^(?:size|filesize =) (\d+)/m.exec(text) ?? [];
  throw new UserError(
    `${path} is a ${pointer.store} pointer, not the file` +
      (size === undefined ? "" : `, which has ${size} bytes`),
    `run "${pointer.fetch}" in the repository it was cloned from, or download the file itself`,
  );
}

import { UserError } from "../base/error.ts";
import { exists } from "../base/files.ts";
import { type GgufFile, type GgufTensor, openGgufPart } from "./gguf_part.ts";

export { beginsAsGguf } from "./gguf_part.ts";
export type { GgufFile, GgufTensor, GgufValue } from "./gguf_part.ts";

/** The name of a part of a split model, as llama.cpp's gguf-split writes it. */
const PART = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/s;

const partName = (prefix: string, number: number, count: number): string =>
  `${prefix}-${String(number).padStart(5, "0")}-of-${String(count).padStart(5, "0")}.gguf`;

/** Whether these are names of parts of one split model. */
export function ofOneModel(paths: readonly string[]): boolean {
  const models = new Set(paths.map((path) => {
    const [, prefix, , count] = PART.exec(path) ?? [];
    return count === undefined ? path : `${count} of ${prefix}`;
  }));
  return models.size === 1;
}

/**
 * Opens a GGUF file (versions 2 and 3), or the model that it is a part of with all other parts: reads metadata and
 * tensor table, leaves tensors on disk.
 *
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *
 * @param path A file; of a split model any of its parts, which lie in one folder under the names that llama.cpp's
 *   gguf-split gives them, "NAME-00001-of-00003.gguf".
 * @throws UserError when the file is missing, truncated, not GGUF or holds a tensor of a format
 *   outside {@linkcode ggmlTypes}, or a part is missing.
 *
 * @example
 * ```ts
 * import { openGguf } from "./gguf.ts";
 * const file = await openGguf("model.gguf");
 * file.tensors.get("token_embd.weight")?.shape; // [vocabulary, width]
 * const norm = await file.read("output_norm.weight");
 * file.close();
 * ```
 */
export async function openGguf(path: string): Promise<GgufFile> {
  const given = openGgufPart(path);
  const count = Number(given.metadata.get("split.count") ?? 1);
  if (count <= 1) return given;
  given.close();
  const number = Number(given.metadata.get("split.no")) + 1;
  const [, prefix] = PART.exec(path) ?? [];
  if (prefix === undefined || path !== partName(prefix, number, count)) {
    throw new UserError(
      `${path} is part ${number} of ${count} of a model, and its name does not say so`,
      `call the parts ${
        partName("NAME", 1, count)
      } and so on, or join them with llama-gguf-split --merge`,
    );
  }
  const parts: GgufFile[] = [];
  try {
    for (let i = 1; i <= count; i++) {
      parts.push(await openNumbered(partName(prefix, i, count), i, count));
    }
    return joined(path, parts);
  } catch (error) {
    parts.forEach((part) => part.close());
    throw error;
  }
}

/** The part under this name. @throws UserError when it is not there, or another part has its name */
async function openNumbered(path: string, number: number, count: number): Promise<GgufFile> {
  if (!await exists(path)) {
    throw new UserError(
      `${path}, part ${number} of ${count} of the model, is not there`,
      "fetch the missing part, into the folder of the others",
    );
  }
  const part = openGgufPart(path);
  const [no, of] = ["split.no", "split.count"].map((key) => part.metadata.get(key));
  if (no === number - 1 && of === count) return part;
  part.close();
  throw new UserError(
    `${path} says that it is part ${Number(no) + 1} of ${of}`,
    "fetch the parts again, each under its own name",
  );
}

/** The parts as one file, with the metadata of the first. */
function joined(path: string, parts: readonly GgufFile[]): GgufFile {
  const owner = new Map<string, GgufFile>();
  for (const part of parts) {
    for (const name of part.tensors.keys()) {
      const other = owner.get(name);
      if (other) {
        throw new UserError(
          `tensor "${name}" is in ${other.path} and in ${part.path}`,
          "fetch the parts again",
        );
      }
      owner.set(name, part);
    }
  }
  const [{ metadata }] = parts;
  const expected = metadata.get("split.tensors.count");
  if (expected !== undefined && Number(expected) !== owner.size) {
    throw new UserError(
      `${parts[0].path}: its parts have ${owner.size} tensors, the model has ${expected}`,
      "fetch the parts again",
    );
  }
  return {
    path,
    metadata,
    tensors: new Map(
      [...owner].map(([name, part]): [string, GgufTensor] => [name, part.tensors.get(name)!]),
    ),
    read: (name) => (owner.get(name) ?? parts[0]).read(name),
    close: () => parts.forEach((part) => part.close()),
  };
}

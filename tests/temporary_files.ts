/** A temporary folder for the tests of a file, and files in it. */
import { after, before } from "jsr:@std/testing@1/bdd";
import { readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** The folder, which is removed with all in it; `path` is set when the tests run. */
export const folder = { path: "" };
before(async () => {
  folder.path = await Deno.makeTempDir({ prefix: "test-" });
});
after(() => Deno.remove(folder.path, { recursive: true }));

/** A fresh folder in it. */
export const newFolder = (): Promise<string> => Deno.makeTempDir({ dir: folder.path });

/** Writes a file into the folder (a value as JSON), with the folders above it, and gives its path. */
export async function file(name: string, content: unknown): Promise<string> {
  const path = `${folder.path}/${name}`;
  await Deno.mkdir(dirname(path), { recursive: true });
  const text = typeof content === "string" ? content : JSON.stringify(content);
  await Deno.writeFile(
    path,
    content instanceof Uint8Array ? content : new TextEncoder().encode(text),
  );
  return path;
}

/** All files below a folder, by their paths in it. */
export const tree = (path: string): string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(path, join(parentPath, name))).sort();

/** Values as lines of JSON. */
export const jsonLines = (values: readonly unknown[]): string =>
  values.map((value) => JSON.stringify(value) + "\n").join("");

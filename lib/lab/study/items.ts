import { readJsonFile, writeWhole } from "../../base/files.ts";

/** Single values behind a mean, by the name of what was measured; the same items in the same order each time. */
export type Items = Record<string, readonly number[]>;

/** Keeps a stage's single values, for paired intervals. */
export async function saveItems(folder: string, items: Items): Promise<void> {
  await writeWhole(`${folder}/items.json`, JSON.stringify(items) + "\n");
}

/** The single values that some stages kept, those of missing stages left out. */
export async function loadItems(folders: readonly string[]): Promise<Items> {
  const all = await Promise.all(
    folders.map((folder) => readJsonFile<Items>(`${folder}/items.json`)),
  );
  return Object.assign({}, ...all.map((items) => items ?? {}));
}

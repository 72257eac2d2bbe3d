import { z } from "zod";
import { UserError } from "../base/error.ts";
import { exists } from "../base/files.ts";
import { readJson } from "./json_file.ts";

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/**
 * The safetensors files at a path and, of a model with an index, in which of them each tensor should be.
 *
 * @throws {UserError} when there are none or not all
 */
export async function safetensorsFiles(path: string): Promise<[string[], Map<string, string>?]> {
  const isFolder = await Deno.stat(path).then((s) => s.isDirectory, () => false);
  if (!isFolder && !path.endsWith(".index.json")) return [[path]];
  const folder = isFolder ? path : path.replace(/[^/\\]*$/, ".");
  const index = isFolder ? `${path}/model.safetensors.index.json` : path;
  if (isFolder) {
    const single = `${path}/model.safetensors`;
    if (await exists(single)) return [[single]];
    if (!await exists(index)) return [await shardsWithoutIndex(path)];
  }
  const parsed = indexSchema.safeParse(await readJson(index));
  if (!parsed.success) {
    throw new UserError(`${index}: "weight_map" is missing or wrong`, "fetch the index again");
  }
  const map = new Map(
    Object.entries(parsed.data.weight_map).map(([name, file]) => [name, `${folder}/${file}`]),
  );
  return [[...new Set(map.values())], map];
}

/** The shards of a folder that has lost their index, if all are there: each says of how many it is one. */
async function shardsWithoutIndex(folder: string): Promise<string[]> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  const none = `${folder} holds neither model.safetensors nor model.safetensors.index.json`;
  const [, count] = names.map((name) => SHARD.exec(name)).find((match) => match !== null) ?? [];
  if (count !== undefined) {
    const missing = Array.from({ length: Number(count) }, (_, i) => shardName(i + 1, count))
      .find((name) => !names.includes(name));
    const shards = names.filter((name) => SHARD.test(name));
    if (missing === undefined && shards.length === Number(count)) {
      return shards.map((name) => `${folder}/${name}`);
    }
    throw new UserError(
      missing === undefined
        ? `${none}, and shards of several models`
        : `${none}, and lacks the shard ${missing}`,
      "fetch the folder again, with all shards and their index",
    );
  }
  const pickled = names.find((name) => /^(pytorch_model|consolidated).*\.(bin|pth)$/.test(name));
  throw new UserError(
    pickled === undefined ? none : `${none}; its weights are in ${pickled}, a pickle`,
    pickled === undefined
      ? "give the folder of a model"
      : "load it with transformers and save it again with save_pretrained, which writes safetensors",
  );
}

const SHARD = /^model-\d{5}-of-(\d{5})\.safetensors$/;
const shardName = (number: number, count: string): string =>
  `model-${String(number).padStart(5, "0")}-of-${count}.safetensors`;

/** Builds the page on which a model aligns itself, as one HTML file. @module */
import Papa from "papaparse";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { UserError } from "../../base/error.ts";
import { makeFolder } from "../../base/files.ts";
import { openWeights, readConfig, saveWeights } from "../../model/mod.ts";
import { DATA_FOLDER } from "../world/data.ts";
import type { PlayData } from "./session.ts";
import { PLAY_MODELS, type PlayModel } from "./settings.ts";

/** Where the page's models lie in the repository. */
export const PLAY_FOLDER = `${DATA_FOLDER}/play`;

/** Labelled pairs and held-out requests that the page carries: the first so many of the world's. */
const CARRIED = { pairs: 1000, requests: 120 } as const;

/** What stands for a module in the browser, by the module's name. */
const STAND_INS: Readonly<Record<string, readonly string[]>> = {
  "./browser/backend.ts": [import.meta.resolve("../../tensor/backend.ts")],
  "./browser/tokenizers.ts": ["tokenizers"],
  "./browser/parquet.ts": ["hyparquet", "hyparquet-compressors"],
  "./browser/node.ts": ["buffer", "crypto", "fs", "path", "process", "stream", "zlib"]
    .map((name) => `node:${name}`),
};

/** The program that tfjs runs on WebAssembly; every browser since 2021 has its SIMD. */
const WASM = "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm";

/** Where bundles are made. */
const SCRATCH = ".engine";

/** A page and what is in it. */
export interface BuiltPage {
  readonly html: string;
  /** Files of `lib` in the engine's bundle, such as `method/loop.ts`. */
  readonly modules: readonly string[];
}

/**
 * The hash of all that a page was made of: its programs as a browser runs them (comments and types do not count), the
 * models, the data and the looks. Two pages with the same one do the same.
 *
 * @returns SHA-256 in hexadecimal; null where the page names none
 */
export const sourcesOf = (html: string): string | null =>
  /<meta name="sources" content="(\w+)">/.exec(html)?.[1] ?? null;

/**
 * Takes the JSFT models of a league's run into the page's folder, in half precision.
 *
 * @param run Folder of a run of `deno task league`.
 * @throws {UserError} if one of them is missing
 */
export async function takeModels(run: string, folder = PLAY_FOLDER): Promise<void> {
  for (const model of PLAY_MODELS) {
    const path = `${run}/${model}/seed-1/jsft/model`;
    const config = await readConfig(path);
    const source = await openWeights(path, { tied: config.tieEmbeddings });
    try {
      await saveWeights(source, config, `${folder}/${model}`, { dtype: "F16" });
    } finally {
      source.close();
    }
  }
}

/** What the page carries of the world and the models, but their weights. */
export interface Carried extends Pick<PlayData, "pairs" | "requests"> {
  /** `config.json` by model. */
  readonly configs: Readonly<Record<PlayModel, unknown>>;
}

/** Reads what the page carries. @throws {UserError} if a model or the world's pairs are missing */
export async function carried(): Promise<Carried> {
  const pairs = await rows("train", CARRIED.pairs);
  const heldOut = await rows("held_out", CARRIED.requests);
  return {
    configs: Object.fromEntries(
      await Promise.all(
        PLAY_MODELS.map(async (model) =>
          [model, JSON.parse(await read(`${PLAY_FOLDER}/${model}/config.json`))] as const
        ),
      ),
    ) as Carried["configs"],
    pairs: pairs.map(({ id, prompt, chosen, rejected }) => ({ id, prompt, chosen, rejected })),
    requests: [...new Set(heldOut.map(({ prompt }) => prompt))],
  };
}

/** The weights of one of the page's models. */
export const weightsOf = (model: PlayModel): Promise<Uint8Array<ArrayBuffer>> =>
  readBytes(`${PLAY_FOLDER}/${model}/model.safetensors`);

/**
 * The page, which needs no server, no network and no other file.
 *
 * @throws {UserError} if a model or the world's pairs are missing, or the bundle cannot be made
 */
export async function playPage(): Promise<BuiltPage> {
  await makeFolder(SCRATCH);
  const scratch = await Deno.makeTempDir({ dir: SCRATCH, prefix: "play-" });
  try {
    const map = `${scratch}/import_map.json`;
    await Deno.writeTextFile(map, JSON.stringify(await importMap()));
    const bundled = (entry: string, format: string, minify = true) =>
      bundle(entry, { map, format, minify, out: `${scratch}/out.js` });
    const engine = await bundled("./worker.ts", "iife");
    const page = await bundled("./page.tsx", "esm");
    const readable = await bundled("./worker.ts", "iife", false);
    const style = await Deno.readTextFile(new URL("./page.css", import.meta.url));
    const html = await Deno.readTextFile(new URL("./page.html", import.meta.url));
    const hash = createHash("sha256").update(html).update(style).update(page);
    const packed = async (id: string, content: Uint8Array<ArrayBuffer> | string) => {
      hash.update(content);
      return `<script type="application/gzip" id="${id}">${await gzipped(content)}</script>`;
    };
    const weights = await Promise.all(PLAY_MODELS.map(weightsOf));
    const scripts = [
      ...await Promise.all(PLAY_MODELS.map((id, i) => packed(id, weights[i]))),
      await packed("wasm", await Deno.readFile(fileURLToPath(import.meta.resolve(WASM)))),
      await packed("engine", engine),
      await packed("data", JSON.stringify(await carried())),
      `<script type="module">${page.replaceAll("</script", "<\\/script")}</script>`,
    ];
    const sources = `<meta name="sources" content="${hash.digest("hex")}">`;
    return {
      html: html.replace("<!-- sources -->", sources)
        .replace("<!-- style -->", () => `<style>\n${style}</style>`)
        .replace("<!-- scripts -->", () => scripts.join("\n")),
      modules: [...readable.matchAll(/^\s*\/\/ lib\/(\S+\.ts)$/gm)].map(([, file]) => file).sort(),
    };
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

/** deno.json's imports with the browser's stand-ins. */
async function importMap(): Promise<{ imports: Record<string, string> }> {
  const { imports } = JSON.parse(
    await Deno.readTextFile(new URL("../../../deno.json", import.meta.url)),
  );
  const subpaths = Object.entries<string>(imports).map((
    [name, target],
  ) => [`${name}/`, `npm:/${target.slice("npm:".length)}/`]);
  const standIns = Object.entries(STAND_INS).flatMap(([file, names]) =>
    names.map((name) => [name, import.meta.resolve(file)])
  );
  return { imports: { ...imports, ...Object.fromEntries([...subpaths, ...standIns]) } };
}

/** A file of this folder and all that it imports, as one script for a browser. */
async function bundle(
  entry: string,
  { map, format, minify, out }: { map: string; format: string; minify: boolean; out: string },
): Promise<string> {
  const { success, stderr } = await new Deno.Command("deno", {
    args: [
      ...["bundle", "--quiet", "--platform", "browser", "--format", format, "--import-map", map],
      ...minify ? ["--minify"] : [],
      ...["--output", out, fileURLToPath(import.meta.resolve(entry))],
    ],
    env: { NO_COLOR: "1" },
    stderr: "piped",
  }).output();
  if (success) return await Deno.readTextFile(out);
  throw new UserError(
    `deno bundle failed on ${entry}: ${new TextDecoder().decode(stderr).trim()}`,
    "its program, esbuild, comes from npm at its first use: see that registry.npmjs.org can be reached; a name " +
      "that is missing from lib/lab/play/browser is one that lib imports now",
  );
}

/** Gzipped, in base64. */
async function gzipped(bytes: Uint8Array<ArrayBuffer> | string): Promise<string> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer()).toBase64();
}

/** The first rows of a file of the world. */
async function rows(name: string, count: number): Promise<Record<string, string>[]> {
  const text = await read(`${DATA_FOLDER}/${name}.csv`);
  return Papa.parse<Record<string, string>>(text, { header: true, preview: count }).data;
}

async function readBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new UserError(
      `there is no ${path}, which the page is made of`,
      "run the command in the folder of the repository; `deno task play --weights RUN` makes the model's files again",
      { cause },
    );
  }
}

const read = async (path: string) => new TextDecoder().decode(await readBytes(path));

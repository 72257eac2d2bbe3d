/** `deno task check`: type-checks everything, also where JSR cannot be reached. */
import { dirname } from "node:path";
import { importMapFlags } from "./import_map.ts";

const root = dirname(dirname(dirname(import.meta.dirname!)));
const { code } = await new Deno.Command(Deno.execPath(), {
  cwd: root,
  args: ["check", "--quiet", ...await importMapFlags(root), "lib/", "tests/"],
  stdout: "inherit",
  stderr: "inherit",
}).output();
Deno.exit(code);

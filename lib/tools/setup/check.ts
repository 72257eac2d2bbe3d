/** `deno task check`: type-checks everything, lib/README.md's example too, also where JSR cannot be reached. */
import { helpAsked } from "./help.ts";
import { importMapFlags } from "./import_map.ts";
import { ROOT } from "./places.ts";

helpAsked("check", "Checks the types of everything, those of the example in lib/README.md too.");
const flags = await importMapFlags(ROOT);
let code = 0;
for (const what of [[...flags, "lib/", "tests/"], ["--doc-only", "lib/README.md"]]) {
  const checked = await new Deno.Command(Deno.execPath(), {
    cwd: ROOT,
    args: ["check", "--quiet", ...what],
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  code ||= checked.code;
}
Deno.exit(code);

/** `deno task test`: runs the tests with narrow permissions and ends with how many passed and failed. */
import { noProxy } from "../../base/loopback.ts";
import { countTests } from "./count.ts";
import { helpAsked } from "./help.ts";
import { importMapFlags } from "./import_map.ts";
import { ROOT } from "./places.ts";

helpAsked(
  "test tests/method_dpo_test.ts",
  "Runs the tests, or those of some files; other options are those of `deno test`.",
  { takes: null },
);

const report = `${ROOT}/.engine/junit.xml`;
// Temporary files of tests go below .engine, so that writing can stay limited to the checkout; the blanks are there
// because a user's paths have them.
const temporary = `${ROOT}/.engine/files of tests`;
await Deno.mkdir(temporary, { recursive: true });
await Deno.remove(report).catch(() => {});

// Tests ask servers of their own on this machine.
const direct = noProxy(Deno.env.toObject());

const { code } = await new Deno.Command(Deno.execPath(), {
  cwd: ROOT,
  args: [
    "test",
    "--quiet",
    "--permission-set=tests",
    `--junit-path=${report}`,
    ...await importMapFlags(ROOT),
    ...Deno.args,
  ],
  env: { TMPDIR: temporary, TMP: temporary, TEMP: temporary, NO_PROXY: direct, no_proxy: direct },
  stdin: "null",
  stdout: "inherit",
  stderr: "inherit",
}).output();

const { passed, failed, skipped } = countTests(await Deno.readTextFile(report).catch(() => ""));
if (skipped > 0) console.log(`${skipped} skipped`);
// A file that does not load fails the run without a failed test.
console.log(`${passed} passed, ${code !== 0 ? Math.max(failed, 1) : failed} failed`);
Deno.exit(code);

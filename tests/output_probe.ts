/** Checks places for output with the permissions that it is started with: flags and paths in turn. */
import { checkOutput } from "../lib/base/outputs.ts";

for (let i = 0; i < Deno.args.length; i += 2) {
  const [flag, path] = Deno.args.slice(i);
  checkOutput(path, { flag, kind: /\.\w+$/.test(path) ? "file" : "folder" });
}

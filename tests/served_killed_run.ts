/** Judges until it is killed: `served_resume_test.ts` starts it with the server and the cache's file. */
import { openServedJudge, servedSpec } from "../lib/judges/served/mod.ts";
import { principlesNamed } from "../lib/method/principle.ts";
import { comparisons } from "./served_faults.ts";

const [url, cacheFile, count] = Deno.args;
const spec = servedSpec({ url, model: "m", api: "completions" });
const { compare } = await openServedJudge(spec, {
  principles: principlesNamed(["overall"]),
  cacheFile,
});
await compare(comparisons(Number(count)));

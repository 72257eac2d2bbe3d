/** Steps of work that keeps a log in the file given, interrupted after the third: prints how many more it took. */
import { stopOnInterrupt } from "../lib/cli/command.ts";
import { appendJsonl } from "../lib/base/files.ts";

const asked = stopOnInterrupt();
let step = 0;
while (!asked() && step < 100) {
  step++;
  for (const from = performance.now(); performance.now() - from < 50;); // no turn of the event loop
  await appendJsonl(Deno.args[0], [{ step }]);
  if (step === 3) new Deno.Command("kill", { args: ["-INT", `${Deno.pid}`] }).spawn();
}
console.log(step - 3);
Deno.exit(0);

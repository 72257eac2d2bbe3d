/** Three stages, as a program: one that shows how far it is, one that has something to say, one that does neither. */
import { resolveConfig, type RunConfig } from "../lib/run/config.ts";
import type { RunStage } from "../lib/run/pipeline.ts";
import { Session } from "../lib/run/session.ts";
import { RunFolder } from "../lib/run/run_folder.ts";
import { terminalReporter } from "../lib/run/terminal_reporter.ts";

const stage = (name: string, title: string, run: RunStage["run"]): RunStage => ({
  ...{ name, title, needs: [], config: () => ({}), run },
});

const stages = [
  stage("long", "counts, and is not told apart", async ({ progress }) => {
    const shown = progress("long", { unit: "step", total: 40 });
    for (let step = 1; step <= 40; step++) {
      await new Promise((resolve) => setTimeout(resolve, 15));
      shown.update(step, { loss: "0.500", words: "more than a narrow terminal has room for" });
    }
    shown.finish();
    return {};
  }),
  stage("telling", "has something to say", ({ log, progress }) => {
    const shown = progress("telling", { unit: "pair", total: 2 });
    shown.update(2);
    shown.finish();
    log("two pairs");
    const more = progress("answers", { unit: "answer", total: 3 });
    more.update(3);
    more.finish();
    return Promise.resolve({});
  }),
  stage("bare", "does neither", () => Promise.resolve({})),
];

const [path] = Deno.args;
const config = resolveConfig("smoke");
const folder = new RunFolder<Readonly<RunConfig>>(path, stages);
const session = new Session(config, folder.folderOf, () => {});
await folder.run(stages, { config, session, reporter: terminalReporter(() => false) });
console.log("the end");

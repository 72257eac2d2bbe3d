import assert from "node:assert/strict";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { openReferee } from "../lib/benchmark/judges.ts";
import { resolveConfig } from "../lib/run/config.ts";
import { tinyRunFolder } from "./tiny_run.ts";

let folder = "";
before(async () => {
  folder = await tinyRunFolder();
});

describe("a run's model as judge of a benchmark", () => {
  /** What the model of a run with these principles is asked by, and what is said about it. */
  const asked = async (principles: string[], settings: string[] = []) => {
    const run = `${folder}/run`;
    await Deno.mkdir(run, { recursive: true });
    const values = { model: `${folder}/model`, judge: { principles, maxTokens: 192 } };
    const config = resolveConfig("smoke", { values });
    await Deno.writeTextFile(`${run}/run.json`, JSON.stringify({ scale: "smoke", config }));
    const said: string[] = [];
    const { notes, dispose } = await openReferee(`run:${run}#base`, {
      config: resolveConfig("small"),
      settings,
      seed: 7,
      cacheFile: `${folder}/judgments.jsonl`,
      find: {},
      log: (line) => said.push(line),
    });
    const name = /principles ([^,]+(?:, (?!prompts)[^,]+)*), prompts/.exec(notes!()[0])?.[1];
    dispose!();
    return { name, said: said.filter((line) => line.includes("--principle")) };
  };

  it("is not asked which answer does less harm, unless that is asked for", async () => {
    const harm = await asked(["harmlessness"]);
    assert.equal(harm.name, "overall");
    assert.match(harm.said.join(), /asked by "overall" here, not by the run's "harmlessness"/);
    assert.deepEqual(await asked(["harmlessness"], ['judge.principles=["harmlessness"]']), {
      name: "harmlessness",
      said: [],
    });
  });

  it("is asked the run's other questions", async () => {
    assert.deepEqual(await asked(["helpfulness", "honesty"]), {
      name: "helpfulness, honesty",
      said: [],
    });
  });
});

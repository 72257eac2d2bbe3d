import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { writeJsonl } from "../lib/base/files.ts";
import { resolveConfig } from "../lib/run/config.ts";
import { writePairs } from "../lib/run/pairs_artefact.ts";
import { tinyEncoder } from "./tiny_method.ts";
import { newFolder } from "./temporary_files.ts";

describe("the card of a run's pairs", () => {
  it("says what became of pairs that the annotator left undecided, as the settings have it", async () => {
    const folder = await newFolder();
    const prompt = [{ role: "user", content: "Why?" }];
    await writeJsonl(`${folder}/data/train.jsonl`, [{ id: "a", prompt }]);
    await writeJsonl(`${folder}/metrics.jsonl`, []);
    await writeJsonl(`${folder}/pairs.jsonl`, [
      { step: 1, pair: "a", chosen: "So.", rejected: "No." },
    ]);
    const filterOf = async (undecided: string) => {
      const settings = ["selfJudge.method=offline-dpo", `selfJudge.undecided=${undecided}`];
      const context = {
        ...{ folder, folderOf: (stage: string) => `${folder}/${stage}` },
        session: { encoder: () => Promise.resolve(tinyEncoder()) },
        config: resolveConfig("smoke", { settings }),
      };
      assert.equal(await writePairs(context as unknown as Parameters<typeof writePairs>[0]), 1);
      return /\| filter \| (.*?) \|/.exec(await Deno.readTextFile(`${folder}/pairs/README.md`))![1];
    };
    assert.match(await filterOf("skip"), /; ties and pairs without an answer left out$/);
    assert.match(
      await filterOf("second"),
      /; a tie, or a pair without an answer, decided by its scores however small, and equal ones for the second$/,
    );
    await Deno.remove(folder, { recursive: true });
  });
});

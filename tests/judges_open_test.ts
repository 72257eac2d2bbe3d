import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { openJudge } from "../lib/judges/open_judge.ts";
import { resolveConfig } from "../lib/run/config.ts";
import { refuses } from "./refusals.ts";
import { tinyRunFolder } from "./tiny_run.ts";

describe("a judge that cannot be opened", () => {
  let folder = "";
  before(async () => {
    folder = await tinyRunFolder();
  });

  const cases: [string, RegExp][] = [
    ["longer:x", /takes nothing after its name: "x"/],
    ["model:", /a spec names no model/],
    ["model:nowhere", /no model file or folder "nowhere"/],
    ["implicit:FOLDER/model", /names no adapter/],
    ["grade:FOLDER/model", /the marks " E", " D", .* are not distinct tokens/], // it lacks their words
    ["run:FOLDER", /which model of the run\n.*#policy/],
  ];
  for (const [spec, message] of cases) {
    it(`is refused: ${spec}`, async () => {
      await refuses(
        openJudge(spec.replace("FOLDER", folder), {
          ...{ seed: 1, pairs: [], positions: "unknown", onBadLine: "fail" },
          ...{ config: resolveConfig("smoke"), cacheFile: `${folder}/cache.jsonl`, log: () => {} },
        }),
        message,
      );
    });
  }
});

import { before, describe, it } from "jsr:@std/testing@1/bdd";
import { checkJudge, openJudge } from "../lib/judges/open_judge.ts";
import { resolveConfig } from "../lib/run/config.ts";
import { refuses } from "./refusals.ts";
import { tinyRunFolder } from "./tiny_run.ts";

describe("a judge that cannot be opened", () => {
  let folder = "";
  before(async () => {
    folder = await tinyRunFolder();
  });
  const open = (spec: string) =>
    openJudge(spec.replace("FOLDER", folder), {
      ...{ seed: 1, pairs: [], positions: "unknown", onBadLine: "fail" },
      ...{ config: resolveConfig("smoke"), cacheFile: `${folder}/cache.jsonl`, log: () => {} },
    });

  const early: [string, RegExp][] = [
    ["longer:x", /takes nothing after its name: "x"/],
    ["majority:longer", /names no panel of judges/],
    ["mean:longer++", /names no panel of judges/],
    ["inverted:majority:longer++first:x", /takes nothing after its name: "x"/],
    ["recorded", /"recorded" names no file/],
    ["served:http://127.0.0.1:1/v1,model=m,keyVariable=NO_SUCH_KEY", /NO_SUCH_KEY is not set/],
    ["model:", /a spec names no model/],
    ["model:nowhere", /no model file or folder "nowhere"/],
    ["run:FOLDER", /which model of the run\n.*#policy/],
  ];
  for (const [spec, message] of early) {
    it(`is refused before anything costly and as it is opened: ${spec}`, async () => {
      await refuses(checkJudge(spec.replace("FOLDER", folder), { log: () => {} }), message);
      await refuses(open(spec), message);
    });
  }

  const late: [string, RegExp][] = [
    ["implicit:FOLDER/model", /names no adapter/],
    ["grade:FOLDER/model", /the marks " E", " D", .* are not distinct tokens/], // it lacks their words
  ];
  for (const [spec, message] of late) {
    it(`is refused: ${spec}`, async () => {
      await refuses(open(spec), message);
    });
  }
});

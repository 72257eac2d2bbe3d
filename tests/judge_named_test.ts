import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { UserError } from "../lib/error.ts";
import { namedJudges } from "../lib/judge/named_judges.ts";
import { annotation } from "./evaluate_annotation_files.ts";
import { file, folder } from "./preference_files.ts";
import { ROOT, said } from "./tiny_run.ts";

describe("namedJudges", () => {
  it("takes what stands before the first equals sign for a name, unless a colon comes before that", () => {
    assert.deepEqual(
      namedJudges([
        "SmolLM2, JSFT=run:runs/small-s7#jsft",
        "longer",
        "served:http://127.0.0.1:8000/v1,model=m,api=chat",
        "on a server=served:http://127.0.0.1:8000/v1,model=m",
      ]),
      [
        { name: "SmolLM2, JSFT", spec: "run:runs/small-s7#jsft" },
        { name: null, spec: "longer" },
        { name: null, spec: "served:http://127.0.0.1:8000/v1,model=m,api=chat" },
        { name: "on a server", spec: "served:http://127.0.0.1:8000/v1,model=m" },
      ],
    );
  });

  it("refuses a name or a judge left out, and a name given twice", () => {
    for (const bad of [["=longer"], ["a="], [" =longer"], ["a=first", "b=first", "a=longer"]]) {
      assert.throws(() => namedJudges(bad), UserError, bad.join());
    }
  });
});

describe("deno task judge", () => {
  const judge = (...args: string[]) =>
    said(
      new Deno.Command(Deno.execPath(), {
        cwd: ROOT,
        args: ["run", "--quiet", "-A", "lib/judge/cli.ts", "--samples", "20", ...args],
        env: { NO_COLOR: "1" },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
  const annotations = () =>
    file("pairs.json", [2, 1, 1.2, 1.9].map((preference, i) => annotation(`q${i}`, preference)));

  it("calls a judge as it is told to, in its tables and in its CSV", async () => {
    const csv = `${folder.path}/report.csv`;
    const { code, out, err } = await judge(
      ...["--judge", "the first, always=first", "--judge", "GPT-4 recorded=recorded"],
      ...["--pairs", await annotations(), "--csv", csv],
    );
    assert.equal(code, 0, err);
    assert.match(out, /\nmeasure +the first, always +GPT-4 recorded +longer\n/);
    assert.match(out, /\nGPT-4 recorded: 4 labels are its own verdicts/);
    const names = (await Deno.readTextFile(csv)).trim().split("\n").slice(1)
      .map((line) => /^(?:"[^"]+"|[^,]+)/.exec(line)![0]);
    assert.deepEqual([...new Set(names)], ['"the first, always"', "GPT-4 recorded", "longer"]);
  });

  it("puts the null judge beside the others once", async () => {
    const { code, out, err } = await judge("--judge", "longer", "--pairs", await annotations());
    assert.equal(code, 0, err);
    assert.match(out, /\nmeasure +longer\n/);
  });

  it("refuses two judges that tables could not tell apart", async () => {
    const refused = async (message: RegExp, ...judges: string[]) => {
      const named = judges.flatMap((spec) => ["--judge", spec]);
      const { code, err } = await judge(...named, "--pairs", await annotations());
      assert.equal(code, 1, err);
      assert.match(err, /^error: [^]+\n {2}-> .+\n$/);
      assert.match(err, message);
    };
    await refused(/two judges are called "a"/, "a=first", "a=random");
    await refused(/two judges are called "first"/, "first=longer", "first");
    await refused(/there is no judge "nothing"/, "a=nothing");
  });
});

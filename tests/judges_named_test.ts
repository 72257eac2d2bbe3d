import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { UserError } from "../lib/base/error.ts";
import { namedJudges, withBaselineJudge } from "../lib/judges/named_judges.ts";
import { judgeSettings, runOf } from "../lib/judges/open_judge.ts";
import { annotation } from "./measure_annotation_files.ts";
import { file, folder } from "./temporary_files.ts";
import { ROOT, said } from "./tiny_run.ts";

describe("a judge's settings", () => {
  it("are those of --principle, and after them those of --set, which have the last word", () => {
    const set = ["judge.maxTokens=512"];
    assert.deepEqual(judgeSettings({ set }), set);
    assert.deepEqual(judgeSettings({ principle: "overall,honesty", set }), [
      'judge.principles=["overall","honesty"]',
      "judge.maxTokens=512",
    ]);
  });

  it("are its run's own for the model of a run, turned round or not", () => {
    const specs = ["run:runs/small-s7#jsft", "inverted:run:a#jsft", "inverted:inverted:run:a"];
    assert.deepEqual(specs.map(runOf), ["runs/small-s7", "a", "a"]);
    for (const spec of ["model:run", "inverted:longer", "recorded:run:a"]) {
      assert.equal(runOf(spec), null, spec);
    }
  });
});

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

  it("refuses the same judge twice without a name, and a name that is another judge's spec", () => {
    for (const bad of [["first", "first"], ["first=longer", "first"]]) {
      assert.throws(() => namedJudges(bad), /two judges are called "first"/, bad.join());
    }
    assert.equal(namedJudges(["a=first", "first"]).length, 2);
  });
});

describe("withBaselineJudge", () => {
  const specs = (judges: string[], asked?: string) =>
    withBaselineJudge(namedJudges(judges), asked).map(({ spec }) => spec);

  it("puts the baseline judge last, or none", () => {
    assert.deepEqual(specs(["first"]), ["first", "longer"]);
    assert.deepEqual(specs(["first"], "random"), ["first", "random"]);
    assert.deepEqual(specs(["first"], "none"), ["first"]);
  });

  it("leaves it out where it is named as a judge, under whatever name", () => {
    assert.deepEqual(specs(["longer"]), ["longer"]);
    assert.deepEqual(specs(["short=longer"]), ["longer"]);
    assert.deepEqual(specs(["random"], "coin=random"), ["random"]);
  });

  it("gives way to a judge of its name, but not where it was asked for", () => {
    assert.deepEqual(specs(["longer=first"]), ["first"]);
    assert.throws(() => specs(["longer=first"], "longer"), /two judges are called "longer"/);
  });
});

describe("deno task judge", () => {
  const judge = (...args: string[]) =>
    said(
      new Deno.Command(Deno.execPath(), {
        cwd: ROOT,
        args: ["run", "--quiet", "-A", "lib/cli/judge.ts", "--samples", "20", ...args],
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

  it("puts the baseline judge beside the others once", async () => {
    const { code, out, err } = await judge("--judge", "longer", "--pairs", await annotations());
    assert.equal(code, 0, err);
    assert.match(out, /\nmeasure +longer\n/);
  });

  it("calls judges by their specs where they would share a short name", async () => {
    for (const name of ["a", "b"]) {
      await Deno.mkdir(`${folder.path}/${name}`);
      await file(`${name}/past.json`, [2, 1, 2, 1].map((p, i) => annotation(`q${i}`, p)));
    }
    const [a, b] = ["a", "b"].map((name) => `recorded:${folder.path}/${name}/past.json`);
    const { code, out, err } = await judge(
      ...["--judge", a, "--judge", b, "--judge", "longer=first", "--pairs", await annotations()],
    );
    assert.equal(code, 0, err);
    const header = out.split("\n").find((line) => line.startsWith("measure "))!;
    assert.deepEqual(header.split(/ +/), ["measure", "recorded:past.json", b, "longer"]);
  });

  it("refuses two judges that tables could not tell apart, before any of them judges", async () => {
    const refused = async (message: RegExp, ...judges: string[]) => {
      const named = judges.flatMap((spec) => ["--judge", spec]);
      const { code, out, err } = await judge(...named, "--pairs", await annotations());
      assert.equal(code, 1, err);
      assert.match(err, /^error: [^]+\n {2}-> .+\n$/);
      assert.match(err, message);
      return out;
    };
    assert.equal(await refused(/two judges are called "a"/, "a=first", "a=random"), "");
    assert.equal(await refused(/two judges are called "first"/, "first=longer", "first"), "");
    await refused(/there is no judge "nothing"/, "a=nothing");
  });
});

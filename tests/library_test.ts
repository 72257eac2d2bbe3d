import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, it } from "jsr:@std/testing@1/bdd";
import settings from "../deno.json" with { type: "json" };
import { type Said, said } from "./commands.ts";
import { ROOT, tinyRunFolder } from "./tiny_run.ts";

const README = await Deno.readTextFile(join(ROOT, "lib", "README.md"));
const [, SECTION] = README.split("\n## As a library\n");
const fenced = (language: string): string =>
  new RegExp("```" + language + "\\n([\\s\\S]*?)```").exec(SECTION)![1];

describe("the library, from a project outside this tree", () => {
  let project = "";
  before(async () => {
    project = await tinyRunFolder(); // with a small model in the folder `model`
    const config = JSON.parse(fenced("json"));
    assert.deepEqual(config.links, ["../self-judge"]);
    await Deno.writeTextFile(
      `${project}/deno.json`,
      JSON.stringify({ ...config, links: [ROOT] }),
    );
  });

  async function run(code: string): Promise<Said> {
    await Deno.writeTextFile(`${project}/main.ts`, code);
    return await said(
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "main.ts"],
        cwd: project,
        env: { NO_COLOR: "1" },
        ...{ stdout: "piped", stderr: "piped" } as const,
      }).spawn(),
    );
  }

  it("runs lib/README.md's example, of at most 16 lines, as it stands there", async () => {
    const example = fenced("ts");
    assert.ok(example.trim().split("\n").length <= 16, example);
    assert.match(example, /"model"/); // the folder that is there in this test
    const { code, out, err } = await run(example);
    assert.equal(code, 0, err);
    assert.match(out, /^the winner of 2 matches: "(Yes\.|Two, for you\.|No\.)"\n$/);
    assert.match(err, /^loading model$/m);
  });

  it("has every entry of deno.json, by name", async () => {
    const names = Object.keys(settings.exports).map((entry) =>
      JSON.stringify(join(settings.name, entry))
    );
    const code = `for (const name of [${names}]) {
      if (Object.keys(await import(name)).length === 0) throw new Error(name + " is empty");
    }\n`;
    const { code: status, err } = await run(code);
    assert.equal(status, 0, err);
  });
});

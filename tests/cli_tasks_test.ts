import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import settings from "../deno.json" with { type: "json" };
import { METHODS } from "../lib/method/mod.ts";
import { command } from "./commands.ts";

/** Flags of the examples that name places for output, with the place. */
const OUTPUTS = /(--(?:out|to|csv|json|figures|run|cache|local|left-out|published-csv)) (\S+)/g;

const tasks: Record<string, { description: string; command: string }> = settings.tasks;

/** Tasks for those who change this code, which the table in lib/README.md leaves out. */
const DEVELOPERS = [
  ...["setup", "doctor", "test", "check", "ok"],
  ...["notebooks:check", "notebooks:browser"],
];

/** Commands and words of the table of commands. */
const README = (await Deno.readTextFile("lib/README.md")).split("\n").flatMap((line) => {
  const [, name, words] = /^\| `deno task ([\w:]+)[^`]*` +\| (.+?) +\|$/.exec(line) ?? [];
  return name === undefined ? [] : [{ name, words: words.replaceAll("`", "") }];
});

describe("the tasks", () => {
  it("refuse a word that they do not take, those before there are packages too", async () => {
    const task = (name: string) =>
      command(tasks[name].command.split(" && ").at(-1)!.replace(/^deno /, ""));
    for (const name of ["setup", "doctor", "check"]) {
      await task(name).refused("--foo", /unknown word '--foo'\n {2}-> see deno task \w+ --help/);
    }
    for (const flags of ["--align --case judging", "--parts --torch-compile"]) {
      await task("bench").refused(flags, /cannot be used with option/);
    }
    await task("pretrain").refused("--views toString", /choose from/);
  });

  it("are listed by `deno task` in the words and the order of the table in lib/README.md", () => {
    const listed = Object.entries(tasks).filter(([name]) => !DEVELOPERS.includes(name));
    assert.deepEqual(
      README,
      listed.map(([name, { description }]) => ({ name, words: description })),
    );
    assert.ok(README.length >= 20);
    const own = Object.keys(tasks).slice(-DEVELOPERS.length);
    assert.deepEqual(own, DEVELOPERS, "those of developers come last");
    assert.ok(tasks.methods.description.startsWith(`${Object.keys(METHODS).length} ways`));
  });

  it("start Deno quietly: no word of downloads, permissions or other tasks", () => {
    assert.equal(
      settings.nodeModulesDir,
      "manual",
      "else `deno task` itself downloads, a line a package",
    );
    for (const [name, { command }] of Object.entries(tasks)) {
      for (const part of command.split(" && ")) {
        if (/^deno (run|install|task)\b/.test(part)) assert.match(part, /^deno \w+ -q( |$)/, name);
      }
      // What imports packages makes sure of them first.
      const [first] = command.split(" && ");
      if (name !== "setup" && name !== "ok") {
        assert.match(first, /^deno (task -q setup -q|install -q)$/, name);
      }
    }
  });

  for (const [name, { command: line }] of Object.entries(tasks)) {
    if (name === "ok") continue; // a row of others
    it(`have a help that starts with an example: ${name}`, async () => {
      const start = line.split(" && ").at(-1)!.replace(/^deno /, "");
      const { out, err } = await command(start).well("--help");
      assert.equal(err, "");
      const [title, ...lines] = out.split("\n");
      assert.equal(title, "Example:");
      const examples = lines.slice(0, lines.indexOf("")).map((line) => line.trim());
      assert.ok(examples.length > 0);
      const rest = lines.slice(examples.length).join("\n");
      const outputs = examples.flatMap((example) =>
        [...example.matchAll(OUTPUTS)].map(([, flag, path]) => [flag, path])
          // What claims reads, and a word for no file.
          .filter(([flag, path]) => !(name === "claims" && flag === "--run") && path !== "none")
          .flat()
      );
      if (outputs.length > 0) {
        const permissions = start.replace(/ \S+\.ts$/, "");
        await command(`${permissions} tests/output_probe.ts`).well(outputs);
      }
      for (const example of examples) {
        assert.match(example, new RegExp(`^deno task ${name}( |$)`));
        if (name === "notebooks") continue; // its options are JupyterLab's
        for (const [flag] of example.matchAll(/--[\w-]+/g)) {
          assert.match(rest, new RegExp(`^ +(-\\w, )?${flag}\\b`, "m"), `${example}: ${flag}`);
        }
      }
    });
  }
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { readdirSync } from "node:fs";
import { importsOf } from "./rooms.ts";
import { ROOT } from "./tiny_run.ts";

const METHOD = `${ROOT}/lib/method`;

describe("the method's README", async () => {
  const readme = await Deno.readTextFile(`${METHOD}/README.md`);
  const [reading] = readme.split("\n## ");
  const rows = reading.split("\n").filter((line) => line.startsWith("|")).slice(2)
    .map((line) => line.split("|").map((cell) => cell.trim()));
  const files = rows.map(([, , file]) => file.replaceAll("`", ""));

  it("lists every file, each after those it imports", async () => {
    const there = [...Deno.readDirSync(METHOD)].map(({ name }) => name);
    const expected = there.filter((name) => name.endsWith(".ts") && name !== "mod.ts");
    assert.deepEqual([...files].sort(), expected.sort());
    const arrows = [...await importsOf(METHOD)].filter(([file]) => file !== "mod.ts")
      .flatMap(([file, imported]) => imported.map((other) => ({ file, imported: other })));
    assert.ok(arrows.length > 20);
    // The relatives stand together, just before the table that lists them.
    const place = (file: string) =>
      file.startsWith("relatives/") ? files.indexOf("methods.ts") - 0.5 : files.indexOf(file);
    const up = arrows.filter((arrow) => place(arrow.imported) > place(arrow.file));
    assert.deepEqual(up, []);
  });

  it("walks through code that is there", async () => {
    const walk = readme.split("\n## ").filter((section) => section.startsWith("From ")).join("\n");
    const names = [...walk.matchAll(/`([#\w.]+)`/g)].map(([, name]) => name)
      .filter((name) => !name.endsWith(".ts") && !name.startsWith("lib"));
    assert.ok(names.length > 15);
    const files = ["method", "model", "run"].flatMap((room) =>
      readdirSync(`${ROOT}/lib/${room}`, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".ts")).map((name) => `${ROOT}/lib/${room}/${name}`)
    );
    const text = (await Promise.all(files.map((file) => Deno.readTextFile(file)))).join("\n");
    const missing = names.flatMap((name) => name.split(".")).filter((word) =>
      !new RegExp(
        `(class|function|const|interface|async|get|readonly) ${word}\\b|^ {2}${word}\\(|^ +(${word}|readonly ${word}): `,
        "m",
      )
        .test(text)
    );
    assert.deepEqual(missing, []);
  });

  it("names sections that the notebooks have", async () => {
    const notebooks = [...Deno.readDirSync(`${ROOT}/notebooks`)].map(({ name }) => name);
    for (const [, , file, , cell] of rows.filter((row) => row[4] !== "")) {
      const [, number, heading] = cell.match(/^(\d\d): (.+)$/)!;
      const name = notebooks.find((name) => name.startsWith(number))!;
      const { cells } = JSON.parse(await Deno.readTextFile(`${ROOT}/notebooks/${name}`));
      const headings = cells.flatMap(({ source }: { source: string[] }) => source)
        .filter((line: string) => /^##+ /.test(line)).map((line: string) =>
          line.replace(/^#+ /, "").trim()
        );
      assert.ok(
        headings.includes(heading),
        `${file}: notebook ${name} has no section "${heading}"`,
      );
    }
  });
});

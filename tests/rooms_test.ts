import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { file, folder } from "./temporary_files.ts";
import { arrowsBetweenRooms, faults, importsOf } from "./rooms.ts";

const TWO = ["upper", "lower"];
const graph = (files: Record<string, string[]>) => new Map(Object.entries(files));

describe("the rooms of lib", () => {
  it("have arrows that go down only, no circle of files, and every file in a room", async () => {
    const imports = await importsOf();
    assert.ok(imports.size > 100, `${imports.size} files`);
    assert.deepEqual(faults(imports), []);
  });
});

describe("the faults of a graph of files", () => {
  it("are none where arrows go down or stay in a room", () => {
    const fine = graph({
      "upper/a.ts": ["upper/b.ts", "lower/c.ts"],
      "upper/b.ts": ["lower/c.ts"],
      "lower/c.ts": [],
    });
    assert.deepEqual(faults(fine, TWO), []);
    assert.deepEqual(arrowsBetweenRooms(fine), [{ from: "upper", to: "lower", arrows: 2 }]);
  });

  it("name both files of an arrow that goes up", () => {
    const up = graph({ "lower/c.ts": ["upper/a.ts"], "upper/a.ts": [] });
    assert.deepEqual(faults(up, TWO), [
      "lower/c.ts imports upper/a.ts, which is in a room above",
    ]);
  });

  it("name the files of a circle, once, however it is entered", () => {
    const circle = graph({
      "upper/x.ts": ["upper/c.ts"],
      "upper/c.ts": ["upper/a.ts"],
      "upper/a.ts": ["upper/b.ts"],
      "upper/b.ts": ["upper/c.ts"],
    });
    assert.deepEqual(faults(circle, TWO), [
      "a circle: upper/a.ts -> upper/b.ts -> upper/c.ts -> upper/a.ts",
    ]);
    assert.deepEqual(faults(graph({ "upper/a.ts": ["upper/a.ts"] }), TWO), [
      "a circle: upper/a.ts -> upper/a.ts",
    ]);
  });

  it("name a file in no room", () => {
    const homeless = graph({ "attic/a.ts": ["upper/b.ts"], "upper/b.ts": [], "c.ts": [] });
    assert.deepEqual(faults(homeless, TWO), ["attic/a.ts is in no room", "c.ts is in no room"]);
  });
});

describe("the imports of a folder", () => {
  it("are of values, of types and by import(), and not those of comments", async () => {
    const write = (name: string, text: string) => file(`${name}.ts`, text);
    await write(
      "a",
      '/** import { x } from "./g.ts"; */\n' +
        'import { x } from "./b.ts";\nimport type { T } from "./c.ts";\n' +
        'export type { U } from "./d.ts";\nexport let v: import("./e.ts").V;\n' +
        'export const w = async () => [x as T, await import("./f.ts")];\n',
    );
    await write("b", "export const x = 1;\n");
    for (const [name, type] of [["c", "T"], ["d", "U"], ["e", "V"], ["f", "W"], ["g", "X"]]) {
      await write(name, `export type ${type} = number;\n`);
    }
    const imports = await importsOf(folder.path);
    assert.deepEqual(imports.get("a.ts"), ["b.ts", "c.ts", "d.ts", "e.ts", "f.ts"]);
    assert.deepEqual([...imports.keys()].join(" "), "a.ts b.ts c.ts d.ts e.ts f.ts g.ts");
  });
});

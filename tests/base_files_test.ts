import assert from "node:assert/strict";
import { after, before, describe, it } from "jsr:@std/testing@1/bdd";
import { UserError } from "../lib/base/error.ts";
import {
  appendJsonl,
  makeFolder,
  readJsonFile,
  readJsonl,
  writeCsv,
  writeJsonl,
  writeWhole,
} from "../lib/base/files.ts";

const refused = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof UserError, `${error}`);
  assert.match(error.message, pattern);
  return true;
};

describe("files of a run folder", () => {
  let folder = "";
  before(async () => {
    folder = await Deno.makeTempDir({ prefix: "files-" });
  });
  after(() => Deno.remove(folder, { recursive: true }));

  it("are replaced whole, and nothing else is left beside them", async () => {
    const path = `${folder}/whole.txt`;
    await writeWhole(path, "old");
    await writeWhole(path, "new");
    assert.equal(await Deno.readTextFile(path), "new");
    const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    assert.deepEqual(names.filter((name) => name.startsWith("whole")), ["whole.txt"]);
  });

  it("keep their old content when the new one cannot be written", async () => {
    const path = `${folder}/kept.txt`;
    await writeWhole(path, "old");
    await Deno.mkdir(`${path}.part`); // in the way of what is written first
    await assert.rejects(
      writeWhole(path, "new"),
      refused(/cannot write .*kept\.txt: .*\n {2}-> check/),
    );
    assert.equal(await Deno.readTextFile(path), "old");
  });

  it("may hold bytes, and bring the folders above them", async () => {
    const path = `${folder}/new/folders/bytes`;
    await writeWhole(path, new Uint8Array([0, 255]));
    assert.deepEqual(await Deno.readFile(path), new Uint8Array([0, 255]));
    await writeWhole(path, [[1, 2], [], [3]].map((piece) => new Uint8Array(piece)));
    assert.deepEqual(await Deno.readFile(path), new Uint8Array([1, 2, 3]));
  });

  it("leave nothing behind where a piece cannot be made", async () => {
    const path = `${folder}/pieces/x`;
    function* pieces() {
      yield new Uint8Array(9);
      throw new Error("no more");
    }
    await assert.rejects(writeWhole(path, pieces()), refused(/cannot write .*pieces\/x: no more/));
    assert.deepEqual([...Deno.readDirSync(`${folder}/pieces`)], []);
  });

  it("cannot be below a file, and the message names the place", async () => {
    await writeWhole(`${folder}/file`, "x");
    await assert.rejects(makeFolder(`${folder}/file/run`), refused(/cannot write .*file\/run: /));
    await assert.rejects(appendJsonl(`${folder}/file/a`, [1]), refused(/cannot write .*file\/a: /));
  });

  it("hold JSON lines that come back as they were, one call after another", async () => {
    const path = `${folder}/rows.jsonl`;
    assert.deepEqual(await readJsonl(path), []);
    const rows = [{ step: 1, text: "two\nlines" }, { step: 2, value: 0.1 + 0.2 }];
    await writeJsonl(path, rows);
    await appendJsonl(path, [{ step: 3 }, null]);
    assert.deepEqual(await readJsonl(path), [...rows, { step: 3 }, null]);
    await writeJsonl(path, []);
    assert.deepEqual(await readJsonl(path), []);
  });

  it("lose a torn last line of JSON, which a killed run leaves", async () => {
    const path = `${folder}/torn.jsonl`;
    await Deno.writeTextFile(path, '{"step":1}\n{"step":2,"lo');
    assert.deepEqual(await readJsonl(path), [{ step: 1 }]);
    await Deno.writeTextFile(path, '{"st');
    assert.deepEqual(await readJsonl(path), []);
    await Deno.writeTextFile(path, '{"step":1}\n{"step":2}'); // whole JSON, but its line end is missing
    assert.deepEqual(await readJsonl(path), [{ step: 1 }]);
  });

  it("are refused with file and line where a line in the middle is not JSON", async () => {
    const path = `${folder}/broken.jsonl`;
    await Deno.writeTextFile(path, '{"step":1}\n{"st\n{"step":3}\n');
    await assert.rejects(readJsonl(path), refused(/broken\.jsonl line 2 is not JSON/));
  });

  it("give null for a JSON file that is not there, and name one that is not JSON", async () => {
    assert.equal(await readJsonFile(`${folder}/none.json`), null);
    await writeWhole(`${folder}/bad.json`, "{");
    assert.equal(await readJsonFile(`${folder}/bad.json/below a file.json`), null);
    await assert.rejects(
      readJsonFile(folder),
      refused(/cannot read .*files-.*: .*\n {2}-> make it/),
    );
    await assert.rejects(readJsonFile(`${folder}/bad.json`), refused(/bad\.json is not JSON: /));
  });

  it("hold CSV with the columns of all rows, quoted where needed", async () => {
    const path = `${folder}/table.csv`;
    await writeCsv(path, [{ step: 1, loss: 0.5 }, { step: 2, note: 'a "b", c' }, { step: 3 }]);
    assert.equal(
      await Deno.readTextFile(path),
      'step,loss,note\n1,0.5,\n2,,"a ""b"", c"\n3,,\n',
    );
  });
});

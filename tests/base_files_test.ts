import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import {
  appendJsonl,
  makeFolder,
  readJsonFile,
  readJsonl,
  writeCsv,
  writeJsonl,
  writeWhole,
} from "../lib/base/files.ts";
import { refuses } from "./refusals.ts";
import { folder } from "./temporary_files.ts";

describe("files of a run folder", () => {
  it("are replaced whole, and nothing else is left beside them", async () => {
    const path = `${folder.path}/whole.txt`;
    await writeWhole(path, "old");
    await writeWhole(path, "new");
    assert.equal(await Deno.readTextFile(path), "new");
    const names = (await Array.fromAsync(Deno.readDir(folder.path))).map(({ name }) => name);
    assert.deepEqual(names.filter((name) => name.startsWith("whole")), ["whole.txt"]);
  });

  it("keep their old content when the new one cannot be written", async () => {
    const path = `${folder.path}/kept.txt`;
    await writeWhole(path, "old");
    await Deno.mkdir(`${path}.part`); // in the way of what is written first
    await refuses(writeWhole(path, "new"), /cannot write .*kept\.txt: .*\n {2}-> check/);
    assert.equal(await Deno.readTextFile(path), "old");
  });

  it("may hold bytes, and bring the folders above them", async () => {
    const path = `${folder.path}/new/folders/bytes`;
    await writeWhole(path, new Uint8Array([0, 255]));
    assert.deepEqual(await Deno.readFile(path), new Uint8Array([0, 255]));
    await writeWhole(path, [[1, 2], [], [3]].map((piece) => new Uint8Array(piece)));
    assert.deepEqual(await Deno.readFile(path), new Uint8Array([1, 2, 3]));
  });

  it("leave nothing behind where a piece cannot be made", async () => {
    const path = `${folder.path}/pieces/x`;
    function* pieces() {
      yield new Uint8Array(9);
      throw new Error("no more");
    }
    await refuses(writeWhole(path, pieces()), /cannot write .*pieces\/x: no more/);
    assert.deepEqual([...Deno.readDirSync(`${folder.path}/pieces`)], []);
  });

  it("cannot be below a file, and the message names the place", async () => {
    await writeWhole(`${folder.path}/file`, "x");
    await refuses(makeFolder(`${folder.path}/file/run`), /cannot write .*file\/run: /);
    await refuses(appendJsonl(`${folder.path}/file/a`, [1]), /cannot write .*file\/a: /);
  });

  it("hold JSON lines that come back as they were, one call after another", async () => {
    const path = `${folder.path}/rows.jsonl`;
    assert.deepEqual(await readJsonl(path), []);
    const rows = [{ step: 1, text: "two\nlines" }, { step: 2, value: 0.1 + 0.2 }];
    await writeJsonl(path, rows);
    await appendJsonl(path, [{ step: 3 }, null]);
    assert.deepEqual(await readJsonl(path), [...rows, { step: 3 }, null]);
    await writeJsonl(path, []);
    assert.deepEqual(await readJsonl(path), []);
  });

  it("leave the event loop a turn when they are added to, so that Ctrl-C is heard at the next step", async () => {
    const path = `${folder.path}/steps.jsonl`;
    for (let step = 1; step <= 20; step++) {
      let heard = false;
      setTimeout(() => heard = true, 0); // as a signal waits: for a turn, which a file that is ready gives none of
      await appendJsonl(path, [{ step }]);
      assert.ok(heard, `step ${step}`);
    }
  });

  it("lose a torn last line of JSON, which a killed run leaves", async () => {
    const path = `${folder.path}/torn.jsonl`;
    await Deno.writeTextFile(path, '{"step":1}\n{"step":2,"lo');
    assert.deepEqual(await readJsonl(path), [{ step: 1 }]);
    await Deno.writeTextFile(path, '{"st');
    assert.deepEqual(await readJsonl(path), []);
    await Deno.writeTextFile(path, '{"step":1}\n{"step":2}'); // whole JSON, but its line end is missing
    assert.deepEqual(await readJsonl(path), [{ step: 1 }]);
  });

  it("are refused with file and line where a line in the middle is not JSON", async () => {
    const path = `${folder.path}/broken.jsonl`;
    await Deno.writeTextFile(path, '{"step":1}\n{"st\n{"step":3}\n');
    await refuses(readJsonl(path), /broken\.jsonl line 2 is not JSON/);
  });

  it("give null for a JSON file that is not there, and name one that is not JSON", async () => {
    assert.equal(await readJsonFile(`${folder.path}/none.json`), null);
    await writeWhole(`${folder.path}/bad.json`, "{");
    assert.equal(await readJsonFile(`${folder.path}/bad.json/below a file.json`), null);
    await refuses(readJsonFile(folder.path), /cannot read .*test-.*: .*\n {2}-> make it/);
    await refuses(readJsonFile(`${folder.path}/bad.json`), /bad\.json is not JSON: /);
  });

  it("hold CSV with the columns of all rows, quoted where needed", async () => {
    const path = `${folder.path}/table.csv`;
    await writeCsv(path, [{ step: 1, loss: 0.5 }, { step: 2, note: 'a "b", c' }, { step: 3 }]);
    assert.equal(
      await Deno.readTextFile(path),
      'step,loss,note\n1,0.5,\n2,,"a ""b"", c"\n3,,\n',
    );
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { publishedRows, publishedTable, readPublished } from "../lib/measure/published.ts";
import { winRate } from "../lib/measure/mod.ts";
import { Rng } from "../lib/base/random.ts";
import { comparisons } from "./measure_annotation_files.ts";
import { refuses } from "./refusals.ts";
import { file, folder } from "./temporary_files.ts";

const rates = ["a", "b"].map((model) =>
  winRate(comparisons(model, { x: 1, y: 0.5, z: 0 }), { rng: Rng.named(7, model), samples: 20 })
);

describe("readPublished", () => {
  it("takes of each model what the files have, the one named first before the others", async () => {
    const board = await file(
      "leaderboard.csv",
      "model,win_rate,standard_error,mode,length_controlled_winrate\n" +
        "a,49.5,28,minimal,61\nother,1,1,minimal,1\n",
    );
    const minimal = await file("minimal.csv", "model,win_rate,lc_minimal\na,1,52\nb,2,\n");
    const { models } = await readPublished([board, minimal]);
    assert.deepEqual(models.get("a"), { winRate: 49.5, standardError: 28, lcMinimal: 52 });
    assert.deepEqual(models.get("b"), { winRate: 2, standardError: null, lcMinimal: null });
    assert.deepEqual((await readPublished([minimal, board])).models.get("a")?.winRate, 1);
  });

  it("reads a leaderboard as AlpacaEval writes it, the models' column without a name", async () => {
    const board = await file("own.csv", ',win_rate,standard_error\r\n"a, tuned",3.5,0.5\r\n');
    assert.deepEqual((await readPublished([board])).models.get("a, tuned")?.winRate, 3.5);
  });

  it("refuses a file without these columns, one that is not there, a model twice, a word for a number", async () => {
    const none = `${folder.path}/no.csv`;
    await refuses(readPublished([none]), /there is no file ".*no\.csv"\n {2}-> give/);
    const cases: [string, RegExp][] = [
      ["name,rate\na,1\n", /has columns name, rate\n {2}-> give one with model and any/],
      ["model,win_rate\na,1\na,2\n", /data row 2: model = a as in data row 1/],
      ["model,win_rate\na,many\n", /"win_rate" is "many", but it must be a number or empty/],
    ];
    for (const [text, message] of cases) {
      await refuses(readPublished([await file("wrong.csv", text)]), message);
    }
  });
});

describe("publishedRows", () => {
  it("gives differences where both sides have a number and leaves the rest empty", async () => {
    const board = await file("some.csv", "model,win_rate,standard_error\na,49.5,28\n");
    const published = await readPublished([board]);
    const rows = publishedRows(rates, published);
    assert.equal(rows[0].win_rate, 50);
    assert.equal(rows[0].difference, 0.5);
    assert.equal(rows[0].published_standard_error, 28);
    assert.deepEqual(
      [rows[1].published_win_rate, rows[1].difference, rows[1].lc_difference],
      [null, null, null],
    );
    const text = publishedTable(rows, published);
    assert.match(text, /\na +3 +50\.00 +49\.50 +5\.0e-1 +28\.87 +28\.00 /);
    assert.match(text, /\nb +3 +50\.00 +- +- +28\.87 +- /);
    assert.match(text, /win rate 5\.0e-1 \(n 1\), standard error 8\.7e-1 \(n 1\), LC n\/a\./);
    assert.doesNotMatch(text, /NaN|null|undefined|Infinity/);
  });
});

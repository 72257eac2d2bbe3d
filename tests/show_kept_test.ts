import assert from "node:assert/strict";
import { it } from "jsr:@std/testing@1/bdd";
import { kept } from "../lib/show/kept.ts";
import { resultTable } from "../lib/show/result_table.ts";
import { folder } from "./temporary_files.ts";

it("rows of a figure are kept as a CSV file, and given back as they are", async () => {
  const rows = [{ step: 1, loss: 0.5 }, { step: 2, loss: 0.25, note: "x, y" }];
  assert.equal(await kept("02-loss", rows, `${folder.path}/figures`), rows);
  assert.deepEqual(await resultTable(`${folder.path}/figures/02-loss.csv`), [
    { step: 1, loss: 0.5, note: "" },
    { step: 2, loss: 0.25, note: "x, y" },
  ]);
});

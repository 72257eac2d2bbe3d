import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { collectPairs } from "../lib/preference/mod.ts";
import { GOOD, skipping } from "./preference_files.ts";
import { refuses } from "./refusals.ts";
import { file, folder } from "./temporary_files.ts";

describe("JSONL", () => {
  it("takes text, turns, and TRL's conversational and implicit forms", async () => {
    const turns = [{ role: "system", content: "Be kind." }, { role: "user", content: "Hi" }];
    const reply = (content: string) => [{ role: "assistant", content }];
    const records = [
      { prompt: "Hi", chosen: "a", rejected: "b", id: 7, source: "mine", strength: 0.5, more: 1 },
      { prompt: turns, chosen: "a", rejected: "b" },
      { prompt: turns, chosen: reply("a"), rejected: reply("b") },
      { chosen: [...turns, ...reply("a")], rejected: [...turns, ...reply("b")] },
    ];
    const path = await file("forms.jsonl", records.map((r) => JSON.stringify(r)).join("\n"));
    const { pairs } = await collectPairs(path);
    assert.deepEqual(pairs[0], {
      id: "7",
      prompt: [{ role: "user", content: "Hi" }],
      chosen: "a",
      rejected: "b",
      source: "mine",
      strength: 0.5,
    });
    for (const pair of pairs.slice(1)) {
      assert.deepEqual([pair.prompt, pair.chosen, pair.rejected], [turns, "a", "b"]);
      assert.equal(pair.source, "forms");
    }
  });

  it("names the field at fault", async () => {
    const lines: [string, RegExp][] = [
      ["[1]", /expected object/],
      ['{"chosen":"a","rejected":"b"}', /^"prompt" is missing$/],
      ['{"prompt":3,"chosen":"a","rejected":"b"}', /^"prompt": must be text or a list/],
      ['{"prompt":"p","chosen":["a"],"rejected":"b"}', /^"chosen": must be text or a list of one/],
      ['{"prompt":"p","chosen":"a","rejected":[]}', /^"rejected": must be text/],
      ['{"prompt":[{"role":"tool","content":"x"}],"chosen":"a","rejected":"b"}', /^"prompt": must/],
      ['{"prompt":"p","chosen":"a","rejected":"b","strength":2}', /^"strength": .*<=1/],
      [
        '{"chosen":[{"role":"user","content":"x"}],"rejected":[]}',
        /does not end with an assistant/,
      ],
      ['{"prompt":"p","chosen":"a","rejected":"a "}', /^chosen and rejected are equal$/],
    ];
    const path = await file("faults.jsonl", GOOD + lines.map(([line]) => line).join("\n"));
    const { bad } = await skipping(path);
    assert.deepEqual(bad.map(({ line }) => line), lines.map((_, i) => i + 2));
    bad.forEach(({ reason }, i) => assert.match(reason, lines[i][1]));
  });
});

describe("CSV", () => {
  it("reads quotes, line breaks in fields, turns in JSON and optional columns in any order", async () => {
    const path = await file(
      "table.csv",
      "strength,chosen,prompt,rejected,note,id\r\n" +
        '0.25,"a, ""quoted""","first\r\nsecond",b,x,n1\r\n' +
        ',a,"[{""role"":""system"",""content"":""s""},{""role"":""user"",""content"":""u""}]",b,,\r\n' +
        ',5" pipe,[1] is a citation,b,,\r\n',
    );
    const { pairs } = await collectPairs(path);
    assert.deepEqual(pairs, [
      {
        id: "n1",
        prompt: [{ role: "user", content: "first\nsecond" }],
        chosen: 'a, "quoted"',
        rejected: "b",
        source: "table",
        strength: 0.25,
      },
      {
        id: "table:4",
        prompt: [{ role: "system", content: "s" }, { role: "user", content: "u" }],
        chosen: "a",
        rejected: "b",
        source: "table",
      },
      {
        id: "table:5",
        prompt: [{ role: "user", content: "[1] is a citation" }],
        chosen: '5" pipe',
        rejected: "b",
        source: "table",
      },
    ]);
  });

  it("reads tabs and semicolons", async () => {
    for (const mark of ["\t", ";"]) {
      const text = [["prompt", "chosen", "rejected"], ["p, q", "a", "b"]].map((r) => r.join(mark));
      const { pairs } = await collectPairs(await file("marks.tsv", text.join("\n")));
      assert.equal(pairs[0].prompt[0].content, "p, q");
    }
  });

  it("numbers bad records by the line they start on, also after fields of several lines", async () => {
    const path = await file(
      "bad.csv",
      'prompt,chosen,rejected\n"p\n\nq",a,b\np,a\np,"a"x,b\np,a,b,c\n\n[{"role":,a,b\np,,b\np,a,b\np,"a,b\nrest,a,b\n',
    );
    const { pairs, bad } = await skipping(path);
    assert.deepEqual(pairs.map(({ id }) => id), ["bad:2", "bad:11"]);
    assert.deepEqual(bad.map(({ line, reason }) => [line, reason]), [
      [5, "the number of fields is not that of the header"],
      [6, "text follows a closing quote"],
      [7, "the number of fields is not that of the header"],
      [9, '"prompt" is not a JSON list'],
      [10, "the chosen response is empty"],
      [12, "a quoted field is never closed"],
      [13, "a quoted field is never closed"],
    ]);
    assert.match(bad[0].detail ?? "", /2 instead of 3/);
    await refuses(
      () => collectPairs(path),
      /bad\.csv line 5: the number of fields .* \(2 instead of 3\)/,
    );
  });

  it("counts every line that a stray quote takes in", async () => {
    const path = await file(
      "stray.csv",
      'prompt,chosen,rejected\np,"a,b\np,a,b\np,a,"b"\np,a,b\np,a,"b\np,a,b\np,a,b\n',
    );
    const { pairs, counts, bad } = await skipping(path);
    assert.deepEqual([pairs.map(({ id }) => id), counts.bad], [["stray:5"], 6]);
    assert.deepEqual(bad.map(({ line }) => line), [2, 3, 4, 6, 7, 8]);
    assert.equal(bad[5].detail, "lines 6 to 8 are lost");
    assert.match(bad[0].detail ?? "", /^lines 2 to 4 are lost: "p,/);
    await refuses(
      () => collectPairs(path),
      "stray.csv line 2: text follows a closing quote (lines 2 to 4 are lost: ",
    );
  });

  it("names a column that is missing or there twice", async () => {
    await refuses(
      async () => collectPairs(await file("columns.csv", "prompt,chosen,worse\np,a,b\n")),
      /no column "rejected"; it has "prompt", "chosen", "worse"/,
    );
    await refuses(
      async () => collectPairs(await file("twice.csv", "prompt,chosen,rejected,chosen\n")),
      /has 2 columns "chosen"/,
    );
  });

  it("with Macintosh line ends is read, and an odd header is not printed whole", async () => {
    const path = await file("mac.csv", 'prompt,chosen,rejected\rp,"a, b",c\rp,,c\r');
    const { pairs, bad } = await skipping(path);
    assert.deepEqual([pairs[0].id, pairs[0].chosen, bad[0].line], ["mac:2", "a, b", 3]);
    const wide = Array.from({ length: 400 }, (_, i) => `column ${i}`).join(",");
    const { message } = await refuses(async () => collectPairs(await file("wide.csv", wide)));
    assert.match(message, /no column "chosen"; it has "column 0", .* and 388 more/);
    assert.ok(message.length < 500, `${message.length}`);
  });

  it("gives up on a quote that would swallow the whole file", async () => {
    const text = 'prompt,chosen,rejected\np,"a,b\n' + "p,a,b\n".repeat(800_000);
    await refuses(
      async () => collectPairs(await file("open.csv", text), { onBadLine: "skip" }),
      /open\.csv line 2: a quoted field is still open after 4 MiB/,
    );
  });

  it("agrees with Python's csv module", async () => {
    const rows = ['He said ""no"", then\nleft', "plain", "a;b\tc", "ünï", ' "'];
    const script = `
import csv, sys
fields = ${JSON.stringify(rows)}
with open(sys.argv[1], "w", newline="", encoding="utf-8") as f:
    w = csv.writer(f)
    w.writerow(["prompt", "chosen", "rejected"])
    for x in fields:
        for y in fields:
            w.writerow([x, "c " + y, "r " + x + y])
`;
    const path = `${folder.path}/python.csv`;
    const { success } = await new Deno.Command("python3", { args: ["-c", script, path] }).output();
    assert.ok(success, "python3 is needed for this test");
    const { pairs } = await collectPairs(path);
    const expected = rows.flatMap((x) => rows.map((y) => [x, `c ${y}`, `r ${x}${y}`]));
    assert.deepEqual(pairs.map((p) => [p.prompt[0].content, p.chosen, p.rejected]), expected);
  });
});

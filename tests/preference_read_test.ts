import { describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { collectPairs, guessFormat, readPairs } from "../lib/preference/mod.ts";
import { readHead, readLines, stem } from "../lib/preference/lines.ts";
import { GOOD, skipping } from "./preference_files.ts";
import { refuses } from "./refusals.ts";
import { file, folder } from "./temporary_files.ts";

const HH = (chosen: string, rejected: string) => JSON.stringify({ chosen, rejected }) + "\n";
const HH_GOOD = HH("\n\nHuman: Hi\n\nAssistant: Hello!", "\n\nHuman: Hi\n\nAssistant: What?");

/** Packs as the command zstd does, with a checksum. */
const zstdChecked = (content: string | Uint8Array) =>
  zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });

describe("reading lines", () => {
  it("numbers lines, takes all three line endings, drops the byte order mark", async () => {
    const path = await file("lines.txt", "\ufeffone\r\n\ntwo ü\nlast");
    assert.deepEqual(await Array.fromAsync(readLines(path)), [
      { line: 1, value: "one" },
      { line: 2, value: "" },
      { line: 3, value: "two ü" },
      { line: 4, value: "last" },
    ]);
  });

  it("gives the same lines from gzip, whatever the name and the number of members", async () => {
    const text = Array.from({ length: 40_000 }, (_, i) => `line ${i} é`).join("\n");
    const bytes = new TextEncoder().encode(text);
    const packed = new Uint8Array([
      ...gzipSync(bytes.subarray(0, 123_457)),
      ...gzipSync(bytes.subarray(123_457)),
    ]);
    const rows = await Array.fromAsync(readLines(await file("packed", packed)));
    assert.deepEqual(rows.map((row) => "value" in row && row.value), text.split("\n"));
  });

  it("gives the same lines from zstd, whatever the number of frames", async () => {
    const text = Array.from({ length: 40_000 }, (_, i) => `line ${i} é ${i * 7919 % 104729}`)
      .join("\n");
    const bytes = new TextEncoder().encode(text + "\n" + "x".repeat(400_000));
    const skippable = [0x53, 0x2a, 0x4d, 0x18, 5, 0, 0, 0, 1, 2, 3, 4, 5];
    const packed = new Uint8Array([
      ...zstdChecked(bytes.subarray(0, 123_457)),
      ...skippable,
      ...zstdCompressSync(bytes.subarray(123_457, 123_460)),
      ...zstdCompressSync(""),
      ...zstdCompressSync(bytes.subarray(123_460)),
    ]);
    const path = await file("frames.jsonl.zst", packed);
    assert.equal(stem(path), "frames");
    const rows = await Array.fromAsync(readLines(path));
    assert.deepEqual(rows.map((row) => "value" in row && row.value), [
      ...text.split("\n"),
      "x".repeat(400_000),
    ]);
    assert.equal((await readHead(path, 10)).length, 10);
  });

  it("says which line is not UTF-8 and continues", async () => {
    const path = await file("latin.txt", new Uint8Array([0x61, 0x0a, 0xfc, 0x0a, 0x62]));
    assert.deepEqual(await Array.fromAsync(readLines(path)), [
      { line: 1, value: "a" },
      { line: 2, reason: "the line is not UTF-8 text" },
      { line: 3, value: "b" },
    ]);
  });

  it("takes a carriage return alone for a line end where the first line ends so", async () => {
    const rows = async (text: string) =>
      (await Array.fromAsync(readLines(await file("cr.txt", text)))).map((row) =>
        "value" in row && row.value
      );
    assert.deepEqual(await rows("one\rtwo\r"), ["one", "two"]);
    assert.deepEqual(await rows("one\ntwo\rtwo\n"), ["one", "two\rtwo"]);
    // A chunk that ends within \r\n does not tell.
    const long = "x".repeat(64 * 1024 - 1);
    assert.deepEqual(await rows(`${long}\r\ntwo\r\n`), [long, "two"]);
  });

  it("reads UTF-16 by its byte order mark, and zstd", async () => {
    const text = "one ü\ntwo 😀";
    const units = Uint16Array.from(`\ufeff${text}`.split(""), (unit) => unit.charCodeAt(0));
    const le = new Uint8Array(units.buffer);
    const be = le.map((_, i) => le[i ^ 1]);
    for (const bytes of [le, be, zstdCompressSync(text), gzipSync(le)]) {
      const rows = await Array.fromAsync(readLines(await file("other", bytes)));
      assert.deepEqual(rows.map((row) => "value" in row && row.value), text.split("\n"));
    }
  });

  it("refuses a line that never ends", async () => {
    const path = await file("endless.txt", "x".repeat(17 * 1024 * 1024));
    await refuses(() => Array.fromAsync(readLines(path)), /line 1 is longer than 16 MiB/);
  });
});

describe("files that cannot be read", () => {
  it("a missing file, a folder and an empty file are named, with what to do", async () => {
    await refuses(
      () => collectPairs(`${folder.path}/none.csv`),
      /there is no file ".*none\.csv"/,
      /check/,
    );
    await refuses(() => collectPairs(folder.path), /is a folder/, /name a file in it/);
    for (const format of [undefined, "hh", "alpaca", "csv", "jsonl"] as const) {
      const path = await file("empty", "");
      await refuses(() => collectPairs(path, { format, onBadLine: "skip" }), /is empty/);
    }
    await refuses(async () => collectPairs(await file("empty.gz", gzipSync(""))), /is empty/);
  });

  it("gzip or zstd that is cut off or damaged is never taken for the end of the file", async () => {
    // Lines that do not compress well, so that pairs come before the fault.
    const lines = Array.from(
      { length: 5000 },
      (_, i) => GOOD.replace("Hi", `Hi ${i * 7919 % 104729}`),
    );
    for (const [name, pack] of [["gzip", gzipSync], ["zstd", zstdChecked]] as const) {
      const packed = pack(lines.join(""));
      for (const left of [packed.length - 2000, packed.length - 1, 12]) {
        const cut = await file("cut.jsonl", packed.subarray(0, left));
        await refuses(
          () => collectPairs(cut, { onBadLine: "skip" }),
          new RegExp(
            `cut\\.jsonl: the ${name} data is damaged or cut off after \\d+ unpacked bytes`,
          ),
          /again/,
        );
      }
      packed[packed.length >> 1] ^= 0xff;
      const damaged = await file("damaged.jsonl", packed);
      await refuses(() => skipping(damaged), /damaged or cut off/);
    }
    const more = await file("more.zst", new Uint8Array([...zstdCompressSync(GOOD), 1, 2, 3, 4, 5]));
    await refuses(
      () => skipping(more),
      /damaged or cut off after \d+ .* followed by something else/,
    );
  });

  it("what stands in place of the data is named, with what to do", async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${
      "0".repeat(64)
    }\nsize 875191\n`;
    const cases: [string | Uint8Array, RegExp, RegExp][] = [
      [pointer, /is a Git LFS pointer, not the file, which has 875191 bytes/, /git lfs pull/],
      ["<!DOCTYPE html><html>", /is a web page, not data/, /resolve/],
      [gzipSync("<html>"), /is a web page/, /resolve/],
      [new Uint8Array([0x50, 0x4b, 3, 4, 0]), /is a zip archive or a workbook/, /CSV/],
      ["ARROW1\0\0", /is an Arrow file/, /parquet/],
      [`{"data": [${GOOD.trim()}]}`, /is one JSON object, with its records in "data"/, /alone/],
      ['{\n  "data": [\n', /is one JSON object over several lines/, /array of records/],
    ];
    for (const [content, problem, remedy] of cases) {
      for (const name of ["odd.jsonl.gz", "odd.parquet", "odd"]) {
        const path = await file(name, content);
        await refuses(() => collectPairs(path, { onBadLine: "skip" }), problem, remedy);
      }
    }
  });

  it("a file without records, and one without a usable record, are errors", async () => {
    await refuses(async () => collectPairs(await file("blank.jsonl", "\n\n")), /holds no records/);
    await refuses(
      async () => collectPairs(await file("header.csv", "prompt,chosen,rejected\n")),
      /holds no records/,
    );
    await refuses(async () => collectPairs(await file("none.json", "[]")), /holds no records/);
    const path = await file("useless.jsonl", "{}\n{}\nno\n");
    await refuses(
      () => skipping(path),
      /no usable pair in 3 lines; most often \(2 times\): "prompt"/,
    );
  });
});

describe("telling the format", () => {
  it("goes by content first, then by name", async () => {
    const cases: [string, string, string][] = [
      ["a.json", "[{}]", "alpaca"],
      ["b.jsonl", HH_GOOD, "hh"],
      ["c.json", GOOD, "jsonl"],
      ["d.jsonl", "broken\n" + GOOD, "jsonl"],
      ["e.jsonl", "broken\n" + HH_GOOD, "hh"],
      ["f.csv", "question,answer\n", "csv"],
      ["g.txt", "prompt,chosen,rejected\n", "csv"],
      ["h.json", `[${GOOD}]`, "json"],
      [
        "i.json",
        JSON.stringify([{ instruction: "prompt", output_1: "a", preference: 1 }]),
        "alpaca",
      ],
      [
        "k.json",
        JSON.stringify([{ prompt: "p", chosen: "a", rejected: "b", preference: "a" }]),
        "json",
      ],
      ["l.csv.zst", "question,answer\n", "csv"],
      ["j.jsonl", HH("\n\nHuman: Hi", "\n\nHuman: Hi").replace("{", '{"prompt":"Hi",'), "jsonl"],
    ];
    for (const [name, content, format] of cases) {
      assert.equal(await guessFormat(await file(name, content)), format, name);
    }
    await refuses(
      async () => guessFormat(await file("x.txt", "once upon a time")),
      /cannot be told .* "once upon a time"/,
      /hh, alpaca, csv, jsonl/,
    );
  });

  it("refuses a format that does not exist", () => {
    assert.throws(
      () => readPairs("x", { format: "xlsx" as "csv" }),
      /no pair format "xlsx"[^]*hh, alpaca, csv, jsonl/,
    );
  });
});

describe("fail and skip", () => {
  const text = GOOD + "{broken\n\n" + GOOD.replace("What?", "") + GOOD;

  it("fail gives the pairs before the fault, then throws with file, line and reason", async () => {
    const path = await file("fail.jsonl", text);
    const pairs = readPairs(path);
    assert.equal((await pairs.next()).done, false);
    await refuses(
      () => pairs.next(),
      /fail\.jsonl line 2: the line is not JSON .*"\{broken"/,
      /skip/,
    );
  });

  it("skip reports and counts every bad line", async () => {
    const path = await file("skip.jsonl", text);
    const { pairs, counts, bad } = await skipping(path);
    assert.deepEqual(pairs.map(({ id }) => id), ["skip:1", "skip:5"]);
    assert.deepEqual(counts, {
      pairs: 2,
      bad: 2,
      ties: 0,
      reasons: { "the line is not JSON": 1, "the rejected response is empty": 1 },
    });
    assert.deepEqual(bad.map(({ file, line, unit }) => [file, line, unit]), [
      [path, 2, "line"],
      [path, 4, "line"],
    ]);
  });

  it("skip without a listener writes to standard error", async () => {
    const lines: string[] = [];
    const { error } = console;
    console.error = (line: string) => void lines.push(line);
    try {
      const path = await file("heard.jsonl", "{}\n".repeat(7) + GOOD);
      assert.equal((await collectPairs(path, { onBadLine: "skip" })).counts.bad, 7);
    } finally {
      console.error = error;
    }
    assert.equal(lines.length, 6);
    assert.match(lines[4], /^skipped: .*heard\.jsonl line 5: "prompt" is missing$/);
    assert.match(lines[5], /counted, not shown/);
  });

  it("stops at the limit without reading on", async () => {
    const path = await file("limit.jsonl", GOOD + GOOD + "{broken\n");
    assert.deepEqual((await collectPairs(path, { limit: 2 })).counts.pairs, 2);
    assert.throws(() => readPairs(path, { limit: 0 }), /limit is 0/);
  });
});

describe("Python's numbers without a name in JSON", () => {
  it("are missing numbers, beside what is used and in it", async () => {
    const odd = (fields: string) => GOOD.trim().replace("}", `,${fields}}`);
    const lines = [
      odd('"score":NaN,"note":"NaN, \\"Infinity"'),
      odd('"score":-Infinity,"strength":NaN'),
      odd('"score":nan'),
      GOOD.trim().replace('"Hello!"', "NaN"),
    ];
    const { pairs, bad } = await skipping(await file("nan.jsonl", lines.join("\n")));
    assert.deepEqual(pairs.map(({ id }) => id), ["nan:1", "nan:2"]);
    assert.deepEqual(bad.map(({ reason }) => reason), [
      "the line is not JSON",
      '"chosen": must be text or a list of one assistant turn',
    ]);
    const array = await file("nan.json", `[${lines.slice(0, 2).join(",")}]`);
    assert.equal((await collectPairs(array)).pairs.length, 2);
  });
});

describe("a large file", () => {
  it("is read in a heap smaller than itself", async () => {
    const line = JSON.stringify({
      prompt: "p".repeat(500),
      chosen: "c".repeat(500),
      rejected: "r",
    });
    const block = new TextEncoder().encode(`${line}\n`.repeat(1000));
    const path = `${folder.path}/large.jsonl`;
    {
      using out = await Deno.open(path, { write: true, create: true });
      const writer = out.writable.getWriter();
      for (let i = 0; i < 90; i++) await writer.write(block);
      await writer.close();
    }
    const mod = new URL("../lib/preference/mod.ts", import.meta.url);
    const script = await file(
      "large.ts",
      `import { readPairs } from ${JSON.stringify(mod.href)};
const pairs = readPairs(${JSON.stringify(path)});
for await (const _ of pairs);
console.log(String(pairs.counts.pairs));`,
    );
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-check",
        "--quiet",
        "--allow-read",
        "--allow-env",
        `--config=${fileURLToPath(new URL("../deno.json", import.meta.url))}`,
        "--v8-flags=--max-old-space-size=40",
        script,
      ],
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr).slice(0, 500));
    assert.equal(new TextDecoder().decode(stdout).trim(), "90000");
    assert.ok((await Deno.stat(path)).size > 90e6);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { download } from "../lib/base/download.ts";
import { refuses } from "./refusals.ts";
import { file, folder } from "./temporary_files.ts";

const remedy = "be online";
const from = (response: () => Promise<Response>) => response as typeof fetch;

describe("a download", () => {
  it("has every byte, and says what it fetches", async () => {
    const lines: string[] = [];
    const bytes = new Uint8Array([1, 0, 255]);
    await download("http://host/file", `${folder.path}/a/file`, {
      fetch: from(() => Promise.resolve(new Response(bytes))),
      log: (line) => lines.push(line),
      remedy,
    });
    assert.deepEqual(await Deno.readFile(`${folder.path}/a/file`), bytes);
    assert.deepEqual(lines, ["fetching http://host/file"]);
  });

  it("leaves nothing where the server refuses, cuts off or says nothing", async () => {
    const cut = () => {
      const body = new ReadableStream({
        start: (controller) => {
          controller.enqueue(new Uint8Array(8));
          controller.error(new Error("connection reset"));
        },
      });
      return Promise.resolve(new Response(body));
    };
    const silent =
      ((_url: string, { signal }: RequestInit) =>
        new Promise((_, reject) =>
          signal!.addEventListener("abort", () => reject(signal!.reason))
        )) as typeof fetch;
    for (
      const [fetch, why] of [
        [from(() => Promise.resolve(new Response("no", { status: 503 }))), /status 503/],
        [from(cut), /connection reset/],
        [silent, /no answer for 0\.01 seconds/],
      ] as const
    ) {
      const error = await refuses(
        download("http://host/file", `${folder.path}/none`, { fetch, timeoutMs: 10, remedy }),
        /^http:\/\/host\/file could not be fetched: /,
        why,
      );
      assert.equal(error.remedy, remedy);
    }
    const names = await Array.fromAsync(Deno.readDir(folder.path), ({ name }) => name);
    assert.deepEqual(names.filter((name) => name.startsWith("none")), []);
  });

  it("names the file where the disk refuses", async () => {
    const below = `${await file("plain", "")}/file`;
    const fetch = from(() => Promise.resolve(new Response("x")));
    await refuses(
      download("http://host/file", below, { fetch, remedy }),
      /^cannot write .*plain\/file: /,
    );
  });
});

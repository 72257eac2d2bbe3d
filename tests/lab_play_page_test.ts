import { before, describe, it } from "jsr:@std/testing@1/bdd";
import assert from "node:assert/strict";
import { PlayApi } from "../lib/lab/play/api.ts";
import { playPage, sourcesOf } from "../lib/lab/play/build.ts";
import { startEngine } from "../lib/tensor/mod.ts";
import { itInChromium } from "./chromium_page.ts";
import { playData, samePlay } from "./play_data.ts";
import { file } from "./temporary_files.ts";

await startEngine();

let page = "";
let sources: string | null = null;
before(async () => {
  const { html, modules } = await playPage();
  sources = sourcesOf(html);
  page = await file("play.html", html);
  // The page is made of the library's own files.
  const own = ["method/judge.ts", "method/loop.ts", "method/losses.ts", "method/tournament.ts"];
  for (const name of [...own, "method/trainer.ts", "model/language_model.ts", "tensor/tape.ts"]) {
    assert.ok(modules.includes(name), name);
  }
  // What learns and judges asks nothing of a server: nothing in the page names one to fetch from.
  assert.doesNotMatch(html, /<(?:script|link|img)[^>]+(?:src|href)="(?!data:)/);
});

/** What was seen of the page on an engine of the browser. */
// deno-lint-ignore no-explicit-any -- it is what tests/browser/play.ts prints
async function visit(engine: string): Promise<any> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "-A", "--no-lock"],
      new URL("browser/play.ts", import.meta.url).pathname,
      ...[page, engine],
    ],
  }).output();
  const text = new TextDecoder();
  assert.ok(success, text.decode(stderr));
  return JSON.parse(text.decode(stdout).trim().split("\n").at(-1)!);
}

/** The browser's numbers and texts are the native engine's, to 1e-3. */
async function isSame(
  found: Awaited<ReturnType<typeof samePlay>>,
  { pairs, steps }: { pairs: number; steps: number },
): Promise<void> {
  const data = await playData("base-1");
  const api = await PlayApi.open(data);
  const right = await samePlay(api, { pairs: data.pairs.slice(0, pairs), steps });
  await api.dispose();
  assert.deepEqual(found.texts, right.texts);
  assert.equal(found.numbers.length, right.numbers.length);
  right.numbers.forEach((number, i) => {
    const most = 1e-3 * Math.max(1, Math.abs(number));
    assert.ok(Math.abs(found.numbers[i] - number) <= most, `${i}: ${found.numbers[i]}, ${number}`);
  });
}

describe("the page in the repository", () => {
  it("was made of what lib has now", async () => {
    const committed = await Deno.readTextFile("figures/play.html");
    assert.match(sources!, /^[0-9a-f]{64}$/);
    assert.equal(
      sourcesOf(committed),
      sources,
      "figures/play.html was built from other sources than lib's: build it again with `deno task play`",
    );
  });
});

describe("the page in Chromium", () => {
  itInChromium("asks, learns, chooses and reads on WebAssembly as it does natively", async () => {
    const { status, ask, same, learn, choose, read, axe, phone, requests, complaints } =
      await visit("wasm");
    assert.match(status, /WebAssembly\. Nothing leaves the page/);
    assert.deepEqual(requests, []);
    assert.deepEqual(complaints, []);

    assert.match(ask.fault, /does not know: sushi/);
    assert.equal(ask.refused, true);
    assert.equal(ask.bars, 2);
    assert.ok(
      ask.answers.every((answer: string) => answer.split(" ").length > 2),
      `${ask.answers}`,
    );
    assert.ok(ask.good > 0.5 && ask.bad < 0.5, `J ${ask.good}, ${ask.bad}`);

    await isSame(same, { pairs: 4, steps: 2 });

    assert.equal(learn.dots, 2);
    assert.equal(learn.flaws, 7);
    const [reward, opinion, kl] = learn.numbers;
    assert.ok(reward > 0 && reward < 2.4 && opinion > 0.2 && opinion < 0.8 && Math.abs(kl) < 1);
    assert.equal(learn.ranks, "a coin");
    assert.equal(learn.rate, "0.001");
    assert.match(learn.at, /^Step [3-9]/);

    assert.equal(choose.matches, 3);
    assert.deepEqual([choose.before > 0, choose.after > 0], [false, true]);
    assert.match(choose.words, /wins: .*true reward is/);

    assert.equal(read.marks[0].at(-1), "<|end|>");
    assert.deepEqual(read.marks.slice(1), [["A"], ["B"]]);
    assert.match(read.loss, /0\.6931 \(ln 2: nothing has been learned yet\)/);

    assert.deepEqual(axe, []);
    assert.deepEqual(phone, [390, 390, 390, 390]);
  });

  for (const [engine, name] of [["webgl", "WebGL"], ["webgpu", "WebGPU"]]) {
    itInChromium(`asks and judges on ${name} as it does natively`, async () => {
      const { status, ask, same, requests, complaints } = await visit(engine);
      assert.match(status, new RegExp(`on ${name}\\.`));
      assert.deepEqual(requests, []);
      // SwiftShader, which stands for a graphics card, says how slow it is.
      assert.deepEqual(complaints.filter((line: string) => !/GPU stall|WebGL/.test(line)), []);
      assert.equal(ask.bars, 2);
      assert.ok(ask.answers.every((answer: string) => answer.length > 0), `${ask.answers}`);
      await isSame(same, { pairs: 1, steps: 0 });
    });
  }
});

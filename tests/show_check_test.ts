import assert from "node:assert/strict";
import { afterEach, describe, it } from "jsr:@std/testing@1/bdd";
import { check, type Exercise, numbers } from "../lib/show/mod.ts";
import { type Bundle, standInKernel } from "../lib/show/kernel.ts";

afterEach(() => standInKernel());

/** What a notebook would show of a check. */
async function shown<Answer>(exercise: Exercise<Answer>, answer: Answer | null) {
  let bundle: Bundle = {};
  standInKernel({ broadcast: (_, content) => void (bundle = content.data as Bundle) });
  const right = await check(exercise, answer);
  return { right, html: bundle["text/html"] as string, plain: bundle["text/plain"] as string };
}

const share = numbers({
  name: "99.1",
  form: "{ half: number, third: number }",
  hints: ["Less than <b>one</b>.", "Count."],
  expected: () => Promise.resolve({ half: 0.5, third: 1 / 3 }),
  within: 0.01,
  meaning: "Parts of a whole.",
});

describe("check", () => {
  it("of no answer says which form one has, and keeps the hints closed", async () => {
    const { right, html, plain } = await shown(share, null);
    assert.equal(right, false);
    assert.match(plain, /Exercise 99\.1\. No answer yet\..* \{ half: number, third: number \}/);
    assert.match(plain, /2 hints/);
    assert.equal(html.match(/<details><summary>/g)!.length, 2);
    assert.match(html, /Less than &lt;b&gt;one/);
  });

  it("does not compute what is right before there is an answer", async () => {
    const never = numbers({
      ...{ name: "99.2", hints: [], within: 1, meaning: "" },
      expected: () => {
        throw new Error("computed");
      },
    });
    assert.equal((await shown<Record<string, number>>(never, null)).right, false);
  });

  it("names each number that is off, without telling the right one", async () => {
    const { right, plain, html } = await shown(share, { half: 0.8, third: 0.1 });
    assert.equal(right, false);
    assert.match(plain, /Not yet: half, 0\.800, is too large; third, 0\.100, is too small\./);
    assert.match(html, /<details>/);
    assert.doesNotMatch(html, /0\.5\b|0\.333/);
  });

  it("says what a right answer shows, and offers no hint then", async () => {
    const { right, html } = await shown(share, { half: 0.505, third: 0.33 });
    assert.equal(right, true);
    assert.match(html, /Right\. Parts of a whole\./);
    assert.doesNotMatch(html, /<details>/);
  });

  it("takes no NaN, nothing and no text for a number", async () => {
    for (const half of [NaN, undefined, "0.5"]) {
      const { right, plain } = await shown(share, { half: half as number, third: 1 / 3 });
      assert.equal(right, false);
      assert.match(plain, /Not yet: half is no number\./);
    }
  });

  it("measures what is off by a share of the right number where it is asked to", async () => {
    const large = numbers({
      ...{ name: "99.3", hints: [], meaning: "" },
      expected: () => ({ pairs: 1000 }),
      within: { share: 0.05 },
    });
    assert.equal((await shown(large, { pairs: 1049 })).right, true);
    assert.equal((await shown(large, { pairs: 1051 })).right, false);
  });

  it("refuses an exercise whose right number is none", async () => {
    const none = numbers({
      ...{ name: "99.4", hints: [], within: 1, meaning: "" },
      expected: () => ({ x: NaN }),
    });
    await assert.rejects(check(none, { x: 1 }), /exercise 99\.4: x should be NaN/);
  });

  it("prints plain text where there is no notebook", async () => {
    assert.equal(await check(share, { half: 0.5, third: 0.33 }), true);
  });
});

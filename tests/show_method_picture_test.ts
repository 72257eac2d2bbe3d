import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import { methodPicture } from "../lib/show/method_picture.ts";

/** Width of a letter by its size in DejaVu Sans, the widest font of the family list. */
const LETTER = 0.6;

describe("the picture of the method", () => {
  const picture = methodPicture();

  it("keeps every line inside the box that it stands in", () => {
    const boxes = [...picture.matchAll(
      /<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g,
    )].map((found) => found.slice(1).map(Number));
    const lines = [...picture.matchAll(
      /<text x="([\d.]+)" y="([\d.]+)" font-size="([\d.]+)" text-anchor="middle"[^>]*>([^<]*)</g,
    )].map(([, x, y, size, text]) => ({
      x: +x,
      y: +y,
      half: text.length * LETTER * +size / 2,
      text,
    }));
    const boxed = lines.flatMap((line) => {
      const around = boxes.find(([left, top, width, height]) =>
        left <= line.x && line.x <= left + width && top <= line.y && line.y <= top + height
      );
      return around ? [{ ...line, left: around[0], right: around[0] + around[2] }] : [];
    });
    assert.equal(boxes.length, 9);
    assert.equal(
      new Set(boxed.map(({ left, right, text }) => `${left} ${right} ${text}`)).size,
      20,
    );
    for (const { x, half, left, right, text } of boxed) {
      assert.ok(x - half >= left && x + half <= right, text);
    }
    assert.equal((picture.match(/</g) ?? []).length, (picture.match(/>/g) ?? []).length);
  });

  it("lets every winner of the knockout reach the next round", () => {
    assert.equal((picture.match(/<circle/g) ?? []).length, 4 + 2 + 1);
    assert.equal((picture.match(/stroke-width="2.4"/g) ?? []).length, 3);
  });
});

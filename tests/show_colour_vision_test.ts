import assert from "node:assert/strict";
import { describe, it } from "jsr:@std/testing@1/bdd";
import {
  differenceCiede2000,
  filterDeficiencyDeuter,
  filterDeficiencyProt,
  filterDeficiencyTrit,
  type Rgb,
  rgb,
} from "culori";
import { figureList } from "../lib/lab/figures/list.ts";
import { parseRows } from "../lib/base/csv.ts";
import { readIfThere } from "../lib/base/files.ts";
import { INK, looks, type Trace } from "../lib/show/style.ts";

/**
 * CIEDE2000 by which two colours have to differ to be told apart at a glance, as lines or dots a few pixels wide. About 1
 * is just noticeable side by side.
 */
const APART = 10;

/** Eyes, by Machado, Oliveira and Fernandes 2009 (doi 10.1109/TVCG.2009.113) at full severity. */
const EYES: Readonly<Record<string, (color: Rgb) => Rgb>> = {
  "all cones": (color) => color,
  "protanopia": filterDeficiencyProt(1),
  "deuteranopia": filterDeficiencyDeuter(1),
  "tritanopia": filterDeficiencyTrit(1),
};

const distance = differenceCiede2000();
const apart = (eyes: string, one: string, other: string): number =>
  distance(EYES[eyes](rgb(one)!), EYES[eyes](rgb(other)!));

/** What data are drawn in: of the greys the pale one is for grids alone. */
const PALETTE = Object.entries(INK).filter(([name]) => name !== "pale");
const PAIRS = PALETTE.flatMap((one, i) => PALETTE.slice(i + 1).map((other) => [one, other]));

/** Colours of a trace's lines and marks; with the shade of a band or of small dots as its full colour. */
function coloursOf({ line, marker }: Trace): string[] {
  const of = (part: unknown) => {
    const { color, line } = (part ?? {}) as { color?: unknown; line?: { color?: unknown } };
    return [color, line?.color].flat().filter((one): one is string => typeof one === "string");
  };
  return [...of(line), ...of(marker)].map(fullColour);
}

/** A colour of its own, or the one that a shade is of; in small letters. */
function fullColour(color: string): string {
  const parts = /^rgba\((\d+),(\d+),(\d+),/.exec(color)?.slice(1);
  return parts
    ? "#" + parts.map((part) => Number(part).toString(16).padStart(2, "0")).join("")
    : color.toLowerCase();
}

const KNOWN = new Set([...Object.values(INK), "white"].map(fullColour));

describe("the palette", () => {
  for (const eyes of Object.keys(EYES)) {
    it(`keeps every two colours ${APART} apart (CIEDE2000): ${eyes}`, () => {
      for (const [[one, a], [other, b]] of PAIRS) {
        const found = apart(eyes, a, b);
        assert.ok(found >= APART, `${one} and ${other} are ${found.toFixed(1)} apart`);
      }
    });
  }

  it("was not so with a lighter grey, which deuteranopia makes of the green", () => {
    assert.ok(apart("deuteranopia", "#7a7a7a", INK.green) < 6);
    assert.ok(apart("all cones", "#7a7a7a", INK.green) > 25);
  });
});

describe("figures", () => {
  it("draw in colours of the palette alone, so that what holds of it holds of them", async () => {
    let drawn = 0;
    for (const { name, inputs, draw } of figureList()) {
      const texts = await Promise.all(
        Object.entries(inputs).map(async ([key, table]) =>
          [key, table, await readIfThere(table.path)] as const
        ),
      );
      // A study under way has not all its tables yet, and `deno task figures` leaves out what they are for.
      if (texts.some(([, , text]) => text === null)) continue;
      const rows = Object.fromEntries(
        texts.map(([key, table, text]) => [key, parseRows(text!, table)] as const),
      );
      for (const color of draw(rows).data.flatMap(coloursOf)) {
        drawn++;
        assert.ok(KNOWN.has(color), `${name} draws in ${color}`);
      }
    }
    assert.ok(drawn > 100, `${drawn} colours found`);
  });

  it("drawn by hand do so, too", async () => {
    const drawn = await Deno.readTextFile("figures/method.svg");
    const colors = [...drawn.matchAll(/(?:fill|stroke)="(?!none)([^"]+)"/g)]
      .map(([, color]) => fullColour(color));
    assert.ok(colors.length > 50, `${colors.length} colours found`);
    assert.deepEqual(colors.filter((color) => !KNOWN.has(color)), []);
  });

  it("give lines of one colour another dash, where there are no more names than such pairs", () => {
    const methods = ["self-judge", "self-judge-soft", "offline-dpo", "relabelled-dpo"];
    const drawn = [...looks([...methods, "raft-2", "raft-coin"]).values()];
    for (const [i, one] of drawn.entries()) {
      for (const other of drawn.slice(i + 1)) {
        const near = Object.keys(EYES).some((eyes) => apart(eyes, one.color, other.color) < APART);
        assert.ok(!near || one.dash !== other.dash, `${one.label} and ${other.label}`);
      }
    }
  });
});

/** SELF-JUDGE in one drawing: the two jobs, the loop, the knockout. Pure text, drawn without a browser. */
import { faint, INK, TEXT } from "./style.ts";

const SIZE = { width: 960, height: 452 } as const;
/** Left edge of each of the three columns, and the width of its boxes. */
const COLUMNS = [16, 340, 664] as const;
const WIDE = 280;
/** Width of a letter in DejaVu Sans, the widest font of the family list. */
const LETTER = 0.6;

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  /** The first line is set bold. */
  readonly lines: readonly string[];
  readonly color?: string;
  /** Filled with its colour: the model itself. */
  readonly filled?: boolean;
}

const LINE = 18;
const PAD = 9;
const heightOf = ({ lines }: Pick<Box, "lines">) => lines.length * LINE + 2 * PAD;

function box({ x, y, width, lines, color = INK.grey, filled = false }: Box): string {
  const text = lines.map((line, i) =>
    words(line, {
      x: x + width / 2,
      y: y + PAD + LINE * (i + 0.75),
      bold: i === 0,
      color: filled ? "white" : INK.text,
    })
  );
  return `<rect x="${x}" y="${y}" width="${width}" height="${heightOf({ lines })}" rx="6" ` +
    `fill="${filled ? color : "white"}" stroke="${color}" stroke-width="1.5"/>${text.join("")}`;
}

function words(
  text: string,
  { x, y, size = TEXT.tick - 1, bold = false, color = INK.text, anchor = "middle" }: {
    x: number;
    y: number;
    size?: number;
    bold?: boolean;
    color?: string;
    anchor?: "start" | "middle";
  },
): string {
  return `<text x="${x}" y="${y}" font-size="${size}" text-anchor="${anchor}" fill="${color}"` +
    `${bold ? ' font-weight="bold"' : ""}>${text}</text>`;
}

/** A line through points that ends in an arrow head. */
const arrow = (points: readonly (readonly [number, number])[], color: string = INK.text): string =>
  `<polyline points="${points.map(([x, y]) => `${x},${y}`).join(" ")}" fill="none" ` +
  `stroke="${color}" stroke-width="1.6" marker-end="url(#head)"/>`;

/** The first stage: a pair becomes an answer to imitate and a question asked in both orders. */
function learning(x: number): string {
  const half = (WIDE - 12) / 2;
  return [
    box({ x, y: 68, width: WIDE, lines: ["a preference pair", "prompt, better and worse answer"] }),
    arrow([[x + half / 2, 122], [x + half / 2, 152]]),
    arrow([[x + WIDE - half / 2, 122], [x + WIDE - half / 2, 152]]),
    box({
      x,
      y: 154,
      width: half,
      color: INK.blue,
      lines: ["one answer", "prompt, then", "the better one"],
    }),
    box({
      x: x + half + 12,
      y: 154,
      width: half,
      color: INK.orange,
      lines: ["two verdicts", "A or B better?", "in both orders"],
    }),
    arrow([[x + half / 2, 226], [x + half / 2, 256]]),
    arrow([[x + WIDE - half / 2, 226], [x + WIDE - half / 2, 256]]),
    box({
      x,
      y: 258,
      width: WIDE,
      color: INK.blue,
      filled: true,
      lines: ["one language model", "next-token loss on both"],
    }),
    words("It can now answer and judge.", { x: x + WIDE / 2, y: 342 }),
  ].join("");
}

/** The second stage: a circle of sampling, judging and DPO. */
function loop(x: number): string {
  const middle = x + WIDE / 2;
  const inner = WIDE - 40;
  return [
    box({
      x,
      y: 68,
      width: inner,
      color: INK.blue,
      filled: true,
      lines: ["the policy answers", "two samples for a prompt"],
    }),
    arrow([[middle - 20, 122], [middle - 20, 152]]),
    box({
      x,
      y: 154,
      width: inner,
      color: INK.orange,
      lines: ["the frozen model judges", "both orders, averaged"],
    }),
    arrow([[middle - 20, 208], [middle - 20, 238]]),
    box({
      x,
      y: 240,
      width: inner,
      lines: ["DPO moves the policy", "the judge's choice likelier,", "the other one less"],
    }),
    arrow([[x + inner, 276], [x + WIDE - 8, 276], [x + WIDE - 8, 95], [x + inner + 2, 95]]),
    words("Each round it judges fresh answers", { x: middle, y: 342 }),
    words("of its own: on-policy.", { x: middle, y: 342 + LINE }),
  ].join("");
}

/** The third stage: a knockout of four, by the same judge. */
function knockout(x: number): string {
  const top = 158;
  const rounds = [0, 1, 2].map((round) =>
    Array.from({ length: 4 >> round }, (_, i) => top + 40 * ((i + 0.5) * (1 << round) - 0.5))
  );
  const wins = [[1, 2], [0]]; // who goes on from each round
  const at = (round: number) => x + 44 + round * 96;
  const lines = rounds.slice(0, -1).flatMap((ys, round) =>
    ys.map((y, i) => {
      const won = wins[round].includes(i);
      const to = rounds[round + 1][i >> 1];
      const middle = at(round) + 62;
      return `<polyline points="${at(round) + 14},${y} ${middle},${y} ${middle},${to} ${
        at(round + 1) - 14
      },${to}" fill="none" stroke="${won ? INK.blue : INK.grey}" stroke-width="${
        won ? 2.4 : 1.4
      }"/>`;
    }).sort((a, b) => a.indexOf(INK.blue) - b.indexOf(INK.blue)) // winners' lines over the others
  );
  const names = [[1, 2, 3, 4], [2, 3], [2]];
  const positions = rounds.flatMap((ys, round) =>
    ys.map((y, i) =>
      `<circle cx="${at(round)}" cy="${y}" r="14" fill="${
        round === 2 ? INK.blue : faint(INK.sky, 0.35)
      }" stroke="${INK.blue}"/>` +
      words(`${names[round][i]}`, {
        x: at(round),
        y: y + 5,
        bold: round === 2,
        color: round === 2 ? "white" : INK.text,
      })
    )
  );
  return [
    box({
      x,
      y: 68,
      width: WIDE,
      color: INK.blue,
      filled: true,
      lines: ["the policy answers", "N samples, here four"],
    }),
    ...lines,
    ...positions,
    words("the same judge", { x: x + WIDE / 2, y: 310 }),
    words("decides each match", { x: x + WIDE / 2, y: 310 + LINE }),
    words("N \u2212 1 matches give one answer.", { x: x + WIDE / 2, y: 342 + LINE }),
  ].join("");
}

/**
 * The method as an SVG of 960 x 452 pixels: JSFT, self-training, self-rejection (SELF-JUDGE,
 * https://arxiv.org/abs/2402.11253).
 */
export function methodPicture(): string {
  const titles = ["1  JSFT: learn both jobs", "2  Self-training", "3  Self-rejection"];
  const hints = ["from labelled pairs", "no new labels", "when it is used"];
  const { width, height } = SIZE;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" role="img" ` +
    `font-family="DejaVu Sans, Helvetica, Arial, sans-serif">`,
    "<title>SELF-JUDGE: one model learns to answer and to judge, then trains on its own verdicts</title>",
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" ' +
    `orient="auto-start-reverse"><path d="M0,0 L8,4 L0,8 z" fill="${INK.text}"/></marker></defs>`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    ...COLUMNS.map((x, i) =>
      words(titles[i], { x, y: 30, size: TEXT.title, bold: true, anchor: "start" }) +
      words(hints[i], { x, y: 50, size: TEXT.tick - 1, color: "#595959", anchor: "start" })
    ),
    learning(COLUMNS[0]),
    loop(COLUMNS[1]),
    knockout(COLUMNS[2]),
    ...COLUMNS.slice(1).map((x) =>
      `<line x1="${x - 22}" x2="${
        x - 22
      }" y1="20" y2="372" stroke="${INK.pale}" stroke-width="1.5"/>`
    ),
    footer(),
    "</svg>",
  ].join("\n");
}

/** Which network plays which part: the question every newcomer asks. */
function footer(): string {
  const y = 398;
  return `<rect x="16" y="${y}" width="928" height="40" rx="6" fill="${faint(INK.amber, 0.25)}"/>` +
    words(
      "No reward model: the judge is the model that JSFT left, kept as it was; the policy starts there and moves.",
      {
        x: SIZE.width / 2,
        y: y + 25,
        size: TEXT.tick,
      },
    );
}

/** Width that a line of the picture takes at most, in pixels; for the test that none leaves its box. */
export const lineWidth = (line: string, size: number = TEXT.tick - 1): number =>
  line.length * LETTER * size;

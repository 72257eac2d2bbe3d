/** What one run says beside the study's verdicts: six sentences, and a table of every contrast. @module */
import type { Measured } from "./claims.ts";
import { interval, number, signed } from "./page_numbers.ts";

/** Rows of the study's table of claims, as it is committed. */
export type StudyRow = Readonly<Record<string, string | number>>;

/** A contrast in plain words. Its two values, `a` and `b` of the contrast, stand in the text's order. */
interface Plain {
  /** The `text` of the contrast. */
  readonly contrast: string;
  readonly text: (first: string, second: string) => string;
  readonly order: "ab" | "ba";
  readonly show: (value: number) => string;
  /** What the verdict is about. */
  readonly claim: string;
  /** What was tested on fresh bases in its place, and in what it differs. @default the same contrast */
  readonly fresh?: { readonly contrast: string; readonly where: string };
}

const reward = (value: number) => value.toFixed(2);
const share = (value: number) => `${(100 * value).toFixed(1)} %`;

/** The contrasts that a newcomer should know, the unfavourable among them. */
const PLAIN: readonly Plain[] = [
  {
    contrast: "JSFT judges no worse than judge-only training",
    text: (both, alone) =>
      `The model that answers and judges is right on ${both} of clear pairs, one that only judges on ${alone}`,
    order: "ab",
    show: share,
    claim: "it judges no worse",
  },
  {
    contrast: "SELF-JUDGE > JSFT",
    text: (from, to) =>
      `Training on its own judgments takes the true reward of its answers from ${from} to ${to} (at most 2.40)`,
    order: "ba",
    show: reward,
    claim: "this is a gain",
  },
  {
    contrast: "on-policy > off-policy, one judge",
    text: (own, start) =>
      `Judging the policy's own answers ends at a reward of ${own}, judging those of the model that it started from at ${start}`,
    order: "ab",
    show: reward,
    claim: "its own are better to learn from",
  },
  {
    contrast: "SELF-JUDGE > RAFT with as many samples",
    text: (raft, own) =>
      `RAFT, which imitates the better of two answers, ends at ${raft} with as many samples, SELF-JUDGE at ${own}`,
    order: "ba",
    show: reward,
    claim: "SELF-JUDGE is ahead",
  },
  {
    contrast: "JSFT: N = 4 > 1",
    text: (four, one) =>
      `The best of four answers by its own judge has a reward of ${four}, a single answer ${one}`,
    order: "ab",
    show: reward,
    claim: "choosing helps",
  },
  {
    contrast: "soft labels > hard ones, one judge",
    text: (soft, hard) =>
      `Learning from the judge's probabilities (soft labels) ends at ${soft}, from its verdicts alone at ${hard}`,
    order: "ab",
    show: reward,
    claim: "soft labels end higher",
    fresh: {
      contrast: "soft labels > hard ones, chosen by the judge",
      where: "where the judge chose setting and step",
    },
  },
];

/** A contrast in plain words, with the study's numbers and verdict and the numbers of one run. */
export interface Sentence {
  readonly text: string;
  readonly claim: string;
  readonly verdict: string;
  /** Runs that the verdict rests on; 0 where the study has none. */
  readonly runs: number;
  readonly bases: number;
  /** What came of it on bases that nobody had looked at; null where it was not tested there. */
  readonly fresh: {
    readonly verdict: string;
    readonly bases: number;
    /** In what the test there differs. @default "", in nothing */
    readonly where: string;
    /** Its two numbers there, in the text's order. */
    readonly values: string;
  } | null;
  /** The run's two numbers, in the text's order; null where the run lacks a side. */
  readonly own: string | null;
}

/** What a verdict means. Others than these are no verdicts. */
export const VERDICTS: Readonly<Record<string, string>> = {
  "held": "shown, and on every base",
  "open": "not shown, whichever way its numbers point",
  "not held": "the opposite is shown, and on every base",
};

/**
 * The six sentences. A contrast that the study has not played has the numbers of the run and no verdict.
 *
 * @param fresh The study's claims on bases that nobody had looked at.
 */
export function sentences(
  measured: readonly Measured[],
  study: readonly StudyRow[],
  fresh: readonly StudyRow[] = [],
): Sentence[] {
  return PLAIN.flatMap(({ contrast, text, order, show, claim, fresh: other }) => {
    const found = study.find((row) => row.contrast === contrast);
    const again = fresh.find((row) => row.contrast === (other?.contrast ?? contrast));
    const own = measured.find((one) => one.text === contrast);
    const inOrder = (a: number, b: number) => (order === "ab" ? [a, b] : [b, a]).map(show);
    const ours = own ? inOrder(own.valueA, own.valueB) : null;
    const shown = found ? inOrder(Number(found.value_a), Number(found.value_b)) : ours;
    if (shown === null) return [];
    const [first, second] = shown;
    return [{
      text: text(first, second),
      claim,
      verdict: found ? `${found.verdict}` : "not played",
      runs: Number(found?.runs ?? 0),
      bases: Number(found?.bases ?? 0),
      fresh: again
        ? {
          verdict: `${again.verdict}`,
          bases: Number(again.bases),
          where: other?.where ?? "",
          values: inOrder(Number(again.value_a), Number(again.value_b)).join(", "),
        }
        : null,
      own: ours && ours.join(", "),
    }];
  });
}

/** Head and rows of the table: every contrast that the run has both sides of. */
export function oneRunTable(
  measured: readonly Measured[],
  study: readonly StudyRow[],
): { head: string[]; rows: string[][] } {
  const rows = measured.map((one) => {
    const found = study.find(({ contrast }) => contrast === one.text);
    return [
      one.text,
      `${number(one.valueA)}, ${number(one.valueB)}`,
      `${signed(one.difference)} ${interval(one)}`,
      found
        ? `${found.verdict} (${signed(Number(found.difference))}, ${found.runs} run${
          found.runs === 1 ? "" : "s"
        })`
        : "",
    ];
  });
  return { head: ["contrast", "values", "this run's difference", "the study's verdict"], rows };
}

/** What to know of the table's numbers. */
export const ABOUT_ONE_RUN =
  "Values are mean true rewards of held-out prompts' answers, sampled as in training (at most 2.4), at the step that " +
  "validation prompts chose; for judges, shares of clear held-out pairs judged right. Intervals of one run are 95 % over " +
  "prompts and know nothing of other training runs, so that one run may differ from the study, whose verdicts rest on " +
  "all its bases and seeds.";
